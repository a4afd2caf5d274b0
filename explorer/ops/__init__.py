"""Documented tensor operators: a readable reference, fast backends, a parity test each."""
