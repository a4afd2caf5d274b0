"""The generators that come with the program: `assets/NAME.safetensors` with `NAME.png` beside it."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from explorer.util.regular_file import open_regular
from explorer.util.shipped import shipped
from explorer.util.strict_json import parse_json

__all__ = ["DEFAULT_PAIR", "Bundled", "assets_dir", "bundled", "find", "resolve"]

DEFAULT_PAIR = ("critters-stylegan2", "critters-stylegan3-t")
"""The models that the window shows at first."""

_MAX_HEADER_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Bundled:
    """One bundled generator: its name, family, file, and a sample picture (may be missing)."""

    name: str
    family: str
    path: Path
    thumbnail: Path | None = None
    title: str = ""


def assets_dir() -> Path:
    """Return the folder of the bundled files: `LATENTWALK_ASSETS`, else `shipped("assets")`."""
    override = os.environ.get("LATENTWALK_ASSETS")
    return Path(override) if override else shipped("assets")


def bundled() -> tuple[Bundled, ...]:
    """Return all bundled generators, the default pair first, then by name; empty if the files are missing."""
    return _scan(assets_dir())


def find(name: str) -> Bundled | None:
    """Return the bundled generator of that name, or None."""
    return next((b for b in bundled() if b.name == name), None)


def resolve(name_or_path: str) -> str:
    """Return the file of a bundled name; return anything else unchanged, as a path."""
    found = find(name_or_path)
    return str(found.path) if found else name_or_path


@lru_cache(maxsize=4)
def _scan(folder: Path) -> tuple[Bundled, ...]:
    found = []
    try:
        files = sorted(folder.glob("*.safetensors"))
    except OSError:  # no permission
        files = []
    for path in files:
        metadata = _metadata(path)
        picture = path.with_suffix(".png")
        found.append(
            Bundled(
                name=path.stem,
                family=metadata.get("family", metadata.get("architecture", "")),
                path=path,
                thumbnail=picture if picture.is_file() else None,
                title=metadata.get("title", path.stem),
            )
        )
    order = {name: i for i, name in enumerate(DEFAULT_PAIR)}
    return tuple(sorted(found, key=lambda b: (order.get(b.name, len(order)), b.name)))


def _metadata(path: Path) -> dict[str, str]:
    """Read the metadata of a safetensors file from its header; empty if there are none."""
    try:
        with open_regular(path) as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _MAX_HEADER_BYTES:
                return {}
            header = parse_json(file.read(length))
    except (OSError, ValueError, struct.error):
        return {}
    metadata = header.get("__metadata__", {}) if isinstance(header, dict) else {}
    return {str(k): str(v) for k, v in metadata.items()} if isinstance(metadata, dict) else {}
