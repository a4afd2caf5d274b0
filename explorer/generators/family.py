"""What the program knows of a family of generators beside its network: one descriptor, plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from explorer.generators.ws_groups import by_resolution, named_by_resolution

if TYPE_CHECKING:
    from explorer.generators.base import GeneratorInfo, LayerInfo

__all__ = ["Family", "Motion", "StartLook", "Training"]

Motion = Literal["translate", "rotate"]


@dataclass(frozen=True, slots=True)
class StartLook:
    """What a view starts with when a model of the family is opened: truncation psi and cutoff (None = all)."""

    psi: float = 1.0
    cutoff: int | None = None


@dataclass(frozen=True, slots=True)
class Training:
    """How a family is trained, where it differs from the others.

    Args:
        defaults: Settings of `explorer.training` that its published trainer has, by name.
        blurs: Whether the discriminator sees blurred pictures at first; the time follows the batch.
        channel_factor: How many times the channels of the discriminator its generator has.
        regularises_paths: Whether path-length regularisation and style mixing belong to it.
    """

    defaults: Mapping[str, Any] = field(default_factory=dict)
    blurs: bool = False
    channel_factor: int = 1
    regularises_paths: bool = False


@dataclass(frozen=True, slots=True)
class Family:
    """A family of generators. References are written `module:attribute` and imported when first used.

    Args:
        name: As files and commands name it: lower case, no spaces.
        title: As people write it.
        config: Reference of its frozen config dataclass; see `explorer.generators.config`.
        build: Reference of a function, or of the `Generator` class itself, that takes such a config.
        preset: Settings in which this family differs from the defaults of the config dataclass.
        readers: References of `explorer.checkpoints.reader.Reader`s of its foreign files. Latentwalk's own
            safetensors need none.
        equivariant: The motions of the input under which its pictures follow exactly, at every layer.
        start: What a view starts with.
        group: The group ("coarse", "middle", "fine") of an entry of `ws`.
        label: A layer's name for people.
        training: How it is trained; None if it cannot be trained here.
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
    training: Training | None = None
