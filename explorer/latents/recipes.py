"""Recipes: latents as seeds, positions and blends, which any model can follow, instead of one model's numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from explorer.assets.latent import StoredLatent
from explorer.edits.registry import is_of_styles
from explorer.errors import LatentError, ProjectError
from explorer.state import Blend, BlendPoint, Latent, Look, Mixing, MixSource
from explorer.state.codec import decode, encode
from explorer.state.migrations import VERSION, migrate_latent
from explorer.util.strict_json import parse_json

if TYPE_CHECKING:
    from explorer.assets.table import AssetTable

__all__ = ["AVERAGE", "checked_recipe", "portable", "recipe_from_text", "recipe_of_styles", "recipe_to_text"]

AVERAGE = Latent(blend=Blend("w", (BlendPoint(Latent(), 0.0),)))
"""The average latent of any network.

As the recipe of a stored latent it says that other models have nothing like it: they take their average.
"""

MAX_POINTS = 4096
MAX_DEPTH = 16
"""Maximum nesting of blends in a recipe from a file; the window creates three."""

MAX_TEXT = 100_000
"""Maximum characters of a recipe in a latent file, which has the numbers anyway."""


def portable(latent: Latent, table: AssetTable) -> Latent | None:
    """Return the latent without stored numbers, or None if it depends on some that are specific to a model.

    A stored latent with a recipe is replaced by that recipe, unless that is only the average.
    """
    if latent.blend is not None:
        points = [_portable_point(point, table) for point in latent.blend.points]
        known = tuple(point for point in points if point is not None)
        return replace(latent, blend=replace(latent.blend, points=known)) if len(known) == len(points) else None
    if not latent.stored:
        return latent
    stored = table.find(StoredLatent, latent.stored)
    if stored is None or stored.recipe in (None, AVERAGE):
        return None
    assert stored.recipe is not None
    return replace(latent, stored="", blend=Blend("w", (BlendPoint(stored.recipe, 1.0),)))


def _portable_point(point: BlendPoint, table: AssetTable) -> BlendPoint | None:
    latent, mixing = portable(point.latent, table), _portable_mixing(point.mixing, table)
    return None if latent is None or mixing is None else replace(point, latent=latent, mixing=mixing)


def _portable_mixing(mixing: Mixing, table: AssetTable) -> Mixing | None:
    """Return the mixing with recipes as sources; unused sources do not need one."""
    used = {row.source for row in mixing.rows if row.amount > 0.0}
    sources = []
    for number, source in enumerate(mixing.sources):
        latent = portable(source.latent, table)
        if latent is None and number in used:
            return None
        sources.append(MixSource(source.seed) if latent is None else MixSource.of(latent))
    return replace(mixing, sources=tuple(sources))


def recipe_of_styles(look: Look, table: AssetTable) -> Latent | None:
    """Return the recipe of a look's final `ws`, with truncation, mixing and edits; None if there is none."""
    edits = tuple(edit for edit in look.edits if is_of_styles(edit))
    whole = BlendPoint(look.latent, 1.0, look.truncation, look.mixing, edits)
    point = _portable_point(whole, table)
    return None if point is None else Latent(look.latent.seed, blend=Blend("ws", (point,)))


# -- text ------------------------------------------------------------------------------------------------------


def recipe_to_text(recipe: Latent) -> str:
    """Return a recipe as JSON; empty if it is too long for a file's metadata."""
    text = json.dumps({"version": VERSION, **encode(recipe)}, separators=(",", ":"))
    return text if len(text) <= MAX_TEXT else ""


def recipe_from_text(text: object) -> Latent:
    """Parse a recipe from JSON. Raises LatentError."""
    try:
        data: Any = parse_json(str(text))
        version = data.pop("version", 1) if isinstance(data, dict) else 1  # version 1 did not state it
        return checked_recipe(decode(Latent, migrate_latent(data, version), "recipe"))
    except (ProjectError, ValueError, RecursionError) as error:
        raise LatentError("The recipe of the latent is damaged.", "Save the latent again.") from error


def checked_recipe(recipe: Latent) -> Latent:
    """Check the bounds of a recipe from a file, and return it. Raises LatentError."""
    level, depth, count = [recipe], 0, 0
    while level:
        count, depth = count + len(level), depth + 1
        points = [point for latent in level if latent.blend is not None for point in latent.blend.points]
        empty = any(latent.blend is not None and not latent.blend.points for latent in level)
        if count > MAX_POINTS or depth > MAX_DEPTH or empty or any(latent.stored for latent in level):
            raise LatentError("The recipe of the latent is damaged.", "Save the latent again.")
        level = [p.latent for p in points] + [s.latent for p in points for s in p.mixing.sources]
    return recipe
