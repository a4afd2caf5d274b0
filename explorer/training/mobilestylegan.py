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
        teacher = state["taught_by"]
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
every scale, and from {_seen(settings)}. Its mapping network and stored noise are the teacher's.

{measured}""",
            more={"teacher": str(teacher["file"]), "teacher_sha256": str(teacher["sha256"])},
        )


def _seen(settings: dict[str, Any]) -> str:
    """Return the losses besides differences of pixels."""
    phases = [settings, *(later for _, later in settings["phases"])]
    named = settings["perceptual"]
    parts = []
    if any(phase.get("perceptual_weight", 0) > 0 for phase in phases):
        network = {"efficientnet": "EfficientNet-Lite0"}.get(named, Path(named).name)
        parts.append(f"a perceptual loss in the features of {network}")
    starts = [phase["adversarial_kimg"] for phase in phases if "adversarial_kimg" in phase]
    if any(phase.get("adversarial_weight", 0) > 0 for phase in phases) and min(starts) < settings["total_kimg"]:
        parts.append("a discriminator (non-saturating logistic loss, lazy R1)")
    return " and ".join(parts) or "nothing else"
