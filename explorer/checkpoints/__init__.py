"""Checkpoints are data: recognised, converted by pure key maps, checked, never executed."""
