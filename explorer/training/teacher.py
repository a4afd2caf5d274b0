"""The teacher of a distillation: the StyleGAN2 in a file, and the sizes of the student that follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from explorer.checkpoints import build_generator, load, resolve_model
from explorer.errors import UsageError
from explorer.generators.mapping import MappedGenerator
from explorer.generators.registry import read_config
from explorer.generators.stylegan2_config import StyleGAN2Config

if TYPE_CHECKING:
    from explorer.checkpoints import Checkpoint
    from explorer.generators.base import Generator, SynthesisLayer

__all__ = ["adopt", "noisy_layers", "open_teacher", "student_sizes", "teacher_of"]

_FAMILY = "stylegan2"
_MAPPING = (
    *("z_dim", "c_dim", "w_dim", "mapping_layers", "mapping_lr_multiplier", "mapping_embed_features"),
    *("mapping_layer_features", "mapping_activation", "mapping_joins_label", "class_names", "img_channels"),
)


def open_teacher(name: str) -> Checkpoint:
    """Read the model of this name or file, and check that a student can learn from it.

    Raises:
        UsageError: None is named, it is of another family, or its weights are not averaged.
        LatentwalkError: It cannot be read.
    """
    if not name:
        raise UsageError(
            "A MobileStyleGAN learns from a StyleGAN2, and none is named.", "Give its file with --teacher FILE."
        )
    checkpoint = load(resolve_model(name))
    if checkpoint.family != _FAMILY:
        raise UsageError(
            f"{name} is a {checkpoint.family}, but a MobileStyleGAN learns from a StyleGAN2.",
            "Give another --teacher; a part of a file is named FILE#PART.",
        )
    if not checkpoint.is_average:
        raise UsageError(
            f"{name} has no averaged generator (G_ema), only the one in training, whose pictures vary from step to "
            "step.",
            "Give a --teacher that has one.",
        )
    return checkpoint


def teacher_of(checkpoint: Checkpoint) -> MappedGenerator:
    """Return the teacher's network, fixed, in evaluation mode."""
    generator = build_generator(checkpoint)
    assert isinstance(generator, MappedGenerator)
    return generator.eval().requires_grad_(False)


def student_sizes(name: str, checkpoint: Checkpoint, limits: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Return resolution and configuration of the student of a teacher.

    As published, it has the teacher's mapping network, and at every resolution up to half the picture's as many
    channels as the teacher.

    Args:
        name: The teacher, for errors.
        checkpoint: The same, opened.
        limits: `channel_base` and `channel_max`, which make the student narrower than its teacher, or its own
            `channels`; each of them may be missing.

    Raises:
        UsageError: A student cannot have this teacher's sizes.
    """
    config = read_config(checkpoint.family, checkpoint.config)
    assert isinstance(config, StyleGAN2Config)
    size = config.img_resolution
    if config.init_size != (4, 4) or size < 16:
        height, width = config.img_size
        raise UsageError(
            f"{name} makes pictures of {width}x{height} px; a MobileStyleGAN's are square, of 16 px or more.",
            "Choose another --teacher.",
        )
    if config.img_channels != 3:
        raise UsageError(
            f"{name} makes pictures of {config.img_channels} channels; the losses need three.",
            "Choose another --teacher.",
        )
    base, most = limits.get("channel_base", 1 << 30), limits.get("channel_max", 1 << 30)
    widths = [min(config.channels(s), base // s, most) for s in config.resolutions[:-1]]
    chosen = list(limits.get("channels") or widths)
    if uneven := next((n for n in chosen[:-1] if n % 4 or n < 4), None):
        raise UsageError(
            f"The student of {name} would have {uneven} channels where its size doubles, which must be divisible "
            "by 4.",
            "Choose --channel-base and --channel-max so that they are.",
        )
    return size, {key: getattr(config, key) for key in _MAPPING} | {"channels": chosen}


@torch.no_grad()
def adopt(student: MappedGenerator, teacher: MappedGenerator) -> None:
    """Give a student the mapping network, fixed, and the stored noise of its teacher.

    Raises:
        UsageError: The sizes differ.
    """
    try:
        student.mapping_network.load_state_dict(teacher.mapping_network.state_dict())
    except RuntimeError as error:
        raise UsageError(
            f"The mapping networks of student and teacher differ: {str(error).splitlines()[-1].strip()}",
            "Leave its sizes to the teacher.",
        ) from error
    student.mapping_network.requires_grad_(False)
    for own, other in zip(noisy_layers(student), noisy_layers(teacher), strict=False):  # the last have none
        if own.info.height != other.info.height:
            raise UsageError(
                f"The student has {student.info.size_text}, its teacher {teacher.info.size_text}.",
                "Leave --resolution to the teacher.",
            )
        own.get_buffer("noise_const").copy_(other.get_buffer("noise_const"))


def noisy_layers(generator: Generator) -> list[SynthesisLayer]:
    """Return the layers that add noise, in order; the student's correspond to the teacher's first ones."""
    return [layer for layer in generator.layers if layer.info.has_noise]
