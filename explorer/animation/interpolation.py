"""Interpolation between states: numbers are blended, and latents become recipes of latents."""

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
    Crop,
    Edit,
    Latent,
    Look,
    Mixing,
    MixRow,
    MixSource,
    Noise,
    Segment,
    Snapshot,
    Source,
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
Weights = Sequence[float]


def mix_snapshots(snapshots: Sequence[Snapshot], weights: Weights, segment: Segment) -> Snapshot:
    """Return a weighted mean of snapshots; what is not a number is taken from the first one."""
    if len(snapshots) == 1:
        return snapshots[0]
    shared = mix_looks([snapshot.shared for snapshot in snapshots], weights, segment)
    views = []
    for i, view in enumerate(snapshots[0].views):
        others = [snapshot.views[i] if i < len(snapshot.views) else view for snapshot in snapshots]
        views.append(_mix_views(others, weights, segment))
    return Snapshot(shared, tuple(views))


def _mix_views(views: list[ViewState], weights: Weights, segment: Segment) -> ViewState:
    first = views[0]
    tap: Tap = replace(first.tap, scale_db=_number([v.tap.scale_db for v in views], weights))
    return replace(first, own=mix_looks([v.own for v in views], weights, segment), tap=tap)


def mix_looks(looks: Sequence[Look], weights: Weights, segment: Segment) -> Look:
    """Return a weighted mean of looks.

    Numbers are blended; seeds, modes, kinds of motion and sources are taken from the first look. Two amounts of
    mixing from different sources cannot be blended directly: the first fades out before the second fades in, unless
    the segment's space is `ws`, where whole styles are blended.
    """
    if all(look == looks[0] for look in looks):
        return looks[0]
    first = looks[0]
    common: dict[str, Any] = {
        "classes": _classes([look.classes for look in looks], weights),
        "noise": _noise([look.noise for look in looks], weights),
        "transform": _transform([look.transform for look in looks], weights),
        "source": _source([look.source for look in looks], weights),
    }
    if segment.space == "ws" and any(_style(look) != _style(first) for look in looks):
        points = tuple(BlendPoint(k.latent, w, *_style(k)[1:]) for k, w in zip(looks, weights, strict=True))
        latent = Latent(first.latent.seed, blend=Blend("ws", points, segment.interpolation == "spherical"))
        edits = blend_edits([_edits(look, of_styles=False) for look in looks], weights)
        plain = Look(latent=latent, drift=first.drift, mixing=Mixing(first.mixing.sources), edits=edits)
        return replace(plain, **common)
    return Look(
        latent=mix_latents([look.latent for look in looks], weights, segment),
        drift=first.drift,
        truncation=_truncation([look.truncation for look in looks], weights),
        mixing=_mixing([look.mixing for look in looks], weights),
        edits=blend_edits([look.edits for look in looks], weights),
        **common,
    )


def mix_latents(latents: Sequence[Latent], weights: Weights, segment: Segment) -> Latent:
    """Return a weighted mean of latents. Points of one plane are blended on it, except spherically."""
    first = latents[0]
    if all(latent == first for latent in latents):
        return first
    is_round = segment.interpolation == "spherical"
    plane = replace(first, x=0.0, y=0.0)
    if not is_round and segment.space != "z" and all(replace(k, x=0.0, y=0.0) == plane for k in latents):
        x, y = _number([k.x for k in latents], weights), _number([k.y for k in latents], weights)
        return replace(first, x=x, y=y)
    points = tuple(BlendPoint(latent, weight) for latent, weight in zip(latents, weights, strict=True))
    return Latent(first.seed, blend=Blend(segment.space, points, is_round))


def _style(look: Look) -> tuple[Any, ...]:
    return look.latent, look.truncation, look.mixing, _edits(look, of_styles=True)


def _edits(look: Look, *, of_styles: bool) -> tuple[Edit, ...]:
    """Return the edits that determine the final `ws`, which blended styles include, or the other edits."""
    return tuple(edit for edit in look.edits if is_of_styles(edit) == of_styles)


def _number(values: Sequence[float], weights: Weights) -> float:
    if all(value == values[0] for value in values):
        return values[0]
    return total_of(value * weight for value, weight in zip(values, weights, strict=True))


def _union(
    items: Sequence[Iterable[tuple[Hashable, float]]], weights: Weights, default: Callable[[int], float]
) -> list[tuple[Any, float]]:
    """Blend lists of (name, number); `default(index of the list)` is used where a list lacks a name."""
    tables = [dict(pairs) for pairs in items]
    names = sorted({name for table in tables for name in table}, key=repr)
    return [(n, _number([t.get(n, default(i)) for i, t in enumerate(tables)], weights)) for n in names]


def _truncation(items: list[Truncation], weights: Weights) -> Truncation:
    layers = _union([t.layer_psi for t in items], weights, lambda i: items[i].psi)
    return Truncation(_number([t.psi for t in items], weights), items[0].cutoff, tuple(sorted(layers)))


def _classes(items: list[Classes], weights: Weights) -> Classes:
    if all(item == items[0] for item in items):
        return items[0]
    named = [item.weights or ((0, 1.0),) for item in items]
    totals = [total_of(weight for _, weight in pairs) or 1.0 for pairs in named]
    even = [[(k, weight / total) for k, weight in pairs] for pairs, total in zip(named, totals, strict=True)]
    mixed = sorted(_union(even, weights, lambda _: 0.0))
    return Classes(tuple((k, weight) for k, weight in mixed if weight > 0.0))


def _noise(items: list[Noise], weights: Weights) -> Noise:
    layers = sorted(_union([n.layer_strengths for n in items], weights, lambda _: 1.0))
    strength = _number([n.strength for n in items], weights)
    return replace(items[0], strength=strength, layer_strengths=tuple(layers))


def _transform(items: list[Transform], weights: Weights) -> Transform:
    numbers: dict[str, Any] = {
        f.name: _number([getattr(t, f.name) for t in items], weights)
        for f in fields(Transform)
        if isinstance(f.default, float)
    }
    matrix = tuple(_number(column, weights) for column in zip(*(t.matrix for t in items), strict=True))
    return replace(items[0], matrix=matrix, **numbers)


def _source(items: list[Source], weights: Weights) -> Source:
    """Return the first source; where all have the same picture, its crop is blended."""
    if any(item.picture != items[0].picture for item in items):
        return items[0]
    crops = [item.crop for item in items]
    numbers = {f.name: _number([getattr(crop, f.name) for crop in crops], weights) for f in fields(Crop)}
    return replace(items[0], crop=Crop(**numbers))


def _mixing(items: list[Mixing], weights: Weights) -> Mixing:
    if all(item == items[0] for item in items):
        return items[0]
    sources = list(dict.fromkeys(source for item in items for source in item.sources))
    numbers = {source: i for i, source in enumerate(sources)}
    rows: list[dict[int, tuple[MixSource, float]]] = [
        {r.layer: (m.sources[r.source], r.amount) for r in m.rows if r.source < len(m.sources)} for m in items
    ]
    mixed = []
    for layer in sorted({layer for row in rows for layer in row}):
        found = _mix_row([row.get(layer) for row in rows], weights)
        if found is not None and found[1] > 0.0:
            mixed.append(MixRow(layer, numbers[found[0]], min(found[1], 1.0)))
    return Mixing(tuple(sources), tuple(mixed))


def _mix_row(row: list[tuple[MixSource, float] | None], weights: Weights) -> tuple[MixSource, float] | None:
    named = [(item, weight) for item, weight in zip(row, weights, strict=True) if item is not None]
    if len({source for (source, _), _ in named}) == 1:
        return named[0][0][0], total_of(amount * weight for (_, amount), weight in named)
    # An entry has only one source at a time: the one with more than half of the weight, scaled by its excess.
    (source, amount), weight = max(named, key=lambda pair: pair[1])
    return source, amount * max(0.0, 2.0 * weight - 1.0)
