"""The project inside a film: read from any format, and put into those that FFmpeg cannot give a text."""

from __future__ import annotations

import os
import re
import shutil
import struct
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from explorer.errors import ProjectError
from explorer.project.film_container import open_film
from explorer.util.regular_file import open_regular

__all__ = [
    "FILM_SUFFIXES", "KEY", "PNG_MAGIC", "XMP", "text_of_film", "text_of_png", "with_gif_comment", "with_png_text",
]  # fmt: skip

FILM_SUFFIXES = frozenset({".mp4", ".mkv", ".webm", ".gif", ".webp", ".m4v", ".mov"})
"""Endings of files that are read here; an animated PNG is read as a PNG."""

KEY = b"latentwalk"
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:l="urn:latentwalk"><l:project>{}</l:project></rdf:Description></rdf:RDF></x:xmpmeta>'
)
_TEXT = re.compile(r"latentwalk:\d+:[A-Za-z0-9_-]+")
MAX_TEXT = 64 << 20
MOST_BLOCKS = 1 << 21
"""Pieces of a foreign file gone through in search of the text: seconds, whatever the file says of itself."""


def text_of_film(path: Path) -> str:
    """Return the project's text in a video, GIF or WebP. Raises ProjectError if it has none or is damaged."""
    try:
        with open_regular(path) as file:
            magic = file.read(12)
        if magic[:4] == b"GIF8":
            text = _gif_comment(path)
        elif magic[:4] == b"RIFF":
            text = _webp_text(path)
        else:
            text = _tags(path)
    except OSError as error:
        raise ProjectError(f"{path.name} cannot be read: {error.strerror or error}.", "Check the file.") from error
    found = _TEXT.search(text)
    if found is None:
        raise ProjectError(f"{path.name} does not contain a project.", "Only films made by Latentwalk do.")
    return found[0]


def _tags(path: Path) -> str:
    import av

    try:
        with open_film(path) as container:
            return "\n".join(str(value) for value in container.metadata.values())
    except (av.error.FFmpegError, UnicodeDecodeError) as error:
        raise _unreadable(path) from error


def _unreadable(path: Path) -> ProjectError:
    return ProjectError(f"{path.name} is not a readable film.", "Check the file.")


def _webp_text(path: Path) -> str:
    """Return the XMP chunk of a RIFF file, found without reading the pictures."""
    with open_regular(path) as file:
        file.seek(12)
        for _ in range(MOST_BLOCKS):
            head = file.read(8)
            if len(head) < 8:
                break
            kind, size = head[:4], struct.unpack("<I", head[4:])[0]
            if kind == b"XMP ":
                return file.read(min(size, MAX_TEXT)).decode("utf-8", "replace")
            file.seek(size + size % 2, 1)
    return ""


def _gif_comment(path: Path) -> str:
    """Return the comment before a GIF's trailer, or anywhere else among its blocks."""
    try:
        with open_regular(path) as file:
            for label in _extensions(file, MOST_BLOCKS):
                if label == b"\xfe":
                    return b"".join(islice(_blocks(file), MAX_TEXT // 255)).decode("ascii", "replace")
    except IndexError as error:
        raise _unreadable(path) from error
    return ""


def _extensions(file: BinaryIO, most: int | None = None) -> Iterator[bytes]:
    """Yield the labels of a GIF's extensions in order, with the file positioned before each one's sub-blocks.

    With `most`, no more sub-blocks than that are gone through. Raises IndexError where the file is cut off in a
    header.
    """
    left = most
    file.seek(6)
    _skip_colours(file, file.read(7)[4])
    while (kind := file.read(1)) in (b"!", b","):
        if kind == b",":
            _skip_colours(file, file.read(9)[8])
            file.seek(1, 1)  # how the pixels are coded
        else:
            label, start = file.read(1), file.tell()
            yield label
            file.seek(start)
        for _ in _blocks(file):
            if left is not None:
                left -= 1
        if left is not None and left <= 0:
            return


def _skip_colours(file: BinaryIO, flags: int) -> None:
    """Skip the colour table that `flags` announce, if there is one."""
    file.seek(3 << ((flags & 7) + 1) if flags & 0x80 else 0, 1)


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    """Yield GIF sub-blocks up to their end."""
    while (size := file.read(1)) and size != b"\0":
        yield file.read(size[0])


def with_gif_comment(plain: Path, made: Path, text: str, last_delay: int) -> None:
    """Copy a GIF with the project as its first comment, and set the last frame's delay in hundredths of a second.

    FFmpeg writes no comments, and does not know how long the last frame stays.
    """
    data = text.encode("ascii")
    with plain.open("rb") as source, made.open("wb") as target:
        head = source.read(13)
        target.write(head)
        if head[10] & 0x80:
            target.write(source.read(3 << ((head[10] & 7) + 1)))
        target.write(b"!\xfe")
        for start in range(0, len(data), 255):
            piece = data[start : start + 255]
            target.write(bytes([len(piece)]) + piece)
        target.write(b"\0")
        shutil.copyfileobj(source, target, 1 << 20)
    _set_last_delay(made, last_delay)


def _set_last_delay(path: Path, delay: int) -> None:
    last = 0
    with path.open("rb+") as file:
        for label in _extensions(file):
            if label == b"\xf9":
                last = file.tell() + 2  # after the block's size and its flags
        if last:
            file.seek(last)
            file.write(struct.pack("<H", delay))


def with_png_text(plain: Path, made: Path, text: str) -> None:
    """Copy a PNG, animated or not, with the project as a text chunk after its header."""
    body = KEY + b"\0" + text.encode("latin-1")
    chunk = struct.pack(">I", len(body)) + b"tEXt" + body + struct.pack(">I", zlib.crc32(b"tEXt" + body))
    with plain.open("rb") as source, made.open("wb") as target:
        target.write(source.read(8 + 25))  # signature and IHDR
        target.write(chunk)
        shutil.copyfileobj(source, target, 1 << 20)


def text_of_png(path: Path) -> str:
    """Return the text in a PNG under our key, as `tEXt` or uncompressed `iTXt`; the pictures are not read."""
    with open_regular(path) as file:
        file.seek(len(PNG_MAGIC))
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            if kind not in (b"tEXt", b"iTXt") or length > MAX_TEXT:
                file.seek(length + 4, os.SEEK_CUR)
                continue
            key, _, rest = file.read(length).partition(b"\0")
            file.seek(4, os.SEEK_CUR)
            if key == KEY and kind == b"tEXt":
                return rest.decode("latin-1")
            if key == KEY and rest[:1] == b"\0":
                return rest[2:].split(b"\0", 2)[-1].decode("utf-8", "replace")
    raise ProjectError("The picture does not contain a project.", "Only those saved by Latentwalk do.")
