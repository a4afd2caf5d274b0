"""The filtered leaky ReLU of training in C++, built on first use; matrix products if there is no compiler."""

from __future__ import annotations

import functools
import logging
import shutil
import sys
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.ops.native.build import (
    BuildError,
    cache_folder,
    content_digest,
    prepare_cache,
    processor,
    why_not,
)
from explorer.util import cached_library as cached
from explorer.util.left_overs import build_folder

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["FilteredLeakyReLU", "native_module"]

log = logging.getLogger("explorer.training.native")

Pairs = list[tuple[Tensor, Tensor]]

_WORD = 16  # signs in an integer

_NAME = "latentwalk_band_filter"
_SOURCE = Path(__file__).with_name("band_filter.cpp")
_FLAGS = ("-O3", "-march=native", "-ffast-math", "-mprefer-vector-width=512")


_BUILD_S = 1800.0
_TRIAL = """
import torch
from pathlib import Path
from explorer.training import native
module = native._imported(Path(sys.argv[1]))
native.native_module = lambda: module
torch.manual_seed(0)
x, up, down = torch.randn(1, 2, 9, 9), torch.randn(20, 9), [(torch.randn(7, 20), torch.randn(7, 20))]
found = native.FilteredLeakyReLU(up, down)(x)
torch.testing.assert_close(found, native.by_matrices(x, up, down), rtol=1e-3, atol=1e-3)
"""
_BUILD = f"""
import os
from torch.utils.cpp_extension import load
folder = os.path.dirname(sys.argv[1])
load({_NAME!r}, [{str(_SOURCE)!r}], extra_cflags={list(_FLAGS)!r}, build_directory=folder, is_python_module=False)
"""


@functools.cache
def native_module() -> ModuleType | None:
    """Return the compiled extension, or None if it cannot be built."""
    if shutil.which("g++") is None and shutil.which("c++") is None:
        return None
    try:
        return _imported(_ready(_library()))
    except (OSError, RuntimeError, ImportError, BuildError, cached.TrialError) as error:
        log.warning("no native filter, training uses matrix products: %s", error)
        return None


def _library() -> Path:
    """Return the path of the extension for this source, processor and torch, whether built or not."""
    settings = (*_FLAGS, processor(), torch.__version__, sys.version)
    return cache_folder() / f"{_NAME}-{content_digest([_SOURCE], settings)}.so"


def _imported(library: Path) -> ModuleType:
    loader = ExtensionFileLoader(_NAME, str(library))
    spec = spec_from_loader(_NAME, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def _ready(library: Path) -> Path:
    """Return the cached library, building it unless there is an intact one."""
    if failed := cached.failure_before(library):
        raise BuildError(f"{failed} (built again after a day)")
    if cached.is_cached(library):
        why = why_not(library)
        if not why:
            return library
        log.warning("rebuilding the cached native filter: %s", why)
    _build(library)
    return library


def _build(library: Path) -> None:
    """Build in a separate folder and process, so that a crashed or killed build does not block later ones.

    torch's own cache uses a lock file, for which others would wait forever.
    """
    prepare_cache(library.parent)
    with build_folder(library.parent) as folder:
        product = folder / f"{_NAME}{'.pyd' if sys.platform == 'win32' else '.so'}"
        try:
            cached.try_out(_BUILD, product, _BUILD_S)
            cached.try_out(_TRIAL, product)
        except cached.TrialError as error:
            if product.exists():  # otherwise the compiler failed
                cached.note_failure(library, str(error))
            raise
        cached.publish(product, library)


def _band(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Return the first columns `[rows]` int32 and the weights `[rows, width]` of a banded matrix."""
    used = matrix != 0
    columns = torch.arange(matrix.shape[1])
    low = torch.where(used, columns, matrix.shape[1]).amin(1).clamp(max=matrix.shape[1] - 1)
    high = torch.where(used, columns, -1).amax(1)
    width = int((high - low + 1).clamp(min=1).max())
    low = low.clamp(max=max(matrix.shape[1] - width, 0))
    weights = torch.gather(matrix, 1, low[:, None] + torch.arange(width))
    return low.to(torch.int32).contiguous(), weights.float().contiguous()


class FilteredLeakyReLU:
    """Upsample, leaky ReLU, downsample: `sum_k rows_k lrelu(up x up') columns_k'`, differentiable once.

    Args:
        up: `[T, n]`, along both axes.
        down: Pairs `[m, T]` for rows and columns; several for a filter that is not separable.
    """

    def __init__(self, up: Tensor, down: Pairs) -> None:
        self.middle = up.shape[0]
        self.first = [_band(up), _band(up)]
        self.second = [_band(matrix) for pair in down for matrix in pair]
        self.first_back = [_band(up.t()), _band(up.t())]
        self.second_back = [_band(matrix.t()) for pair in down for matrix in pair]

    def __call__(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """Map `[N, C, n, n]` float32 or bfloat16 on the CPU to `[N, C, m, m]`; add `bias` `[C]` float32 first."""
        result: Tensor = _Function.apply(x, bias, self)  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return result

    def forward(self, x: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return planes `[P, n, n]` after both stages, and the signs in between."""
        signs = torch.empty(x.shape[0], self.middle, -(-self.middle // _WORD), dtype=torch.int16)
        bias = None if bias is None else bias.detach().contiguous()
        return self._run(x, self.first, self.second, signs, bias, None, True), signs

    def backward(self, gradient: Tensor, signs: Tensor, *, sums: bool) -> tuple[Tensor, Tensor | None]:
        """Return the gradients of planes, and with `sums` their total per plane `[P]`."""
        total = torch.empty(gradient.shape[0]) if sums else None
        return self._run(gradient, self.second_back, self.first_back, signs, None, total, False), total

    @staticmethod
    def _run(x: Tensor, one: Pairs, two: Pairs, *rest: Any) -> Tensor:
        module = native_module()
        assert module is not None
        bands = [s for s, _ in one], [w for _, w in one], [s for s, _ in two], [w for _, w in two]
        signs, bias, total, forward = rest
        result: Tensor = module.band_filter(x, *bands, signs, bias, total, 0.2, forward)
        return result


class _Function(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, bias: Tensor | None, filters: FilteredLeakyReLU) -> Tensor:
        y, signs = filters.forward(x.reshape(-1, *x.shape[2:]), bias)
        ctx.save_for_backward(signs)
        ctx.filters, ctx.biased = filters, bias is not None
        return y.reshape(*x.shape[:2], *y.shape[1:])

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor | None, None]:
        (signs,) = ctx.saved_tensors
        planes = gradient.reshape(-1, *gradient.shape[2:])
        back, total = ctx.filters.backward(planes, signs, sums=ctx.biased)
        of_bias = None if total is None else total.reshape(gradient.shape[:2]).sum(0)
        return back.reshape(*gradient.shape[:2], *back.shape[1:]), of_bias, None


def by_matrices(x: Tensor, up: Tensor, down: Pairs) -> Tensor:
    """Return the same as `FilteredLeakyReLU` in plain torch, differentiable to any order."""
    y = F.leaky_relu(torch.matmul(up, torch.matmul(x, up.t())), 0.2)
    terms = [torch.matmul(rows, torch.matmul(y, columns.t())) for rows, columns in down]
    return terms[0] if len(terms) == 1 else torch.stack(terms).sum(0)
