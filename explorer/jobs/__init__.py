"""Long work: what it is, as data, where it runs, and how it is paused and cancelled. Knows nothing of Qt."""
