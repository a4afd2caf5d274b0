"""The explorer's whole state as one frozen value: what is looked at, how it is rendered, where it is shown.

Everything here is immutable, hashable and made of plain numbers, strings and tuples, so that undo is a list of
states, a project file is JSON, a keyframe is a state, and "did it change?" is `!=`. Arrays are never stored:
a loaded latent is named by its id in a `LatentTable` (`explorer.latents.table`).

A `Look` is everything that decides a generator's picture. The state has one shared look, and one of its own
for each view; a view follows the shared look in the aspects it is linked to.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Literal

__all__ = [
    "ASPECTS",
    "Animation",
    "Blend",
    "BlendPoint",
    "Classes",
    "ExplorerState",
    "Keyframe",
    "Lab",
    "Latent",
    "LatentLoop",
    "Layout",
    "Look",
    "MixRow",
    "MixSource",
    "Mixing",
    "Noise",
    "Nudge",
    "Offset",
    "ParameterKeyframe",
    "RecordedState",
    "Segment",
    "Slit",
    "Snapshot",
    "Tap",
    "Timeline",
    "Track",
    "Transform",
    "Truncation",
    "ViewState",
    "look_of",
    "with_look",
]


@dataclass(frozen=True, slots=True)
class Latent:
    """Where on the latent plane we are.

    The plane has a seed at every integer point: `seed + i + 100 * j (mod 2**32)` at (i, j). Between them the
    four neighbours' `w` are blended bilinearly, relative to `w_avg`. (0, 0) is exactly `seed`.
    If `stored` is not empty, the latent of that id replaces the point (0, 0) and `x`, `y` walk from it along
    the differences between plane points. A `blend` of other latents replaces that point in the same way.
    """

    seed: int = 0
    x: float = 0.0
    y: float = 0.0
    stored: str = ""
    blend: Blend | None = None


@dataclass(frozen=True, slots=True)
class Classes:
    """Mixture of classes of a conditional generator as (class index, weight); empty = class 0."""

    weights: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Truncation:
    """`ws <- w_avg + psi * (ws - w_avg)` for the first `cutoff` entries (None = all, 0 = none).

    `layer_psi` overrides psi for single entries of `ws` as (index, psi), whatever the cutoff.
    """

    psi: float = 1.0
    cutoff: int | None = None
    layer_psi: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class MixSource:
    """A latent to mix in, with the fields of `Latent`: a seed, a place beside it, a stored latent or a blend."""

    seed: int = 1
    stored: str = ""
    x: float = 0.0
    y: float = 0.0
    blend: Blend | None = None

    @property
    def latent(self) -> Latent:
        """The same as a latent."""
        return Latent(self.seed, self.x, self.y, self.stored, self.blend)

    @staticmethod
    def of(latent: Latent) -> MixSource:
        """A latent as a source: its recipe, which every model can follow, and no numbers."""
        return MixSource(latent.seed, latent.stored, latent.x, latent.y, latent.blend)


@dataclass(frozen=True, slots=True)
class MixRow:
    """Entry `layer` of `ws` takes `amount` (0..1) of source number `source`."""

    layer: int
    source: int
    amount: float


@dataclass(frozen=True, slots=True)
class Mixing:
    """Style mixing: sources, and for each mixed entry of `ws` one row; rows are sorted by layer."""

    sources: tuple[MixSource, ...] = (MixSource(),)
    rows: tuple[MixRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Nudge:
    """A step of `strength` along a random unit direction (drawn from `seed`), for entries first..last of `ws`.

    `last` None means the last entry.
    """

    seed: int
    strength: float
    first: int = 0
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Offset:
    """Values added to entries first..last of `ws`: the w editor's bars. `values` has length `w_dim`."""

    values: tuple[float, ...]
    first: int = 0
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Noise:
    """Noise inputs: mode, seed of the random mode, strength for all and for single layers (name, factor)."""

    mode: Literal["none", "const", "random"] = "const"
    seed: int = 0
    strength: float = 1.0
    layer_strengths: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Animation:
    """Time-based motion of the transform: its kind, speed (widths/s or turns/s) and radius (image widths)."""

    kind: Literal["none", "circle", "spin", "shake"] = "none"
    speed: float = 0.1
    radius: float = 0.1


@dataclass(frozen=True, slots=True)
class Transform:
    """Forward motion of the picture: scale and shear, then rotation, then translation.

    `x`, `y`: image widths, right and down positive. `rotate`: degrees, counter-clockwise on screen. `scale_x`,
    `scale_y`: factors. `shear`: x shift per unit y. `matrix`: a free forward 2x3 matrix (row by row) applied
    after all that. `untransform`: resample the picture back by the inverse motion for display; `residual` shows
    instead how it then differs from the unmoved picture: signed about grey, or as heat.
    """

    x: float = 0.0
    y: float = 0.0
    rotate: float = 0.0
    scale_x: float = 1.0
    scale_y: float = 1.0
    shear: float = 0.0
    matrix: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    animation: Animation = Animation()
    untransform: bool = False
    residual: Literal["none", "difference", "heat"] = "none"


@dataclass(frozen=True, slots=True)
class BlendPoint:
    """One latent of a blend and its weight. In the space `ws` it brings its truncation, mixing and edits along."""

    latent: Latent
    weight: float
    truncation: Truncation = Truncation()
    mixing: Mixing = Mixing()
    nudges: tuple[Nudge, ...] = ()
    offsets: tuple[Offset, ...] = ()


@dataclass(frozen=True, slots=True)
class Blend:
    """A weighted sum of latents, as a recipe: what lies between the keys of a timeline.

    `z`: of inputs of the mapping network, where every point has one (a seed, a stored z, a blend of such), else as
    `w`; `w`: of base latents relative to `w_avg`; `ws`: of final styles, each with its own truncation, mixing and
    edits. `spherical` keeps to the sphere: directions turn at an even rate and lengths change evenly.
    """

    space: Literal["z", "w", "ws"] = "w"
    points: tuple[BlendPoint, ...] = ()
    spherical: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """Everything that decides a generator's picture; each field is an aspect that views can share or own."""

    latent: Latent = Latent()
    drift: float = 0.0  # seeds per second along x
    classes: Classes = Classes()
    truncation: Truncation = Truncation()
    mixing: Mixing = Mixing()
    nudges: tuple[Nudge, ...] = ()
    offsets: tuple[Offset, ...] = ()
    noise: Noise = Noise()
    transform: Transform = Transform()


ASPECTS: tuple[str, ...] = tuple(f.name for f in fields(Look))
"""The names of `Look`'s fields, in order."""


@dataclass(frozen=True, slots=True)
class Tap:
    """What of the network is shown: the final picture (`layer` empty) or one layer's activation.

    `channels` "rgb" shows three channels from `first_channel` on, "one" that channel, "norm" the vector norm.
    `scale_db` brightens, `normalize` fits the range. `spectrum` shows the log power spectrum instead.
    """

    layer: str = ""
    channels: Literal["rgb", "one", "norm"] = "rgb"
    first_channel: int = 0
    scale_db: float = 0.0
    normalize: bool = True
    spectrum: bool = False


@dataclass(frozen=True, slots=True)
class ViewState:
    """One picture on screen: its model, the aspects in which it follows the shared look, and its own look."""

    model: str = ""  # a bundled name or a path; empty = nothing loaded
    linked: frozenset[str] = frozenset(ASPECTS)
    own: Look = Look()
    tap: Tap = Tap()


@dataclass(frozen=True, slots=True)
class Slit:
    """The line of the slit-scan: its middle, in image widths right and down from the picture's middle.

    `angle`: degrees counter-clockwise, 90 stands upright; `length`: image widths. `follows`: it moves and turns
    with the picture's transform.
    """

    x: float = -0.12  # beside the middle, where a wipe's divider begins
    y: float = -0.05
    angle: float = 90.0
    length: float = 0.6
    follows: bool = False


@dataclass(frozen=True, slots=True)
class Lab:
    """What the sticking lab shows, of all views alike.

    `scan`: slit-scans under the pictures. `average`: the mean of `count` neighbours of `w` within `radius` (shares
    of the way from `w_avg` to a seed) or of `count` moved pictures brought back, instead of the picture. `split`:
    where the wipe's divider stands, 0..1. `tour`: number of the guided tour's step, 0 for none.
    """

    scan: bool = False
    slit: Slit = Slit()
    average: Literal["none", "neighbours", "shifted", "turned"] = "none"
    radius: float = 0.15
    count: int = 32
    split: float = 0.5
    tour: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a key of the whole state holds: every look and what each view shows of it, but not the models."""

    shared: Look = Look()
    views: tuple[ViewState, ...] = (ViewState(), ViewState())


@dataclass(frozen=True, slots=True)
class Segment:
    """How the way from one key to the next is gone.

    `interpolation`: straight, on the sphere, along the smooth cubic or the Catmull-Rom curve through all keys, or
    not at all until the next key. `space`: where latents are blended. `ease`: how the time between them is spent;
    "curve" goes through the points `curve`, (share of the time, share of the way) in 0..1.
    """

    interpolation: Literal["hold", "linear", "spherical", "cubic", "catmull-rom"] = "linear"
    space: Literal["z", "w", "ws"] = "w"
    ease: Literal["linear", "in", "out", "in-out", "curve"] = "in-out"
    curve: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Keyframe:
    """The whole state at `time` seconds; `segment` is the way from here to the next key."""

    time: float
    pose: Snapshot = Snapshot()
    segment: Segment = Segment()


@dataclass(frozen=True, slots=True)
class ParameterKeyframe:
    """One number at `time` seconds."""

    time: float
    value: float
    segment: Segment = Segment()


@dataclass(frozen=True, slots=True)
class Track:
    """Keys of a single parameter, which replace what the whole-state keys say of it.

    `parameter`: a name of `explorer.state.parameters`; `view`: a view's number, -1 for the shared look.
    """

    parameter: str
    keys: tuple[ParameterKeyframe, ...] = ()
    view: int = -1


@dataclass(frozen=True, slots=True)
class LatentLoop:
    """Motion of the latent about where it is, closed within the timeline's duration.

    `circle`: `turns` rounds in the plane of two random directions; `noise`: smooth noise in four of them, `turns`
    swings long. `radius`: in lengths of a latent (1 = as far as another seed). `seed` draws the directions.
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
    """Everything animated. Keys and samples are sorted by time; a performance holds where there are no keys.

    `aside`: another timeline of the project, which is kept and does not play: the keys behind a recording, or the
    recording behind keys. It has none itself.

    `duration` in seconds, `fps` in frames per second (to snap to, and of the film), `bpm` beats per minute
    (0 = none). `loop`: what happens at the end; "seamless" goes on from the last key to the first.
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


Layout = Literal["single", "grid", "wipe", "flicker"]


@dataclass(frozen=True, slots=True)
class ExplorerState:
    """The one value that the store holds.

    `layout`: the active view alone, all views in a grid, or the two of `pair` in one place, by a wipe or in turn.
    """

    shared: Look = Look()
    views: tuple[ViewState, ...] = (ViewState(), ViewState())
    active: int = 0
    layout: Layout = "grid"
    pair: tuple[int, int] = (0, 1)
    lab: Lab = Lab()
    timeline: Timeline = Timeline()


def look_of(state: ExplorerState, view: int) -> Look:
    """The look that view number `view` has: shared where it is linked, its own elsewhere."""
    v = state.views[view]
    own = {name: getattr(v.own, name) for name in ASPECTS if name not in v.linked}
    return replace(state.shared, **own) if own else state.shared


def with_look(state: ExplorerState, view: int, **aspects: Any) -> ExplorerState:
    """A state in which view `view` shows the given aspects: set in the shared look where linked, else its own."""
    v = state.views[view]
    shared = {k: a for k, a in aspects.items() if k in v.linked}
    own = {k: a for k, a in aspects.items() if k not in v.linked}
    if own:
        views = list(state.views)
        views[view] = replace(v, own=replace(v.own, **own))
        state = replace(state, views=tuple(views))
    return replace(state, shared=replace(state.shared, **shared)) if shared else state
