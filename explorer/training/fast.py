"""The forward pass of training: the layers' weights, with the operators of the family's trainer.

Same function as `Generator.synthesis` (a test compares them), but faster to differentiate for small pictures. The
clamp at 256 is omitted: activations of a network in training stay far below it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from explorer.generators.base import Activation, Generator, Inputs, NoiseSpec, fold
from explorer.training.family_trainer import trainer_of

__all__ = ["FastSynthesis"]


class FastSynthesis:
    """Synthesis of one generator for training; holds matrices of its filters, not its weights."""

    def __init__(self, generator: Generator, dtype: torch.dtype = torch.float32) -> None:
        self.generator, self.dtype = generator, dtype
        trainer = trainer_of(generator.info.family)
        self._layers = [trainer.fast_layer(layer, dtype, generator.device) for layer in generator.layers]

    def __call__(self, ws: Tensor, *, noise: bool = True, update_emas: bool = False) -> Tensor:
        """Return pictures `[N, C, R, R]` float32 from `ws` `[N, num_ws, w_dim]`, with fresh noise if `noise`."""
        return self.generator.rgb(self.features(ws, None, noise=noise, update_emas=update_emas))

    def features(
        self, ws: Tensor, stop: str | None, *, noise: bool = True, update_emas: bool = False
    ) -> Activation:
        """Return the activation after the layer named `stop` (None = the last)."""
        layers = self.generator.layers
        inputs = Inputs(ws, noise=NoiseSpec("random" if noise else "none"))
        activation = self.generator.begin(inputs)
        activation = activation.with_features(activation.x.to(self.dtype))

        def update(i: int, activation: Activation) -> None:
            layers[i].update_emas(activation)

        return fold(
            self._layers,
            activation,
            inputs,
            stop=None if stop is None else [layer.info.name for layer in layers].index(stop),
            before=update if update_emas else None,
        )
