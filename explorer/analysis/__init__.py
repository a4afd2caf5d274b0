"""Metrics: equivariance, sticking, spectra, Frechet distances, and the pictures that explain them. No Qt."""
