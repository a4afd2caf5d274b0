"""The timeline: keyframes, tracks of single parameters, a recorded performance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from explorer.state.views import Snapshot

__all__ = [
    "Interpolation",
    "Keyframe",
    "LatentLoop",
    "ParameterKeyframe",
    "RecordedState",
    "Segment",
    "Timeline",
    "Track",
]

Interpolation: TypeAlias = Literal["hold", "linear", "spherical", "cubic", "catmull-rom"]
"""How the state goes from one key to the next."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Interpolation and easing from one keyframe to the next.

    `interpolation`: linear, spherical, a cubic or a Catmull-Rom spline through all keys, or hold until the next
    key. `space`: where latents are blended. `ease`: the timing between the keys; "curve" passes through the points
    `curve`, (fraction of the time, progress) in 0..1.
    """

    interpolation: Interpolation = "linear"
    space: Literal["z", "w", "ws"] = "w"
    ease: Literal["linear", "in", "out", "in-out", "curve"] = "in-out"
    curve: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Keyframe:
    """The whole state at `time` seconds; `segment` is the interpolation from here to the next keyframe."""

    time: float
    pose: Snapshot = Snapshot()
    segment: Segment = Segment()


@dataclass(frozen=True, slots=True)
class ParameterKeyframe:
    """A parameter's value at `time` seconds."""

    time: float
    value: float
    segment: Segment = Segment()


@dataclass(frozen=True, slots=True)
class Track:
    """Keyframes of a single parameter, which override its value in keyframes of the whole state.

    `parameter`: a name of `explorer.state.parameters`; `view`: a view's number, -1 for the shared look.
    """

    parameter: str
    keys: tuple[ParameterKeyframe, ...] = ()
    view: int = -1


@dataclass(frozen=True, slots=True)
class LatentLoop:
    """Periodic motion of the latent around its position; the timeline's duration is one period.

    `circle`: `turns` rounds in the plane of two random directions; `noise`: smooth noise in four of them, with
    `turns` cycles. `radius`: in lengths of a latent (1: to another seed). `seed` draws the directions.
    """

    kind: Literal["none", "circle", "noise"] = "none"
    radius: float = 0.4
    turns: int = 1
    seed: int = 0
    space: Literal["z", "w"] = "w"


@dataclass(frozen=True, slots=True)
class RecordedState:
    """One moment of a recorded performance: the state from `time` seconds on."""

    time: float
    pose: Snapshot


@dataclass(frozen=True, slots=True)
class Timeline:
    """Everything animated. Keyframes and samples are sorted by time; a performance plays if there are no keyframes.

    `aside`: another timeline of the project, which is stored but not played: the keyframes replaced by a recording,
    or the recording replaced by keyframes. It has none itself.

    `duration` in seconds, `fps` in frames per second (to snap to, and of the film), `bpm` beats per minute
    (0 = none). `loop`: what happens at the end; "seamless" continues from the last keyframe to the first.
    """

    keys: tuple[Keyframe, ...] = ()
    tracks: tuple[Track, ...] = ()
    performance: tuple[RecordedState, ...] = ()
    wander: LatentLoop = LatentLoop()
    duration: float = 8.0
    loop: Literal["once", "loop", "ping-pong", "seamless"] = "once"
    fps: float = 30.0
    snap: bool = True
    bpm: float = 0.0
    aside: Timeline | None = None
