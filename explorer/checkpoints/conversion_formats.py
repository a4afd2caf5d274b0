"""The formats that a generator can be written in, by name and by the ending of the file; free of torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from explorer.errors import UsageError

__all__ = ["FORMATS", "SUFFIXES", "FormatName", "OnnxOptions", "format_of"]

FormatName = Literal["latentwalk", "nvidia", "rosinality", "onnx"]
FORMATS: tuple[FormatName, ...] = get_args(FormatName)

SUFFIXES: dict[FormatName, tuple[str, ...]] = {
    "latentwalk": (".safetensors",),
    "nvidia": (".safetensors", ".pt", ".pth"),
    "rosinality": (".pt", ".pth"),
    "onnx": (".onnx",),
}
"""The endings of each format; the first one is the usual."""


@dataclass(frozen=True, slots=True)
class OnnxOptions:
    """What an ONNX file takes: `z`, or one `w` for each layer; its stored noise, or one input for each noise."""

    input: Literal["z", "ws"] = "z"
    noise: Literal["const", "input"] = "const"


def format_of(target: Path, to: str | None) -> FormatName:
    """Return the format to write `target` in.

    Args:
        target: The file to write.
        to: A name in `FORMATS`; None: by the ending, Latentwalk's for `.safetensors`.

    Raises:
        UsageError: The ending does not belong to the format, or to more than one.
    """
    suffix = target.suffix.lower()
    if to is None:
        if suffix in SUFFIXES["rosinality"]:
            raise UsageError(
                f"{target} could be a file of several programs.", "Add --to nvidia or --to rosinality."
            )
        to = "onnx" if suffix in SUFFIXES["onnx"] else "latentwalk"
    name = next((known for known in FORMATS if known == to), None)
    if name is None:
        raise UsageError(f"There is no format {to!r}.", f"Choose one of {', '.join(FORMATS)}.")
    if suffix not in SUFFIXES[name]:
        raise UsageError(f"{target} does not end in {' or '.join(SUFFIXES[name])}.", "Choose a name that does.")
    return name
