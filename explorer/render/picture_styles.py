"""Styles of pictures, under each class of a network that can encode them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from explorer.errors import RenderError, RequestError
from explorer.generators.base import StyleEncoder
from explorer.render.sources import source_tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.generators.base import Generator

__all__ = ["style_of_picture"]


def style_of_picture(generator: Generator, picture: NDArray[np.uint8], label: int | None) -> NDArray[np.float32]:
    """Return a picture's style `[w_dim]` float32 under one class, read-only.

    Args:
        generator: A network whose `info.encodes_style` is true.
        picture: uint8 `[H, W, C]` of any size; its middle is taken.
        label: The class; None for a network without.

    Raises:
        RequestError: The network cannot encode pictures.
        RenderError: The style is not finite.
    """
    info = generator.info
    if not info.encodes_style or not isinstance(generator, StyleEncoder):
        raise RequestError("This network cannot take the style of a picture.", "Choose an image-to-image network.")
    c = None
    if label is not None:
        c = torch.zeros(1, info.c_dim, device=generator.device)
        c[:, label] = 1.0
    with torch.no_grad():
        x = source_tensor(picture, info.img_channels, info.img_size).to(generator.device)
        style: NDArray[np.float32] = generator.encode_style(x, c)[0].float().cpu().numpy().copy()
    if not np.isfinite(style).all():
        raise RenderError("The style of the picture is not finite.", "Choose another picture.")
    style.setflags(write=False)
    return style
