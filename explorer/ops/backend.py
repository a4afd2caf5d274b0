"""Which implementation and which precision the operators use: one choice, local to the running thread.

`with using(backend="reference"):` holds for the code inside it, in this thread (and this asyncio task) alone; a
render thread never sees another's choice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Generic, Literal, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from .precision import check_dtype

__all__ = ["Backend", "Derived", "Policy", "fastest_dtype", "features", "is_inference", "policy", "using"]

Backend = Literal["auto", "reference"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Policy:
    """`backend` "reference" is the readable form of every operator, "auto" the fastest one that agrees with it.

    `dtype` is the format of features between layers: float32, bfloat16, or float16 (not on a CPU). Latents,
    styles and pictures are float32 always.
    """

    backend: Backend = "auto"
    dtype: torch.dtype = torch.float32


_DEFAULT = Policy()
_POLICY: ContextVar[Policy] = ContextVar("latentwalk_ops_policy", default=_DEFAULT)


def policy() -> Policy:
    """The choice in force here."""
    return _POLICY.get()


@contextmanager
def using(backend: Backend | None = None, dtype: torch.dtype | None = None) -> Iterator[Policy]:
    """Change the choice for a block of code; None keeps what holds outside."""
    chosen = policy()
    chosen = replace(chosen, backend=backend or chosen.backend, dtype=dtype or chosen.dtype)
    token = _POLICY.set(chosen)
    try:
        yield chosen
    finally:
        _POLICY.reset(token)


def features(x: Tensor) -> Tensor:
    """`x` in the format the choice wants; TypeError for float16 on a CPU."""
    x = x.to(policy().dtype)
    check_dtype(x)
    return x


def is_inference() -> bool:
    """Whether fast forms without gradients may be used."""
    return policy().backend == "auto" and not torch.is_grad_enabled()


class Derived(Generic[T]):
    """A value computed from tensors, kept until one of them changes.

    Changes are seen by torch's own counters: loading a state dict, an optimiser step, `.to(device)` and any
    in-place operation count; writing through `.data` does not. Copies of a module start without the value.
    """

    def __init__(self) -> None:
        self._entry: tuple[Hashable, tuple[Tensor, ...], T] | None = None

    def get(self, sources: Sequence[Tensor], variant: Hashable, make: Callable[[], T]) -> T:
        """`make()`, or what it gave last time for the same tensors and `variant`. Any thread may call it."""
        if any(source.is_inference() for source in sources):
            return make()  # such tensors do not count their changes
        key = (variant, *((s.data_ptr(), s._version, s.dtype, s.shape) for s in sources))
        entry = self._entry
        if entry is not None and entry[0] == key:
            return entry[2]
        value = make()
        # Keeping the tensors makes sure that no other one gets their address while the entry lives.
        self._entry = (key, tuple(source.detach() for source in sources), value)
        return value

    def __deepcopy__(self, memo: dict[int, Any]) -> Derived[T]:
        return Derived()

    def __reduce__(self) -> tuple[Any, ...]:
        return (Derived, ())


@cache
def fastest_dtype(device_type: str) -> torch.dtype:
    """The quickest format for features on a kind of device: measured once on a CPU (it takes some 10 ms)."""
    if device_type == "cuda":
        return torch.float16
    if device_type != "cpu":
        return torch.float32
    return torch.bfloat16 if _seconds(torch.bfloat16) * 1.5 < _seconds(torch.float32) else torch.float32


def _seconds(dtype: torch.dtype) -> float:
    """Time of a convolution that is typical of the generators."""
    with torch.no_grad():
        x = torch.ones(1, 128, 32, 32, dtype=dtype).contiguous(memory_format=torch.channels_last)
        w = torch.ones(128, 128, 3, 3, dtype=dtype).contiguous(memory_format=torch.channels_last)
        best = float("inf")
        for _ in range(4):
            start = time.perf_counter()
            F.conv2d(x, w, padding=1)
            best = min(best, time.perf_counter() - start)
        return best
