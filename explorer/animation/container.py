"""Reading and writing packets of film files, and the declaration of a film's stream."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.project.film_container import name_for_ffmpeg, open_film

if TYPE_CHECKING:
    from fractions import Fraction

    from explorer.animation.formats import Format, Quality

__all__ = ["Output", "Stream", "encoder_of", "packets_of", "tag_colours"]

GLOBAL_HEADER = 1 << 22
"""FFmpeg flag: store the parameter sets in the container's header instead of before every key frame."""

TAG = "comment"
"""The only text tag that MP4, Matroska and WebM all store unchanged."""

os.environ.setdefault("SVT_LOG", "1")  # otherwise the AV1 encoder prints its settings to stderr


class Stream:
    """Parameters of a film's stream: size in pixels, frames per second, format and quality. Immutable."""

    def __init__(self, format: Format, quality: Quality, size: tuple[int, int], rate: Fraction) -> None:
        self.format, self.quality, self.rate = format, quality, rate
        even = format.pix_fmt == "yuv420p"
        self.width, self.height = (n + n % 2 if even else n for n in size)

    def declare(self, context: Any) -> None:
        """Configure an encoder, or a stream of a container, for this film."""
        context.width, context.height, context.pix_fmt = self.width, self.height, self.format.pix_fmt
        context.time_base = 1 / self.rate
        context.options = self.format.options_for(self.quality)


def tag_colours(item: Any) -> None:
    """Tag a stream or frame as BT.709; players assume BT.601 for untagged video and show wrong colours."""
    item.colorspace = item.color_primaries = item.color_trc = 1


def encoder_of(stream: Stream) -> Any:
    """Return a new encoder. Encoders of equal streams produce equal packets for the same pictures."""
    import av

    context: Any = av.CodecContext.create(stream.format.codec, "w")
    stream.declare(context)
    context.framerate = stream.rate
    context.flags |= GLOBAL_HEADER
    if stream.format.pix_fmt == "yuv420p":
        tag_colours(context)
        context.color_range = av.video.reformatter.ColorRange.MPEG.value
    with _same_schedule():
        context.open()
    return context


@contextmanager
def _same_schedule() -> Iterator[None]:
    """Preserve this thread's scheduling: under root, SVT-AV1 makes the thread that opens it real-time.

    A real-time thread that spins while waiting for torch's workers starves them: renders were measured to be five
    times slower from then on.
    """
    if not hasattr(os, "sched_getscheduler"):  # not available on Windows and macOS
        yield
        return
    before = os.sched_getscheduler(0)
    try:
        yield
    finally:
        if os.sched_getscheduler(0) != before:
            os.sched_setscheduler(0, before, os.sched_param(0))


class Output:
    """A container with one film stream, for packets from `encoder_of` or from another file.

    Args:
        path: The file; an existing one is replaced.
        container: FFmpeg's name of the container: matroska, mp4 or webm.
        stream: The film's stream.
        text: The project as text, stored as a tag.
        is_growing: Whether every packet is flushed, so that written packets survive a kill.
    """

    def __init__(self, path: Path, container: str, stream: Stream, text: str, *, is_growing: bool) -> None:
        import av

        options = {"flush_packets": "1", "cluster_time_limit": "200"} if is_growing else {}
        if container == "mp4":
            options["movflags"] = "+faststart"
        self._stream = stream
        self._container = av.open(name_for_ffmpeg(path), "w", format=container, options=options)
        self._container.metadata[TAG] = text
        target: Any = self._container.add_stream(stream.format.codec, rate=stream.rate)
        stream.declare(target)
        if stream.format.pix_fmt == "yuv420p":
            tag_colours(target.codec_context)
            target.codec_context.color_range = av.video.reformatter.ColorRange.MPEG.value
        self._target = target
        self.count = 0
        with _same_schedule():
            self._container.start_encoding()

    def add(self, packet: Any, index: int) -> None:
        """Append the packet of frame `index`; packets must be in decoding order. May raise OSError."""
        packet.stream = self._target
        packet.time_base = 1 / self._stream.rate
        packet.pts, packet.dts = index, self.count - self._stream.format.delay
        packet.duration = 1
        self._container.mux(packet)
        self.count += 1

    def close(self) -> None:
        """Write the container's trailer. May raise OSError."""
        self._container.close()


def packets_of(path: Path, rate: Fraction) -> Iterator[tuple[Any, int]]:
    """Yield the packets of a film's file in decoding order, each with its frame number, as from the encoder.

    Iteration ends at the first unreadable packet, such as the end of a file whose writer was killed.
    """
    import av

    try:
        container = open_film(path)
    except (OSError, av.error.FFmpegError):
        return
    with container:
        if not container.streams.video:
            return
        stream = container.streams.video[0]
        # Files store H.264 with length prefixes, encoders emit start codes: an output accepts only one of them.
        is_h264 = stream.codec_context.name == "h264"
        convert: Any = av.bitstream.BitStreamFilterContext("h264_mp4toannexb", stream) if is_h264 else None
        try:
            for packet in container.demux(stream):
                if packet.pts is None or packet.size == 0 or packet.is_corrupt:
                    continue
                index = round(packet.pts * packet.time_base * rate)
                for converted in convert.filter(packet) if convert else (packet,):
                    yield converted, index
        except (OSError, av.error.FFmpegError):
            return
