"""The class that trains a family; apart from `family_trainer`, which the classes themselves import."""

from __future__ import annotations

from explorer.generators.registry import attribute, described
from explorer.training.base_trainer import BaseTrainer
from explorer.training.family_trainer import trainer_of

__all__ = ["class_for"]


def class_for(family: str) -> type[BaseTrainer]:
    """Return the class that trains a family.

    Raises:
        UnsupportedModelError: The plug-in of the family does not work.
    """
    reference = trainer_of(family).trainer
    found: type[BaseTrainer] = attribute(described(family), reference)
    assert issubclass(found, BaseTrainer), f"{reference} is not a BaseTrainer"
    return found
