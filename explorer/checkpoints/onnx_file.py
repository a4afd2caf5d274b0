"""Writes a generator as one ONNX file, which other programs run without torch and without this program."""

from __future__ import annotations

import json
import logging
import warnings
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

import torch

from explorer.checkpoints.latentwalk_format import cannot_write
from explorer.checkpoints.loading import build_generator
from explorer.checkpoints.onnx_network import OnnxNetwork
from explorer.errors import CheckpointError, UnsupportedModelError, UsageError
from explorer.generators import registry
from explorer.ops.backend import use_backend
from explorer.util.atomic_write import atomic_write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from torch.onnx import ONNXProgram

    from explorer.checkpoints.checkpoint import Checkpoint
    from explorer.checkpoints.conversion_formats import OnnxOptions

__all__ = ["FAMILIES", "OPSET", "check_family", "check_packages", "save_onnx"]

FAMILIES = ("stylegan", "stylegan2", "stylegan3-t", "stylegan3-r", "mobilestylegan")
OPSET = 18
"""The version of ONNX's operators; torch's exporter has its own translations for it, and needs no converter."""

_LARGEST = (1 << 31) - (1 << 20)  # bytes of weights: a file in the protobuf format is less than 2 GiB
_BATCH = 2  # of the example: with one, tracing would fix the number


def check_packages() -> None:
    """Raise UsageError unless the packages that ONNX files are written with are installed."""
    missing = [name for name in ("onnx", "onnxscript") if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"An ONNX file cannot be written without {' and '.join(missing)}, not installed here.",
            "Install them: pip install 'latentwalk[onnx]'",
        )


def check_family(checkpoint: Checkpoint) -> None:
    """Raise UnsupportedModelError unless generators of this family can be written."""
    if checkpoint.family not in FAMILIES:
        titles = ", ".join(dict.fromkeys(registry.family(name).title for name in FAMILIES))
        own = registry.family(checkpoint.family).title
        raise UnsupportedModelError(
            f"{checkpoint.file or checkpoint.name} is a {own}, which cannot be written as ONNX.",
            f"Supported are {titles}.",
        )


def save_onnx(
    path: Path, checkpoint: Checkpoint, options: OnnxOptions, on_write: Callable[[], object] | None = None
) -> None:
    """Write mapping and synthesis as one ONNX file, with weights inside, for batches of any size.

    Args:
        path: The file to write.
        checkpoint: The generator; the file's metadata get its name, licence and origin.
        options: The inputs that the file has.
        on_write: Called after the export, before the file is written; may raise CancelledError.

    Raises:
        UsageError: A package is missing.
        UnsupportedModelError: The family cannot be written.
        CheckpointError: The network is too large, or the file cannot be written.
    """
    check_packages()
    check_family(checkpoint)
    # A generator of its own, since tracing leaves stand-ins in it where layers share buffers.
    generator = build_generator(checkpoint)
    if generator.nbytes > _LARGEST:
        raise CheckpointError(
            f"{path} cannot be written: the network has {generator.nbytes:,} bytes, an ONNX file holds 2 GiB.",
            "Write it in Latentwalk's format.",
        )
    program = _traced(OnnxNetwork(generator, options).eval())
    program.model.producer_name = "Latentwalk"
    program.model.metadata_props.update(_metadata(checkpoint))
    if on_write is not None:
        on_write()
    try:
        with atomic_write(path) as partial:
            program.save(partial, external_data=False)
    except OSError as error:
        raise cannot_write(path, error) from error


def _traced(network: OnnxNetwork) -> ONNXProgram:
    """Trace the readable form of every operator, whose graph has only operators of ONNX."""
    batch = torch.export.Dim("batch")
    with use_backend("reference", torch.float32), torch.no_grad(), _quiet():
        program = torch.onnx.export(
            network,
            tuple(item.example(_BATCH) for item in network.inputs),
            input_names=[item.name for item in network.inputs],
            output_names=["picture"],
            opset_version=OPSET,
            dynamic_shapes=(tuple({0: batch} if item.is_batched else {} for item in network.inputs),),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    return program


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep from the user what the exporter says about itself: deprecations, and packages that are not needed."""
    log = logging.getLogger("torch.onnx")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(before)


def _metadata(checkpoint: Checkpoint) -> dict[str, str]:
    """Return texts about the network; an ONNX file's must be UTF-8."""
    texts = {
        "name": checkpoint.name,
        "family": checkpoint.family,
        "licence": checkpoint.licence,
        "origin": checkpoint.origin,
        "source_sha256": checkpoint.source_sha256 or checkpoint.sha256,
        "class_names": json.dumps(list(checkpoint.class_names)),
    }
    return {key: text.encode(errors="backslashreplace").decode() for key, text in texts.items()}
