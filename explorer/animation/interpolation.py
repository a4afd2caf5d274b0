"""States between states: every number of a look is blended, and latents become recipes of latents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from explorer.edits.blending import blend_edits
from explorer.edits.registry import is_of_styles
from explorer.state import (
    Blend,
    BlendPoint,
    Classes,
    Edit,
    Latent,
    Look,
    Mixing,
    MixRow,
    MixSource,
    Noise,
    Segment,
    Snapshot,
    Tap,
    Transform,
    Truncation,
    ViewState,
)
from explorer.util.sums import total_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

__all__ = ["mix_latents", "mix_looks", "mix_snapshots"]

T = TypeVar("T")
Shares = Sequence[float]


def mix_snapshots(poses: Sequence[Snapshot], shares: Shares, segment: Segment) -> Snapshot:
    """The state between states; what is no number is the first one's. One pose of share 1 is returned as it is."""
    if len(poses) == 1:
        return poses[0]
    shared = mix_looks([pose.shared for pose in poses], shares, segment)
    views = []
    for i, view in enumerate(poses[0].views):
        others = [pose.views[i] if i < len(pose.views) else view for pose in poses]
        views.append(_mix_views(others, shares, segment))
    return Snapshot(shared, tuple(views))


def _mix_views(views: list[ViewState], shares: Shares, segment: Segment) -> ViewState:
    first = views[0]
    tap: Tap = replace(first.tap, scale_db=_number([v.tap.scale_db for v in views], shares))
    return replace(first, own=mix_looks([v.own for v in views], shares, segment), tap=tap)


def mix_looks(looks: Sequence[Look], shares: Shares, segment: Segment) -> Look:
    """The look between looks.

    Numbers are blended; seeds, modes and kinds of motion are the first one's. Two amounts of mixing from different
    sources cannot be blended one by one: the first fades out before the second fades in, unless the segment's space
    is `ws`, where whole styles are blended.
    """
    if all(look == looks[0] for look in looks):
        return looks[0]
    first = looks[0]
    common: dict[str, Any] = {
        "classes": _classes([look.classes for look in looks], shares),
        "noise": _noise([look.noise for look in looks], shares),
        "transform": _transform([look.transform for look in looks], shares),
    }
    if segment.space == "ws" and any(_style(look) != _style(first) for look in looks):
        points = tuple(BlendPoint(k.latent, share, *_style(k)[1:]) for k, share in zip(looks, shares, strict=True))
        latent = Latent(first.latent.seed, blend=Blend("ws", points, segment.interpolation == "spherical"))
        edits = blend_edits([_edits(look, of_styles=False) for look in looks], shares)
        plain = Look(latent=latent, drift=first.drift, mixing=Mixing(first.mixing.sources), edits=edits)
        return replace(plain, **common)
    return Look(
        latent=mix_latents([look.latent for look in looks], shares, segment),
        drift=first.drift,
        truncation=_truncation([look.truncation for look in looks], shares),
        mixing=_mixing([look.mixing for look in looks], shares),
        edits=blend_edits([look.edits for look in looks], shares),
        **common,
    )


def mix_latents(latents: Sequence[Latent], shares: Shares, segment: Segment) -> Latent:
    """The latent between latents. Points of one plane are joined on that plane, except on the sphere."""
    first = latents[0]
    if all(latent == first for latent in latents):
        return first
    is_round = segment.interpolation == "spherical"
    plane = replace(first, x=0.0, y=0.0)
    if not is_round and segment.space != "z" and all(replace(k, x=0.0, y=0.0) == plane for k in latents):
        x, y = _number([k.x for k in latents], shares), _number([k.y for k in latents], shares)
        return replace(first, x=x, y=y)
    points = tuple(BlendPoint(latent, share) for latent, share in zip(latents, shares, strict=True))
    return Latent(first.seed, blend=Blend(segment.space, points, is_round))


def _style(look: Look) -> tuple[Any, ...]:
    return look.latent, look.truncation, look.mixing, _edits(look, of_styles=True)


def _edits(look: Look, *, of_styles: bool) -> tuple[Edit, ...]:
    """The edits that decide the final `ws`, which blends of styles bring along, or the others."""
    return tuple(edit for edit in look.edits if is_of_styles(edit) == of_styles)


def _number(values: Sequence[float], shares: Shares) -> float:
    if all(value == values[0] for value in values):
        return values[0]
    return total_of(value * share for value, share in zip(values, shares, strict=True))


def _union(
    items: Sequence[Iterable[tuple[Hashable, float]]], shares: Shares, default: Callable[[int], float]
) -> list[tuple[Any, float]]:
    """Blends lists of (name, number); where one lacks a name, `default(number of the list)` stands for it."""
    tables = [dict(pairs) for pairs in items]
    names = sorted({name for table in tables for name in table}, key=repr)
    return [(n, _number([t.get(n, default(i)) for i, t in enumerate(tables)], shares)) for n in names]


def _truncation(items: list[Truncation], shares: Shares) -> Truncation:
    layers = _union([t.layer_psi for t in items], shares, lambda i: items[i].psi)
    return Truncation(_number([t.psi for t in items], shares), items[0].cutoff, tuple(sorted(layers)))


def _classes(items: list[Classes], shares: Shares) -> Classes:
    if all(item == items[0] for item in items):
        return items[0]
    named = [item.weights or ((0, 1.0),) for item in items]
    totals = [total_of(weight for _, weight in weights) or 1.0 for weights in named]
    even = [[(k, weight / total) for k, weight in pairs] for pairs, total in zip(named, totals, strict=True)]
    mixed = sorted(_union(even, shares, lambda _: 0.0))
    return Classes(tuple((k, weight) for k, weight in mixed if weight > 0.0))


def _noise(items: list[Noise], shares: Shares) -> Noise:
    layers = sorted(_union([n.layer_strengths for n in items], shares, lambda _: 1.0))
    strength = _number([n.strength for n in items], shares)
    return replace(items[0], strength=strength, layer_strengths=tuple(layers))


def _transform(items: list[Transform], shares: Shares) -> Transform:
    numbers: dict[str, Any] = {
        f.name: _number([getattr(t, f.name) for t in items], shares)
        for f in fields(Transform)
        if isinstance(f.default, float)
    }
    matrix = tuple(_number(column, shares) for column in zip(*(t.matrix for t in items), strict=True))
    return replace(items[0], matrix=matrix, **numbers)


def _mixing(items: list[Mixing], shares: Shares) -> Mixing:
    if all(item == items[0] for item in items):
        return items[0]
    sources = list(dict.fromkeys(source for item in items for source in item.sources))
    numbers = {source: i for i, source in enumerate(sources)}
    rows: list[dict[int, tuple[MixSource, float]]] = [
        {r.layer: (m.sources[r.source], r.amount) for r in m.rows if r.source < len(m.sources)} for m in items
    ]
    mixed = []
    for layer in sorted({layer for row in rows for layer in row}):
        found = _mix_row([row.get(layer) for row in rows], shares)
        if found is not None and found[1] > 0.0:
            mixed.append(MixRow(layer, numbers[found[0]], min(found[1], 1.0)))
    return Mixing(tuple(sources), tuple(mixed))


def _mix_row(row: list[tuple[MixSource, float] | None], shares: Shares) -> tuple[MixSource, float] | None:
    named = [(item, share) for item, share in zip(row, shares, strict=True) if item is not None]
    if len({source for (source, _), _ in named}) == 1:
        return named[0][0][0], total_of(amount * share for (_, amount), share in named)
    # Only one source at a time fits into an entry: each is heard as far as it has more than half of the say.
    (source, amount), share = max(named, key=lambda pair: pair[1])
    return source, amount * max(0.0, 2.0 * share - 1.0)
