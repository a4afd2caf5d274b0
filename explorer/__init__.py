"""Latentwalk: explore the latent space of style-based image generators with the mouse, in real time."""

import os

TYPE_CHECKING = False  # as type checkers read it; importing `typing` would take ten times as long as all of this
if TYPE_CHECKING:
    from explorer.api import Edit, Model, Nudge, Offset, Picture, StoredLatent, Walk, model_of, open_model

__all__ = [
    "Edit",
    "Model",
    "Nudge",
    "Offset",
    "Picture",
    "StoredLatent",
    "Walk",
    "__version__",
    "model_of",
    "open_model",
]

__version__ = "0.1.0"

# Read by OpenMP when torch is imported, so it must be set here, before any module of ours does that. By default
# its threads spin while they wait for each other. As soon as something else wants a core (a window, another
# program), that wastes most of the machine: with two threads on two busy cores a 64 px StyleGAN3 picture took
# 400-800 ms of processor time when they spun, and 35-55 ms when they slept.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def __getattr__(name: str) -> object:
    """Return a public name from `explorer.api`, which imports torch and is therefore imported on first use."""
    if name in __all__:
        from importlib import import_module

        return getattr(import_module("explorer.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the names of this module, including those that are imported on first use."""
    return sorted({*globals(), *__all__})
