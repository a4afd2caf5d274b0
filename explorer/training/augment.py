"""Adaptive augmentation in front of the discriminator, for small sets of pictures."""

from __future__ import annotations

from torch import Tensor

from explorer.training.settings import TrainSettings

__all__ = ["Augment"]


class Augment:
    """Passes pictures through unchanged."""

    def __init__(self, settings: TrainSettings) -> None:
        self.settings = settings
        self.probability = 0.0

    def __call__(self, pictures: Tensor) -> Tensor:
        return pictures

    def observe(self, real_logits: Tensor, count: int) -> None:
        """Adapt the strength."""

    def state(self) -> dict[str, float]:
        return {"probability": self.probability}

    def load(self, state: dict[str, float]) -> None:
        self.probability = state["probability"]
