"""Finds the generator in the value of a file: a module, or a table of tensors under NVIDIA's names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from explorer.checkpoints.numpy_tensor import tensor_of_array
from explorer.checkpoints.records import ModuleRecord, NumpyArray, StubRecord, TensorRecord, module_of, table_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ANCHORS", "Found", "find_generator", "find_weights", "split_tables"]

ANCHORS = ("synthesis.b4.const", "synthesis.input.freqs", "synthesis.b4.conv1.weight", "synthesis.input.weight")
"""Keys one of which every generator of a family has."""

_PARTS = ("mapping.", "synthesis.")  # beginnings of the keys
_DEPTH = 4  # maximum nesting of tables; {"models": {"g_ema": {"state_dict": ...}}} has 3
_LIST = 8  # maximum entries of a list to search
_TABLES = 500  # maximum tables to search in one file
_WRAPPERS = {
    "DataParallel": "module",
    "DistributedDataParallel": "module",
    "AveragedModel": "module",
    "FullyShardedDataParallel": "_fsdp_wrapped_module",
}
"""Classes that only wrap another module, and the attribute that holds it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A generator in a file: either a `module`, or `tensors` under NVIDIA's names.

    `path` is where it is, such as `state_dict.G_ema`; empty if it is the whole file. `others` counts the tensors in
    the same table that do not belong to it.
    """

    path: str
    module: ModuleRecord | None = None
    tensors: dict[str, TensorRecord] = field(default_factory=dict)
    others: int = 0

    @property
    def is_average(self) -> bool:
        """Whether this is the averaged generator, by its name."""
        parts = self.path.lower().split(".")
        return any({"ema", "smooth"} & set(part.split("_")) or part.endswith("ema") for part in parts)

    @property
    def note(self) -> str:
        """A note on a generator that is not the averaged one; empty for others."""
        if self.path not in ("G", "g", "generator"):
            return ""
        return f"The file has no averaged generator (G_ema); the one in training ({self.path}) is shown."


def find_generator(value: object) -> Found | None:
    """Return the generator in the value of a file, preferably the averaged one; None if there is none."""
    found = [*_generators(value)]
    if not found:
        return None
    return min(found, key=lambda item: (not item.is_average, item.path.count(".")))


def find_weights(value: object, anchor: str | tuple[str, ...], parts: tuple[str, ...]) -> Found | None:
    """Return the tensors of a generator under other names than NVIDIA's, preferably the averaged one.

    Args:
        value: The value of the file.
        anchor: A key that every such generator has, without a prefix; several, if a damaged one may lack the first.
        parts: Beginnings of its keys, without a prefix.
    """
    anchors = (anchor,) if isinstance(anchor, str) else anchor
    found = [item for item in _generators(value, anchors, parts) if item.module is None]
    return min(found, key=lambda item: (not item.is_average, item.path.count(".")), default=None)


def _generators(
    value: object, anchors: tuple[str, ...] = ANCHORS, parts: tuple[str, ...] = _PARTS
) -> Iterator[Found]:
    waiting: list[tuple[str, object, int]] = [("", value, 0)]
    seen: set[int] = set()  # tables can be shared, so a small file could describe an endless tree
    for path, item, depth in waiting:  # the loop appends to it
        if id(item) in seen or len(seen) > _TABLES:
            continue
        seen.add(id(item))
        if (module := module_of(item)) is not None:
            module = unwrapped(module)
            if module.child("synthesis") is not None and module.child("mapping") is not None:
                yield Found(path, module)
                continue
            table: dict[object, object] | None = module.table("_modules")  # it may contain a generator among others
        else:
            table = _numbered(item) if isinstance(item, (list, tuple)) else table_of(item)
            if table is None and isinstance(item, StubRecord):
                table = table_of(item.state)  # a class that stores its content as attributes
        if table is None:
            continue
        yield from split_tables(path, _joined(table), anchors, parts)
        if depth < _DEPTH and len(waiting) < 2 * _TABLES:
            waiting += [
                (f"{path}.{key[:80]}".lstrip("."), entry, depth + 1)
                for key, entry in table.items()
                if isinstance(key, str) and isinstance(entry, (dict, list, tuple, ModuleRecord, StubRecord))
            ]


def _numbered(items: list[object] | tuple[object, ...]) -> dict[object, object]:
    """Return the entries of a short list, last first: StyleGAN's oldest files are (G, D, averaged G)."""
    if len(items) > _LIST:
        return {}
    return {str(index): items[index] for index in reversed(range(len(items)))}


def _joined(table: dict[object, object]) -> dict[object, object]:
    """Return a table with separate tables for mapping and synthesis as one; any other unchanged."""
    for prefix in ("", "G_", "g_"):
        parts = {name: table_of(table.get(f"{prefix}{name}")) for name in ("mapping", "synthesis")}
        if all(parts.values()):
            joined = dict(table)
            for name, part in parts.items():
                joined |= {f"{name}.{key}": item for key, item in (part or {}).items()}
            return joined
    return table


def unwrapped(module: ModuleRecord) -> ModuleRecord:
    """Return the innermost module of wrappers."""
    for _ in range(_DEPTH):
        inner = module.child(_WRAPPERS[module.class_name]) if module.class_name in _WRAPPERS else None
        if inner is None:
            break
        module = inner
    return module


def _as_tensor(item: object) -> object:
    """Return a numpy array as a tensor record; anything else unchanged."""
    return (tensor_of_array(item) or item) if isinstance(item, NumpyArray) else item


def split_tables(
    path: str, table: dict[object, object], anchors: tuple[str, ...] = ANCHORS, parts: tuple[str, ...] = _PARTS
) -> Iterator[Found]:
    """Yield the generators in a table of tensors, one per prefix (`G_ema.`, `module.`, or none)."""
    table = {key: _as_tensor(item) for key, item in table.items()}
    names = [key for key, item in table.items() if isinstance(key, str) and isinstance(item, TensorRecord)]
    prefixes = dict.fromkeys(
        name.removesuffix(anchor)
        for name in names
        for anchor in anchors
        if name == anchor or name.endswith(f".{anchor}")
    )
    for prefix in list(prefixes)[:20]:
        own = [name for name in names if name.startswith(tuple(f"{prefix}{part}" for part in parts))]
        tensors = {name[len(prefix) :]: item for name in own if isinstance(item := table[name], TensorRecord)}
        where = ".".join(part for part in (path, prefix.rstrip(".")[-80:]) if part)
        yield Found(where, None, tensors, len(names) - len(own))
