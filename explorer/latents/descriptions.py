"""Short descriptions of latents and classes, for captions and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.latents.map_planes import is_sum
from explorer.util.plain_text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explorer.state import Latent

__all__ = ["describe_classes", "describe_latent"]


def describe_latent(latent: Latent) -> str:
    """Describe a latent: `seed 7 +0.25`, `seed 7 and 2 steps`, `3 \u2192 8  40 %`, `blend of 4`.

    One that was bred is described by its first ancestor and the number of mutations: `seed 7, 2 mutations`.
    """
    if latent.blend is not None:
        points = [p for p in latent.blend.points if abs(p.weight) > 1e-6]
        added = len(points) - 1
        if added > 0 and is_sum(latent.blend):
            return f"{describe_latent(points[0].latent)} and {added} step{'s' * (added > 1)}"
        if added > 0 and points[0].weight == 1.0:  # a child: the others are what was added to it
            return f"{describe_latent(points[0].latent)}, {added} mutation{'s' * (added > 1)}"
        if len(points) == 1 and points[0].mixing.rows:
            return f"{describe_latent(points[0].latent)}, layers crossed"
        if len(points) == 2 and all(p.latent.blend is None for p in points):
            first, second = points
            a, b = describe_latent(first.latent), describe_latent(second.latent)
            return f"{a} \u2192 {b}  {100 * second.weight:.0f} %"
        return describe_latent(points[0].latent) if len(points) == 1 else f"blend of {len(points)}"
    moved = "".join(f" {value:+.2f}" for value in (latent.x, latent.y) if value)
    return ("stored latent" if latent.stored else f"seed {latent.seed}") + moved


def describe_classes(weights: Sequence[tuple[int, float]], names: Sequence[str] = ()) -> str:
    """Describe classes given as (index, weight) with weights summing to 1: `class fox`, `class 3`, `4 classes`."""
    labels = [visible(names[index], 40) if index < len(names) else str(index) for index, _ in weights]
    if len(weights) == 1:
        return f"class {labels[0]}"
    if len(weights) == 2:
        parts = zip(labels, weights, strict=True)
        return "class " + " + ".join(f"{name} {100 * weight:.0f} %" for name, (_, weight) in parts)
    return f"{len(weights)} classes" if weights else ""
