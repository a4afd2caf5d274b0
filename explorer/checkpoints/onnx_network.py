"""A generator as one function of named tensors, mapping and synthesis together, to be traced for ONNX."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from explorer.generators.base import Activation, Generator, Inputs, fold
from explorer.generators.stylegan3 import StyleGAN3Generator

if TYPE_CHECKING:
    from explorer.checkpoints.conversion_formats import OnnxOptions

__all__ = ["NOISE", "NamedInput", "OnnxNetwork"]

NOISE = "noise."
"""What the names of noise inputs begin with; the layer's name follows."""


@dataclass(frozen=True, slots=True)
class NamedInput:
    """One input: its name, shape (without the batch axis if it `is_batched`), and what an example holds."""

    name: str
    shape: tuple[int, ...]
    is_batched: bool

    def example(self, batch: int) -> Tensor:
        """Return a value to trace with, which cannot be told from another one of its shape."""
        if self.name == "transform":
            return torch.eye(3)
        return torch.full([], 0.7) if self.name == "psi" else torch.randn(batch, *self.shape)


def network_inputs(generator: Generator, options: OnnxOptions) -> tuple[NamedInput, ...]:
    """Return the inputs of a generator's ONNX file, in order."""
    info = generator.info
    shape = (info.z_dim,) if options.input == "z" else (info.num_ws, info.w_dim)
    inputs = [NamedInput(options.input, shape, True), NamedInput("psi", (), False)]
    if options.input == "z" and info.c_dim:
        inputs.append(NamedInput("c", (info.c_dim,), True))
    if isinstance(generator, StyleGAN3Generator):
        inputs.append(NamedInput("transform", (3, 3), False))
    if options.noise == "input":
        noisy = (layer for layer in info.layers if layer.has_noise)
        inputs += [NamedInput(f"{NOISE}{layer.name}", (1, layer.height, layer.width), True) for layer in noisy]
    return tuple(inputs)


class OnnxNetwork(nn.Module):
    """The network of a generator: `inputs` in order to the picture `[N, img_channels, H, W]` in -1..1.

    `psi` truncates all entries of `ws` towards the mean of `w`, also where `ws` are given.
    """

    def __init__(self, generator: Generator, options: OnnxOptions) -> None:
        super().__init__()
        self.inputs = network_inputs(generator, options)
        # Not the generator itself: its `synthesis` is both a method and a module, which tracing refuses.
        self.parts = nn.ModuleDict({name: part for name, part in generator._modules.items() if part is not None})
        self._held = (generator,)

    def forward(self, *tensors: Tensor) -> Tensor:
        """Return the picture of `tensors`, one for each of `inputs`."""
        (generator,) = self._held
        given = {wanted.name: tensor for wanted, tensor in zip(self.inputs, tensors, strict=True)}
        ws = given.get("ws")
        if ws is None:
            ws = generator.broadcast(generator.mapping(given["z"], given.get("c")))
        ws = torch.lerp(generator.w_avg, ws, given["psi"])
        inputs = Inputs(ws)

        def noise(i: int) -> Tensor | None:
            layer = generator.layers[i]
            drawn = given.get(f"{NOISE}{layer.info.name}")
            return layer.noise(inputs.noise, inputs.batch) if drawn is None else drawn

        return generator.rgb(fold(generator.layers, _begin(generator, inputs, given), inputs, noise=noise))


def _begin(generator: Generator, inputs: Inputs, given: dict[str, Tensor]) -> Activation:
    """Return the input of the first layer, moved by the given transform if the network takes one."""
    if not isinstance(generator, StyleGAN3Generator):
        return generator.begin(inputs)
    style = generator.input_style(inputs.ws[:, 0])
    return Activation(generator.input.sample(style, _inverse(given["transform"])[None]))


def _inverse(matrix: Tensor) -> Tensor:
    """Return the inverse `[3, 3]` of `matrix` by its minors, as ONNX has no operator for it."""
    a, b, c = matrix.unbind()
    columns = torch.stack([_cross(b, c), _cross(c, a), _cross(a, b)], dim=1)
    return columns / (a * columns[:, 0]).sum()


def _cross(a: Tensor, b: Tensor) -> Tensor:
    """Return the cross product of two vectors `[3]`."""
    (x, y, z), (u, v, w) = a.unbind(), b.unbind()
    return torch.stack([y * w - z * v, z * u - x * w, x * v - y * u])
