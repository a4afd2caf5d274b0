"""A rendered picture for notebooks, numpy and Pillow."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

    from explorer.render.headless import Rendered

__all__ = ["Picture", "picture_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A rendered picture. Notebooks display it; `numpy.asarray(picture)` returns its pixels.

    Attributes:
        pixels: uint8 `[H, W, 3]`, red, green, blue.
        image: float32 `[C, H, W]`, before clamping to the nominal range -1..1; with `layer`, that layer's features.
        w: float32 `[w_dim]`, before mixing, truncation and edits; `[num_ws, w_dim]` if the latent is a ws.
        ws: float32 `[num_ws, w_dim]`: the input of the synthesis network.
    """

    pixels: NDArray[np.uint8]
    image: NDArray[np.float32]
    w: NDArray[np.float32]
    ws: NDArray[np.float32]

    def save(self, path: str | Path) -> None:
        """Write the pixels atomically, in the format of the suffix.

        Raises:
            OSError: The file cannot be written.
            ValueError: The suffix is not that of a picture format.
        """
        from explorer.render.headless import save_pixels

        save_pixels(Path(path), self.pixels)

    def to_pil(self) -> Image:
        """Return the pixels as a Pillow image of mode RGB."""
        from PIL import Image

        return Image.fromarray(self.pixels)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return `pixels`, for numpy."""
        return np.array(self.pixels, dtype=dtype, copy=True if copy else None)

    def _repr_png_(self) -> bytes:
        data = BytesIO()
        self.to_pil().save(data, format="PNG")
        return data.getvalue()

    def __repr__(self) -> str:
        height, width = self.pixels.shape[:2]
        return f"<Picture {width}x{height}>"


def picture_of(rendered: Rendered) -> Picture:
    """Convert a renderer's result."""
    return Picture(rendered.pixels, rendered.image, rendered.latents.base, rendered.latents.ws)
