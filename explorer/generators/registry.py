"""Every generator family by name: `build("stylegan2", config)`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

import torch

from explorer.errors import UnsupportedModelError

if TYPE_CHECKING:
    from .base import Generator

__all__ = ["build", "families"]

# Family -> "module:function"; modules are imported when first used, so that a start pays for one family.
_BUILDERS: dict[str, str] = {
    "stylegan2": "explorer.generators.stylegan2:build",
    "stylegan3-t": "explorer.generators.stylegan3:build_t",
    "stylegan3-r": "explorer.generators.stylegan3:build_r",
    "tiny": "explorer.generators.tiny:build",
}


def families() -> tuple[str, ...]:
    """The names `build` accepts."""
    return tuple(_BUILDERS)


def build(family: str, config: Mapping[str, Any]) -> Generator:
    """A generator with random weights, float32, on the CPU, in evaluation mode.

    Args:
        family: One of `families()`.
        config: Flat settings; the family's config dataclass documents names and defaults.

    Raises:
        UnsupportedModelError: For an unknown family.
        MismatchError: For settings the family does not have.
    """
    target = _BUILDERS.get(family)
    if target is None:
        raise UnsupportedModelError(
            f"There is no generator family named {family!r}.", f"Known families: {', '.join(families())}."
        )
    module, name = target.split(":")
    builder = cast("Callable[[Mapping[str, Any]], Generator]", getattr(import_module(module), name))
    # Tensors made under inference mode do not count their changes, so nothing could be derived from them once.
    with torch.inference_mode(False):
        return builder(config).eval()
