"""Peeks into a `torch.save` file to tell latents from models, without torch and within narrow bounds.

This only chooses the reader, which then reads and checks the whole file.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from explorer.checkpoints.machine import Budget, Stub
from explorer.checkpoints.records import StubRecord
from explorer.checkpoints.safe_pickle import Interpreter
from explorer.checkpoints.source import FileSource
from explorer.checkpoints.zip_index import zip_members
from explorer.errors import LatentwalkError

if TYPE_CHECKING:
    from explorer.checkpoints.machine import Machine

__all__ = ["torch_file_kind"]

# Enough for a file of 1,000 latents; a model needs more, which identifies it.
_OPCODES, _TEXT = 50_000, 500_000
_TABLE_NAMES = ("collections.OrderedDict", "collections.defaultdict")
_TENSOR_NAMES = ("torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor")
_LATENTS = 1 << 20  # elements of one array; a model may be smaller, but then its names identify it


def torch_file_kind(path: str | Path) -> Literal["model", "latent"]:
    """Return the kind of a `torch.save` file; "model" if unclear, as its reader explains what is wrong."""
    try:
        with FileSource(Path(path)) as source:
            value = _value(source)
    except LatentwalkError:
        return "model"
    return "latent" if _is_latent(value) else "model"


def _value(source: FileSource) -> object:
    budget = Budget(opcodes=_OPCODES, memo=_OPCODES, objects=_OPCODES, text=_TEXT)
    if source.read(0, min(2, source.size)) == b"PK":
        main = next((m for name, m in zip_members(source).items() if name.endswith("/data.pkl")), None)
        if main is None:
            return None
        return Interpreter(source, _names, main.offset, main.offset + main.size, budget, _outside).run()[0]
    position = 0
    for _ in range(3):  # magic number, version, system information
        value, position = Interpreter(source, _names, position, None, budget).run()
        if not isinstance(value, (int, dict)):
            return None
    return Interpreter(source, _names, position, None, budget, _outside).run()[0]


def _names(vm: Machine, module: str, name: str) -> object:
    full_name = f"{module}.{name}"
    if full_name in _TABLE_NAMES:
        return Stub(full_name, call=_table, new=_table)
    if full_name == "torch._utils._rebuild_parameter":
        return Stub(full_name, call=_first)
    return vm.stub(full_name)


def _table(vm: Machine, arguments: tuple[object, ...]) -> dict[object, object]:
    return {}


def _first(vm: Machine, arguments: tuple[object, ...]) -> object:
    return arguments[0] if arguments else None


def _outside(vm: Machine, identifier: object) -> object:
    return None


def _is_latent(value: object) -> bool:
    """Return whether this is a tensor, or a table of tensors not named like weights or networks (`g_ema`)."""
    if not isinstance(value, dict):
        return _is_small_tensor(value)
    tensors = [
        key
        for key, item in value.items()
        if _is_small_tensor(item) or (isinstance(item, dict) and _is_small_tensor(item.get("latent")))
    ]
    weights = [key for key in tensors if isinstance(key, str) and key.endswith((".weight", ".bias", ".const"))]
    nested = [item for item in value.values() if isinstance(item, dict) and _holds_weights(item)]
    return bool(tensors) and not weights and not nested


def _holds_weights(table: dict[object, object]) -> bool:
    return any(isinstance(key, str) and "." in key and _is_small_tensor(item) for key, item in table.items())


def _is_small_tensor(value: object) -> bool:
    """Return whether this is a tensor or numpy array that is small enough for latents."""
    if not isinstance(value, StubRecord):
        return False
    if value.name.endswith((".multiarray._reconstruct", ".numeric._frombuffer")):
        return True
    if value.name not in _TENSOR_NAMES:
        return False
    shape = value.arguments[2] if len(value.arguments) > 2 else ()
    numbers = [n for n in shape if isinstance(n, int)] if isinstance(shape, tuple) else []
    product = 1
    for n in numbers[:8]:
        product *= n
    return 0 <= product <= _LATENTS
