"""Tiny families for tests, with what the bundled ones lack: sources and masks, coefficients, unstyled layers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.generators.base import Activation, Generator, GeneratorInfo, Inputs, LayerInfo, SynthesisLayer
from explorer.testing.tiny import TinyConfig, TinyGenerator

__all__ = ["TallTiny", "Translator", "Wavelets", "WideTiny"]


class WideTiny(TinyGenerator):
    """A tiny generator of pictures three wide and two high."""

    @staticmethod
    def size_of(config: TinyConfig) -> tuple[int, int]:
        return config.img_resolution, config.img_resolution * 3 // 2


class TallTiny(TinyGenerator):
    """A tiny generator of pictures two wide and three high."""

    @staticmethod
    def size_of(config: TinyConfig) -> tuple[int, int]:
        return config.img_resolution * 3 // 2, config.img_resolution


class _Blend(SynthesisLayer):
    """Styled 1x1 convolution; the last layer blends its result with the source, as the mask says."""

    def __init__(self, info: LayerInfo, w_dim: int) -> None:
        super().__init__()
        self.info = info
        self.affine = nn.Linear(w_dim, info.style_dim) if info.style_dim else None
        self.weight = nn.Parameter(torch.randn(info.channels, 3, 1, 1))

    def style(self, w: Tensor) -> Tensor:
        assert self.affine is not None, "nothing styles this layer"
        styles: Tensor = self.affine(w)
        return styles

    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        x = activation.x if self.affine is None else activation.x * style[:, :, None, None]
        x = torch.tanh(F.conv2d(x, self.weight))
        if not self.info.is_rgb:
            return activation.with_features(x)
        source, mask = activation.extras
        return activation.with_features(mask * x + (1 - mask) * source)


class Translator(Generator):
    """Changes a source picture within a mask; reads styles from pictures; its second layer has no style."""

    def __init__(self, size: int = 8) -> None:
        super().__init__()
        torch.manual_seed(0)
        names = (("t0", 0, False), ("t1", None, False), ("rgb", 1, True))
        infos = tuple(
            LayerInfo(name, index, size, 3, size, size, is_rgb=rgb, style_dim=0 if index is None else 3)
            for name, index, rgb in names
        )
        self._layers = nn.ModuleList(_Blend(info, 4) for info in infos)
        self.register_buffer("centres", torch.randn(2, 4))
        self.encoder = nn.Linear(3, 4)
        self.info = GeneratorInfo(
            "translator", 8, 2, 4, 2, (size, size), 3, infos, False, False,
            source_channels=3, num_masks=1, encodes_style=True,
        )  # fmt: skip

    @property
    def layers(self) -> Sequence[SynthesisLayer]:
        return tuple(self._layers)  # type: ignore[arg-type]  # all are _Blend

    @property
    def w_avg(self) -> Tensor:
        return self.get_buffer("centres").mean(dim=0)

    def w_mean(self, c: Tensor | None = None) -> Tensor:
        return self.w_avg if c is None else c @ self.get_buffer("centres")

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        return z[:, :4] + self.w_mean(c)

    def encode_style(self, picture: Tensor, c: Tensor | None = None) -> Tensor:
        """See `StyleEncoder`."""
        w: Tensor = self.encoder(picture.mean(dim=(2, 3)))
        return w

    def make_input(self, inputs: Inputs, style: Tensor) -> Activation:
        assert inputs.source is not None
        return Activation(inputs.source, extras=(inputs.source, *inputs.masks))

    def rgb(self, activation: Activation) -> Tensor:
        return activation.x.float()


class _Coefficients(SynthesisLayer):
    """Features doubled in size, and four values of them for each channel of the picture's 2x2 pixels."""

    def __init__(self, name: str, index: int, size: int) -> None:
        super().__init__()
        self.info = LayerInfo(name, index, size, 3, size, size, is_rgb=True, style_dim=4)
        self.weight = nn.Parameter(torch.randn(12, 4, 1, 1))

    def style(self, w: Tensor) -> Tensor:
        return 1 + w

    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        x = F.interpolate(activation.x, scale_factor=2) * style[:, :, None, None]
        return Activation(x, torch.tanh(F.conv2d(x, self.weight)))


class Wavelets(Generator):
    """Layers whose `img` is not a picture: `preview` makes one, of twice its size."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self._layers = nn.ModuleList([_Coefficients("w0", 0, 32), _Coefficients("w1", 1, 64)])
        self.register_buffer("centre", torch.zeros(4))
        infos = tuple(layer.info for layer in self.layers)
        self.info = GeneratorInfo("wavelets", 4, 0, 4, 2, (64, 64), 3, infos, False, False)

    @property
    def layers(self) -> Sequence[SynthesisLayer]:
        return tuple(self._layers)  # type: ignore[arg-type]  # all are _Coefficients

    @property
    def w_avg(self) -> Tensor:
        return self.get_buffer("centre")

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        return z

    def make_input(self, inputs: Inputs, style: Tensor) -> Activation:
        return Activation(torch.linspace(-1, 1, 64).reshape(1, 1, 8, 8).expand(inputs.batch, 4, 8, 8))

    def preview(self, activation: Activation) -> Tensor | None:
        return None if activation.img is None else F.pixel_shuffle(activation.img, 2)

    def rgb(self, activation: Activation) -> Tensor:
        assert activation.img is not None
        return F.pixel_shuffle(activation.img, 2)
