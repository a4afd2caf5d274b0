"""Builds a network no larger than its weights, and without initialising random ones."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch.overrides import TorchFunctionMode

from explorer.errors import MismatchError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["AllocationLimit"]

_RANDOM = (torch.randn, torch.rand)
_FACTORIES = (*_RANDOM, torch.empty, torch.zeros, torch.ones, torch.full, torch.eye)
_SPARE = 1 << 25  # elements, so that a network that merely differs can be compared key by key


class AllocationLimit(TorchFunctionMode):
    """Limits new tensors within this context to four times `numel` elements, and leaves random ones uninitialised.

    The meta device would build a network without memory, but its imports take a second.

    Args:
        name: Name of the file, for the error.
        numel: Elements of the weights that will be copied in.

    Raises:
        MismatchError: The network would be larger; raised before the memory is allocated.
    """

    def __init__(self, name: str, numel: int) -> None:
        super().__init__()
        self._name, self._numel = name, numel
        self._left = 4 * numel + _SPARE

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: object,
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        kwargs = kwargs or {}
        if func in _FACTORIES:
            self._left -= _elements(func, args, kwargs)
            if self._left < 0:
                raise MismatchError(
                    f"{self._name} describes a network far larger than the {self._numel:,} weights in the file.",
                    "The file is damaged.",
                )
            if func in _RANDOM:
                func = torch.empty
                kwargs = {key: value for key, value in kwargs.items() if key != "generator"}
        return func(*args, **kwargs)


def _elements(func: Callable[..., object], args: tuple[object, ...], kwargs: dict[str, object]) -> int:
    size = kwargs.get("size", args[0] if args and isinstance(args[0], (tuple, list, torch.Size)) else args)
    numbers = [n for n in size if isinstance(n, int)] if isinstance(size, (tuple, list)) else []
    return math.prod(numbers) ** (2 if func is torch.eye else 1)
