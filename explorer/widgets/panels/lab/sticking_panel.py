"""The sticking panel: averages, the picture with its motion undone, and the sticking score of walks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Slot

from explorer.analysis.registry import STICKING
from explorer.errors import RequestError
from explorer.state import ExplorerState, Lab, Transform, look_of
from explorer.state.transforms import forward_matrix, is_identity, is_moving
from explorer.widgets.controls.basic import Segments, label
from explorer.widgets.controls.plain_text import set_tip
from explorer.widgets.controls.progress_line import ProgressLine
from explorer.widgets.controls.slider import ValueSlider
from explorer.widgets.controls.theme import GRID
from explorer.widgets.controls.view_table import ViewValues
from explorer.widgets.controls.visibility import pause_unseen
from explorer.widgets.panels.lab.job_row import JobRow
from explorer.widgets.panels.panel import Panel

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from explorer.analysis.estimate import Estimate
    from explorer.session import Session
    from explorer.session.lab import LabPicture

__all__ = ["StickingPanel"]

AVERAGES = (
    ("none", "Off", "The picture itself"),
    ("neighbours", "Near", "The mean of pictures around this latent, refined while nothing moves"),
    ("shifted", "Shift", "The mean of translated pictures, each translated back"),
    ("turned", "Turn", "The mean of rotated pictures, each rotated back"),
)
UNDONE = (
    ("none", "Off", "The picture as it moves"),
    ("picture", "Back", "Resampled back by the inverse motion: whatever still moves is stuck to the screen"),
    ("difference", "Diff", "The difference from the unmoved picture: grey where there is none"),
    ("heat", "Heat", "How large the difference is, from black through red to yellow"),
)
NOTES = {
    "none": "",
    "neighbours": "Whatever stays sharp is stuck to its pixels.",
    "shifted": "Detail that follows stays sharp; detail that sticks is blurred.",
    "turned": "Detail that follows stays sharp; detail that sticks is blurred.",
}
SCORE = STICKING


def undone_of(transform: Transform) -> str:
    """Return which of `UNDONE` a transform shows."""
    return transform.residual if transform.residual != "none" else "picture" if transform.untransform else "none"


class StickingPanel(Panel):
    """Makes detail that sticks to the pixels visible."""

    key = "sticking"
    title = "Sticking"
    is_of_active_view = False

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        pause_unseen(self, session, ("sticking",))
        self.average = Segments(AVERAGES)
        self.radius = ValueSlider(
            "Radius", 0.01, 1, Lab().radius, step=0.01,
            tip="How far away the neighbours are, as a fraction of the distance from the mean latent to a seed.",
        )  # fmt: skip
        self.count = ValueSlider(
            "Pictures", 2, 256, Lab().count, step=1, decimals=0, tip="More take longer and reveal fainter sticking."
        )
        self.line = ProgressLine()
        self.average_note = label("", "caption", wrap=True)
        self.undone = Segments(UNDONE)
        self.undone_note = label("", "caption", wrap=True)
        self.score = JobRow(
            session, "sticking", "Measure sticking",
            f"Follow fine detail through {SCORE.samples} latent walks of each view: 0 moves with the object, 1 "
            f"sticks. {'Higher' if SCORE.higher_is_better else 'Lower'} is better. Needs no transform.",
            lambda view: session.lab.measure(SCORE.name, view, [SCORE.name], SCORE.samples), self._show_score,
        )  # fmt: skip
        self.table = ViewValues(session, "Sticking score")
        self.scores = self.table.values
        for item in (label("Average"), self.average, self.radius, self.count, self.line, self.average_note):
            self.add(item)
        self.add(GRID // 2)
        for item in (label("Undo the motion"), self.undone, self.undone_note):
            self.add(item)
        self.add(GRID // 2)
        self.add(self.score)
        self.add(self.table)
        self._bind()

    def _bind(self) -> None:
        session, bind = self.session, self.bind
        bind.state(lambda s: (s.lab.average, _moves(s)), lambda pair: self._show_average(*pair))
        self.average.chosen.connect(lambda kind: session.lab.edit("Average", average=kind))
        bind.state(lambda s: s.lab.radius, self.radius.set_value)
        bind.stroke(self.radius, "Neighbours' radius", lambda v: session.lab.edit("Radius", radius=v))
        bind.state(lambda s: s.lab.count, self.count.set_value)
        bind.stroke(self.count, "Pictures averaged", lambda v: session.lab.edit("Pictures", count=round(v)))
        bind.look(lambda look: undone_of(look.transform), self.undone.set_choice)
        self.undone.chosen.connect(self._undo)
        bind.state(_is_moved, self._show_moved)
        session.lab.picture.connect(self._on_lab_picture)
        session.model_changed.connect(partial(self._clear_score))
        bind.state(lambda s: len(s.views), self._clear_gone)

    def _undo(self, kind: str) -> None:
        residual = kind if kind in ("difference", "heat") else "none"
        self.session.look.set_transform(untransform=kind == "picture", residual=residual)

    def _show_average(self, kind: str, moves: bool) -> None:
        self.average.set_choice(kind)
        self.average_note.setText("Stop the motion (Space) to see it." if moves else NOTES[kind])
        self.average_note.setVisible(kind != "none")
        self.line.setVisible(kind != "none")
        off = "Choose an average first" if kind == "none" else ""
        self.count.set_reason(off)
        self.radius.set_reason(off or ("" if kind == "neighbours" else "Only neighbours have a radius"))

    def _show_moved(self, moved: bool) -> None:
        self.undone_note.setText(
            "Whatever moves, or is bright, sticks." if moved else "Move or turn the picture first (Shift + drag)."
        )

    @Slot(object)
    def _on_lab_picture(self, picture: LabPicture) -> None:
        self.line.set_fraction(picture.done / picture.total if picture.total else 0.0)
        if picture.pixels is not None:  # with the clock stopped, animated pictures are at rest, too
            self.average_note.setText(NOTES[self.session.state.lab.average])

    def _show_score(self, view: int, value: object) -> None:
        if isinstance(value, dict):
            found: Estimate = value[SCORE.name]
            error = f" \u00b1 {found.stderr:.3f}" if found.stderr == found.stderr else ""
            self.scores[view].setText(f"{found.value:.3f}{error}")
            set_tip(self.scores[view], f"After {found.samples} {SCORE.sample_name}; {found.note}")

    def _clear_gone(self, count: int) -> None:
        for gone in range(count, len(self.scores)):
            self._clear_score(gone)

    def _clear_score(self, view: int) -> None:
        if view < len(self.scores):
            self.scores[view].setText("\u2013")


def _moves(state: ExplorerState) -> bool:
    look = look_of(state, state.active)
    return look.drift != 0.0 or is_moving(look.transform)


def _is_moved(state: ExplorerState) -> bool:
    transform = look_of(state, state.active).transform
    try:
        return is_moving(transform) or not is_identity(forward_matrix(transform))
    except RequestError:  # it cannot be rendered, as the picture's banner explains
        return True
