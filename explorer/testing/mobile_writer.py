"""Writes MobileStyleGAN's PyTorch Lightning checkpoints from our own generators, with the original's names.

    torch.save(lightning_value(student, teacher), "mobilestylegan.ckpt")

Nothing of the original is needed. The names are spelt out here once more, so that a test of the reader compares two
independent tables.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from explorer.generators.base import Generator

__all__ = ["lightning_value", "student_state", "teacher_state"]

_LEAVES = {
    "affine.weight": "conv.modulation.weight",
    "affine.bias": "conv.modulation.bias",
    "style_inv": "conv.style_inv",
    "noise_strength": "noise.weight",
    "bias": "bias",
}


def lightning_value(student: Generator, teacher: Generator | None = None, **changes: Any) -> dict[str, Any]:
    """Return the value of a checkpoint; `changes` replace entries of its `state_dict`, None removes one."""
    state = student_state(student)
    if teacher is not None:
        state |= teacher_state(teacher)
    state |= {
        "loss.gan_loss.m.final_conv.0.weight": torch.zeros(4, 4),
        "inception.blocks.0.0.conv.weight": torch.zeros(2, 3, 3, 3),
        "kid": torch.zeros([]),
        "device_info": torch.zeros(1),
    }
    for key, value in changes.items():
        state[key] = value
    kept = {key: value for key, value in state.items() if value is not None}
    about = {"epoch": 3, "global_step": 12, "pytorch-lightning_version": "1.0.2"}
    return {**about, "state_dict": kept, "callbacks": {}, "optimizer_states": [], "lr_schedulers": []}


def student_state(generator: Generator) -> dict[str, Tensor]:
    """Return the tensors of a MobileStyleGAN, its mapping network included, under the original's names."""
    state = _mapping(generator)
    haar = torch.full((2,), 0.5**0.5)
    state["student.device_info"] = torch.zeros(1)
    for key, tensor in generator.state_dict().items():
        match = re.fullmatch(r"synthesis\.b(\d+)\.(.+)", key)
        if match is None or key.endswith("noise_const"):
            continue
        size, rest = int(match[1]), match[2]
        block = size.bit_length() - 4  # 8 px is block 0
        if rest == "const":
            state["student.input.input"] = tensor[None]
            continue
        layer, _, leaf = rest.partition(".")
        theirs = (
            f"student.{layer}{'1' if layer == 'to_img' else ''}" if size == 4 else f"student.layers.{block}.{layer}"
        )
        if layer == "up":
            state[f"{theirs}.{leaf.replace('affine', 'modulation')}"] = tensor
            state |= {f"{theirs}.idwt.{name}": value for name, value in _filters(haar).items()}
            continue
        is_separable = layer != "to_img" and size > 4
        names = {**_LEAVES, "weight": "conv.weight_permute" if is_separable else "conv.weight",
                 "depthwise": "conv.weight_dw"}  # fmt: skip
        shape = {"bias": (1, -1, 1, 1), "style_inv": (1, 1, -1, 1, 1), "noise_strength": (1,)}.get(leaf)
        state[f"{theirs}.{names[leaf]}"] = tensor if shape is None else tensor.reshape(shape)
    state |= {f"student.idwt.{name}": value for name, value in _filters(haar).items()}
    state["style_mean"] = generator.w_avg.repeat(1, generator.info.num_ws, 1)
    return state


def teacher_state(generator: Generator) -> dict[str, Tensor]:
    """Return the tensors of a StyleGAN2's synthesis network under the original's names of the teacher."""
    kernel = torch.tensor([1.0, 3.0, 3.0, 1.0])
    kernel = kernel.outer(kernel) / 64 * 4
    state = {"synthesis_net.upsample.kernel": kernel}
    for key, tensor in generator.state_dict().items():
        match = re.fullmatch(r"synthesis\.b(\d+)\.(?:(const)|(conv0|conv1|torgb)\.(.+))", key)
        if match is None or key.endswith(("noise_const", "resample_filter")):
            continue
        size, layer, leaf = int(match[1]), match[3], match[4]
        if match[2]:
            state["synthesis_net.input.input"] = tensor[None]
            continue
        if size == 4:
            theirs = {"conv1": "conv1", "torgb": "to_rgb1"}[layer]
        else:
            own = {"conv0": "conv1", "conv1": "conv2", "torgb": "to_rgb"}[layer]
            theirs = f"layers.{size.bit_length() - 4}.{own}"
            if layer != "conv1":
                state[f"synthesis_net.{theirs}.{'conv.blur' if layer == 'conv0' else 'upsample'}.kernel"] = kernel
        names = {**_LEAVES, "weight": "conv.weight", "bias": "bias" if layer == "torgb" else "activate.bias"}
        shape = {"weight": (1, *tensor.shape), "noise_strength": (1,)}.get(leaf)
        if layer == "torgb" and leaf == "bias":
            shape = (1, -1, 1, 1)
        state[f"synthesis_net.{theirs}.{names[leaf]}"] = tensor if shape is None else tensor.reshape(shape)
    return state


def _mapping(generator: Generator) -> dict[str, Tensor]:
    found = {}
    for key, tensor in generator.state_dict().items():
        if (match := re.fullmatch(r"mapping\.fc(\d+)\.(weight|bias)", key)) is not None:
            found[f"mapping_net.layers.{int(match[1]) + 1}.{match[2]}"] = tensor
    return found


def _filters(haar: Tensor) -> dict[str, Tensor]:
    other = haar * torch.tensor([1.0, -1.0])
    shapes = {"col": (1, 1, 2, 1), "row": (1, 1, 1, 2)}
    return {f"g{i}_{axis}": taps.reshape(shape).clone() for i, taps in enumerate((haar, other))
            for axis, shape in shapes.items()}  # fmt: skip
