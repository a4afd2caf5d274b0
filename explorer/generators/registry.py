"""Every generator family by name: `build("stylegan2", config)`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

import torch

from explorer.errors import UnsupportedModelError
from explorer.util.plain_text import visible

if TYPE_CHECKING:
    from .base import Generator

__all__ = ["build", "families", "read_config"]

# Family -> module, and its functions that build a generator and read its settings;
# modules are imported when first used, so that a start pays for one family.
_FAMILIES: dict[str, tuple[str, str, str]] = {
    "stylegan2": ("explorer.generators.stylegan2", "build", "read"),
    "stylegan3-t": ("explorer.generators.stylegan3", "build_t", "read_t"),
    "stylegan3-r": ("explorer.generators.stylegan3", "build_r", "read_r"),
    "tiny": ("explorer.generators.tiny", "build", "read"),
}


def families() -> tuple[str, ...]:
    """The names `build` accepts."""
    return tuple(_FAMILIES)


def build(family: str, config: Mapping[str, Any]) -> Generator:
    """A generator with random weights, float32, on the CPU, in evaluation mode.

    Args:
        family: One of `families()`.
        config: Flat settings; the family's config dataclass documents names and defaults.

    Raises:
        UnsupportedModelError: For an unknown family.
        MismatchError: For settings the family does not have.
    """
    builder = cast("Callable[[Mapping[str, Any]], Generator]", _function(family, 1))
    # Tensors made under inference mode do not count their changes, so nothing could be derived from them once.
    with torch.inference_mode(False):
        return builder(config).eval()


def read_config(family: str, config: Mapping[str, Any]) -> Any:
    """Return the family's config dataclass of flat settings, each of its type and within its bounds.

    Raises:
        UnsupportedModelError: For an unknown family.
        MismatchError: For settings that make no generator of the family; names the setting.
    """
    return _function(family, 2)(config)


def _function(family: str, place: int) -> Callable[[Mapping[str, Any]], Any]:
    entry = _FAMILIES.get(family)
    if entry is None:
        raise UnsupportedModelError(
            f"There is no generator family named {visible(family, 80)!r}.",
            f"Known families: {', '.join(families())}.",
        )
    return cast("Callable[[Mapping[str, Any]], Any]", getattr(import_module(entry[0]), entry[place]))
