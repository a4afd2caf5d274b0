"""Damage to tables of tensors, and an object whose unpickling would run a program."""

from __future__ import annotations

import os
from collections.abc import Callable

from torch import Tensor

Tensors = dict[str, Tensor]


def without(*keys: str) -> Callable[[Tensors], Tensors]:
    """A function that leaves tensors out."""
    return lambda tensors: {key: tensor for key, tensor in tensors.items() if key not in keys}


def changed(key: str, change: Callable[[Tensor], Tensor]) -> Callable[[Tensors], Tensors]:
    """A function that changes one tensor."""
    return lambda tensors: {**tensors, key: change(tensors[key])}


class Calls:
    """Makes a file named "ran" if it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch ran",)
