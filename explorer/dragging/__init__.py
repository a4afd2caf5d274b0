"""Dragging points of a picture to where they should be, by steps in the latent space."""
