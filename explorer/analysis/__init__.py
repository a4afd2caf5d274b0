"""What researchers measure: equivariance, sticking, path length, separability, spectra. Knows nothing of Qt."""
