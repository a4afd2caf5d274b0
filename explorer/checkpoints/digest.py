"""SHA-256 of files, cached on disk."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.checkpoints.parts import part_digest
from explorer.checkpoints.source import identity_of
from explorer.util.atomic_write import atomic_write_bytes
from explorer.util.regular_file import read_regular
from explorer.util.user_folders import cache_folder

if TYPE_CHECKING:
    from explorer.checkpoints.monitor import Monitor
    from explorer.checkpoints.source import FileSource

__all__ = ["file_digest", "known_digest", "paths_of_digest"]

_log = logging.getLogger("explorer.checkpoints")

_CHUNK = 4 << 20
_ENTRIES = 256  # the oldest are dropped first
_FILE_LIMIT = 1_000_000  # bytes


def file_digest(source: FileSource, monitor: Monitor) -> str:
    """Return the hex digest of a file, from the cache if the file has not changed.

    Raises:
        UnreadableFileError: The file cannot be read, or changed meanwhile.
        CancelledError: The user cancelled.
    """
    path = str(source.path.resolve())
    known = _load()
    entry = known.pop(path, None)
    identity = list(source.identity)
    if isinstance(entry, dict) and entry.get("identity") == identity and _is_digest(entry.get("sha256")):
        return str(entry["sha256"])
    digest = _compute(source, monitor)
    source.check_unchanged()
    known[path] = {"identity": identity, "sha256": digest}
    _store(dict(list(known.items())[-_ENTRIES:]))
    return digest


def known_digest(path: Path, part: str = "") -> str:
    """Return the cached hex digest of a file or of its part; empty if there is none or the file has changed."""
    try:
        resolved = path.resolve()
        digest = _digest_if_same(_load().get(str(resolved)), resolved)
    except (OSError, ValueError):  # deleted, or an invalid name
        return ""
    return part_digest(digest, part) if digest else ""


def paths_of_digest(sha256: str) -> tuple[Path, ...]:
    """Return the files that are known to have that digest and have not changed since."""
    paths = []
    for name, entry in _load().items():
        try:
            if _digest_if_same(entry, Path(name)) == sha256:
                paths.append(Path(name))
        except (OSError, ValueError):
            continue
    return tuple(paths)


def _digest_if_same(entry: object, path: Path) -> str:
    if not isinstance(entry, dict) or not _is_digest(entry.get("sha256")):
        return ""
    return str(entry["sha256"]) if entry.get("identity") == list(identity_of(path.stat())) else ""


def _compute(source: FileSource, monitor: Monitor) -> str:
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(min(_CHUNK, source.size)))
    for start in range(0, source.size, _CHUNK):
        monitor.step(start / source.size)
        part = buffer[: min(_CHUNK, source.size - start)]
        source.read_into(start, part)
        digest.update(part)
    return digest.hexdigest()


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")


def _load() -> dict[str, object]:
    try:
        known = json.loads(read_regular(cache_folder() / "digests.json", _FILE_LIMIT))
    except (OSError, ValueError, RecursionError):
        return {}  # missing or damaged: start with an empty cache
    return known if isinstance(known, dict) else {}


def _store(known: dict[str, object]) -> None:
    try:
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        atomic_write_bytes(folder / "digests.json", json.dumps(known).encode())
    except OSError as error:  # a full or read-only disk only costs time
        _log.info("cannot cache digests: %s", error)
