"""Time-based motion and video."""
