"""MP4 files that survive a crash: what was written up to the last second can be played, whatever happens then."""

from __future__ import annotations

import logging
import os
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["VideoWriter"]

log = logging.getLogger("explorer.animation")

KEY_FRAME_EVERY = 15
"""Frames. A fragment of the file is finished at each key frame; a crash costs those since the last one, and the
ten or so that the encoder looks ahead: measured, 75 of 100 frames came back after kill -9."""


class VideoWriter:
    """Writes RGB frames to an H.264 MP4 file: `with VideoWriter(path, 30) as writer: writer.add(frame)`.

    While it grows the file is called `NAME.part.mp4`, and can be played after the process was killed; leaving the
    block without an error renames it to its own name, and only then replaces a file of that name. A block left by
    an exception keeps the part file if it holds a frame. One thread at a time.

    Args:
        path: The finished file, ending in `.mp4`.
        fps: Frames a second.
        quality: Constant rate factor of x264; lower is better, 16 shows no loss to the eye.

    Raises:
        UsageError: Another ending, or a rate that is not positive.
        OSError: The folder cannot be written to.
    """

    def __init__(self, path: str | os.PathLike[str], fps: float | Fraction, quality: int = 16) -> None:
        import av  # FFmpeg takes a moment to load, and only videos need it

        self.path = Path(path)
        if self.path.suffix.lower() != ".mp4":
            raise UsageError(f"{self.path} does not end in .mp4.", "Choose a name that does.")
        rate = Fraction(fps).limit_denominator(1001)
        if rate <= 0:
            raise UsageError(f"{fps} frames a second make no video.", "Choose a positive rate, for example 30.")
        self.part = self.path.with_name(f"{self.path.stem}.part.mp4")
        self.count = 0
        # hybrid_fragmented: fragments while recording, an ordinary file with its frame count once it is closed.
        options = {"movflags": "hybrid_fragmented+frag_keyframe", "flush_packets": "1"}
        self._container = av.open(str(self.part), "w", format="mp4", options=options)
        stream = self._container.add_stream("libx264", rate=rate)
        stream.pix_fmt = "yuv420p"
        stream.options = {
            "preset": "veryfast", "crf": str(quality), "g": str(KEY_FRAME_EVERY), "sc_threshold": "0"
        }  # fmt: skip
        # Players take untagged video for BT.601 and show false colours: convert to BT.709 and say so.
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = 1
        context.color_range = av.video.reformatter.ColorRange.MPEG.value
        self._stream = stream
        self._frame_class = av.VideoFrame

    def add(self, frame: NDArray[np.uint8]) -> None:
        """Appends a frame, uint8 `[H, W, 3]` red-green-blue; all frames have the size of the first.

        An odd last row or column is repeated, because H.264 players take even sizes only.
        """
        height, width = frame.shape[:2]
        even = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        if self.count == 0:
            self._stream.width, self._stream.height = even.shape[1], even.shape[0]
        elif (self._stream.width, self._stream.height) != (even.shape[1], even.shape[0]):
            raise ValueError(f"a frame of {width}x{height}, the first had another size")
        picture = self._frame_class.from_ndarray(np.ascontiguousarray(even), format="rgb24")
        picture = picture.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
        picture.colorspace = picture.color_primaries = picture.color_trc = 1
        picture.pts = self.count
        self._container.mux(self._stream.encode(picture))
        self.count += 1

    def close(self) -> None:
        """Finishes the file under its own name. Without a frame there is no file."""
        self._finish()
        if self.count == 0:
            self.part.unlink(missing_ok=True)
        else:
            self.part.replace(self.path)

    def abandon(self) -> None:
        """Ends without giving the file its name; the part file stays if it holds anything."""
        self._finish()
        if self.count == 0:
            self.part.unlink(missing_ok=True)
        else:
            log.warning("the unfinished video is kept as %s (%d frames)", self.part, self.count)

    def _finish(self) -> None:
        if self.count:
            self._container.mux(self._stream.encode())
        self._container.close()

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()
