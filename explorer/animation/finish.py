"""The last step of a film: packets copied, or pictures converted, into the file that gets the final name."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.animation.container import Output, Stream, name_for_ffmpeg, open_film, packets_of
from explorer.animation.encoder import disk_error, encoder_error, pictures_of
from explorer.animation.metadata import XMP, with_gif_comment, with_png_text
from explorer.animation.still_webp import keep_webp_duration
from explorer.errors import FilmError
from explorer.util.atomic_write import atomic_write, scratch_beside

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["finish"]

Tell = Callable[[int], None]


def finish(part: Path, path: Path, stream: Stream, text: str, total: int, tell: Tell = lambda done: None) -> None:
    """Makes the finished film out of its unfinished file, and only then gives it its name.

    Args:
        part: Holds all frames.
        path: The film; a file of that name is replaced.
        stream: As the part was written.
        text: The project.
        total: Frames that there must be.
        tell: Called with the number of frames done.

    Raises:
        FilmError: The disk is full, frames are missing, or the converter failed; the part stays.
    """
    import av

    kind = stream.format.converter
    try:
        with atomic_write(path) as made:
            if kind:
                {"gif": _gif, "webp": _webp, "apng": _apng}[kind](part, made, stream, text, tell)
            else:
                _copy(part, made, stream, text, total, tell)
    except OSError as error:
        raise disk_error(error, path) from error
    except av.error.FFmpegError as error:
        raise encoder_error(error, path, kind or stream.format.codec) from error


def _copy(part: Path, made: Path, stream: Stream, text: str, total: int, tell: Tell) -> None:
    output = Output(made, stream.format.container, stream, text, is_growing=False)
    try:
        for packet, index in packets_of(part, stream.rate):
            output.add(packet, index)
            tell(output.count)
    finally:
        output.close()
    found = sum(1 for _ in packets_of(made, stream.rate))
    if (output.count, found) != (total, total):
        raise FilmError(
            f"{part.name} holds {output.count} frames of {total}, and {found} could be read back.",
            "Render again: it goes on from what is there.",
        )


def _gif(part: Path, made: Path, stream: Stream, text: str, tell: Tell) -> None:
    import av

    with scratch_beside(made) as plain:
        # Delays are whole hundredths of a second: each frame ends at the hundredth nearest to its true end.
        name = name_for_ffmpeg(plain)
        with open_film(part) as source, av.open(name, "w", format="gif", options={"loop": "0"}) as out:
            target: Any = out.add_stream("gif", rate=100)
            target.width, target.height, target.pix_fmt = stream.width, stream.height, "pal8"
            target.time_base = Fraction(1, 100)
            end = last = 0
            graph = _palette_graph(stream)
            for i, frame in enumerate(source.decode(video=0)):
                frame.pts, frame.time_base = i, 1 / stream.rate
                graph.push(frame)
                coloured: Any = graph.pull()
                coloured.pts, coloured.time_base = end, Fraction(1, 100)
                end = round((i + 1) * 100 / stream.rate)
                coloured.duration = last = end - coloured.pts
                out.mux(target.encode(coloured))
                tell(i + 1)
            for packet in target.encode(None):
                out.mux(packet)
        with_gif_comment(plain, made, text, last)


def _palette_graph(stream: Stream) -> Any:
    import av

    graph: Any = av.filter.Graph()
    source = graph.add_buffer(
        width=stream.width, height=stream.height, format=av.VideoFormat("gbrp"), time_base=1 / stream.rate
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


def _images(part: Path, tell: Tell) -> Iterator[Image]:
    from PIL import Image

    for i, picture in enumerate(pictures_of(part), start=1):
        yield Image.fromarray(picture)
        tell(i)


def _webp(part: Path, made: Path, stream: Stream, text: str, tell: Tell) -> None:
    total = sum(1 for _ in packets_of(part, stream.rate))
    ends = [round(i * 1000 / stream.rate) for i in range(total + 1)]
    images = _images(part, tell)
    first = next(images)
    quality = {"draft": 60, "good": 80, "best": 95}[stream.quality]
    with made.open("wb") as file:
        first.save(
            file, "WEBP", save_all=True, append_images=images, loop=0, quality=quality, method=2,
            duration=[b - a for a, b in itertools.pairwise(ends)], xmp=XMP.format(text).encode(),
        )  # fmt: skip
    keep_webp_duration(made, (stream.width, stream.height), ends[-1])


def _apng(part: Path, made: Path, stream: Stream, text: str, tell: Tell) -> None:
    import av

    with scratch_beside(made) as plain:
        name = name_for_ffmpeg(plain)
        with open_film(part) as source, av.open(name, "w", format="apng", options={"plays": "0"}) as out:
            target: Any = out.add_stream("apng", rate=stream.rate)
            target.width, target.height, target.pix_fmt = stream.width, stream.height, "rgb24"
            target.time_base = 1 / stream.rate
            for i, frame in enumerate(source.decode(video=0)):
                coloured: Any = frame.reformat(format="rgb24")
                coloured.pts, coloured.time_base = i, 1 / stream.rate
                out.mux(target.encode(coloured))
                tell(i + 1)
            out.mux(target.encode(None))
        with_png_text(plain, made, text)
