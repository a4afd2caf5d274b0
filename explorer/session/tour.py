"""The guided tour of sticking: six states, each with a sentence on what to see and one on what to try."""

from __future__ import annotations

from dataclasses import dataclass, replace

from explorer.state import (
    Animation,
    ExplorerState,
    Lab,
    Latent,
    Layout,
    Look,
    Slit,
    Transform,
    Truncation,
    ViewState,
)

__all__ = ["STEPS", "Step", "state_of"]

STYLEGAN2, TRANSLATING, ROTATING = "critters-stylegan2", "critters-stylegan3-t", "critters-stylegan3-r"

_LATENT, _PSI = Latent(seed=7), Truncation(psi=0.8)
_WALK = Look(latent=_LATENT, truncation=_PSI, drift=0.3)
_STILL = Look(latent=_LATENT, truncation=_PSI)
_SLIT = Slit(-0.14, -0.05, 90.0, 0.6)


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `see`: what to look at; `do`: what to try; `panel`: the panel with that control, if any."""

    title: str
    see: str
    do: str
    look: Look
    lab: Lab = Lab()  # noqa: RUF009 - frozen
    models: tuple[str, str] = (STYLEGAN2, TRANSLATING)
    layout: Layout = "grid"
    panel: str = ""


STEPS: tuple[Step, ...] = (
    Step(
        "One walk, two networks",
        "Both pictures take the same latent walk: watch the fur while the heads move.",
        "Drag a picture to walk yourself; Space resumes.",
        _WALK,
    ),
    Step(
        "Slit-scan",
        "The pixels under the line scroll below: horizontal streaks stick to the screen, slanted ones move along.",
        "Drag the line, or its ends.",
        _WALK,
        Lab(scan=True, slit=_SLIT),
    ),
    Step(
        "Move the picture",
        "Both networks are asked to move in a circle. In B all streaks wave together; "
        "in A fine detail stays behind.",
        "Change Speed and Radius of the motion.",
        replace(_STILL, transform=Transform(animation=Animation("circle", 0.12, 0.08))),
        Lab(scan=True, slit=_SLIT),
        panel="transform",
    ),
    Step(
        "Undo the motion",
        "The pictures are moved, then resampled back: whatever lights up did not follow the motion.",
        "Shift + drag moves the picture; choose Diff to see the sign.",
        replace(_STILL, transform=Transform(x=0.06, y=0.035, residual="heat")),
        panel="sticking",
    ),
    Step(
        "Average of neighbours",
        "The mean of 64 pictures around one latent: what stays sharp is stuck to its pixels.",
        "Widen the Radius.",
        _STILL,
        Lab(average="neighbours", radius=0.2, count=64),
        panel="sticking",
    ),
    Step(
        "In numbers",
        "A higher curve follows translations better; a wider ring follows rotations better.",
        "Walk to another latent, or measure many.",
        _STILL,
        models=(STYLEGAN2, ROTATING),
        panel="meter",
    ),
)


def state_of(number: int, before: ExplorerState) -> ExplorerState:
    """Return the state of step `number`, counted from 1, in the current layout, with its two views linked."""
    step = STEPS[number - 1]
    views = tuple(ViewState(model=model) for model in step.models)
    lab = replace(step.lab, tour=number, split=before.lab.split)
    return replace(before, shared=step.look, views=views, active=0, layout=step.layout, pair=(0, 1), lab=lab)
