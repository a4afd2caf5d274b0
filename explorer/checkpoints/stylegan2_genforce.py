"""Reads genforce's StyleGAN2 `.pth`, also those of its successors resefa and Hammer; numerically NVIDIA's."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from explorer.checkpoints.state_dict import filter_setting
from explorer.checkpoints.stylegan2_header import conv_place, stylegan2_header
from explorer.checkpoints.tensors import without_axes
from explorer.checkpoints.unwrap import find_weights
from explorer.errors import UnsupportedModelError

if TYPE_CHECKING:
    from explorer.checkpoints.checkpoint import CheckpointHeader
    from explorer.checkpoints.monitor import Monitor
    from explorer.checkpoints.reader import OpenFile
    from explorer.checkpoints.records import TensorRecord
    from explorer.checkpoints.source import Source
    from explorer.checkpoints.unwrap import Found

__all__ = ["GenforceStyleGAN2Reader"]

_TITLE = "genforce's StyleGAN2"
_ANCHOR = "synthesis.early_layer.const"
_BEGINNINGS = ("mapping.", "synthesis.", "truncation.")
_KERNELS = (".filter.kernel", ".upsample.kernel")
_LAYER = re.compile(r"synthesis\.layer(\d{1,2})\.(weight|bias|noise|noise_strength|style\.weight|style\.bias)")
_PICTURE = re.compile(r"synthesis\.output(\d{1,2})\.(weight|bias|style\.weight|style\.bias)")
_DENSE = re.compile(r"mapping\.dense(\d{1,2})\.(weight|bias)")
_PARTS = {"noise": "noise_const", "style.weight": "affine.weight", "style.bias": "affine.bias"}
_AXES = {"noise_const": 2, "noise_strength": 0, "bias": 1}
_WHOLE = {_ANCHOR: "synthesis.b4.const", "truncation.w_avg": "mapping.w_avg"}
_NOTE = (
    "The file holds weights of genforce's StyleGAN2 without settings: sizes were inferred from their shapes, and "
    "what shapes do not tell is as in its published models (no clamping, lrelu, learning rate multiplier 0.01 of "
    "the mapping)."
)


class GenforceStyleGAN2Reader:
    """A state dict of genforce, alone or wrapped in anything."""

    def matches(self, file: OpenFile) -> bool:
        return _find(file) is not None

    def read(self, file: OpenFile, monitor: Monitor) -> CheckpointHeader:
        found = _find(file)
        assert found is not None
        kernels = {key: record for key, record in found.tensors.items() if key.endswith(_KERNELS)}
        tensors = dict(_place(key, record) for key, record in found.tensors.items() if key not in kernels)
        if any(".skip." in key for key in tensors):
            raise UnsupportedModelError(
                f"{file.source.name} is a StyleGAN2 of genforce with the architecture `resnet`, whose code does "
                "not compute what NVIDIA's does.",
                "Open the same network as NVIDIA's .pkl.",
            )
        settings = {"conv_clamp": None, **_filter(file.source, kernels)}
        kind = f"{file.container} of {_TITLE}"
        return stylegan2_header(file.source, found, tensors, settings, _TITLE, kind, (_NOTE,))


def _find(file: OpenFile) -> Found | None:
    return find_weights(file.value, _ANCHOR, _BEGINNINGS)


def _place(key: str, record: TensorRecord) -> tuple[str, TensorRecord]:
    """Return NVIDIA's name of a tensor, and its record in NVIDIA's form; unknown keys stay, to be named.

    Upsampling convolutions, those of odd numbers, are kept in TensorFlow's orientation, and 1 is added to the bias
    of styles as they run.
    """
    if (match := _LAYER.fullmatch(key)) is not None:
        layer, part = int(match[1]), _PARTS.get(match[2], match[2])
        record = replace(record, is_rotated=part == "weight" and layer % 2 == 1)
        return _styled(conv_place(layer), part, record)
    if (match := _PICTURE.fullmatch(key)) is not None:
        return _styled(f"synthesis.b{4 << int(match[1])}.torgb", _PARTS.get(match[2], match[2]), record)
    if (match := _DENSE.fullmatch(key)) is not None:
        return f"mapping.fc{match[1]}.{match[2]}", record
    return _WHOLE.get(key, key), without_axes(record, 3) if key == _ANCHOR else record


def _styled(place: str, part: str, record: TensorRecord) -> tuple[str, TensorRecord]:
    record = without_axes(record, _AXES[part]) if part in _AXES else record
    return f"{place}.{part}", replace(record, added=1.0 if part == "affine.bias" else 0.0)


def _filter(source: Source, kernels: dict[str, TensorRecord]) -> dict[str, object]:
    """Return the setting `resample_filter` of the stored kernels; empty if it is the default or not stored."""
    for record in kernels.values():
        setting = filter_setting(source, without_axes(record, 2))
        if setting is not None:
            return setting
    return {}
