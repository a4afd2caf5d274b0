"""Packets into files and out of them: one place that knows how a film's stream is declared."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.project.film_container import name_for_ffmpeg, open_film

if TYPE_CHECKING:
    from explorer.animation.formats import Format, Quality

__all__ = ["Output", "Stream", "encoder_of", "packets_of", "tag_colours"]

GLOBAL_HEADER = 1 << 22
"""FFmpeg's flag: the parameter sets go into the container's header and not before every key frame."""

TAG = "comment"
"""The one text tag that MP4, Matroska and WebM all keep as it is."""

os.environ.setdefault("SVT_LOG", "1")  # the AV1 encoder tells its settings on stderr otherwise


class Stream:
    """What a film's stream is: size in pixels, frames per second, format and quality. Immutable."""

    def __init__(self, format: Format, quality: Quality, size: tuple[int, int], rate: Fraction) -> None:
        self.format, self.quality, self.rate = format, quality, rate
        even = format.pix_fmt == "yuv420p"
        self.width, self.height = (n + n % 2 if even else n for n in size)

    def declare(self, context: Any) -> None:
        """Set an encoder, or a stream of a container, up for this film."""
        context.width, context.height, context.pix_fmt = self.width, self.height, self.format.pix_fmt
        context.time_base = 1 / self.rate
        context.options = self.format.options_for(self.quality)


def tag_colours(item: Any) -> None:
    """Players take untagged video for BT.601 and show false colours: say BT.709."""
    item.colorspace = item.color_primaries = item.color_trc = 1


def encoder_of(stream: Stream) -> Any:
    """Return a fresh encoder. Two of one stream give the same packets for the same pictures."""
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
    """Keep this thread's priority: under root, SVT-AV1 makes whoever opens it a real-time thread.

    Such a thread, when it waits for torch's workers by spinning, keeps them from the core they need: measured, five
    times slower renders from then on.
    """
    if not hasattr(os, "sched_getscheduler"):  # there is none on Windows and macOS
        yield
        return
    before = os.sched_getscheduler(0)
    try:
        yield
    finally:
        if os.sched_getscheduler(0) != before:
            os.sched_setscheduler(0, before, os.sched_param(0))


class Output:
    """A container with one film stream, into which packets of `encoder_of` or of another file go.

    Args:
        path: The file; replaced if it is there.
        container: FFmpeg's name: matroska, mp4 or webm.
        stream: Of the film.
        text: The project, kept as a tag.
        is_growing: Whether every packet is flushed, so that a kill leaves what was written.
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
        """Append the packet of frame number `index`; packets come in decoding order. May raise OSError."""
        packet.stream = self._target
        packet.time_base = 1 / self._stream.rate
        packet.pts, packet.dts = index, self.count - self._stream.format.delay
        packet.duration = 1
        self._container.mux(packet)
        self.count += 1

    def close(self) -> None:
        """Write what a container has at its end. May raise OSError."""
        self._container.close()


def packets_of(path: Path, rate: Fraction) -> Iterator[tuple[Any, int]]:
    """The packets of a film's file in decoding order, each with the number of its frame, as encoders give them.

    What cannot be read any more (the end of a file whose writer was killed) ends the list.
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
        # Files keep H.264 with lengths, encoders give start codes: an output takes one of them only.
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
