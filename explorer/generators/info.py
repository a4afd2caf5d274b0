"""Facts of a generator: its sizes, its layers, and which inputs and controls it has."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["GeneratorInfo", "LayerInfo"]


@dataclass(frozen=True, slots=True)
class LayerInfo:
    """Facts of one synthesis layer.

    Attributes:
        name: Unique within the generator.
        ws_index: The entry of `ws` that styles the layer; None if nothing does.
        resolution: The nominal resolution in pixels of the image grid (for StyleGAN3 the sampling rate).
        channels: Of the output.
        height: Of what the layer shows: its output, margins included, or where `is_rgb` its preview.
        width: The same.
        has_noise: Whether the layer adds noise.
        is_rgb: Whether the layer makes a picture rather than features: `Generator.preview` shows it.
        style_dim: Number of style values, the size of `SynthesisLayer.style`; 0 if nothing styles the layer.
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
    """Facts of a generator that the explorer needs: sizes, layers, and which controls can matter.

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
        has_input_transform: Whether the network moves its picture itself.
        class_names: Of the classes; empty if they have none.
        input_style_dim: Number of style values of the network's input; 0 if nothing styles it.
        source_channels: Channels of the source picture; 0 if the network takes none.
        num_masks: Number of masks the network takes beside the source.
        encodes_style: Whether the network reads styles from pictures, as `StyleEncoder` says.
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

    @property
    def aspect(self) -> float:
        """Height of the picture in widths: motions and slits are given in image widths."""
        return self.img_size[0] / self.img_size[1]

    @property
    def size_text(self) -> str:
        """The size of the picture for people: `512 px`, or `512\u00d7256 px` as width and height."""
        height, width = self.img_size
        return f"{width} px" if width == height else f"{width}\u00d7{height} px"

    def layers_of_ws(self, index: int) -> tuple[LayerInfo, ...]:
        """Return the layers that entry `index` of `ws` styles; empty for an entry that only styles the input."""
        return tuple(layer for layer in self.layers if layer.ws_index == index)
