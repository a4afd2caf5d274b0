"""A family of generators and the reader of its files, as a package of its own: all that a plug-in has to write."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn

from explorer.checkpoints.checkpoint import CheckpointHeader
from explorer.checkpoints.monitor import Monitor
from explorer.checkpoints.reader import OpenFile
from explorer.checkpoints.records import TensorRecord
from explorer.generators.base import Activation, Generator, GeneratorInfo, Inputs, LayerInfo, SynthesisLayer
from explorer.generators.config import WIDTH, Within, check_settings
from explorer.generators.family import Family, StartLook
from explorer.generators.motion import inverse_motion

RIPPLES = Family(
    name="ripples",
    title="Ripples",
    config="latentwalk_ripples:RipplesConfig",
    build="latentwalk_ripples:RipplesGenerator",
    readers=("latentwalk_ripples:RipplesReader",),
    equivariant=frozenset({"translate", "rotate"}),
    start=StartLook(psi=0.7, cutoff=2),
)


@dataclass(frozen=True, slots=True)
class RipplesConfig:
    """Settings: `num_layers` pointwise layers of `channels` channels, then one to RGB."""

    img_resolution: Annotated[int, Within(4, 4096)] = 32
    z_dim: Annotated[int, WIDTH] = 6
    w_dim: Annotated[int, WIDTH] = 5
    channels: Annotated[int, WIDTH] = 8
    num_layers: Annotated[int, Within(1, 64)] = 3

    def __post_init__(self) -> None:
        check_settings(self)


class RipplesLayer(SynthesisLayer):
    """Mixes the channels of each pixel, scaled by the style."""

    def __init__(self, info: LayerInfo, in_channels: int, w_dim: int) -> None:
        super().__init__()
        self.info = info
        self.weight = nn.Parameter(torch.randn(info.channels, in_channels) / math.sqrt(in_channels))
        self.affine = nn.Parameter(torch.randn(in_channels, w_dim) / math.sqrt(w_dim))

    def style(self, w: Tensor) -> Tensor:
        return 1 + w @ self.affine.t()

    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        x = activation.x
        styled = x * style[:, :, None, None].to(x.dtype)
        mixed = torch.einsum("oc,nchw->nohw", self.weight.to(x.dtype), styled)
        if self.info.is_rgb:
            return Activation(x, torch.tanh(mixed).to(torch.float32))
        return activation.with_features(torch.sin(2 * mixed))


class RipplesGenerator(Generator):
    """Waves over the plane, mixed pixel by pixel: the picture follows every motion of its input exactly."""

    def __init__(self, config: RipplesConfig) -> None:
        super().__init__()
        size, count = config.img_resolution, config.num_layers
        self.to_w = nn.Parameter(torch.randn(config.w_dim, config.z_dim))
        self.waves = nn.Parameter(3 * torch.randn(config.channels, 2))
        self.register_buffer("mean_w", torch.zeros(config.w_dim))
        infos = [
            LayerInfo(
                name="rgb" if i == count else f"r{i}",
                ws_index=i,
                resolution=size,
                channels=3 if i == count else config.channels,
                height=size,
                width=size,
                is_rgb=i == count,
                style_dim=config.channels,
            )
            for i in range(count + 1)
        ]
        self.blocks = nn.ModuleList(RipplesLayer(info, config.channels, config.w_dim) for info in infos)
        self.info = GeneratorInfo(
            family="ripples",
            z_dim=config.z_dim,
            c_dim=0,
            w_dim=config.w_dim,
            num_ws=count + 1,
            img_size=(size, size),
            img_channels=3,
            layers=tuple(infos),
            has_noise=False,
            has_input_transform=True,
        )

    @property
    def layers(self) -> Sequence[SynthesisLayer]:
        return tuple(self.blocks)  # type: ignore[arg-type]  # torch types every entry as a Module

    @property
    def w_avg(self) -> Tensor:
        return self.get_buffer("mean_w")

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        return torch.tanh(z.to(torch.float32) @ self.to_w.t())

    def make_input(self, inputs: Inputs, style: Tensor) -> Activation:
        w, transform, size = inputs.ws, inputs.transform, self.info.img_size[0]
        axis = (torch.arange(size, device=w.device) + 0.5) / size - 0.5
        points = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=2).expand(w.shape[0], size, size, 2)
        if transform is not None:
            inverse = inverse_motion(transform).to(points)
            points = points @ inverse[:, None, :2, :2].transpose(2, 3) + inverse[:, None, None, :2, 2]
        phases = 2 * math.pi * points @ self.waves.t()
        return Activation(torch.sin(phases).permute(0, 3, 1, 2).contiguous())

    def rgb(self, activation: Activation) -> Tensor:
        assert activation.img is not None
        return activation.img


class RipplesReader:
    """Files of `torch.save({"ripples": settings, "weights": state_dict})`."""

    def matches(self, file: OpenFile) -> bool:
        return isinstance(file.value, dict) and {"ripples", "weights"} <= file.value.keys()

    def read(self, file: OpenFile, monitor: Monitor) -> CheckpointHeader:
        assert isinstance(file.value, dict)
        settings, weights = file.value["ripples"], file.value["weights"]
        if not isinstance(settings, dict) or not isinstance(weights, dict):
            raise file.source.damaged("its settings or weights are not tables")
        records = {str(name): item for name, item in weights.items() if isinstance(item, TensorRecord)}
        return CheckpointHeader(
            family="ripples",
            config={str(name): value for name, value in settings.items()},
            records=records,
            name="Ripples",
            source_format=f"{file.container} of Ripples",
        )


# Room for a kind of edit ("latentwalk.edits") and a metric ("latentwalk.metrics").
