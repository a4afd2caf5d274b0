"""Where the golden fixtures lie, and how tests read them.

The full set lies beside the repository (`../shared/goldens`) or where `LATENTWALK_GOLDENS` points; a small part
lies in `tests/data/goldens`, so that a bare clone still checks numerics. Tests that need more skip with a reason.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["Golden", "assert_close", "find", "load_net", "load_ops", "stored_crop"]

_ROOT = Path(__file__).resolve().parent.parent
_BUNDLED = _ROOT / "tests" / "data" / "goldens"
_HINT = "set LATENTWALK_GOLDENS to the folder of the golden fixtures"


def find(relative: str) -> Path | None:
    """The path of a fixture file such as `nets/sg2_skip_u64.json`, or None if this machine has none."""
    candidates = [_ROOT.parent / "shared" / "goldens", _BUNDLED]
    named = os.environ.get("LATENTWALK_GOLDENS")
    if named:
        candidates.insert(0, Path(named))
    return next((folder / relative for folder in candidates if (folder / relative).is_file()), None)


def require(relative: str) -> Path:
    """The path of a fixture file; skips the test if this machine has none."""
    path = find(relative)
    if path is None:
        pytest.skip(f"golden fixture {relative} is not here; {_HINT}")
    return path


class Golden:
    """One fixture: `meta` (its JSON) and `arrays` (its NPZ, read once)."""

    def __init__(self, relative: str) -> None:
        self.meta: dict[str, Any] = json.loads(require(f"{relative}.json").read_text())
        with np.load(require(f"{relative}.npz")) as archive:
            self.arrays: dict[str, NDArray[Any]] = dict(archive)

    def tensor(self, key: str | None) -> Tensor | None:
        """An array as a tensor; None for None."""
        return None if key is None else torch.from_numpy(self.arrays[key].copy())

    def array(self, key: str) -> Tensor:
        """An array that must be there, as a tensor."""
        return torch.from_numpy(self.arrays[key].copy())


@cache
def load_ops(name: str) -> Golden:
    """An operator fixture, for example "upfirdn2d"."""
    return Golden(f"ops/{name}")


@cache
def load_net(name: str) -> Golden:
    """A network fixture, for example "sg2_skip_u64"."""
    return Golden(f"nets/{name}")


def weights(name: str) -> dict[str, Tensor]:
    """The state dict of a network fixture that has a safetensors file."""
    from safetensors.torch import load_file

    return load_file(require(f"nets/{name}.safetensors"))


def stored_crop(x: Tensor, kind: str) -> Tensor:
    """The window of a layer output that fixtures store under `kind`: full, crop, corner or tail."""
    if kind == "full":
        return x
    h, w = x.shape[2:]
    if kind == "crop":
        h0, w0 = max((h - 8) // 3, 0), max((w - 8) // 2, 0)
        return x[:, :4, h0 : h0 + 8, w0 : w0 + 8]
    return x[:, :4, :4, :4] if kind == "corner" else x[:, :4, -4:, -4:]


def assert_close(actual: Tensor, expected: Tensor, atol: float, what: str = "") -> None:
    """`max |actual - expected| <= atol`, shapes equal, nothing that is not a number."""
    assert tuple(actual.shape) == tuple(expected.shape), f"{what}: {tuple(actual.shape)} != {tuple(expected.shape)}"
    error = float((actual.double() - expected.double()).abs().max())
    assert error <= atol, f"{what}: largest difference {error:.3g} is above {atol:.3g}"
