"""Films opened for reading: regular files that begin as a film does, by a fixed choice of FFmpeg's readers."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

from explorer.util.regular_file import open_regular

__all__ = ["name_for_ffmpeg", "open_film"]

_OPEN_S = 20.0
"""Seconds after which the opening of a film is given up."""

_READING = {
    # A list of parts (concat, HLS), a reference to another file or an address inside a film leads nowhere.
    "protocol_whitelist": "file",
    "format_whitelist": "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2",
    "codec_whitelist": "h264,ffv1,vp9,libvpx-vp9,av1,libdav1d",
    "max_streams": "16",
    "probesize": str(8 << 20),
}


def name_for_ffmpeg(path: Path) -> str:
    """Return the absolute path: FFmpeg would take the beginning of `walk:1.mp4` for a protocol."""
    return os.path.abspath(path)


def open_film(path: Path) -> Any:
    """Open a film for reading: only a regular file that begins as Matroska, WebM or MP4 does.

    FFmpeg chooses nothing here. By itself it would follow a text file named `film.mp4` that lists other files or
    addresses, and try all of its some three hundred formats on it.

    Raises:
        OSError: There is no such file, or it is a FIFO or device.
        av.error.FFmpegError: It is no such film, or damaged.
    """
    import av

    with open_regular(path) as file:
        magic = file.read(12)
    if magic[:4] == b"\x1a\x45\xdf\xa3":
        kind = "matroska"
    elif magic[4:8] == b"ftyp":
        kind = "mov"
    else:
        raise av.error.InvalidDataError(errno.EINVAL, "does not begin as a film does", str(path))
    try:
        return av.open(name_for_ffmpeg(path), format=kind, container_options=_READING, timeout=(_OPEN_S, None))
    except MemoryError:  # FFmpeg believes a damaged table's count, however small the file is
        raise av.error.InvalidDataError(errno.EINVAL, "declares more than any film holds", str(path)) from None
