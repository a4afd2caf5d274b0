"""Directions in latent spaces: found in a model, taught by examples, read from files."""
