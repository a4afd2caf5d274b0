"""Latentwalk: explore the latent space of style-based image generators with the mouse, in real time."""

import os

__version__ = "0.1.0"

# Read by OpenMP when torch is imported, so it must be said here, before any module of ours does that. By default
# its threads spin while they wait for each other. As soon as something else wants a core (a window, another
# program), that wastes most of the machine: with two threads on two busy cores a 64 px StyleGAN3 picture took
# 400-800 ms of processor time when they spun, and 35-55 ms when they slept.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
