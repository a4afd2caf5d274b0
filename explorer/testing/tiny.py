"""A tiny real generator for tests; its layers count their runs and can be blocked by a gate."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.errors import RenderError
from explorer.generators.base import (
    Activation,
    Generator,
    GeneratorInfo,
    Inputs,
    LayerInfo,
    NoiseSpec,
    SynthesisLayer,
)
from explorer.generators.config import CLASSES, WIDTH, ClassNames, Within, check_settings
from explorer.generators.cost import LayerCost, PictureCost, picture_cost, total_cost
from explorer.generators.family import Family
from explorer.generators.motion import inverse_motion
from explorer.generators.stylegan2 import layer_noise

__all__ = ["TINY", "Gate", "TinyConfig", "TinyGenerator", "TinyLayer"]

TINY = Family(
    name="tiny",
    title="tiny",
    config="explorer.testing.tiny:TinyConfig",
    build="explorer.testing.tiny:TinyGenerator",
    equivariant=frozenset({"translate"}),
)

_GATE_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class TinyConfig:
    """Settings: `num_layers` feature layers of `channels` channels, then one to RGB; weights drawn from `seed`.

    With `source_channels` it is an image-to-image network; its source shows where all `num_masks` masks are white.
    """

    z_dim: Annotated[int, WIDTH] = 8
    c_dim: Annotated[int, CLASSES] = 0
    w_dim: Annotated[int, WIDTH] = 8
    img_resolution: Annotated[int, Within(4, 8192)] = 16
    img_channels: Annotated[int, Within(1, 64)] = 3
    channels: Annotated[int, WIDTH] = 8
    num_layers: Annotated[int, Within(0, 64)] = 4
    seed: Annotated[int, Within(0, (1 << 63) - 1)] = 0
    source_channels: Annotated[int, Within(0, 3)] = 0
    num_masks: Annotated[int, Within(0, 4)] = 0
    class_names: ClassNames = ()

    def __post_init__(self) -> None:
        check_settings(self)


class Gate:
    """Blocks callers of `enter` while it is closed; initially open. Thread-safe."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self._open.set()
        self._entered = threading.Event()

    def close(self) -> None:
        """Close the gate: block the next caller."""
        self._entered.clear()
        self._open.clear()

    def open(self) -> None:
        """Open the gate."""
        self._open.set()

    def wait_until_entered(self, timeout_s: float = 10.0) -> bool:
        """Wait until a caller is blocked (or has passed since it was closed); return False if there was none."""
        return self._entered.wait(timeout_s)

    def enter(self) -> None:
        """Pass the gate, blocking while it is closed; raise RenderError after half a minute."""
        self._entered.set()
        if not self._open.wait(_GATE_TIMEOUT_S):
            raise RenderError("A test closed a gate and never opened it.")

    def __deepcopy__(self, memo: dict[int, object]) -> Gate:
        return Gate()


class TinyLayer(SynthesisLayer):
    """A 3x3 convolution with styled channels; `runs` counts its runs, `gate` can block it."""

    def __init__(self, info: LayerInfo, in_channels: int, w_dim: int, generator: torch.Generator) -> None:
        super().__init__()
        self.info = info
        self.runs = 0
        self.gate = Gate()
        weight = torch.randn(info.channels, in_channels, 3, 3, generator=generator) / (3 * math.sqrt(in_channels))
        self.weight = nn.Parameter(weight)
        self.affine = nn.Parameter(torch.randn(in_channels, w_dim, generator=generator) / math.sqrt(w_dim))

    def noise(self, spec: NoiseSpec, batch: int) -> Tensor | None:
        strength = 0.1 * spec.strength_of(self.info.name)
        if not self.info.has_noise or spec.mode == "none" or strength == 0:
            return None
        seed, batch = (0, 1) if spec.mode == "const" else (spec.seed + 1, batch)
        drawn = layer_noise(seed, self.info.name, batch, self.info.height, self.info.width)
        return drawn.to(self.weight.device) * strength

    def style(self, w: Tensor) -> Tensor:
        return 1 + w @ self.affine.t()

    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        self.gate.enter()
        self.runs += 1
        x = F.conv2d(activation.x * style[:, :, None, None], self.weight, padding=1)
        if noise is not None:
            x = x + noise
        if self.info.is_rgb:
            return Activation(activation.x, torch.tanh(x))
        return activation.with_features(F.leaky_relu(x, 0.2))


class TinyGenerator(Generator):
    """Waves over the picture plane, mixed by a few styled convolutions: fast, exact, and every control works."""

    def __init__(self, config: TinyConfig) -> None:
        super().__init__()
        self.config = config
        generator = torch.Generator().manual_seed(config.seed)
        self.to_w = nn.Parameter(torch.randn(config.w_dim, config.z_dim + config.c_dim, generator=generator))
        self.freqs = nn.Parameter(torch.randn(config.channels, 2, generator=generator) * 2)
        self.register_buffer("mean_w", torch.randn(config.w_dim, generator=generator) * 0.1)
        layers = []
        height, width = self.size_of(config)
        for i in range(config.num_layers + 1):
            rgb = i == config.num_layers
            info = LayerInfo(
                name="rgb" if rgb else f"t{i}",
                ws_index=i,
                resolution=config.img_resolution,
                channels=config.img_channels if rgb else config.channels,
                height=height,
                width=width,
                has_noise=not rgb,
                is_rgb=rgb,
                style_dim=config.channels,
            )
            layers.append(TinyLayer(info, config.channels, config.w_dim, generator))
        self.tiny_layers = nn.ModuleList(layers)
        if config.source_channels:
            drawn = torch.randn(config.channels, config.source_channels, generator=generator)
            self.from_source = nn.Parameter(drawn)
        self._layers = tuple(layers)
        self.info = GeneratorInfo(
            family="tiny",
            z_dim=config.z_dim,
            c_dim=config.c_dim,
            w_dim=config.w_dim,
            num_ws=config.num_layers + 1,
            img_size=(height, width),
            img_channels=config.img_channels,
            layers=tuple(layer.info for layer in layers),
            has_noise=True,
            has_input_transform=True,
            class_names=config.class_names,
            source_channels=config.source_channels,
            num_masks=config.num_masks,
            input_layer=LayerInfo("input", None, height, len(self.freqs), height, width),
        )

    @staticmethod
    def size_of(config: TinyConfig) -> tuple[int, int]:
        """Return (height, width) of every layer and of the picture."""
        return config.img_resolution, config.img_resolution

    @property
    def layers(self) -> Sequence[TinyLayer]:
        return self._layers

    def layer(self, name: str) -> TinyLayer:
        """Return a layer by name: `generator.layer("t2").gate.close()`."""
        return next(layer for layer in self._layers if layer.info.name == name)

    @property
    def runs(self) -> dict[str, int]:
        """The number of runs of each layer."""
        return {layer.info.name: layer.runs for layer in self._layers}

    @property
    def w_avg(self) -> Tensor:
        mean: Tensor = self.get_buffer("mean_w")
        return mean

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        if self.config.c_dim:
            c = torch.zeros(z.shape[0], self.config.c_dim, device=z.device) if c is None else c
            z = torch.cat([z, c], dim=1)
        return torch.tanh(z.to(torch.float32) @ self.to_w.t() / math.sqrt(self.config.z_dim))

    def make_input(self, inputs: Inputs, style: Tensor) -> Activation:
        w, transform = inputs.ws, inputs.transform
        height, width = self.info.img_size
        across = (torch.arange(width, device=w.device) + 0.5) / width - 0.5
        down = (torch.arange(height, device=w.device) + 0.5) / width - 0.5 * self.info.aspect
        points = torch.stack([across[None, :].expand(height, width), down[:, None].expand(height, width)], dim=2)
        points = points.expand(w.shape[0], height, width, 2)
        if transform is not None:
            inverse = inverse_motion(transform).to(points)
            points = points @ inverse[:, None, :2, :2].transpose(2, 3) + inverse[:, None, None, :2, 2]
        phases = points @ self.freqs.t() * (2 * math.pi)  # [N, height, width, C]
        x = torch.sin(phases).permute(0, 3, 1, 2).contiguous()
        if inputs.source is not None:
            seen = torch.einsum("nshw,cs->nchw", inputs.source, self.from_source)
            for mask in inputs.masks:
                seen = seen * mask
            x = x + seen
        return Activation(x)

    def rgb(self, activation: Activation) -> Tensor:
        if activation.img is None:
            raise ValueError("the last activation carries no picture; run every layer first")
        return activation.img


@picture_cost.register
def _(config: TinyConfig, *, kernels: bool = False) -> PictureCost:
    area, c = config.img_resolution**2, config.channels
    layer = LayerCost("t0", 24 * c * area, 4 * area, 18 * c * c * area)
    return total_cost([layer] * (config.num_layers + 1), config.img_channels, config.img_resolution)
