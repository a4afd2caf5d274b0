"""Names of StyleGAN's tensors in NVIDIA's TensorFlow files and in the ports of it that compute the same picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from explorer.checkpoints.tensors import turned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from explorer.checkpoints.records import TensorRecord

__all__ = ["GENFORCE", "HUANGZH13", "LERNAPPARAT", "TENSORFLOW", "Layout", "is_blur", "place_of", "renamed"]

_LARGEST = 2 * 12  # half blocks of 8192 px, above every model
_DEPTH = 64  # dense layers, as in the family's settings


@dataclass(frozen=True, slots=True)
class Layout:
    """How one program names StyleGAN's tensors.

    Args:
        title: Name of the program, for notes.
        anchor: A key that every generator has.
        parts: Beginnings of the keys of a generator.
        half: Function of a half block's number that returns its keys by part of ours; empty for one it has not.
        rgb: Function of the block's number, from 0 for 4x4, and of that of the last one, that returns the beginning
            of the keys of its picture.
        dense: Beginning of the keys of the mapping's layers, before their number.
        label: Key of the matrix of classes; empty if there is none.
        mean: Key of the mean of w.
        ending: Between the beginning and "weight" or "bias".
        is_turned: Whether the axes of weights are TensorFlow's: `[kh, kw, in, out]` and `[in, out]`.
    """

    title: str
    anchor: str
    parts: tuple[str, ...]
    half: Callable[[int], Mapping[str, str]]
    rgb: Callable[[int, int], str]
    dense: str
    label: str
    mean: str
    ending: str = "."
    is_turned: bool = False


def place_of(half: int) -> str:
    """Return our name of a half block's convolution, such as "b8.conv0"."""
    name = "const" if half == 0 else f"conv{half % 2}"
    return f"synthesis.b{_resolution(half)}.{name}"


def _resolution(half: int) -> int:
    return 4 << (half // 2)


def renamed(layout: Layout, tensors: Mapping[str, TensorRecord]) -> dict[str, TensorRecord]:
    """Return tensors under our names, with our order of axes; nothing is read.

    A key that the layout does not know stays as it is, for the check of the family's keys to name it.
    """
    halves = [i for i in range(_LARGEST) if any(key in tensors for key in layout.half(i).values())]
    last = max(halves, default=1) // 2
    names = dict(_names(layout, last))
    found = {}
    for key, record in tensors.items():
        name, leading = names.get(key, (key, 0))
        is_turned = layout.is_turned and name.endswith(".weight")
        found[name] = turned(record) if is_turned else _without(record, leading)
    return found


def _names(layout: Layout, last: int) -> Iterator[tuple[str, tuple[str, int]]]:
    """Yield (their key, (our key, the number of leading axes of size 1 that ours does not have))."""
    end = layout.ending
    for i in range(_DEPTH):
        for part in ("weight", "bias"):
            yield f"{layout.dense}{i}{end}{part}", (f"mapping.dense{i}.{part}", 0)
    yield layout.label, ("mapping.label_weight", 0)
    yield layout.mean, ("mapping.w_avg", 0)
    for half in range(2 * last + 2):
        conv, norm = place_of(half), f"synthesis.b{_resolution(half)}.norm{half % 2}"
        for part, key in layout.half(half).items():
            leading = {"const": 1, "noise_const": 2}.get(part, 0)
            yield key, (f"{norm if part.startswith('affine') else conv}.{part}", leading)
    for block in range(last + 1):
        for part in ("weight", "bias"):
            yield f"{layout.rgb(block, last)}{end}{part}", (f"synthesis.b{4 << block}.torgb.{part}", 0)


def _without(record: TensorRecord, count: int) -> TensorRecord:
    """Return a record without its first axes, which have size 1."""
    if record.shape[:count] != (1,) * count:
        return record  # the check of shapes names it
    return replace(record, shape=record.shape[count:], stride=record.stride[count:])


def is_blur(key: str) -> bool:
    """Return whether a key of a port names the fixed kernel of its blur."""
    return key.endswith((".blur.kernel", ".intermediate.kernel"))


def _tensorflow(half: int) -> Mapping[str, str]:
    size = _resolution(half)
    name = {0: "Const", 1: "Conv"}.get(half, "Conv1" if half % 2 else "Conv0_up")
    own = f"synthesis/{size}x{size}/{name}/"
    return {
        "const" if half == 0 else "weight": own + ("const" if half == 0 else "weight"),
        "bias": f"{own}bias",
        "noise_strength": f"{own}Noise/weight",
        "noise_const": f"synthesis/noise{half}",
        "affine.weight": f"{own}StyleMod/weight",
        "affine.bias": f"{own}StyleMod/bias",
    }


def _genforce(half: int) -> Mapping[str, str]:
    own = f"synthesis.layer{half}."
    return {
        "const" if half == 0 else "weight": own + ("const" if half == 0 else "weight"),
        "bias": f"{own}bias",
        "noise_strength": f"{own}apply_noise.weight",
        "noise_const": f"{own}apply_noise.noise",
        "affine.weight": f"{own}style.weight",
        "affine.bias": f"{own}style.bias",
    }


def _epilogues(block: str, half: int) -> Mapping[str, str]:
    """Return the names that lernapparat and huangzh13 share within a block."""
    name = {0: "", 1: "conv."}.get(half, "conv1." if half % 2 else "conv0_up.")
    epilogue = f"{block}epi{1 + half % 2}."
    return {
        "const" if half == 0 else "weight": block + ("const" if half == 0 else f"{name}weight"),
        "bias": f"{block}{name}bias",
        "noise_strength": f"{epilogue}top_epi.noise.weight",
        "affine.weight": f"{epilogue}style_mod.lin.weight",
        "affine.bias": f"{epilogue}style_mod.lin.bias",
    }


def _lernapparat(half: int) -> Mapping[str, str]:
    size = _resolution(half)
    return _epilogues(f"g_synthesis.blocks.{size}x{size}.", half)


def _huangzh13(half: int) -> Mapping[str, str]:
    return _epilogues("g_synthesis.init_block." if half < 2 else f"g_synthesis.blocks.{half // 2 - 1}.", half)


TENSORFLOW = Layout(
    "NVIDIA's StyleGAN in TensorFlow",
    "synthesis/4x4/Const/const", ("mapping/", "synthesis/", "dlatent_avg", "lod"),
    _tensorflow, lambda block, last: f"synthesis/ToRGB_lod{last - block}",
    "mapping/Dense", "mapping/LabelConcat/weight", "dlatent_avg", ending="/", is_turned=True,
)  # fmt: skip

GENFORCE = Layout(
    "genforce's StyleGAN", "synthesis.layer0.const", ("mapping.", "synthesis.", "truncation."),
    _genforce, lambda block, last: f"synthesis.output{block}",
    "mapping.dense", "mapping.label_weight", "truncation.w_avg",
)  # fmt: skip

LERNAPPARAT = Layout(
    "lernapparat's StyleGAN", "g_synthesis.blocks.4x4.const", ("g_mapping.", "g_synthesis.", "truncation."),
    _lernapparat, lambda block, last: "g_synthesis.torgb" if block == last else "",
    "g_mapping.dense", "", "truncation.avg_latent",
)  # fmt: skip

HUANGZH13 = Layout(
    "huangzh13's StyleGAN.pytorch", "g_synthesis.init_block.const",
    ("g_mapping.", "g_synthesis.", "truncation.", "class_embedding."),
    _huangzh13, lambda block, last: f"g_synthesis.to_rgb.{block}",
    "g_mapping.map.dense", "class_embedding.weight", "truncation.avg_latent",
)  # fmt: skip
