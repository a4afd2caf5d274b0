"""What is measured: texture sticking, equivariance, spectra."""
