"""A project as one short text that survives mails and chats, as pictures and films carry it."""

from __future__ import annotations

import base64
import json
import re
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import ProjectError
from explorer.project import limits
from explorer.project.project_json import FORMAT, Project, project_from_json, to_json
from explorer.state.migrations import VERSION, is_known_version
from explorer.util.strict_json import parse_json

if TYPE_CHECKING:
    from explorer.assets.table import AssetTable
    from explorer.project.model_places import ModelPlace
    from explorer.state import ExplorerState

__all__ = [
    "TEXT_PREFIX",
    "dumped",
    "pack_text",
    "project_from_text",
    "state_from_text",
    "state_to_text",
    "unpack_text",
]


TEXT_PREFIX = f"latentwalk:{VERSION}:"


_PREFIX = re.compile(r"latentwalk:(\d{1,4}):", re.ASCII)


def state_to_text(state: ExplorerState, table: AssetTable | None = None, places: Sequence[ModelPlace] = ()) -> str:
    """Return the whole state as one short text that survives mail and chat: prefix, then packed JSON in base64."""
    data = to_json(state, table, places)
    del data["format"], data["version"]  # the prefix says both
    return TEXT_PREFIX + pack_text(data)


def state_from_text(text: str) -> tuple[ExplorerState, AssetTable]:
    """Return the state and assets of such a text. Raises ProjectError."""
    project = project_from_text(text)
    return project.state, project.table


def project_from_text(text: str, folder: Path | None = None) -> Project:
    """Return the project of such a text; `folder` is that of the file that carries it. Raises ProjectError."""
    text = "".join(text.split())  # mail programs break long lines
    match = _PREFIX.match(text)
    if match is None or not is_known_version(int(match[1])):
        known = text.startswith("latentwalk:")
        raise ProjectError(
            "The text is a state of another version." if known else "The text does not hold a Latentwalk state.",
            "Update Latentwalk." if known else f"A copied state begins with {TEXT_PREFIX}",
        )
    data = unpack_text(text[match.end() :])
    if not isinstance(data, dict):
        raise ProjectError("The copied text is damaged.", "Copy it again as a whole.")
    return project_from_json({**data, "format": FORMAT, "version": int(match[1])}, folder)


def pack_text(data: Any) -> str:
    """Return JSON values as URL-safe base64 of packed JSON with its checksum."""
    raw = dumped(data)
    packed = struct.pack(">I", zlib.crc32(raw)) + zlib.compress(raw, 9)
    return base64.urlsafe_b64encode(packed).decode("ascii").rstrip("=")


def unpack_text(text: str) -> Any:
    """Return what `pack_text` packed. Raises ProjectError."""
    damaged = ProjectError("The copied text is damaged.", "Copy it again as a whole.")
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        (checksum,) = struct.unpack(">I", packed[:4])
        unpacker = zlib.decompressobj()
        raw = unpacker.decompress(packed[4:], limits.MAX_BYTES)
        if not unpacker.eof or zlib.crc32(raw) != checksum:
            raise damaged
        return parse_json(raw)
    except (ValueError, struct.error, zlib.error) as error:
        raise damaged from error


_SURROGATE = re.compile("[\ud800-\udfff]")


def dumped(data: Any, indent: int | None = None) -> bytes:
    """Return JSON values as UTF-8 that can be read again. Raises ProjectError."""
    separators = (",", ":") if indent is None else None
    try:
        text = json.dumps(data, indent=indent, separators=separators, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise ProjectError("A number of the project is not finite.", "Undo the last change.") from error
    # Bytes of a path that are not UTF-8 are lone surrogates here (PEP 383), which JSON can carry as escapes only.
    raw = _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()
    if len(raw) > limits.MAX_BYTES:
        size, most = len(raw) >> 20, limits.MAX_BYTES >> 20
        message = f"The project would be {size} MB; at most {most} MB can be read again."
        raise ProjectError(message, "Shorten the performance, turn it into keys, or use fewer pictures.")
    return raw
