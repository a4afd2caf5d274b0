"""Which implementation and precision the operators use: one policy, local to the running thread.

`with use_backend(backend="reference"):` affects only the code inside it, in this thread (and asyncio task); a
render thread never sees the policy of another.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from . import native
from .precision import check_dtype

if TYPE_CHECKING:
    from types import ModuleType

__all__ = [
    "Backend",
    "CachedDerived",
    "Policy",
    "amx_for",
    "backend_fingerprint",
    "builds_weights",
    "fastest_dtype",
    "features",
    "is_inference",
    "native_for",
    "operations_per_second",
    "policy",
    "triton_for",
    "use_backend",
]

Backend = Literal["auto", "torch", "reference"]
T = TypeVar("T")
_log = logging.getLogger("explorer.ops")


@dataclass(frozen=True, slots=True)
class Policy:
    """Backend and dtype of the operators.

    `backend` "reference" is the readable form of every operator, "auto" the fastest available one, and "torch" is
    "auto" without the native kernels. All three agree up to rounding.

    `dtype` is the format of features between layers: float32, bfloat16, or float16 (not on a CPU). Latents,
    styles and pictures are float32 always.
    """

    backend: Backend = "auto"
    dtype: torch.dtype = torch.float32


_DEFAULT = Policy()
_POLICY: ContextVar[Policy] = ContextVar("latentwalk_ops_policy", default=_DEFAULT)


def policy() -> Policy:
    """Return the current policy."""
    return _POLICY.get()


@contextmanager
def use_backend(backend: Backend | None = None, dtype: torch.dtype | None = None) -> Iterator[Policy]:
    """Change the policy for a block of code; None keeps the current value."""
    chosen = policy()
    chosen = replace(chosen, backend=backend or chosen.backend, dtype=dtype or chosen.dtype)
    token = _POLICY.set(chosen)
    try:
        yield chosen
    finally:
        _POLICY.reset(token)


def features(x: Tensor) -> Tensor:
    """Return `x` in the current dtype; raise TypeError for float16 on a CPU."""
    x = x.to(policy().dtype)
    check_dtype(x)
    return x


def is_inference() -> bool:
    """Return whether fast forms that are not differentiable may be used."""
    return policy().backend != "reference" and not torch.is_grad_enabled()


def builds_weights() -> bool:
    """Return whether modulated convolutions build the weights of every sample, as the reference does.

    Not while a network is exported: a graph for batches of any size cannot have a group for each sample.
    """
    return policy().backend == "reference" and not torch.compiler.is_exporting()


def native_for(x: Tensor) -> native.Kernels | None:
    """Return the native kernels if enabled, loaded and suitable for the features `x`; never wait for a build."""
    if not x.is_cpu or x.dtype not in native.DTYPES or policy().backend != "auto":
        return None
    return native.kernels()


def amx_for(x: Tensor) -> native.Kernels | None:
    """Return the native kernels if their AMX convolutions are suitable for the features `x`."""
    kernels = native_for(x) if x.dtype == torch.bfloat16 else None
    return kernels if kernels is not None and kernels.has_amx else None


def triton_for(x: Tensor) -> ModuleType | None:
    """Return the Triton kernels if enabled, installed and correct on the device of the features `x`."""
    if x.device.type != "cuda" or policy().backend != "auto":
        return None
    return _triton_on(str(x.device), x.dtype)


@cache
def _triton_on(device: str, dtype: torch.dtype) -> ModuleType | None:
    """Check the kernels once per device and dtype; a failure is cached too."""
    try:
        from . import triton_kernels

        triton_kernels.check(torch.device(device), dtype)
    except Exception as error:  # compilers and drivers can raise anything
        _log.warning("Triton kernels are not used on %s, falling back to PyTorch: %s", device, error)
        return None
    return triton_kernels


def backend_fingerprint() -> str:
    """Name the backend and dtype; results under the same fingerprint are bitwise comparable."""
    chosen = policy()
    kernels = "+native" if chosen.backend == "auto" and native.kernels() is not None else ""
    return f"{chosen.backend}{kernels}/{str(chosen.dtype).removeprefix('torch.')}"


# A tensor, an alias that keeps its address from being reused, the address, and torch's version counter.
_Source = tuple[Tensor, Tensor, int, int]


def _unchanged(sources: Sequence[Tensor], seen: Sequence[_Source]) -> bool:
    if len(sources) != len(seen):
        return False
    for source, (before, _, address, version) in zip(sources, seen, strict=True):
        if source is not before or source._version != version or source.data_ptr() != address:
            return False
    return True


class CachedDerived(Generic[T]):
    """A value computed from tensors and cached until one of them changes.

    Changes are detected by torch's version counters: loading a state dict, an optimiser step, `.to(device)` and any
    in-place operation count; writing through `.data` does not. Copies of a module start without the value.
    Inference tensors have no version counter, so for those the value is computed anew every time.
    """

    def __init__(self) -> None:
        self._entry: tuple[Hashable, list[_Source], T] | None = None

    def get(self, sources: Sequence[Tensor], variant: Hashable, make: Callable[[], T]) -> T:
        """Return `make()`, or its cached result for the same tensors and `variant`. Thread-safe."""
        # Called between two kernels, when Python's data has left the processor's caches: keep it short.
        entry = self._entry
        if entry is not None and entry[0] == variant and _unchanged(sources, entry[1]):
            return entry[2]
        if any(source.is_inference() for source in sources):
            _log.warning(
                "the weights are inference tensors, so values derived from them cannot be cached; this is slow"
            )
            return make()
        seen: list[_Source] = [(s, s.detach(), s.data_ptr(), s._version) for s in sources]
        value = make()
        self._entry = (variant, seen, value)
        return value

    def forget(self) -> None:
        """Drop the cached value; the next `get` computes it again. Thread-safe."""
        self._entry = None

    @property
    def value(self) -> T | None:
        """The cached value, stale or not; None if there is none."""
        entry = self._entry
        return None if entry is None else entry[2]

    def __deepcopy__(self, memo: dict[int, Any]) -> CachedDerived[T]:
        return CachedDerived()

    def __reduce__(self) -> tuple[Any, ...]:
        return (CachedDerived, ())


@cache
def fastest_dtype(device_type: str) -> torch.dtype:
    """Return the fastest dtype for features on a type of device; measured once on a CPU (in about 10 ms).

    On a GPU that is bfloat16, which does not overflow like float16.
    """
    if device_type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    if device_type != "cpu":
        return torch.float32
    return torch.bfloat16 if bfloat16_speedup() > 1.5 else torch.float32


@cache
def bfloat16_speedup() -> float:
    """Return how many times as fast a convolution is in bfloat16 on the CPU; measured once (in about 10 ms).

    Below 1 where the processor has no instructions for it, so that the library emulates them.
    """
    best = dict.fromkeys((torch.bfloat16, torch.float32), float("inf"))
    for _ in range(_ROUNDS):  # alternating, so that other programs' load affects both alike
        for dtype in best:
            best[dtype] = min(best[dtype], _seconds(dtype))
    return best[torch.float32] / best[torch.bfloat16]


_ROUNDS = 8


@cache
def operations_per_second() -> float:
    """Return the operations per second of large float32 convolutions on the CPU; measured once (about 30 ms)."""
    return 2 * 9 * 128 * 128 * 32 * 32 / min(_seconds(torch.float32) for _ in range(3 * _ROUNDS))


def _seconds(dtype: torch.dtype) -> float:
    """Time one convolution that is typical of the generators."""
    with torch.no_grad():
        x = torch.ones(1, 128, 32, 32, dtype=dtype).contiguous(memory_format=torch.channels_last)
        w = torch.ones(128, 128, 3, 3, dtype=dtype).contiguous(memory_format=torch.channels_last)
        start = time.perf_counter()
        F.conv2d(x, w, padding=1)
        return time.perf_counter() - start
