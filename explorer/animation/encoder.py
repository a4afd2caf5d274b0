"""Writing of a film in independently encoded chunks, so that resuming it later changes no pixel.

A chunk (about half a second) is made by a new encoder with no knowledge of the others. After a kill, complete
chunks are kept, the last one is encoded again, and the file equals that of an uninterrupted run.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.animation.container import Output, Stream, encoder_of, packets_of, tag_colours
from explorer.animation.parts import part_paths
from explorer.errors import FilmError
from explorer.project.film_container import open_film
from explorer.util import file_errors

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "ChunkedWriter",
    "chunk_length",
    "disk_error",
    "encoder_error",
    "part_paths",
    "pictures_of",
    "whole_frames",
]

log = logging.getLogger("explorer.animation")


def chunk_length(stream: Stream) -> int:
    """Return the number of frames in a chunk."""
    return max(8, round(stream.rate * stream.format.chunk_seconds))


def whole_frames(path: Path, stream: Stream) -> int:
    """Return how many frames of an unfinished film are in complete chunks on disk."""
    # The last packet may be truncated: a chunk counts once something follows it.
    packets = sum(1 for _ in packets_of(path, stream.rate)) if path.exists() else 0
    length = chunk_length(stream)
    return max(packets - 1, 0) // length * length


def disk_error(error: OSError, path: Path) -> FilmError:
    """Return the user's error for a failed write."""
    hint = "Make room" if file_errors.is_full(error) else "Check the folder"
    message = f"{path.name} cannot be written: {file_errors.reason(error)}."
    return FilmError(message, f"{hint} and render again: it continues from there.")


def encoder_error(error: Exception, path: Path, codec: str) -> FilmError:
    """Return the user's error for a failure in FFmpeg."""
    cause = getattr(error, "strerror", None) or str(error)
    return FilmError(
        f"{path.name}: the encoder {codec} failed: {cause}.",
        "Render again to continue from there, or choose another format.",
    )


class ChunkedWriter:
    """Appends pictures to an unfinished film. One thread at a time.

    Args:
        path: Path of the finished film; the growing file is beside it.
        stream: Format, quality, size and rate.
        text: The project as text.
        number: Number of the part names, from the job file.

    Raises:
        FilmError: The folder cannot be written to, or the encoder does not accept such frames.
    """

    def __init__(self, path: Path, stream: Stream, text: str, number: int = 0) -> None:
        import av

        self.path, self.stream = path, stream
        self._parts = part_paths(path, number)
        self._length = chunk_length(stream)
        old, self.part = self._choose()
        self._encoder: Any = None
        self.count = 0
        try:
            self._output = Output(self.part, "matroska", stream, text, is_growing=True)
            if old is not None:
                self._keep(*old)
        except OSError as error:
            raise disk_error(error, path) from error
        except av.error.FFmpegError as error:
            raise encoder_error(error, path, stream.format.codec) from error

    def _choose(self) -> tuple[tuple[Path, int] | None, Path]:
        """Return (the part to resume from with its complete frames, or None; the part to write)."""
        first, second = self._parts
        found = {part: whole_frames(part, self.stream) for part in (first, second)}
        best = max(found, key=lambda part: found[part])
        if found[best] == 0:
            return None, first
        return (best, found[best]), second if best == first else first

    def _keep(self, old: Path, frames: int) -> None:
        for number, (packet, index) in enumerate(packets_of(old, self.stream.rate)):
            if number == frames:
                break
            self._output.add(packet, index)
        self.count = frames
        log.info("%s resumes at frame %d", self.path.name, frames)

    def add(self, picture: NDArray[np.uint8]) -> None:
        """Append a picture, uint8 RGB `[H, W, 3]`.

        Raises:
            FilmError: The disk is full, or the encoder failed.
        """
        import av

        try:
            if self._encoder is None:
                self._encoder = encoder_of(self.stream)
            self._write(self._encoder.encode(self._frame(picture)))
            self.count += 1
            if self.count % self._length == 0:
                self._end_chunk()
        except OSError as error:
            raise disk_error(error, self.path) from error
        except av.error.FFmpegError as error:
            raise encoder_error(error, self.path, self.stream.format.codec) from error

    def _frame(self, picture: NDArray[np.uint8]) -> Any:
        import av

        height, width = picture.shape[:2]
        pad = ((0, self.stream.height - height), (0, self.stream.width - width), (0, 0))
        even = np.pad(picture, pad, mode="edge") if any(after for _, after in pad) else picture
        frame: Any = av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
        pix_fmt = self.stream.format.pix_fmt
        if pix_fmt == "yuv420p":
            frame = frame.reformat(format=pix_fmt, dst_colorspace="ITU709", dst_color_range="MPEG")
            tag_colours(frame)
        elif pix_fmt != "rgb24":
            frame = frame.reformat(format=pix_fmt)
        frame.pts, frame.time_base = self.count, 1 / self.stream.rate
        return frame

    def _write(self, packets: Any) -> None:
        for packet in packets:
            self._output.add(packet, packet.pts)

    def _end_chunk(self) -> None:
        encoder, self._encoder = self._encoder, None
        if encoder is not None:
            self._write(encoder.encode(None))
        if not self.part.exists():  # writing to a deleted file would go unnoticed
            raise FileNotFoundError(errno.ENOENT, "its folder or its unfinished file was removed")
        for other in self._parts:
            if other != self.part and other.exists():
                self._forget(other)

    def _forget(self, other: Path) -> None:
        """Remove the part that was resumed from, once this one contains more."""
        if whole_frames(self.part, self.stream) >= min(self.count, whole_frames(other, self.stream)):
            other.unlink(missing_ok=True)

    def close(self) -> None:
        """End the file; it stays under its unfinished name. Raises FilmError."""
        import av

        try:
            self._end_chunk()
            self._output.close()
        except OSError as error:
            raise disk_error(error, self.path) from error
        except av.error.FFmpegError as error:
            raise encoder_error(error, self.path, self.stream.format.codec) from error

    def abort(self) -> None:
        """End an incomplete film, whatever the state of the disk; written chunks stay."""
        self._encoder = None  # the incomplete chunk is encoded again, so its packets are dropped
        try:
            self._output.close()
        except Exception as error:  # a full disk or a broken container: the original error is reported
            log.info("%s: %s", self.part.name, error)


def pictures_of(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Yield the pictures of a film's file, uint8 `[H, W, 3]`, in order."""
    with open_film(path) as container:
        for frame in container.decode(video=0):
            picture: Any = frame.reformat(format="rgb24", src_colorspace="ITU709").to_ndarray()
            yield picture
