"""Writes the generator of any file in another format: Latentwalk's, NVIDIA's names, rosinality's, or ONNX."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from explorer.checkpoints.complete import complete
from explorer.checkpoints.conversion_formats import OnnxOptions, format_of
from explorer.checkpoints.latentwalk_format import save_native
from explorer.checkpoints.layouts import save_nvidia, save_rosinality
from explorer.checkpoints.loading import build_generator, load
from explorer.checkpoints.monitor import Monitor
from explorer.checkpoints.onnx_file import check_family, check_packages, save_onnx
from explorer.checkpoints.parts import file_of
from explorer.errors import UsageError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from explorer.checkpoints.conversion_formats import FormatName
    from explorer.util.control import Control
    from explorer.util.report import Report

__all__ = ["convert"]

_READ, _BUILT, _EXPORTED = 0.1, 0.15, 0.9
"""Parts of the whole that are done after each step of writing ONNX; nearly all of it is the export."""


def convert(
    src: str | os.PathLike[str],
    dst: str | os.PathLike[str],
    *,
    to: FormatName | None = None,
    dtype: Literal["float32", "float16"] | None = None,
    onnx: OnnxOptions | None = None,
    on_report: Callable[[Report[None]], object] | None = None,
    control: Control | None = None,
) -> None:
    """Write the generator in `src` to `dst`.

    The generator is built first, so the result is complete; an existing `dst` is replaced atomically.

    Args:
        src: Any file `load` reads.
        dst: A name with an ending of the format.
        to: The format; None: by the ending of `dst`, Latentwalk's safetensors with metadata for `.safetensors`.
        dtype: Dtype of the weights; None: float32. float16 is for Latentwalk's format and NVIDIA's names.
        onnx: The inputs of an ONNX file; None: `z`, with the stored noise inside.
        on_report: Called with a report whose `stage` is the name of the step.
        control: Pauses and cancels it between steps, from any thread.

    Raises:
        CancelledError: The user cancelled; `dst` is as it was.
        UsageError: `dst` is `src`, or has another ending; or a package for ONNX is missing.
        UnsupportedModelError: The format has no place for such a network.
        CheckpointError: As `load` and `build_generator`, or `dst` cannot be written.
    """
    source, target = Path(src), Path(dst)
    format_ = format_of(target, to)
    own = file_of(source)
    if target.exists() and own.exists() and target.samefile(own):
        raise UsageError(f"{target} is the file to convert.", "Choose another name for the result.")
    if dtype == "float16" and format_ not in ("latentwalk", "nvidia"):
        raise UsageError(f"A file for {format_} cannot store float16.", "Store float32.")
    if format_ == "onnx":
        check_packages()
    monitor = Monitor(on_report, control)

    def on_read(report: Report[None]) -> None:
        monitor.enter(_READ * report.fraction, _READ, report.stage)

    checkpoint = load(source, on_report=on_read, control=control)
    if format_ == "onnx":
        check_family(checkpoint)
    monitor.enter(_READ, _BUILT, "Building the network")
    whole = replace(checkpoint, tensors=complete(checkpoint.tensors, build_generator(checkpoint)))
    if format_ == "latentwalk":
        save_native(target, whole, dtype=dtype or "float32")
    elif format_ == "nvidia":
        save_nvidia(target, whole, dtype or "float32")
    elif format_ == "rosinality":
        save_rosinality(target, whole)
    else:
        monitor.enter(_BUILT, _EXPORTED, "Exporting the network")
        save_onnx(target, whole, onnx or OnnxOptions(), lambda: monitor.enter(_EXPORTED, 1.0, "Writing the file"))
