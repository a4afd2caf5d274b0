"""Packets into files and out of them: one place that knows how a film's stream is declared."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.util.regular_file import open_regular

if TYPE_CHECKING:
    from explorer.animation.formats import Format, Quality

__all__ = ["Output", "Stream", "encoder_of", "name_for_ffmpeg", "open_film", "packets_of", "tag_colours"]

GLOBAL_HEADER = 1 << 22
"""FFmpeg's flag: the parameter sets go into the container's header and not before every key frame."""

TAG = "comment"
"""The one text tag that MP4, Matroska and WebM all keep as it is."""

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

os.environ.setdefault("SVT_LOG", "1")  # the AV1 encoder tells its settings on stderr otherwise


class Stream:
    """What a film's stream is: size in pixels, frames per second, format and quality. Immutable."""

    def __init__(self, format: Format, quality: Quality, size: tuple[int, int], rate: Fraction) -> None:
        self.format, self.quality, self.rate = format, quality, rate
        even = format.pix_fmt == "yuv420p"
        self.width, self.height = (n + n % 2 if even else n for n in size)

    def declare(self, context: Any) -> None:
        """Sets an encoder, or a stream of a container, up for this film."""
        context.width, context.height, context.pix_fmt = self.width, self.height, self.format.pix_fmt
        context.time_base = 1 / self.rate
        context.options = self.format.options_for(self.quality)


def tag_colours(item: Any) -> None:
    """Players take untagged video for BT.601 and show false colours: say BT.709."""
    item.colorspace = item.color_primaries = item.color_trc = 1


def encoder_of(stream: Stream) -> Any:
    """A fresh encoder. Two of one stream give the same packets for the same pictures."""
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
    """Keeps this thread's priority: under root, SVT-AV1 makes whoever opens it a real-time thread.

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
        """Appends the packet of frame number `index`; packets come in decoding order. May raise OSError."""
        packet.stream = self._target
        packet.time_base = 1 / self._stream.rate
        packet.pts, packet.dts = index, self.count - self._stream.format.delay
        packet.duration = 1
        self._container.mux(packet)
        self.count += 1

    def close(self) -> None:
        """Writes what a container has at its end. May raise OSError."""
        self._container.close()


def name_for_ffmpeg(path: Path) -> str:
    """The whole path: FFmpeg would take the beginning of `walk:1.mp4` for a protocol."""
    return os.path.abspath(path)


def open_film(path: Path) -> Any:
    """A film's container, for reading: an ordinary file that begins as Matroska, WebM or MP4 does, and that alone.

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
