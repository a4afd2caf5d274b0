"""Which generator a view shows."""
