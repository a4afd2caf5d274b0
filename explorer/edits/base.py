"""The base of all edits: an edit, the interface of a kind of edit, and an edit resolved for one network.

An edit is data of the state: a value of its kind, a strength, and whether it is on. A kind is one file: a frozen
dataclass (the value) and an `EditKind` (what it does). The order of a look's edits is the order in which they are
applied, within each stage:

| stage | target | when |
|---|---|---|
| `w` | numpy float32 `[w_dim]` or `[num_ws, w_dim]` | the base latent, before mixing and truncation |
| `ws` | numpy float32 `[num_ws, w_dim]` | after mixing and truncation |
| `input` | `Activation` | the input of the first layer |
| `s` | torch `[N, style_dim]` | the styles of a layer, after its affine layer |
| `features` | `Activation` | the output of a layer |
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Protocol, TypeVar

from explorer.errors import ProjectError
from explorer.util.packing import packed, unpacked
from explorer.util.tagged import Tagged

if TYPE_CHECKING:
    from explorer.generators.base import GeneratorInfo, LayerInfo

__all__ = [
    "INPUT_LAYER",
    "Assets",
    "Edit",
    "EditKind",
    "EditValue",
    "Placed",
    "ResolvedEdit",
    "Stage",
    "Strength",
    "UnknownEdit",
    "entries_text",
    "span_of",
    "span_text",
    "use_kinds",
]

Stage = Literal["w", "ws", "s", "features", "input"]

INPUT_LAYER = "input"
"""The name by which edits of the stages `s` and `features` name the network's input."""

_kinds: Callable[[], Mapping[str, EditKind[Any]]] = dict
"""Return every kind by name; set by the registry, which imports the kinds and through them this module."""


def use_kinds(kinds: Callable[[], Mapping[str, EditKind[Any]]]) -> None:
    """Make values and resolved edits look their kinds up with `kinds`; for the registry."""
    global _kinds
    _kinds = kinds


class EditValue(Tagged):
    """Base of the values of all kinds: frozen dataclasses of plain numbers, texts and tuples.

    A field that names an asset is annotated `AssetId` (`explorer.util.asset_ids`), so that the asset is saved too.
    """

    __slots__ = ()

    @classmethod
    def members(cls) -> Mapping[str, type[EditValue]]:
        """Return the values' classes by kind, including those of plug-ins."""
        return {name: kind.value for name, kind in _kinds().items()}

    @classmethod
    def unknown(cls, data: Mapping[str, Any]) -> UnknownEdit:
        """Return a value that preserves the JSON of a missing plug-in."""
        return UnknownEdit(json.dumps(data, ensure_ascii=False, allow_nan=False))


@dataclass(frozen=True, slots=True)
class UnknownEdit(EditValue):
    """The value of an unknown kind of edit, such as that of a missing plug-in; it has no effect.

    `text` is its JSON, which is written back unchanged.
    """

    text: str

    def verbatim(self) -> dict[str, Any]:
        """Return its JSON."""
        data: dict[str, Any] = json.loads(self.text)
        return data

    @property
    def name(self) -> str:
        """The name of its kind, from its JSON."""
        return str(self.verbatim().get("kind"))


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit of a look: its value, strength, and whether it is on. Strength 0 has no effect, for every kind."""

    value: EditValue
    strength: float = 1.0
    is_on: bool = True


@dataclass(frozen=True, slots=True)
class Strength:
    """A kind's usual range of strength (values beyond it are possible), with its default and unit."""

    low: float = 0.0
    high: float = 1.0
    default: float = 1.0
    unit: str = ""


class Assets(Protocol):
    """The assets that a state names by id, an `AssetTable`."""

    def get(self, key: str) -> Any | None:
        """Return the asset with an id, or None."""
        ...


@dataclass(frozen=True, slots=True)
class Placed:
    """A kind's value resolved for one network.

    Attributes:
        digest: Differs whenever `data`, or what the kind does with it, differs.
        data: What `apply` needs.
        layers: Names of the layers that it changes, for the stages `s` and `features`.
    """

    digest: bytes
    data: Any = field(compare=False, repr=False)
    layers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ResolvedEdit:
    """An edit that is on and fits the network; frozen, hashable, and equal if its effect is.

    Attributes:
        kind: Name of its kind.
        stage: Where it is applied.
        strength: Not 0.
        layers: Names of the layers that it changes, for the stages `s` and `features`.
        digest: 16 bytes that identify the edit.
        data: The resolved value, for its kind.
    """

    kind: str
    stage: Stage
    strength: float
    layers: tuple[str, ...]
    digest: bytes
    data: Any = field(compare=False, repr=False)

    def apply(self, target: Any, layer: LayerInfo | None = None) -> Any:
        """Return the target of its stage with the edit applied; the target is not modified.

        Args:
            target: See the module.
            layer: The layer, for the stages `s` and `features`.
        """
        return _kinds()[self.kind].apply(target, self, layer)

    @property
    def keeps_band(self) -> bool:
        """See `EditKind.keeps_band`."""
        return _kinds()[self.kind].keeps_band(self)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values, from which `from_json` makes an equal one, even on another machine."""
        return {
            "kind": self.kind,
            "strength": self.strength,
            "layers": list(self.layers),
            "digest": self.digest.hex(),
            "data": _kinds()[self.kind].pack(self.data),
        }

    @staticmethod
    def from_json(data: Any, where: str) -> ResolvedEdit:
        """Return the edit that `to_json` wrote. Raises ProjectError, also for an unknown kind."""
        try:
            kind = _kinds()[data["kind"]]
            layers, digest = tuple(str(name) for name in data["layers"]), bytes.fromhex(data["digest"])
            strength, resolved = float(data["strength"]), kind.unpack(data["data"])
        except (KeyError, TypeError, ValueError) as error:
            raise ProjectError(
                f"{where} should be an edit.", "The file is damaged, or a plug-in is missing."
            ) from error
        return ResolvedEdit(kind.name, kind.stage, strength, layers, digest, resolved)


E = TypeVar("E", bound=EditValue)


class EditKind(ABC, Generic[E]):
    """The interface of a kind of edit. Stateless; its methods are pure."""

    name: ClassVar[str]
    """Name in projects; never changes."""
    title: ClassVar[str]
    """Display name, in menus and as the default name of an edit."""
    stage: ClassVar[Stage]
    value: ClassVar[type[Any]]
    """The class of its values; `value.kind` is `name`."""
    strength: ClassVar[Strength] = Strength()
    row: ClassVar[str] = ""
    """The widget of its row as "module:Class", a subclass of `EditRow`; empty for one with the strength alone."""

    @abstractmethod
    def resolve(self, value: E, info: GeneratorInfo, assets: Assets | None) -> Placed | None:
        """Resolve the value for one network, or return None if it does not fit; it stays in the state."""

    @abstractmethod
    def apply(self, target: Any, edit: ResolvedEdit, layer: LayerInfo | None) -> Any:
        """Return the target with the edit applied; see the module for its type. Never modify the target itself."""

    def keeps_band(self, edit: ResolvedEdit) -> bool:
        """Return whether the features have no higher frequencies after `apply` than before.

        If False, what the edit changes is filtered by the layer, where it has a band limit
        (`SynthesisLayer.keep_band`). Only asked at the stage `features`.
        """
        return True

    def describe(self, value: E) -> str:
        """Return its display name in menus, tracks and undo; it begins with a capital letter."""
        return self.title

    def blend(self, values: Sequence[E], weights: Sequence[float]) -> E:
        """Return the weighted mean of values with one `identity`; weights sum to 1, single ones may be negative.

        The default suits values that are determined by their `identity`.
        """
        return values[0]

    def identity(self, value: E) -> Hashable:
        """Return what two values must have in common to be blended; others fade out and in."""
        return value

    def pack(self, data: Any) -> Any:
        """Return `Placed.data` of `resolve` as JSON values; override it for data that JSON cannot hold."""
        return packed(data)

    def unpack(self, data: Any) -> Any:
        """Return what `pack` wrote. Raises KeyError, TypeError or ValueError."""
        return unpacked(data)

    def limit(self, info: GeneratorInfo) -> Strength:
        """Return the range of strength for a network."""
        return self.strength


def digest_of(*parts: object) -> bytes:
    """Return 16 bytes that differ whenever the `repr` of a part differs."""
    return blake2b(repr(parts).encode(), digest_size=16).digest()


def span_of(first: int, last: int | None, num_ws: int) -> tuple[int, int] | None:
    """Clip an inclusive range to the network's entries of `ws`; return None if nothing is left.

    `last` None means the last entry.
    """
    first = max(first, 0)
    last = num_ws - 1 if last is None else min(last, num_ws - 1)
    return (first, last) if first <= last else None


def span_text(first: int, last: int | None) -> str:
    """Describe an inclusive range of entries of `ws`."""
    if last is None:
        return "all layers" if first == 0 else f"layers {first} and up"
    return f"layer {first}" if first == last else f"layers {first}\u2013{last}"


def entries_text(entries: Sequence[int]) -> str:
    """Describe entries of `ws`; none stand for all."""
    spans: list[list[int]] = []
    for i in sorted(set(entries)):
        if spans and i == spans[-1][1] + 1:
            spans[-1][1] = i
        else:
            spans.append([i, i])
    if not spans:
        return "all layers"
    named = ", ".join(str(a) if a == b else f"{a}\u2013{b}" for a, b in spans)
    return f"layer {named}" if len(set(entries)) == 1 else f"layers {named}"
