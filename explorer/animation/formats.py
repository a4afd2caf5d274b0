"""Film formats: their encoders, encoder options and containers."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal

from explorer.errors import UsageError

__all__ = [
    "FORMATS",
    "QUALITIES",
    "Format",
    "Quality",
    "available",
    "check_frame_size",
    "format_named",
    "format_of_path",
]

Quality = Literal["draft", "good", "best"]
QUALITIES: tuple[Quality, ...] = ("draft", "good", "best")

MAX_PIXELS = 8192 * 8192
"""Largest area of a frame, 201 MB: about ten frames queue for the encoder, which buffers more."""


@dataclass(frozen=True, slots=True)
class Format:
    """A film format.

    While it is rendered, a film is a Matroska file of `codec` whose written part can be played. The last step
    copies the packets into `container`, or converts the pictures with `converter` if that is set.

    `crf`: the encoder's quality parameter for draft, good and best. `delay`: frames by which its packets are out of
    order. `max_size`: the largest width and height in pixels that encoder, container and converter all support, and
    `max_pixels`: the largest area; both were tested. `max_fps`: 0 is unlimited. `least_ms`: minimum duration of a
    frame, because browsers show one of 10 ms or less for 100 ms. `side`, `fps`: defaults of a film; 0 is the
    network's size and the timeline's rate.
    """

    key: str
    title: str
    suffix: str
    codec: str
    pix_fmt: str
    container: str = ""
    options: dict[str, str] = field(default_factory=dict)
    crf: tuple[int, int, int] | None = None
    delay: int = 0
    chunk_seconds: float = 0.5
    converter: Literal["", "gif", "webp", "apng"] = ""
    is_lossless: bool = False
    max_size: tuple[int, int] = (16384, 16384)
    max_pixels: int = MAX_PIXELS
    max_fps: int = 0
    least_ms: int = 0
    side: int = 0
    fps: int = 0

    def playable(self, rate: Fraction) -> Fraction:
        """Return the nearest frame rate at which players show every frame."""
        return min(rate, Fraction(1000, self.least_ms)) if self.least_ms else rate

    @property
    def has_quality(self) -> bool:
        """Whether draft, good and best differ."""
        return self.crf is not None or self.converter == "webp"

    def options_for(self, quality: Quality) -> dict[str, str]:
        """Return the encoder's options at a quality."""
        crf = {"crf": str(self.crf[QUALITIES.index(quality)])} if self.crf else {}
        return {**self.options, **crf}


# Chunks are encoded independently (see `encoder`), so no option may let an encoder drop or merge frames.
_X264 = {"preset": "veryfast", "sc_threshold": "0", "g": "10000"}
_RGB = {"preset": "ultrafast", "qp": "0", "sc_threshold": "0", "g": "10000"}
_VP9 = {
    "deadline": "realtime", "cpu-used": "6", "b": "0", "lag-in-frames": "0", "auto-alt-ref": "0", "row-mt": "1",
    "g": "10000",
}  # fmt: skip
_AV1 = {"preset": "10", "svtav1-params": "pred-struct=1:scd=0:keyint=-1"}
_FFV1 = {"level": "3", "g": "1", "slices": "4", "slicecrc": "1"}

_ALL = (
    Format("mp4", "MP4, H.264: plays everywhere", ".mp4", "libx264", "yuv420p", "mp4", _X264, (26, 18, 12), 2),
    Format(
        "mkv", "Matroska, H.264 4:4:4 lossless", ".mkv", "libx264rgb", "rgb24", "matroska", _RGB, is_lossless=True
    ),
    Format(
        "ffv1", "Matroska, FFV1 lossless", ".mkv", "ffv1", "bgr0", "matroska", _FFV1, is_lossless=True,
        max_size=(65536, 65536), max_pixels=1 << 24,
    ),
    Format(
        "webm", "WebM, VP9", ".webm", "libvpx-vp9", "yuv420p", "webm", _VP9, (36, 24, 12), chunk_seconds=1.0,
        max_size=(65536, 65536),
    ),
    Format(
        "av1", "WebM, AV1: the smallest files", ".webm", "libsvtav1", "yuv420p", "webm", _AV1, (40, 28, 16),
        chunk_seconds=1.0, max_size=(16384, 8704),
    ),
    Format(
        "gif", "GIF, 256 colours per frame", ".gif", "libx264rgb", "rgb24", "", _RGB, converter="gif",
        max_fps=100,  # a frame lasts at least a hundredth of a second
        least_ms=20,  # the next multiple of a hundredth
        side=256, fps=25,  # files are large, and delays are whole hundredths
    ),
    Format(
        "webp", "WebP, animated", ".webp", "libx264rgb", "rgb24", "", _RGB, converter="webp",
        max_size=(16383, 16383), least_ms=11,
    ),
    Format(
        "apng", "Animated PNG, lossless", ".apng", "libx264rgb", "rgb24", "", _RGB, converter="apng",
        is_lossless=True, least_ms=11,
    ),
    Format(
        "png", "PNG pictures in a folder, lossless", ".png", "", "rgb24", is_lossless=True,
        max_size=(MAX_PIXELS, MAX_PIXELS),
    ),
)  # fmt: skip
FORMATS: dict[str, Format] = {f.key: f for f in _ALL}
"""All formats by name, the default first."""

_NEEDS = {"gif": "gif", "apng": "apng"}


def available() -> tuple[Format, ...]:
    """Return the formats whose encoder is available in this FFmpeg."""
    import av
    from PIL import features

    known = av.codecs_available

    def is_here(f: Format) -> bool:
        if f.converter == "webp" and not features.check("webp"):
            return False
        return (not f.codec or f.codec in known) and _NEEDS.get(f.converter, "png") in known

    return tuple(f for f in FORMATS.values() if is_here(f))


def format_named(key: str) -> Format:
    """Return the format of that name if it is available. Raises UsageError."""
    found = {f.key: f for f in available()}
    if key not in found:
        raise UsageError(f"The film format {key!r} is not available.", f"Choose one of {', '.join(found)}.")
    return found[key]


def check_frame_size(kind: Format, width: int, height: int) -> None:
    """Raise UsageError if a film of that format cannot have frames of that size in pixels."""
    widest, highest = kind.max_size
    if width <= widest and height <= highest and width * height <= kind.max_pixels:
        return
    raise UsageError(
        f"A frame of {width:,} x {height:,} pixels is too large for {kind.title.partition(':')[0]}: "
        f"at most {widest:,} wide, {highest:,} high and {kind.max_pixels / 1e6:.0f} million in all.",
        "Choose smaller pictures, or fewer of them.",
    )


def format_of_path(path: str | Path) -> Format:
    """Return the default format of a file suffix. Raises UsageError."""
    suffix = Path(path).suffix.lower()
    for f in FORMATS.values():
        if f.suffix == suffix:
            return format_named(f.key)
    suffixes = ", ".join(dict.fromkeys(f.suffix for f in FORMATS.values()))
    raise UsageError(f"{Path(path).name} does not have the suffix of a film.", f"Known suffixes: {suffixes}.")
