"""Which implementation and which precision the operators use: one choice, local to the running thread.

`with using(backend="reference"):` holds for the code inside it, in this thread (and this asyncio task) alone; a
render thread never sees another's choice.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cache
from types import ModuleType
from typing import Any, Generic, Literal, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from . import native
from .precision import check_dtype

__all__ = [
    "Backend",
    "Derived",
    "Policy",
    "amx_for",
    "fastest_dtype",
    "features",
    "identity",
    "is_inference",
    "native_for",
    "operations_per_second",
    "policy",
    "triton_for",
    "using",
]

Backend = Literal["auto", "torch", "reference"]
T = TypeVar("T")
_log = logging.getLogger("explorer.ops")


@dataclass(frozen=True, slots=True)
class Policy:
    """`backend` "reference" is the readable form of every operator, "auto" the fastest one that agrees with it.

    "torch" is as "auto", but without the native kernels. All three agree up to rounding.

    `dtype` is the format of features between layers: float32, bfloat16, or float16 (not on a CPU). Latents,
    styles and pictures are float32 always.
    """

    backend: Backend = "auto"
    dtype: torch.dtype = torch.float32


_DEFAULT = Policy()
_POLICY: ContextVar[Policy] = ContextVar("latentwalk_ops_policy", default=_DEFAULT)


def policy() -> Policy:
    """Return the choice in force here."""
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
    """Return whether fast forms without gradients may be used."""
    return policy().backend != "reference" and not torch.is_grad_enabled()


def native_for(x: Tensor) -> native.Kernels | None:
    """Return the native kernels if wanted, loaded and fit for the features `x`; never wait for a build."""
    if not x.is_cpu or x.dtype not in native.DTYPES or policy().backend != "auto":
        return None
    return native.kernels()


def amx_for(x: Tensor) -> native.Kernels | None:
    """`native_for` if its convolutions for AMX are fit for the features `x`."""
    kernels = native_for(x) if x.dtype == torch.bfloat16 else None
    return kernels if kernels is not None and kernels.has_amx else None


def triton_for(x: Tensor) -> ModuleType | None:
    """Return the Triton kernels if they are wanted, installed and right on the device of the features `x`."""
    if x.device.type != "cuda" or policy().backend != "auto":
        return None
    return _triton_on(str(x.device), x.dtype)


@cache
def _triton_on(device: str, dtype: torch.dtype) -> ModuleType | None:
    """Tried once for each device and format, so that what fails there is never asked again."""
    try:
        from . import triton_kernels

        triton_kernels.check(torch.device(device), dtype)
    except Exception as error:  # compilers and drivers throw what they like
        _log.warning("Triton kernels are not used on %s, but PyTorch: %s", device, error)
        return None
    return triton_kernels


def identity() -> str:
    """Name what decides the last bits of a picture: results under the same identity are bitwise comparable."""
    chosen = policy()
    kernels = "+native" if chosen.backend == "auto" and native.kernels() is not None else ""
    return f"{chosen.backend}{kernels}/{str(chosen.dtype).removeprefix('torch.')}"


# A tensor, its memory, so that no other gets the address while this is known, the address, and torch's counter.
_Source = tuple[Tensor, Tensor, int, int]


def _unchanged(sources: Sequence[Tensor], seen: Sequence[_Source]) -> bool:
    if len(sources) != len(seen):
        return False
    for source, (before, _, address, version) in zip(sources, seen, strict=True):
        if source is not before or source._version != version or source.data_ptr() != address:
            return False
    return True


class Derived(Generic[T]):
    """A value computed from tensors, kept until one of them changes.

    Changes are seen by torch's own counters: loading a state dict, an optimiser step, `.to(device)` and any
    in-place operation count; writing through `.data` does not. Copies of a module start without the value.
    Tensors made under `torch.inference_mode()` count nothing, so for those the value is made anew every time.
    """

    def __init__(self) -> None:
        self._entry: tuple[Hashable, list[_Source], T] | None = None

    def get(self, sources: Sequence[Tensor], variant: Hashable, make: Callable[[], T]) -> T:
        """`make()`, or what it gave last time for the same tensors and `variant`. Any thread may call it."""
        # Called between two kernels, when nothing of Python is left in the processor's caches: few, cheap steps.
        entry = self._entry
        if entry is not None and entry[0] == variant and _unchanged(sources, entry[1]):
            return entry[2]
        if any(source.is_inference() for source in sources):
            _log.warning(
                "weights made under inference mode: what is derived from them cannot be kept, so this is slow"
            )
            return make()  # such tensors do not count their changes
        seen: list[_Source] = [(s, s.detach(), s.data_ptr(), s._version) for s in sources]
        value = make()
        self._entry = (variant, seen, value)
        return value

    def forget(self) -> None:
        """Free the value; the next `get` makes it again. Any thread may call it."""
        self._entry = None

    @property
    def value(self) -> T | None:
        """What is kept, current or not; None if nothing is."""
        entry = self._entry
        return None if entry is None else entry[2]

    def __deepcopy__(self, memo: dict[int, Any]) -> Derived[T]:
        return Derived()

    def __reduce__(self) -> tuple[Any, ...]:
        return (Derived, ())


@cache
def fastest_dtype(device_type: str) -> torch.dtype:
    """Return the quickest format for features on a kind of device: measured once on a CPU (it takes some 10 ms).

    On a GPU that is bfloat16, which needs no care about overflow.
    """
    if device_type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    if device_type != "cpu":
        return torch.float32
    best = dict.fromkeys((torch.bfloat16, torch.float32), float("inf"))
    for _ in range(_ROUNDS):  # in turns, so that other programs' load meets both alike
        for dtype in best:
            best[dtype] = min(best[dtype], _seconds(dtype))
    return torch.bfloat16 if best[torch.bfloat16] * 1.5 < best[torch.float32] else torch.float32


_ROUNDS = 8


@cache
def operations_per_second() -> float:
    """Return the rate of large convolutions in float32 on the CPU; measured once (it takes some 30 ms)."""
    return 2 * 9 * 128 * 128 * 32 * 32 / min(_seconds(torch.float32) for _ in range(3 * _ROUNDS))


def _seconds(dtype: torch.dtype) -> float:
    """Time of one convolution that is typical of the generators."""
    with torch.no_grad():
        x = torch.ones(1, 128, 32, 32, dtype=dtype).contiguous(memory_format=torch.channels_last)
        w = torch.ones(128, 128, 3, 3, dtype=dtype).contiguous(memory_format=torch.channels_last)
        start = time.perf_counter()
        F.conv2d(x, w, padding=1)
        return time.perf_counter() - start
