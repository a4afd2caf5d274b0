"""Assets: read-only arrays that a state names by id, identified by their content and saved with it."""
