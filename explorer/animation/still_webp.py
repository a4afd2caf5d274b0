"""WebP films in which nothing moves: the encoder merges equal frames into a still without a duration."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

__all__ = ["keep_webp_duration"]

ANIMATED = 0x02
"""The animation flag of the VP8X chunk."""

MAX_MS = (1 << 24) - 1
"""Maximum of the three-byte frame duration: 4.6 hours."""


def keep_webp_duration(path: Path, size: tuple[int, int], duration_ms: int) -> None:
    """Convert a still WebP to an animation of one frame with `duration_ms`; leave other files unchanged.

    Layout of the chunks: https://developers.google.com/speed/webp/docs/riff_container.

    Args:
        path: A file written by Pillow, with metadata; it is replaced.
        size: (width, height) in pixels.
        duration_ms: Duration of the film in milliseconds.
    """
    with path.open("rb") as file:
        start = file.read(21)  # file header, VP8X header and its flags
    flags = start[20]
    if flags & ANIMATED:
        return
    chunks = list(_chunks(path.read_bytes()))
    picture = b"".join(_chunk(kind, body) for kind, body in chunks if kind in (b"ALPH", b"VP8 ", b"VP8L"))
    frame = bytes(6) + b"".join(_three(n) for n in (size[0] - 1, size[1] - 1, min(duration_ms, MAX_MS))) + b"\0"
    head = bytes([flags | ANIMATED, 0, 0, 0]) + _three(size[0] - 1) + _three(size[1] - 1)
    made = _chunk(b"VP8X", head) + _chunk(b"ANIM", bytes(6)) + _chunk(b"ANMF", frame + picture)
    made += b"".join(_chunk(kind, body) for kind, body in chunks if kind in (b"EXIF", b"XMP "))
    path.write_bytes(_chunk(b"RIFF", b"WEBP" + made))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, at)
        yield kind, data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def _three(number: int) -> bytes:
    return number.to_bytes(3, "little")
