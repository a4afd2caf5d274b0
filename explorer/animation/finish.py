"""The last step of a film: copy packets, or convert pictures, into the final file."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.animation.container import Output, Stream, packets_of
from explorer.animation.encoder import disk_error, encoder_error, pictures_of
from explorer.animation.still_webp import keep_webp_duration
from explorer.errors import FilmError
from explorer.project.embedded import XMP, with_gif_comment, with_png_text
from explorer.project.film_container import name_for_ffmpeg, open_film
from explorer.util.atomic_write import atomic_write, scratch_beside

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["WEBP_METHOD", "WEBP_QUALITY", "finish", "palette_graph", "shown_frames"]

WEBP_QUALITY = {"draft": 60, "good": 80, "best": 95}
WEBP_METHOD = 2

Report = Callable[[int], None]


def finish(
    part: Path, path: Path, stream: Stream, text: str, total: int, report: Report = lambda done: None
) -> None:
    """Make the finished film from its unfinished file, and rename it only when complete.

    Args:
        part: The unfinished file with all frames.
        path: The film; an existing file is replaced.
        stream: The stream with which the part was written.
        text: The project as text.
        total: Expected number of frames.
        report: Called with the number of frames done.

    Raises:
        FilmError: The disk is full, frames are missing, or the converter failed; the part stays.
    """
    import av

    kind = stream.format.converter
    try:
        with atomic_write(path) as made:
            if kind:
                {"gif": _gif, "webp": _webp, "apng": _apng}[kind](part, made, stream, text, report)
            else:
                _copy(part, made, stream, text, total, report)
    except OSError as error:
        raise disk_error(error, path) from error
    except av.error.FFmpegError as error:
        raise encoder_error(error, path, kind or stream.format.codec) from error


def _copy(part: Path, made: Path, stream: Stream, text: str, total: int, report: Report) -> None:
    output = Output(made, stream.format.container, stream, text, is_growing=False)
    try:
        for packet, index in packets_of(part, stream.rate):
            output.add(packet, index)
            report(output.count)
    finally:
        output.close()
    found = sum(1 for _ in packets_of(made, stream.rate))
    if (output.count, found) != (total, total):
        raise FilmError(
            f"{part.name} contains {output.count} frames of {total}, and {found} could be read back.",
            "Render again: it continues from what is there.",
        )


def shown_frames(total: int, rate: Fraction, unit: int, least: int) -> Iterator[tuple[int, int, int]]:
    """Yield the frames to show with their start and duration, in a format with discrete times.

    Each frame ends at the unit nearest to its exact end, so that rounding errors do not accumulate. Where frames
    would be shorter than players support, some are skipped evenly, and the film's duration is unchanged.

    Args:
        total: Frames of the film.
        rate: Frames per second.
        unit: Time units per second.
        least: Minimum duration of a frame, in units.

    Yields:
        (number of the frame, its start, its duration), both in units.
    """
    length = max(round(total * unit / rate), least)
    count = max(1, min(total, length // least))
    ends = [round(i * unit / rate) if count == total else i * length // count for i in range(count)] + [length]
    for i, (begin, end) in enumerate(itertools.pairwise(ends)):
        yield (i if count == total else int(begin * rate / unit)), begin, end - begin


def _shown(part: Path, stream: Stream, unit: int) -> dict[int, tuple[int, int]]:
    """Return (start, duration) of the frames to show, by number."""
    total = sum(1 for _ in packets_of(part, stream.rate))
    least = -(-unit * stream.format.least_ms // 1000)
    return {number: times for number, *times in shown_frames(total, stream.rate, unit, least)}  # type: ignore[misc]


def _gif(part: Path, made: Path, stream: Stream, text: str, report: Report) -> None:
    import av

    shown, last = _shown(part, stream, 100), 0  # delays are in hundredths of a second
    with scratch_beside(made) as plain:
        name = name_for_ffmpeg(plain)
        with open_film(part) as source, av.open(name, "w", format="gif", options={"loop": "0"}) as out:
            target: Any = out.add_stream("gif", rate=100)
            target.width, target.height, target.pix_fmt = stream.width, stream.height, "pal8"
            target.time_base = Fraction(1, 100)
            graph = palette_graph(stream, "gbrp")
            for i, frame in enumerate(source.decode(video=0)):
                if i in shown:
                    frame.pts, frame.time_base = i, 1 / stream.rate
                    graph.push(frame)
                    coloured: Any = graph.pull()
                    coloured.pts, coloured.duration = shown[i]
                    coloured.time_base, last = Fraction(1, 100), coloured.duration
                    out.mux(target.encode(coloured))
                report(i + 1)
            for packet in target.encode(None):
                out.mux(packet)
        with_gif_comment(plain, made, text, last)


def palette_graph(stream: Stream, pix_fmt: str) -> Any:
    """Return a filter that converts frames to 256 colours, with a palette per frame."""
    import av

    graph: Any = av.filter.Graph()
    source = graph.add_buffer(
        width=stream.width, height=stream.height, format=av.VideoFormat(pix_fmt), time_base=1 / stream.rate
    )
    split, make = graph.add("split"), graph.add("palettegen", "stats_mode=single:reserve_transparent=0")
    use, sink = graph.add("paletteuse", "new=1:dither=sierra2_4a"), graph.add("buffersink")
    source.link_to(split)
    split.link_to(use, 0, 0)
    split.link_to(make, 1, 0)
    make.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    return graph


def _images(part: Path, shown: dict[int, tuple[int, int]], report: Report) -> Iterator[Image]:
    from PIL import Image

    for i, picture in enumerate(pictures_of(part)):
        if i in shown:
            yield Image.fromarray(picture)
        report(i + 1)


def _webp(part: Path, made: Path, stream: Stream, text: str, report: Report) -> None:
    shown = _shown(part, stream, 1000)
    images = _images(part, shown, report)
    first = next(images)
    with made.open("wb") as file:
        first.save(
            file, "WEBP", save_all=True, append_images=images, loop=0, quality=WEBP_QUALITY[stream.quality],
            method=WEBP_METHOD, duration=[duration for _, duration in shown.values()],
            xmp=XMP.format(text).encode(),
        )  # fmt: skip
    keep_webp_duration(made, (stream.width, stream.height), sum(list(shown.values())[-1]))


def _apng(part: Path, made: Path, stream: Stream, text: str, report: Report) -> None:
    import av

    # Delays are fractions: exact, unless the rate exceeds what players support.
    is_exact = stream.rate * stream.format.least_ms <= 1000
    shown = {} if is_exact else _shown(part, stream, 1000)
    rate = stream.rate if is_exact else Fraction(1000)
    with scratch_beside(made) as plain:
        name = name_for_ffmpeg(plain)
        with open_film(part) as source, av.open(name, "w", format="apng", options={"plays": "0"}) as out:
            target: Any = out.add_stream("apng", rate=rate)
            target.width, target.height, target.pix_fmt = stream.width, stream.height, "rgb24"
            target.time_base = 1 / rate
            for i, frame in enumerate(source.decode(video=0)):
                if is_exact or i in shown:
                    coloured: Any = frame.reformat(format="rgb24")
                    coloured.pts, coloured.duration = (i, 1) if is_exact else shown[i]
                    coloured.time_base = 1 / rate
                    out.mux(target.encode(coloured))
                report(i + 1)
            out.mux(target.encode(None))
        with_png_text(plain, made, text)
