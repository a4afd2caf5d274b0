"""Add a family of generators: a mapping network and a chain of layers, here discs of which `w` is place and colour.

What a `Generator` gives is all that mixing, truncation, edits, walks and films need. CONTRIBUTING.md says how a
family gets a name, its own files and a place in the window.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

import explorer
from explorer.generators.base import Activation, Generator, GeneratorInfo, Inputs, LayerInfo, SynthesisLayer

SIZE, W_DIM, DISCS = 96, 16, 6


class Disc(SynthesisLayer):
    """Paints one soft disc over the picture so far."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.info = LayerInfo(f"disc{number}", number, SIZE, 3, SIZE, SIZE, has_noise=False, style_dim=6)
        self.affine = nn.Linear(W_DIM, 6)

    def style(self, w: Tensor) -> Tensor:
        return torch.sigmoid(self.affine(w))  # [N, 6]: place, radius and colour

    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        x, y, radius, *colour = style.unbind(1)  # each [N]
        distance = (activation.x - torch.stack([x, y], dim=1)[:, :, None, None]).norm(dim=1, keepdim=True)
        cover = torch.sigmoid(40 * (0.1 + 0.25 * radius[:, None, None, None] - distance))  # [N, 1, H, W]
        colours = 2 * torch.stack(colour, dim=1)[:, :, None, None] - 1
        return Activation(activation.x, torch.lerp(activation.img, colours, cover))


class Discs(Generator):
    """The network: `z` becomes `w`, and each entry of `ws` styles one disc."""

    def __init__(self) -> None:
        super().__init__()
        self.to_w = nn.Linear(W_DIM, W_DIM)
        self.discs = nn.ModuleList(Disc(number) for number in range(DISCS))
        self.info = GeneratorInfo(
            family="discs", z_dim=W_DIM, c_dim=0, w_dim=W_DIM, num_ws=DISCS, img_size=(SIZE, SIZE), img_channels=3,
            layers=tuple(disc.info for disc in self.discs), has_noise=False, has_input_transform=False,
        )  # fmt: skip

    @property
    def layers(self) -> Sequence[SynthesisLayer]:
        return tuple(self.discs)

    @property
    def w_avg(self) -> Tensor:
        return torch.zeros(W_DIM)

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        return 3 * torch.tanh(self.to_w(z))

    def make_input(self, inputs: Inputs, style: Tensor) -> Activation:
        count, axis = len(inputs.ws), (torch.arange(SIZE) + 0.5) / SIZE
        points = torch.stack(torch.meshgrid(axis, axis, indexing="xy"))  # [2, H, W]: x right, y down
        return Activation(points.expand(count, -1, -1, -1), torch.ones(count, 3, SIZE, SIZE))

    def rgb(self, activation: Activation) -> Tensor:
        return activation.img


torch.manual_seed(0)
model = explorer.model_of(Discs().eval(), name="discs")
print(model)
model.render(seed=7).save("discs.png")
model.render(seed=7, mix=[(8, "fine")]).save("discs-mixed.png")
print("film:", model.walk([1, 2, 3], seconds=1, loop=True).save("discs.webm", overwrite=True))
