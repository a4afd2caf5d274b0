"""Readers of StyleGAN's ports to PyTorch: genforce, lernapparat and huangzh13; others are refused by name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from explorer.checkpoints.monitor import Monitor
from explorer.checkpoints.records import TensorRecord, table_of
from explorer.checkpoints.stylegan_header import stylegan_header
from explorer.checkpoints.stylegan_names import GENFORCE, HUANGZH13, LERNAPPARAT, TENSORFLOW, is_blur
from explorer.checkpoints.tensors import read_tensors
from explorer.checkpoints.unwrap import find_weights
from explorer.errors import UnsupportedModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from explorer.checkpoints.checkpoint import CheckpointHeader
    from explorer.checkpoints.reader import OpenFile
    from explorer.checkpoints.source import Source
    from explorer.checkpoints.stylegan_names import Layout
    from explorer.checkpoints.unwrap import Found

__all__ = ["GenforceReader", "Huangzh13Reader", "LernapparatReader", "NamesOfTensorFlowReader", "OtherPorts"]

_LOD = ("synthesis.lod", "synthesis/lod", "lod")
_TAPS = 63
_TORCH_EPS = 1e-5  # of torch's instance normalisation, which the ports but genforce's use


class _PortReader:
    """Reads one layout of a state dict, alone or wrapped in anything."""

    layout: Layout
    norm_eps = 1e-8
    needs_kernel = True  # whether a file without the kernel of the blur has none

    def matches(self, file: OpenFile) -> bool:
        return self._find(file) is not None

    def _find(self, file: OpenFile) -> Found | None:
        return find_weights(file.value, self.layout.anchor, self.layout.parts)

    def read(self, file: OpenFile, monitor: Monitor) -> CheckpointHeader:
        found = self._find(file)
        assert found is not None
        kernels = {key: record for key, record in found.tensors.items() if is_blur(key)}
        kept = {key: record for key, record in found.tensors.items() if key not in kernels and key not in _LOD}
        settings: dict[str, object] = {"norm_eps": self.norm_eps}
        for key in _LOD:
            if key in found.tensors:
                settings["lod"] = _number(file.source, found.tensors[key])
        if kernels or self.needs_kernel:
            settings |= _blur(file.source, kernels)
        note = (
            f"The file holds weights of {self.layout.title} without settings: sizes were inferred from their "
            "shapes, and what shapes do not tell is as in the published models (fused upsampling from 128 px, "
            "learning rate multiplier 0.01 of the mapping, epsilon "
            f"{self.norm_eps:g} in the instance normalisation)."
        )
        kind = f"{file.container} of {self.layout.title}"
        return stylegan_header(file.source, replace(found, tensors=kept), self.layout, settings, kind, (note,))


class GenforceReader(_PortReader):
    """genforce's `.pth`, as in its SeFa, HiGAN and InterFaceGAN; numerically NVIDIA's."""

    layout = GENFORCE
    needs_kernel = False  # it always blurs


class LernapparatReader(_PortReader):
    """lernapparat's `.pt`; it stores no noise."""

    layout = LERNAPPARAT
    norm_eps = _TORCH_EPS


class Huangzh13Reader(_PortReader):
    """huangzh13's `.pth`; it can be trained without a blur."""

    layout = HUANGZH13
    norm_eps = _TORCH_EPS


class NamesOfTensorFlowReader(_PortReader):
    """Tensors under their names in NVIDIA's TensorFlow files, as lernapparat's notebook stores them."""

    layout = TENSORFLOW
    needs_kernel = False

    def _find(self, file: OpenFile) -> Found | None:
        parts = self.layout.parts
        found = find_weights(file.value, f"G_{self.layout.anchor}", tuple(f"G_{part}" for part in parts) + parts)
        found = found or find_weights(file.value, self.layout.anchor, parts)
        if found is None:
            return None
        return replace(found, tensors={key.removeprefix("G_"): record for key, record in found.tensors.items()})


class OtherPorts:
    """Names the ports that compute another picture from their weights."""

    def matches(self, file: OpenFile) -> bool:
        return _other_port(file.value) is not None

    def read(self, file: OpenFile, monitor: Monitor) -> CheckpointHeader:
        raise UnsupportedModelError(
            f"{file.source.name} is {_other_port(file.value)}, another network than NVIDIA's StyleGAN: its noise, "
            "biases and normalisation are computed in another order, so its weights cannot be used here.",
            "Open the same network as NVIDIA's .pkl, or one trained with genforce's or huangzh13's code.",
        )


def _other_port(value: object) -> str | None:
    """Return the name of another port; None for other files."""
    tables = [value, *(table_of(value) or {}).values()]
    for table in tables[:50]:
        keys = [key for key in table_of(table) or {} if isinstance(key, str)][:20_000]
        if any(key.endswith(("style.1.linear.weight_orig", "progression.0.conv1.input")) for key in keys):
            return "rosinality's StyleGAN (style-based-gan-pytorch)"
        if any(".adain1.affine.weight_orig" in key for key in keys):
            return "MMGeneration's StyleGAN (`stylegan1`)"
    return None


def _number(source: Source, record: TensorRecord) -> float:
    """Return the value of a tensor of one number."""
    if record.numel != 1 or not record.storage.dtype.is_floating_point:
        raise source.damaged(f"its lod is a tensor of shape {list(record.shape)}")
    return float(read_tensors(source, {"lod": record}, Monitor())["lod"])


def _blur(source: Source, kernels: Mapping[str, TensorRecord]) -> dict[str, object]:
    """Return the setting `blur_filter` of stored kernels; empty if it is the default, None without kernels."""
    if not kernels:
        return {"blur_filter": None}
    key, record = next(iter(kernels.items()))
    size = record.shape[-1] if record.shape else 0
    if len(record.shape) != 4 or record.shape[1:] != (1, size, size) or not 0 < size <= _TAPS:
        raise source.damaged(f"the kernel {key[:80]} of its blur has shape {list(record.shape)}")
    kernel = read_tensors(source, {key: record}, Monitor())[key][0, 0].double()
    taps = kernel.sum(dim=0)
    total = float(taps.sum())
    if not abs(total - 1) < 0.01 or bool((torch.outer(taps, taps) - kernel).abs().max() > 1e-3):
        raise UnsupportedModelError(
            f"{source.name} blurs by another kernel than StyleGAN ({key[:80]}).",
            "It was trained with modified code, which is not supported.",
        )
    if size == 3 and bool((taps - taps.new_tensor([0.25, 0.5, 0.25])).abs().max() < 1e-4):
        return {}
    return {"blur_filter": [float(tap) for tap in taps]}
