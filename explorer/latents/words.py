"""A latent in a few words, for captions and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.state import Latent

__all__ = ["latent_words"]


def latent_words(latent: Latent) -> str:
    """A latent in a few words: `seed 7 +0.25`, `3 \u2192 8  40 %` between two, `blend of 4`."""
    if latent.blend is not None:
        points = [p for p in latent.blend.points if abs(p.weight) > 1e-6]
        if len(points) == 2 and all(p.latent.blend is None for p in points):
            first, second = points
            return f"{latent_words(first.latent)} \u2192 {latent_words(second.latent)}  {100 * second.weight:.0f} %"
        return latent_words(points[0].latent) if len(points) == 1 else f"blend of {len(points)}"
    moved = "".join(f" {value:+.2f}" for value in (latent.x, latent.y) if value)
    return ("stored latent" if latent.stored else f"seed {latent.seed}") + moved
