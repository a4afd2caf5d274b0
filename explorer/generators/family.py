"""The descriptor of a generator family: all that the program knows about it besides its network, as plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from explorer.generators.ws_groups import by_resolution, named_by_resolution

if TYPE_CHECKING:
    from explorer.generators.base import GeneratorInfo, LayerInfo

__all__ = ["Family", "Motion", "StartLook"]

Motion = Literal["translate", "rotate"]


@dataclass(frozen=True, slots=True)
class StartLook:
    """Initial look when a model of the family is opened: truncation psi and cutoff (None: all)."""

    psi: float = 1.0
    cutoff: int | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """A family of generators. References are written `module:attribute` and imported when first used.

    Args:
        name: Identifier in files and commands: lower case, no spaces.
        title: Display name.
        config: Reference to its frozen config dataclass; see `explorer.generators.config`.
        build: Reference to a function, or to the `Generator` class itself, that takes such a config.
        preset: Settings that differ from the defaults of the config dataclass.
        readers: References to `explorer.checkpoints.reader.Reader`s for its foreign files. Latentwalk's own
            safetensors need none.
        equivariant: Input motions that its pictures follow exactly, at every layer.
        start: Initial look of a view.
        group: Function that returns the group ("coarse", "middle", "fine") of an entry of `ws`.
        label: Function that returns a layer's display name.
        rgb_directions: Whether the closed-form directions of its style weights include the last layer that outputs
            a picture; see `explorer.directions.sefa`.
        trainer: Reference to an `explorer.training.family_trainer.FamilyTrainer`; empty if it cannot be trained
            here.
    """

    name: str
    title: str
    config: str
    build: str
    preset: Mapping[str, Any] = field(default_factory=dict)
    readers: tuple[str, ...] = ()
    equivariant: frozenset[Motion] = frozenset()
    start: StartLook = StartLook()
    group: Callable[[GeneratorInfo, int], str] = by_resolution
    label: Callable[[LayerInfo], str] = named_by_resolution
    rgb_directions: bool = False
    trainer: str = ""
