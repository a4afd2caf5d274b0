"""Data, losses and the loop that trained the bundled generators."""
