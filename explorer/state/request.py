"""Requests to the renderer: the state resolved to one network's numbers, frozen, complete and hashable."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal

from explorer.edits.base import ResolvedEdit  # read by the codec
from explorer.errors import ProjectError
from explorer.state import Crop, Tap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.edits.base import Stage
    from explorer.generators.base import NoiseSpec

__all__ = [
    "KeyedArray",
    "LatentPoint",
    "ModelKey",
    "NoiseRecipe",
    "PointBlend",
    "RenderRequest",
    "RenderSettings",
    "StyleRecipe",
]


@dataclass(frozen=True, slots=True)
class ModelKey:
    """Identifies a model by the hash of its content; the path is for display."""

    sha256: str
    path: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class RenderSettings:
    """Device, precision and kernels of a computation.

    `backend` "auto" uses the fastest kernels, "torch" those without native code, "reference" the readable ones.
    """

    device: str = "cpu"
    dtype: str = "float32"
    backend: Literal["auto", "torch", "reference"] = "auto"  # spelt out, because `decode` reads it from job files


@dataclass(frozen=True, slots=True)
class KeyedArray:
    """A read-only array compared and hashed by a 16-byte digest of its content (cheaper than its floats)."""

    digest: bytes
    array: NDArray[Any] = field(compare=False, repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return the array, float32 or uint8, bit for bit as JSON values."""
        content = b64encode(self.array.tobytes()).decode()
        return {"digest": self.digest.hex(), "shape": list(self.array.shape), self.array.dtype.name: content}

    @staticmethod
    def from_json(data: Any, where: str) -> KeyedArray:
        """Return the array that `to_json` wrote. Raises ProjectError."""
        import numpy as np

        try:
            dtype = "uint8" if "uint8" in data else "float32"
            array = np.frombuffer(b64decode(data[dtype]), dtype).reshape(data["shape"])
            return KeyedArray(bytes.fromhex(data["digest"]), array)
        except (KeyError, TypeError, ValueError) as error:
            raise ProjectError(f"{where} should be an array.", "The file is damaged.") from error


@dataclass(frozen=True, slots=True)
class LatentPoint:
    """A latent to compute: `anchor + sum(weight * (mapping(z_of_seed) - w_avg))`.

    `stored` empty: the anchor is `w_avg` and the weights sum to 1. Otherwise the anchor is the stored array, mapped
    first if `space` is "z" and encoded if it is "picture", and the weights sum to 0. A `blend` is the anchor in the
    same way.
    """

    seeds: tuple[tuple[int, float], ...] = ((0, 1.0),)
    stored: KeyedArray | None = None
    space: str = "w"
    blend: PointBlend | None = None


@dataclass(frozen=True, slots=True)
class PointBlend:
    """A weighted sum of latents: of their `z`, their base `w`, or (styles) their final `ws`.

    `spherical`: directions from the centre turn at an even rate, and lengths change evenly.
    """

    space: str
    parts: tuple[tuple[StyleRecipe, float], ...]
    spherical: bool = False


@dataclass(frozen=True)  # without slots, for `digest`
class StyleRecipe:
    """Everything that determines the final `ws`, and the edits applied after it.

    Attributes:
        base: The latent that mixing, truncation and edits start from.
        class_weights: (class, weight); the weights sum to 1. Empty for unconditional models.
        sources: Latents of style mixing.
        mix: (entry of `ws`, source number, amount in 0..1).
        psi: Truncation, one value for each entry of `ws`.
        edits: In the order in which they are applied. Those of the stages `s`, `features` and `input` do not change
            `ws`, but what the layers compute from it.
    """

    base: LatentPoint = field(default_factory=LatentPoint)
    class_weights: tuple[tuple[int, float], ...] = ()
    sources: tuple[LatentPoint, ...] = ()
    mix: tuple[tuple[int, int, float], ...] = ()
    psi: tuple[float, ...] = ()
    edits: tuple[ResolvedEdit, ...] = ()

    @cached_property
    def digest(self) -> bytes:
        """16 bytes that differ wherever any field does, computed once; floats are told apart to the last bit."""
        return blake2b(repr(self).encode(), digest_size=16).digest()

    def edits_at(self, stage: Stage, layer: str = "") -> tuple[ResolvedEdit, ...]:
        """Return the edits of a stage in order; for the stages `s` and `features` those of the layer named."""
        return self._edits_by_target.get((stage, layer), ())

    @cached_property
    def _edits_by_target(self) -> dict[tuple[str, str], tuple[ResolvedEdit, ...]]:
        found: dict[tuple[str, str], tuple[ResolvedEdit, ...]] = {}
        for edit in self.edits:
            for layer in edit.layers or ("",):
                found[edit.stage, layer] = (*found.get((edit.stage, layer), ()), edit)
        return found


@dataclass(frozen=True, slots=True)
class NoiseRecipe:
    """Noise resolved for one network: mode, seed, strength of all layers and of single ones."""

    mode: str = "const"
    seed: int = 0
    strength: float = 1.0
    layer_strengths: tuple[tuple[str, float], ...] = ()

    def spec(self) -> NoiseSpec:
        """Return these settings in the form that generators take."""
        from explorer.generators.base import NoiseSpec

        mode = self.mode if self.mode in ("const", "random") else "none"
        return NoiseSpec(mode, self.seed, self.strength, dict(self.layer_strengths))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """Everything that determines a picture, resolved for one network. Immutable; created in the GUI thread.

    A request is complete: rendering it alone, without a window, later, gives the same pixels.

    Attributes:
        model: The network.
        settings: Device, precision and kernels.
        style: What determines the final `ws`.
        noise: The noise inputs.
        transform: The forward 3x3 matrix, row by row; None for the identity.
        source: The source picture of an image-to-image network, uint8 `[H, W, C]` of any size; None for others.
        masks: Its masks, uint8 `[H, W]` of any size.
        crop: The part of source and masks that the network is given; None for the largest one in the middle.
        live: The request of another network whose picture is the source; None for a stored one.
        tap: Which output of the network is shown.
        untransform: Whether the picture is moved back by the inverse of `transform`.
        residual: "difference" or "heat" shows how the picture moved back differs from the untransformed one.
        max_px: Upper bound of the longer side of the pixels; 0 leaves them as they are.
    """

    model: ModelKey
    settings: RenderSettings = RenderSettings()
    style: StyleRecipe = StyleRecipe()
    noise: NoiseRecipe = NoiseRecipe()
    transform: tuple[float, ...] | None = None
    source: KeyedArray | None = None
    masks: tuple[KeyedArray, ...] = ()
    crop: Crop | None = None
    live: RenderRequest | None = None
    tap: Tap = Tap()
    untransform: bool = False
    residual: Literal["none", "difference", "heat"] = "none"
    max_px: int = 0

    def with_base(self, base: LatentPoint) -> RenderRequest:
        """Return the same request with another latent."""
        return replace(self, style=replace(self.style, base=base))
