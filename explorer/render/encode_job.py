"""The job of encoding a picture as the style of a network that can."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from explorer.errors import RenderError, RequestError
from explorer.generators.base import StyleEncoder
from explorer.jobs.job import JobSpec, Report
from explorer.render.sources import source_tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.generators.base import Generator
    from explorer.jobs.job import Job, JobContext
    from explorer.state.request import RenderRequest

__all__ = ["encode", "encode_spec", "encoded"]


def encode_spec(request: RenderRequest) -> JobSpec:
    """Return the spec of encoding the source picture of a request as the style of its classes."""
    return JobSpec("encode-style", request)


def encode(context: JobContext | None, spec: JobSpec) -> Job[NDArray[np.float32] | None]:
    """Run a job of `encode_spec`: report the style `[w_dim]` float32."""
    assert context is not None
    assert spec.request is not None
    if spec.request.source is None:
        raise RequestError("There is no picture to take the style of.", "Choose a picture.")
    yield Report(None, 0, 1)
    weights = spec.request.style.class_weights
    yield Report(encoded(context.generator, spec.request.source.array, weights), 1, 1)


def encoded(
    generator: Generator, picture: NDArray[np.uint8], weights: tuple[tuple[int, float], ...]
) -> NDArray[np.float32]:
    """Return a picture's style `[w_dim]` float32 under mixed classes.

    Args:
        generator: A network whose `info.encodes_style` is true.
        picture: uint8 `[H, W, C]` of any size.
        weights: (class, weight) pairs.

    Raises:
        RequestError: The network cannot encode pictures.
        RenderError: The style is not finite.
    """
    info = generator.info
    if not info.encodes_style or not isinstance(generator, StyleEncoder):
        raise RequestError("This network cannot take the style of a picture.", "Choose an image-to-image network.")
    c = None
    if info.c_dim:
        c = torch.zeros(1, info.c_dim, device=generator.device)
        for index, weight in weights:
            c[:, index] = weight
    with torch.no_grad():
        x = source_tensor(picture, info.img_channels, info.img_size).to(generator.device)
        style: NDArray[np.float32] = generator.encode_style(x, c)[0].float().cpu().numpy()
    if not np.isfinite(style).all():
        raise RenderError("The style of the picture is not finite.", "Choose another picture.")
    return style
