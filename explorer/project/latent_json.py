"""A stored latent as JSON values."""

from __future__ import annotations

import base64
import binascii
import math
import sys
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.errors import LatentwalkError, ProjectError
from explorer.latents.recipes import checked_recipe
from explorer.latents.table import SPACES, StoredLatent
from explorer.project import limits
from explorer.state import Latent
from explorer.state.codec import decode, encode
from explorer.state.migrations import VERSION, migrate_latent

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["latent_from_json", "latent_to_json"]


def latent_to_json(latent: StoredLatent) -> dict[str, Any]:
    """Return a stored latent as JSON values."""
    packed = zlib.compress(latent.array.astype("<f4").tobytes(), 6)
    recipe = {} if latent.recipe is None else {"recipe": encode(latent.recipe)}
    return recipe | {
        "space": latent.space,
        "shape": list(latent.array.shape),
        "model_sha": latent.model_sha,
        "psi": latent.psi,
        "name": latent.name,
        "data": base64.b64encode(packed).decode("ascii"),
    }


def latent_from_json(key: str, item: Any, version: object = VERSION) -> StoredLatent:
    """Return the stored latent of a project of that version; `key` names it in errors. Raises ProjectError."""
    damaged = ProjectError(f"The stored latent {str(key)[:40]!r} cannot be read.", "The file is damaged.")
    try:
        shape, psi = tuple(item["shape"]), item.get("psi", 1.0)
        if item["space"] not in SPACES or not 1 <= len(shape) <= 2 or not all(_is_size(n) for n in shape):
            raise damaged
        if type(psi) not in (int, float) or not abs(psi) <= sys.float_info.max:
            raise damaged
        nbytes = 4 * math.prod(shape)
        raw = _unpack(base64.b64decode(item["data"], validate=True), nbytes)
        if len(raw) != nbytes:
            raise damaged
        array: NDArray[np.float32] = np.frombuffer(raw, dtype="<f4").reshape(shape).astype(np.float32)
        sha, name = str(item.get("model_sha", "")), str(item.get("name", ""))
        recipe = None
        if "recipe" in item:
            recipe = checked_recipe(decode(Latent, migrate_latent(item["recipe"], version), "recipe"))
        return StoredLatent(item["space"], array, sha, float(psi), name, recipe)
    except LatentwalkError as error:
        raise damaged from (None if error is damaged else error)  # a cause of itself would have no end
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, binascii.Error, zlib.error) as error:
        raise damaged from error


def _is_size(number: object) -> bool:
    return type(number) is int and 1 <= number <= limits.MAX_BYTES


def _unpack(data: bytes, limit: int) -> bytes:
    """Decompress at most `limit` bytes. Raises ProjectError for more."""
    if limit > limits.MAX_BYTES:
        raise ProjectError("The project is too large.", f"At most {limits.MAX_BYTES >> 20} MB are taken.")
    unpacker = zlib.decompressobj()
    raw = unpacker.decompress(data, limit)
    if unpacker.unconsumed_tail or unpacker.decompress(unpacker.unconsumed_tail, 1) or not unpacker.eof:
        raise ProjectError("The packed data are longer than they say, or cut off.", "The file is damaged.")
    return raw
