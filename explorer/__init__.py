"""Latentwalk: explore the latent space of style-based image generators with the mouse, in real time."""

__version__ = "0.1.0"
