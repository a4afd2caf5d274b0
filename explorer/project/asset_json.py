"""Assets as JSON values."""

from __future__ import annotations

import base64
import binascii
import io
import math
import struct
import sys
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.assets.direction import StoredDirection
from explorer.assets.latent import SPACES, StoredLatent
from explorer.assets.picture import MAX_PIXELS, StoredMask, StoredPicture
from explorer.errors import LatentwalkError, ProjectError
from explorer.latents.recipes import checked_recipe
from explorer.project import limits
from explorer.state import Latent
from explorer.state.codec import decode, encode
from explorer.state.migrations import VERSION, migrate_latent

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from explorer.assets.base import Asset

__all__ = ["asset_from_json", "asset_to_json"]

_RAISED = (
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    RecursionError,
    OSError,
    SyntaxError,
    binascii.Error,
    struct.error,
    zlib.error,
)
"""What damaged values raise; Pillow raises SyntaxError and OSError."""


def asset_to_json(asset: Asset) -> dict[str, Any]:
    """Return an asset as JSON values."""
    data: dict[str, Any] = {"kind": asset.kind, "name": asset.name}
    if isinstance(asset, StoredLatent):
        recipe = {} if asset.recipe is None else {"recipe": encode(asset.recipe)}
        data |= recipe | {"space": asset.space, "model_sha": asset.model_sha, "psi": asset.psi}
        return data | _packed_numbers(asset.array)
    if isinstance(asset, StoredDirection):
        data |= {"space": asset.space, "model_sha": asset.model_sha, "sigma": asset.sigma}
        return data | _packed_numbers(asset.array)
    return data | {"png": _packed_pixels(asset.array)}


def asset_from_json(key: str, item: Any, version: object = VERSION) -> Asset:
    """Return an asset of a project of that version.

    Args:
        key: Names it in errors.
        item: What `asset_to_json` returned.
        version: Of the project.

    Raises:
        ProjectError: It is damaged, or its kind is not known.
    """
    kind = item.get("kind", "latent") if isinstance(item, dict) else "latent"  # until 2026-12 no other kind
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise ProjectError(f"The stored asset {str(key)[:40]!r} is of an unknown kind.", "Update Latentwalk.")
    damaged = ProjectError(f"The stored {kind} {str(key)[:40]!r} cannot be read.", "The file is damaged.")
    try:
        return reader(item, version)
    except LatentwalkError as error:
        raise damaged from error
    except _RAISED as error:
        raise damaged from error


def _latent(item: Any, version: object) -> StoredLatent:
    if item["space"] not in SPACES:
        raise ValueError("not a space")
    recipe = None
    if "recipe" in item:
        recipe = checked_recipe(decode(Latent, migrate_latent(item["recipe"], version), "recipe"))
    psi = _finite(item.get("psi", 1.0))
    sha, name = str(item.get("model_sha", "")), str(item.get("name", ""))
    return StoredLatent(item["space"], _numbers(item), sha, psi, name, recipe)


def _direction(item: Any, version: object) -> StoredDirection:
    sigma = _finite(item.get("sigma", 1.0))
    sha, name = str(item.get("model_sha", "")), str(item.get("name", ""))
    return StoredDirection(item["space"], _numbers(item), sigma, sha, name)


def _picture(item: Any, version: object) -> StoredPicture:
    pixels = _pixels(item["png"])
    return StoredPicture(pixels[:, :, None] if pixels.ndim == 2 else pixels, str(item.get("name", "")))


def _mask(item: Any, version: object) -> StoredMask:
    return StoredMask(_pixels(item["png"]), str(item.get("name", "")))


_READERS: dict[str, Callable[[Any, object], Asset]] = {
    "latent": _latent,
    "picture": _picture,
    "mask": _mask,
    "direction": _direction,
}


# -- arrays ----------------------------------------------------------------------------------------------------


def _finite(number: object) -> float:
    if type(number) not in (int, float) or not abs(number) <= sys.float_info.max:  # type: ignore[arg-type]
        raise ValueError("not a finite number")
    return float(number)  # type: ignore[arg-type]


def _packed_numbers(array: NDArray[np.float32]) -> dict[str, Any]:
    packed = zlib.compress(array.astype("<f4").tobytes(), 6)
    return {"shape": list(array.shape), "data": base64.b64encode(packed).decode("ascii")}


def _numbers(item: Any) -> NDArray[np.float32]:
    shape = tuple(item["shape"])
    if not 1 <= len(shape) <= 2 or not all(_is_size(n) for n in shape):
        raise ValueError("not a shape")
    nbytes = 4 * math.prod(shape)
    raw = _unpack(base64.b64decode(item["data"], validate=True), nbytes)
    if len(raw) != nbytes:
        raise ValueError("another size than it says")
    return np.frombuffer(raw, dtype="<f4").reshape(shape).astype(np.float32)


def _is_size(number: object) -> bool:
    return type(number) is int and 1 <= number <= limits.MAX_BYTES


def _unpack(data: bytes, limit: int) -> bytes:
    """Return at most `limit` decompressed bytes. Raises ProjectError for more."""
    if limit > limits.MAX_BYTES:
        raise ProjectError("The project is too large.", f"At most {limits.MAX_BYTES >> 20} MB are taken.")
    unpacker = zlib.decompressobj()
    raw = unpacker.decompress(data, limit)
    if unpacker.unconsumed_tail or unpacker.decompress(unpacker.unconsumed_tail, 1) or not unpacker.eof:
        raise ProjectError("The packed data are longer than they say, or cut off.", "The file is damaged.")
    return raw


def _packed_pixels(array: NDArray[np.uint8]) -> str:
    """Return pixels `[H, W]` or `[H, W, C]` as a PNG in base64."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(array[:, :, 0] if array.shape[2:] == (1,) else array).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _pixels(data: Any) -> NDArray[np.uint8]:
    """Return the pixels of a PNG in base64, of which nothing is decoded before its size is known."""
    from PIL import Image

    raw = base64.b64decode(data, validate=True)
    size = struct.unpack(">II", raw[16:24])  # Pillow has a limit of its own, with an error of its own
    if size[0] * size[1] > MAX_PIXELS:
        raise ValueError("too many pixels")
    with Image.open(io.BytesIO(raw), formats=("PNG",)) as picture:
        if picture.size != size or picture.mode not in ("L", "RGB", "RGBA"):
            raise ValueError("not the pixels of an asset")
        return np.asarray(picture)
