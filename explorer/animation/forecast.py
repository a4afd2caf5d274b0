"""Estimates of a film's file size: from its number of pixels, then from rendered pictures."""

from __future__ import annotations

import io
import logging
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from explorer.animation.encoder import chunk_length
from explorer.animation.formats import QUALITIES, Quality

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from explorer.animation.container import Stream

__all__ = ["Forecast", "bytes_beforehand", "size_text"]

log = logging.getLogger("explorer.animation")

_BYTES_PER_PIXEL: dict[str, tuple[float, float, float]] = {
    "mp4": (0.008, 0.019, 0.036), "mkv": (0.74,) * 3, "ffv1": (0.45,) * 3, "webm": (0.008, 0.015, 0.024),
    "av1": (0.005, 0.011, 0.019), "gif": (0.46,) * 3, "webp": (0.025, 0.038, 0.093), "apng": (0.68,) * 3,
    "png": (0.71,) * 3,
}  # fmt: skip
"""For draft, good and best. Measured: a walk of two seconds between two seeds of critters-stylegan3-t, 25 frames,
the mean of pictures 256 and 512 pixels high."""

SAMPLES = 6
"""Number of pictures converted during rendering to measure their size."""


def bytes_beforehand(key: str, quality: Quality, size: tuple[int, int], frames: int) -> int:
    """Estimate a film's size in bytes from format, quality, (width, height) in pixels and number of frames."""
    return round(_BYTES_PER_PIXEL[key][QUALITIES.index(quality)] * size[0] * size[1] * frames)


def size_text(size: int) -> str:
    """Return a size as text with two significant digits: `about 34 MB`."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        number = size / scale
        if number >= 0.95:
            return f"about {number:.1f} {unit}" if number < 9.95 else f"about {float(f'{number:.2g}'):,.0f} {unit}"
    return "about 1 kB"


class Forecast:
    """Estimates the size of a film during rendering. Used by one thread; `size` may be read by others.

    Args:
        stream: The film's stream.
        part: Its unfinished file, or the folder of its pictures.
        total: Frames of the film.
    """

    def __init__(self, stream: Stream, part: Path, total: int) -> None:
        self._stream, self._part, self._total = stream, part, total
        size = (stream.width, stream.height)
        self.size = bytes_beforehand(stream.format.key, stream.quality, size, total)
        self._before: NDArray[np.uint8] | None = None
        self._sampled: list[int] = []
        self._next = 2 * chunk_length(stream)  # chunks are written as a whole

    def note(self, picture: NDArray[np.uint8], done: int) -> None:
        """Note that a picture `[H, W, 3]` was appended as frame number `done`."""
        try:
            if self._stream.format.converter:
                self._sample(picture, done)
            elif done >= self._next:
                self._next = done + max(done // 4, 8)
                self.size = round(_bytes_in(self._part) / done * self._total)
        except Exception as error:  # an estimate must never make a film fail
            log.info("forecast: %s", error)

    def _sample(self, picture: NDArray[np.uint8], done: int) -> None:
        """Convert a few pairs of adjacent pictures, since small differences compress better."""
        before, self._before = self._before, picture
        every = max(2, self._total // SAMPLES)
        if before is None or before.shape != picture.shape or done % every != min(2, self._total) % every:
            return
        self._sampled.append(_bytes_of_second(self._stream, before, picture))
        self.size = round(sum(self._sampled) / len(self._sampled) * self._total)


def _bytes_in(part: Path) -> int:
    if part.is_dir():
        return sum(file.stat().st_size for file in part.iterdir())
    return part.stat().st_size if part.exists() else 0


def _bytes_of_second(stream: Stream, first: NDArray[np.uint8], second: NDArray[np.uint8]) -> int:
    """Return the bytes that `second` adds to a GIF or an animated WebP or PNG after `first`."""
    if stream.format.converter == "webp":
        return _webp_bytes(stream, [first, second]) - _webp_bytes(stream, [first])
    return _packet_bytes(stream, [first, second])


def _webp_bytes(stream: Stream, pictures: list[NDArray[np.uint8]]) -> int:
    from PIL import Image

    from explorer.animation.finish import WEBP_METHOD, WEBP_QUALITY

    images = [Image.fromarray(picture) for picture in pictures]
    file = io.BytesIO()
    images[0].save(
        file, "WEBP", save_all=True, append_images=images[1:], duration=40,
        quality=WEBP_QUALITY[stream.quality], method=WEBP_METHOD,
    )  # fmt: skip
    return file.tell()


def _packet_bytes(stream: Stream, pictures: list[NDArray[np.uint8]]) -> int:
    """Return the size of the last packet from FFmpeg's encoder."""
    import av

    from explorer.animation.finish import palette_graph

    is_gif = stream.format.converter == "gif"
    context: Any = av.CodecContext.create("gif" if is_gif else "apng", "w")
    context.width, context.height = stream.width, stream.height
    context.pix_fmt, context.time_base = "pal8" if is_gif else "rgb24", Fraction(1, 100)
    graph = palette_graph(stream, "rgb24") if is_gif else None
    packets: list[Any] = []
    for i, picture in enumerate(pictures):
        frame: Any = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = i, 1 / stream.rate
        if graph is not None:
            graph.push(frame)
            frame = graph.pull()
        frame.pts, frame.time_base = 4 * i, Fraction(1, 100)
        packets += context.encode(frame)
    packets += context.encode(None)
    return int(packets[-1].size)
