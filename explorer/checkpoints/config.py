"""Bounds of the settings a file may ask for, checked before a network of that size is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.errors import MismatchError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["check_config", "with_whole_numbers"]

# Far above every published model, far below what would stop a computer.
_WHOLE: Mapping[str, tuple[int, int]] = {
    "img_resolution": (4, 8192),
    "img_channels": (1, 64),
    "z_dim": (1, 16384),
    "c_dim": (0, 100_000),
    "w_dim": (1, 16384),
    "channel_base": (1, 1 << 22),
    "channel_max": (1, 16384),
    "num_layers": (1, 64),
    "num_critical": (0, 64),
    "margin_size": (0, 256),
    "num_fp16_res": (0, 64),
    "conv_kernel": (1, 15),
    "filter_size": (1, 64),
    "lrelu_upsampling": (1, 8),
    "mapping_layers": (1, 64),
    "mapping_embed_features": (1, 16384),
    "mapping_layer_features": (1, 16384),
}
_OPTIONAL = ("conv_clamp", "mapping_embed_features", "mapping_layer_features", "w_avg_beta")
_LIMIT = 1 << 22  # of numbers without an entry of their own
_MAX_ITEMS = 100_000


def check_config(name: str, config: Mapping[str, object]) -> None:
    """Raise MismatchError when a setting of file `name` has the wrong type or a size no model has."""
    for key, value in config.items():
        if value is None and key in _OPTIONAL:
            continue
        if key in _WHOLE:
            low, high = _WHOLE[key]
            if type(value) is not int or not low <= value <= high:
                raise _wrong(name, key, value, f"a whole number from {low} to {high:,}")
        elif not _is_reasonable(value):
            raise _wrong(name, key, value, "a text, a finite number, or a short list of them")


def _is_reasonable(value: object) -> bool:
    if isinstance(value, (list, tuple)):
        return len(value) <= _MAX_ITEMS and all(
            isinstance(item, (int, float, str)) and _is_reasonable(item) for item in value
        )
    if isinstance(value, (int, float)):
        return -_LIMIT <= value <= _LIMIT  # false for NaN; a whole number may be too long to become a float
    return isinstance(value, str) and len(value) <= 1000


def _wrong(name: str, key: str, value: object, expected: str) -> MismatchError:
    shown = value if isinstance(value, (int, float)) else type(value).__name__
    if isinstance(value, int) and abs(value) >= 1 << 60:
        shown = "a number beyond all bounds"
    return MismatchError(
        f"{name} sets {key} to {shown}; expected {expected}.",
        "The file is damaged or of another kind of model.",
    )


def with_whole_numbers(config: Mapping[str, object]) -> dict[str, object]:
    """`config` with `1024.0` as 1024 where a whole number belongs: some writers know only one kind of number."""
    return {
        key: int(value) if key in _WHOLE and isinstance(value, float) and value.is_integer() else value
        for key, value in config.items()
    }
