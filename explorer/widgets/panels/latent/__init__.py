"""Which latent is shown: seed, pad, history, style mixing, truncation."""
