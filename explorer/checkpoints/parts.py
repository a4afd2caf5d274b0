"""Names of networks within a file that holds several: `FILE#PART`, as in `mobilestylegan.ckpt#teacher`."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

__all__ = ["file_of", "part_digest", "split_part", "with_part"]

_PART = re.compile(r"(?P<file>.+)#(?P<part>[a-z][a-z_]{0,31})", re.DOTALL)


def split_part(name: str | os.PathLike[str]) -> tuple[str, str]:
    """Return the file and the part of a name; the part is empty for a file's main network.

    A file whose own name ends like a part is that file.
    """
    text = os.fspath(name)
    match = _PART.fullmatch(text)
    if match is None or _is_file(text):
        return text, ""
    return match["file"], match["part"]


def file_of(name: str | os.PathLike[str]) -> Path:
    """Return the file that a model's name stands for."""
    return Path(split_part(name)[0])


def with_part(file: str | os.PathLike[str], part: str) -> str:
    """Return the name of a part of a file; that of the file itself for an empty part."""
    return f"{os.fspath(file)}#{part}" if part else os.fspath(file)


def part_digest(sha256: str, part: str) -> str:
    """Return the digest that tells a part from the rest of its file; the file's own for its main network."""
    return hashlib.sha256(f"{sha256}#{part}".encode()).hexdigest() if part else sha256


def _is_file(text: str) -> bool:
    try:
        return os.path.lexists(text)
    except ValueError:  # a name that no system has
        return False
