"""A latent as text: a recipe people can read and type, or packed numbers for a stored one."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from explorer.assets.latent import StoredLatent
from explorer.assets.picture import StoredPicture
from explorer.errors import LatentError, ProjectError
from explorer.latents.recipes import checked_recipe
from explorer.latents.seeds import SEED_COUNT
from explorer.project.document import asset_from_json, asset_to_json, pack_text, unpack_text
from explorer.state import Latent
from explorer.state.codec import decode, encode
from explorer.state.migrations import VERSION, migrate_latent

if TYPE_CHECKING:
    from explorer.assets.table import AssetTable

__all__ = ["latent_from_text", "latent_to_text"]

PREFIX = f"latentwalk-latent:{VERSION}:"

_PREFIXED = re.compile(r"latentwalk-latent:(\d{1,4}):", re.ASCII)

_RECIPE = re.compile(
    r"(?:seed\s*[:=]?\s*)?(?P<seed>\d{1,10})"
    r"(?:\s+x\s*[:=]?\s*(?P<x>[-+]?[\d.]+(?:e[-+]?\d+)?))?"
    r"(?:\s+y\s*[:=]?\s*(?P<y>[-+]?[\d.]+(?:e[-+]?\d+)?))?",
    re.IGNORECASE,
)


def latent_to_text(latent: Latent, table: AssetTable) -> str:
    """Return `seed 1234 x 0.25 y -0.5` for a point of the plane; otherwise a packed recipe or packed numbers.

    Raises:
        LatentError: It is the style of a picture, which is too long for a text.
    """
    if latent.blend is not None:
        return PREFIX + pack_text({"recipe": encode(latent)})
    if not latent.stored:
        x = f" x {latent.x!r}" if latent.x else ""
        y = f" y {latent.y!r}" if latent.y else ""
        return f"seed {latent.seed}{x}{y}"
    if table.find(StoredPicture, latent.stored) is not None:
        raise LatentError("The style of a picture has no text to copy.", "Save the latent as a file.")
    stored = asset_to_json(table.latent(latent.stored))
    return PREFIX + pack_text({"seed": latent.seed, "x": latent.x, "y": latent.y, "stored": stored})


def latent_from_text(text: str) -> tuple[Latent, StoredLatent | None]:
    """Return the point and, if it refers to one, the stored latent. A bare number is a seed.

    Raises:
        LatentError: The text is not a latent, or is damaged.
    """
    compact = "".join(text.split())
    try:
        if found := _PREFIXED.match(compact):
            return _unpacked(unpack_text(compact[found.end() :]), int(found[1]))
        match = _RECIPE.fullmatch(text.strip())
        if match and int(match["seed"]) < SEED_COUNT:
            return _point(int(match["seed"]), float(match["x"] or 0.0), float(match["y"] or 0.0)), None
    except (ProjectError, ValueError, OverflowError, RecursionError) as error:
        raise LatentError("The pasted latent is damaged.", "Copy it again as a whole.") from error
    raise LatentError(
        "The text does not hold a latent.", f"Paste a seed, `seed 7 x 0.5 y 0`, or a copied latent ({PREFIX}...)."
    )


def _unpacked(data: object, version: int) -> tuple[Latent, StoredLatent | None]:
    if not isinstance(data, dict):
        raise ValueError("not an object")
    if "recipe" in data:
        return checked_recipe(decode(Latent, migrate_latent(data["recipe"], version), "recipe")), None
    stored = asset_from_json("pasted", data.get("stored"), version)
    if not isinstance(stored, StoredLatent):
        raise ValueError("not a latent")
    seed, x, y = (data.get(name) for name in ("seed", "x", "y"))
    if type(seed) is not int or not isinstance(x, int | float) or not isinstance(y, int | float):
        raise ValueError("not a point")
    return _point(seed % SEED_COUNT, float(x), float(y), stored.key), stored


def _point(seed: int, x: float, y: float, stored: str = "") -> Latent:
    if not (math.isfinite(x) and math.isfinite(y)):
        raise LatentError(
            "The pasted latent stands at no finite point.",
            "Write x and y as ordinary numbers, such as `x 0.5 y -1`.",
        )
    return Latent(seed, x, y, stored)
