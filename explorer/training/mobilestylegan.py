"""How MobileStyleGAN is trained: distilled from a StyleGAN2, from which its sizes follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from explorer.errors import LatentwalkError
from explorer.training.distillation_figures import against_teacher
from explorer.training.family_trainer import Account, FamilyTrainer
from explorer.training.teacher import open_teacher, student_sizes

if TYPE_CHECKING:
    from explorer.generators.base import Generator
    from explorer.training.settings import TrainSettings

__all__ = ["MobileStyleGANTrainer"]


class MobileStyleGANTrainer(FamilyTrainer):
    """Distillation as published, with `Distiller`."""

    trainer: ClassVar[str] = "explorer.training.distillation:Distiller"
    is_distilled: ClassVar[bool] = True
    settings: ClassVar[Mapping[str, Any]] = {
        "lr_g": 5e-4, "lr_d": 5e-4, "gamma": 10.0, "r1_interval": 16, "adversarial_weight": 0.5,
    }  # fmt: skip

    def completed(self, settings: TrainSettings) -> TrainSettings:
        resolution, sizes = student_sizes(settings.teacher, open_teacher(settings.teacher), settings.generator)
        return replace(settings, resolution=resolution, generator=sizes)

    def account(self, settings: dict[str, Any], state: dict[str, Any], generator: Generator) -> Account:
        teacher, seen = state["taught_by"], _seen(settings, state["shown"] / 1000)
        licence = str(teacher["licence"])
        try:
            measured = against_teacher(settings["teacher"], generator)
        except LatentwalkError as error:  # it may have been moved since
            measured = f"The teacher could not be opened for comparison: {error}"
        return Account(
            licence=licence,
            licence_note=f"{licence}, like its teacher." if licence else "not stated; it depends on the teacher's.",
            origin=f"distilled by explorer.training from {teacher['file']} (SHA-256 {teacher['sha256']})",
            data=f"""None of its own: the pictures of its teacher, `{teacher["file"]}` (SHA-256
`{teacher["sha256"]}`), of random latents, not truncated.""",
            method=f"""Distilled (Belousov 2021, "MobileStyleGAN"): student and teacher draw the same `w` with the
same noise, and the student learns from absolute and squared differences of pictures and of their Haar wavelets at
every scale{f", and from {seen}" if seen else ""}.
Its mapping network and stored noise are the teacher's.

{measured}""",
            more={"teacher": str(teacher["file"]), "teacher_sha256": str(teacher["sha256"])},
        )


def _seen(settings: dict[str, Any], kimg: float) -> str:
    """Return the losses besides differences of pixels that a run has used in its first `kimg`."""
    starts = [0.0, *(start for start, _ in settings["phases"] if start < kimg)]
    reached = [{**settings, **_changes(settings["phases"], start)} for start in starts]
    named = settings["perceptual"]
    parts = []
    if any(phase["perceptual_weight"] > 0 for phase in reached):
        network = {"efficientnet": "EfficientNet-Lite0"}.get(named, Path(named).name)
        parts.append(f"a perceptual loss in the features of {network}")
    if any(phase["adversarial_weight"] > 0 and phase["adversarial_kimg"] < kimg for phase in reached):
        parts.append("a discriminator (non-saturating logistic loss, lazy R1)")
    return " and from ".join(parts)


def _changes(phases: list[tuple[float, dict[str, Any]]], kimg: float) -> dict[str, Any]:
    """Return the settings that have changed until `kimg`."""
    found: dict[str, Any] = {}
    for start, later in sorted(phases, key=lambda phase: phase[0]):
        if start <= kimg:
            found |= later
    return found
