"""Static information about a generator: its sizes, layers, inputs and controls."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["GeneratorInfo", "LayerInfo"]


@dataclass(frozen=True, slots=True)
class LayerInfo:
    """Static information about a synthesis layer.

    Attributes:
        name: Unique within the generator.
        ws_index: The entry of `ws` that styles the layer; None if it is not styled.
        resolution: The nominal resolution in pixels of the image grid (for StyleGAN3 the sampling rate).
        channels: Channels of the output.
        height: Height of what is shown of the layer: its output including margins, or its preview if `is_rgb`.
        width: Width of the same.
        has_noise: Whether the layer adds noise.
        is_rgb: Whether the layer outputs a picture rather than features; see `Generator.preview`.
        style_dim: Number of style values, the size of `SynthesisLayer.style`; 0 if it is not styled.
    """

    name: str
    ws_index: int | None
    resolution: int
    channels: int
    height: int
    width: int
    has_noise: bool = False
    is_rgb: bool = False
    style_dim: int = 0


@dataclass(frozen=True, slots=True)
class GeneratorInfo:
    """Static information about a generator: sizes, layers, and which controls have an effect.

    Attributes:
        family: The name in the registry.
        z_dim: Size of the latent.
        c_dim: Number of classes; 0 if the generator is unconditional.
        w_dim: Size of an entry of `ws`.
        num_ws: Number of entries of `ws`.
        img_size: (height, width) of the picture in pixels.
        img_channels: Channels of the picture.
        layers: The synthesis layers in order.
        has_noise: Whether any layer adds noise.
        has_input_transform: Whether the network itself can transform its picture.
        class_names: Names of the classes; empty if they have none.
        input_style_dim: Number of style values of the network's input; 0 if it is not styled.
        source_channels: Channels of the source picture; 0 if the network has no source.
        num_masks: Number of masks in addition to the source.
        encodes_style: Whether the network is a `StyleEncoder`.
        input_layer: What `make_input` returns, under the name "input", if edits can change it.
        can_resize: Whether layers take features of any size, as an edit may make them; the picture keeps its size.
    """

    family: str
    z_dim: int
    c_dim: int
    w_dim: int
    num_ws: int
    img_size: tuple[int, int]
    img_channels: int
    layers: tuple[LayerInfo, ...]
    has_noise: bool
    has_input_transform: bool
    class_names: tuple[str, ...] = ()
    input_style_dim: int = 0
    source_channels: int = 0
    num_masks: int = 0
    encodes_style: bool = False
    input_layer: LayerInfo | None = None
    can_resize: bool = False

    @property
    def aspect(self) -> float:
        """Height of the picture in widths, the unit of motions and slits."""
        return self.img_size[0] / self.img_size[1]

    @property
    def size_text(self) -> str:
        """The size of the picture as text: `512 px`, or `512\u00d7256 px` (width and height)."""
        height, width = self.img_size
        return f"{width} px" if width == height else f"{width}\u00d7{height} px"

    @property
    def styled_layers(self) -> tuple[LayerInfo, ...]:
        """The layers with styles, in order; space s is their styles one after the other."""
        return tuple(layer for layer in self.layers if layer.style_dim)

    def layers_of_ws(self, index: int) -> tuple[LayerInfo, ...]:
        """Return the layers that entry `index` of `ws` styles; empty for an entry that only styles the input."""
        return tuple(layer for layer in self.layers if layer.ws_index == index)
