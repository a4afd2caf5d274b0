"""The differences in the training of one family: `Family.trainer` names a subclass of `FamilyTrainer`.

Training itself (`Trainer`, `FastSynthesis`, `start_from`, cards) asks the family's trainer, and names no family.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from explorer.errors import UsageError
from explorer.generators.registry import attribute, described
from explorer.training.fast_layer import FastLayer

if TYPE_CHECKING:
    from explorer.generators.base import Generator, SynthesisLayer
    from explorer.training.settings import TrainSettings

__all__ = ["Account", "FamilyTrainer", "Part", "Tensors", "learned", "trainer_of"]

Tensors = dict[str, Tensor]

Part = tuple[str, Tensors, Tensors | None]
"""Name and tensors of a part of a new generator, and the tensors of the old one that it can start from."""


@dataclass(frozen=True)
class Account:
    """What the card of a packed generator says of its licence, data and method.

    `licence`, `origin` and `more` go into the file itself.
    """

    licence: str
    licence_note: str
    origin: str
    data: str
    method: str
    more: Mapping[str, str] = field(default_factory=dict)


class FamilyTrainer:
    """How a family is trained. As it stands it suits every `Generator`; subclasses differ where they must.

    Attributes:
        settings: Settings of `TrainSettings` in the family's published trainer, by name.
        channel_factor: Ratio of the generator's channels to the discriminator's.
        regularises_paths: Whether it uses path-length regularisation and style mixing.
        trainer: Reference to the `BaseTrainer` that trains it.
        is_distilled: Whether it learns from another generator, the `teacher` of its settings, from which its sizes
            follow, and needs no pictures.
    """

    settings: ClassVar[Mapping[str, Any]] = {}
    channel_factor: ClassVar[int] = 1
    regularises_paths: ClassVar[bool] = False
    trainer: ClassVar[str] = "explorer.training.trainer:Trainer"
    is_distilled: ClassVar[bool] = False

    def defaults(self, batch: int) -> dict[str, Any]:
        """Return the settings of the published trainer for a batch of that size."""
        return dict(self.settings)

    def completed(self, settings: TrainSettings) -> TrainSettings:
        """Return settings with what follows from the files that they name.

        Raises:
            UsageError: They name a file that this family does not need, or lack one that it needs.
            LatentwalkError: A file cannot be read, or does not fit.
        """
        if settings.teacher:
            raise UsageError(
                f"A {settings.family} is not distilled, so it has no teacher.",
                "Leave out --teacher, or choose --family mobilestylegan.",
            )
        return settings

    def fast_layer(self, layer: SynthesisLayer, dtype: torch.dtype, device: torch.device) -> FastLayer:
        """Return a layer in a form that is fast to differentiate, for activations of `dtype`."""
        return FastLayer(layer)

    def spread_features(self, generator: Generator, lowest: float) -> None:
        """Spread the Fourier features of a generator; see `TrainSettings.fourier_lowest`.

        Raises:
            UsageError: It has none, or `lowest` is out of range.
        """
        name = generator.info.family
        raise UsageError(f"{name} has no Fourier features to spread.", "Leave fourier_lowest at 0.")

    def fix_noise(self, generator: Generator, strength: float) -> None:
        """Set the strength of the noise of the finest layers of a generator and exclude it from training.

        Where one strength holds for the whole picture, a smooth background would make it zero long before the other
        weights have learned to let the noise through only on fur.

        Raises:
            UsageError: It has no noise.
        """
        name = generator.info.family
        raise UsageError(f"{name} has no noise.", "Leave noise_strength at 0.")

    def parts(self, new: Generator, old: Generator) -> Iterator[Part]:
        """Yield the parts of `new` in order of execution; a later part needs all earlier ones to be taken."""
        before = {layer.info.name: learned(layer) for layer in old.layers}
        for layer in new.layers:
            yield layer.info.name, learned(layer), before.get(layer.info.name)

    def begin(self, new: Generator, fresh: list[str]) -> None:
        """Prepare the layers named `fresh`, which the old generator lacked, once the others are copied."""

    def account(self, settings: dict[str, Any], state: dict[str, Any], generator: Generator) -> Account | None:
        """Return what the card says of a run that did not learn from pictures; None for one that did.

        Args:
            settings: Settings of the run, as plain values.
            state: Its checkpoint.
            generator: The packed generator.
        """
        return None

    def card_note(self, settings: dict[str, Any], started: dict[str, Any]) -> str:
        """Return what the card adds to its paragraph on training.

        Args:
            settings: Settings of the run, as plain values.
            started: The model that the run started from (`Started.described`); empty if there is none.
        """
        return ""


def trainer_of(family: str) -> FamilyTrainer:
    """Return how a family is trained, which is the usual way if its descriptor names no trainer.

    Raises:
        UnsupportedModelError: The plug-in of the family does not work.
    """
    found = described(family)
    if not found.trainer:
        return FamilyTrainer()
    trainer = attribute(found, found.trainer)()
    assert isinstance(trainer, FamilyTrainer), f"{found.trainer} is not a FamilyTrainer"
    return trainer


def learned(module: torch.nn.Module) -> Tensors:
    """Return the tensors that training changes or depends on; filters follow from the sizes."""
    return {name: tensor for name, tensor in module.state_dict().items() if not name.endswith("_filter")}
