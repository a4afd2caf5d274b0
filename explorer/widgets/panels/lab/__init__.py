"""Panels for measurements: texture sticking, equivariance, spectra."""
