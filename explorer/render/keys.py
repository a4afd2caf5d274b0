"""The keys of a request's stages: digests that tell, before anything runs, which results are still cached."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

from explorer.generators.base import INPUT
from explorer.ops.backend import backend_fingerprint

if TYPE_CHECKING:
    from explorer.generators.base import LayerEdits, LayerInfo, NoiseSpec
    from explorer.render.styles import Styles
    from explorer.state.request import RenderRequest

__all__ = ["digest", "has_noise", "noise_key", "stage_keys"]


def digest(*parts: bytes) -> bytes:
    """Return 16 bytes that stand for `parts`."""
    return blake2b(b"\0".join(parts), digest_size=16).digest()


def stage_keys(
    root: bytes,
    request: RenderRequest,
    styles: Styles,
    layers: Sequence[LayerInfo],
    edits: LayerEdits,
    *,
    is_input_styled: bool = True,
) -> tuple[bytes, ...]:
    """Return a key for the input and each layer: a digest of the key before and of the layer's arguments.

    Args:
        root: Identifies the generator and device.
        request: Its transform, source (stored or live), masks, crop and noise are part of the keys.
        styles: Their rows are part of the keys.
        layers: Those up to the last one that is needed.
        edits: Edits of the input and of single layers.
        is_input_styled: Whether the input depends on the first row. Where neither it nor the first layers do, as
            in the encoder of an image-to-image network, their results stay while only styles change.
    """
    # Read each time: native kernels, which round differently, may have been built since the last picture.
    inputs = repr((request.transform, request.source, request.masks, request.crop, request.live)).encode()
    first = styles.rows[0] if is_input_styled else b""
    key = digest(root, backend_fingerprint().encode(), first, inputs, edits.key(INPUT))
    keys = [key]
    spec = request.noise.spec()
    for i, layer in enumerate(layers):
        noise = noise_key(spec, layer.name) if has_noise(layer, spec) else b""
        row = b"" if layer.ws_index is None else styles.rows[layer.ws_index]
        key = digest(key, row, noise, edits.key(i))
        keys.append(key)
    return tuple(keys)


def has_noise(layer: LayerInfo, spec: NoiseSpec) -> bool:
    """Return whether a layer is given noise at all."""
    return layer.has_noise and spec.mode != "none" and spec.strength_of(layer.name) != 0.0


def noise_key(spec: NoiseSpec, name: str) -> bytes:
    """Return the part of a key that stands for the noise of the layer of that name."""
    return f"{spec.mode}|{spec.seed}|{spec.strength_of(name)!r}".encode()
