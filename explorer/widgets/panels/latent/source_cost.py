"""What a picture of an image-to-image network has cost: its encoder, or that it was kept, and its decoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.generators.base import GeneratorInfo
    from explorer.render.results import Frame

__all__ = ["cost_text"]


def cost_text(frame: Frame, info: GeneratorInfo) -> str:
    """Return the time of both parts, such as "Encoder kept, decoder 21 ms"; empty for networks without a source.

    The encoder is what comes before the first layer that is given a style.
    """
    names = [layer.name for layer in info.layers]
    first = next((i for i, layer in enumerate(info.layers) if layer.style_dim), 0)
    if not info.source_channels or not first or frame.request.model.sha256 == "":
        return ""
    times = {stage.name: stage.ms for stage in frame.timings if not stage.hit}
    encoder = [times[name] for name in names[:first] if name in times]
    decoder = sum(times.get(name, 0.0) for name in names[first:])
    kept = "kept" if not encoder else f"{sum(encoder):.0f} ms"
    return f"Encoder {kept}, decoder {decoder:.0f} ms" if decoder else f"Encoder {kept}, decoder kept"
