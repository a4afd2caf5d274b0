"""The page that renders a film."""
