"""Latentwalk: explore the latent space of style-based image generators with the mouse, in real time."""

import os

__version__ = "0.1.0"

# Read by OpenMP when torch is imported, so it must be said here, before any module of ours does that. By default its
# threads spin while they wait for each other. As soon as something else wants a core (a window, another program),
# that wastes most of the machine: measured with two threads on two busy cores, a StyleGAN3 picture took
# 400-800 ms of processor time spinning and 35-55 ms sleeping; on idle cores there is no difference worth the name.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
