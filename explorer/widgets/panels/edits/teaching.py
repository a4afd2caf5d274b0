"""Teaching: two groups of pictures, such as with a property and without it, from which a direction is learned."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QPoint, Signal, Slot
from PySide6.QtWidgets import QLineEdit, QMenu, QVBoxLayout, QWidget

from explorer.directions.attributes import READING, SAMPLES
from explorer.directions.boundary import ENOUGH
from explorer.errors import LatentwalkError
from explorer.session.attributes import NO_NETWORK
from explorer.util.plain_text import visible
from explorer.widgets.controls.basic import IconButton, label, row
from explorer.widgets.controls.disable import disable
from explorer.widgets.controls.plain_text import menu_text, set_tip
from explorer.widgets.controls.progress_line import ProgressLine
from explorer.widgets.controls.thumbnails import Thumbnails
from explorer.widgets.panels.edits.direction_examples import Example, ExampleStrip, plain_look
from explorer.widgets.panels.edits.example_sheet import ExampleSheet

if TYPE_CHECKING:
    from explorer.directions.boundary import Boundary
    from explorer.session import Session
    from explorer.state import Look
    from explorer.util.report import Report

__all__ = ["Teaching"]

_NAME_PX = 76
_MANY = 4  # names that begin alike have a menu of their own
_LONGEST = 24
"""Characters of a group's name."""


class Teaching(QWidget):
    """The two groups of examples, and the button that learns from them. `problem(error)` reports errors."""

    problem = Signal(object)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        thumbnails = self._thumbnails = Thumbnails(session, "example", self._on_pictures, self)
        self.liked = ExampleStrip(thumbnails, "with the property")
        self.unliked = ExampleStrip(thumbnails, "without it")
        self._sheet: ExampleSheet | None = None
        self._build()
        for strip in (self.liked, self.unliked):
            strip.removed.connect(self._show_state)
        self.liked.dropped.connect(lambda look: self.put(look, 1))
        self.unliked.dropped.connect(lambda look: self.put(look, 2))
        session.directions.taught.connect(self._on_taught)
        session.attributes.names_changed.connect(self._show_state)
        session.attributes.progress.connect(self._on_progress)
        session.model_changed.connect(self._on_model_changed)
        session.changed.connect(lambda old, new: self._on_active(old.active, new.active))
        self._show_state()

    def _build(self) -> None:
        add = "Add the latent shown to the examples"
        self.like = IconButton("plus", f"{add} that have the property", lambda: self.add(self.liked))
        self.unlike = IconButton("minus", f"{add} that do not have it", lambda: self.add(self.unliked))
        self.names = (_name_line("with", "a smile"), _name_line("without", "a frown"))
        self.learn = IconButton(
            "graduation-cap", "Learn the direction from the second group to the first, by a linear support vector "
            f"machine; with fewer than {ENOUGH} examples of each, the difference of the means",
            self.start, text="Learn",
        )  # fmt: skip
        self.random = IconButton(
            "squares-four", "Sort random pictures of the model into the two groups", self.open_sheet,
            text="Random \u2026",
        )  # fmt: skip
        self.attribute = IconButton(
            "tag", f"Read the attributes of {SAMPLES} random pictures, and learn the direction from those with "
            "least of one to those with most", self._choose_attribute, text="From an attribute \u2026",
        )  # fmt: skip
        self.line = ProgressLine()
        self.line.hide()
        self.clear = IconButton("trash", "Remove all examples", self.clear_examples, size=14)
        self.message = label("", "caption", wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(row(self.like, self.names[0], self.liked, spacing=2))
        layout.addWidget(row(self.unlike, self.names[1], self.unliked, spacing=2))
        layout.addWidget(row(self.learn, self.random, self.clear, spacing=2))
        layout.addWidget(self.attribute)
        layout.addWidget(self.line)
        layout.addWidget(self.message)
        self.message.hide()

    # examples --------------------------------------------------------------------------------------------

    def add(self, strip: ExampleStrip) -> None:
        """Add the latent of the active view to a group."""
        view = self.session.active
        frame, info = self.session.last_frame(view), self.session.info(view)
        if frame is None or info is None:
            self.problem.emit(LatentwalkError("There is no picture yet.", "Open a model first."))
            return
        base = frame.latents.base
        w = base if base.ndim == 1 else base.mean(axis=0)
        strip.add(Example(plain_look(self.session.look_of()), w.astype(np.float32)))
        self._show_state()

    def put(self, look: Look, group: int) -> None:
        """Put a look into group 1 or 2, and out of the other; into neither for 0."""
        plain = plain_look(look)
        for number, strip in enumerate((self.liked, self.unliked), 1):
            if number == group:
                strip.add(Example(plain))
                strip.fill_in()
            else:
                strip.take_out(plain)
        self._show_state()

    def group_of(self, look: Look) -> int:
        """Return the group that a look is in, 1 or 2; 0 if it is in none."""
        groups = enumerate((self.liked, self.unliked), 1)
        return next((n for n, strip in groups if any(e.look == look for e in strip.examples)), 0)

    def open_sheet(self) -> None:
        """Open a sheet of random pictures to sort."""
        if self.session.info(self.session.active) is None:
            self.problem.emit(LatentwalkError("There are no pictures yet.", "Open a model first."))
            return
        if self._sheet is not None:
            self._sheet.close()
        first, second = self.ends()
        names = (first or "with the property", second or "without it")
        sheet = self._sheet = ExampleSheet(self.session, names, self.group_of, self)
        sheet.sorted_into.connect(self.put)
        sheet.finished.connect(self._on_sheet_closed)
        self._show_state()
        sheet.show()

    def clear_examples(self) -> None:
        """Remove all examples."""
        for strip in (self.liked, self.unliked):
            strip.clear()
        self._show_message("")
        self._show_state()

    # learning --------------------------------------------------------------------------------------------

    def ends(self) -> tuple[str, str]:
        """Return the names of the groups, which are the ends of the direction; empty where not named."""
        first, second = (visible(line.text().strip(), _LONGEST) for line in self.names)
        return first, second

    def start(self) -> None:
        """Learn the direction; it appears among the others."""
        groups = ([e.w for e in strip.examples if e.w is not None] for strip in (self.liked, self.unliked))
        name = " \u2212 ".join(end for end in self.ends() if end)
        try:
            self.session.directions.teach(self.session.active, *groups, name=name)
        except LatentwalkError as error:
            self.problem.emit(error)

    @Slot(object)
    def _on_taught(self, boundary: Boundary) -> None:
        if math.isnan(boundary.accuracy):
            self._show_message(
                f"Learned from {boundary.examples} examples by the difference of their means. With {ENOUGH} of "
                "each group it is more exact, and its accuracy is measured."
            )
            return
        low, high = (round(100 * edge) for edge in boundary.interval)
        self._show_message(
            f"Learned from {boundary.examples} examples: {100 * boundary.accuracy:.0f} % of those held out are on "
            f"the right side (95 % interval {low} to {high} %)."
        )

    def _choose_attribute(self) -> None:
        """Choose an attribute from a menu; while pictures are read, cancel that."""
        attributes = self.session.attributes
        if attributes.is_reading:
            attributes.cancel()
            return
        menu, parts = QMenu(self), dict[str, QMenu]()
        names = attributes.names(self.session.active) or ()
        firsts = Counter(name.split(" ")[0] for name in names)
        for name in names:
            group, _, shown = name.rpartition(": ")
            if not group and firsts[name.split(" ")[0]] > _MANY:
                group, _, shown = name.partition(" ")
            if group and group not in parts:
                parts[group] = menu.addMenu(menu_text(group))
            action = parts.get(group, menu).addAction(menu_text(shown))
            action.triggered.connect(lambda _=False, name=name: self.teach_attribute(name))
        menu.exec(self.attribute.mapToGlobal(QPoint(0, self.attribute.height())))
        menu.deleteLater()

    def teach_attribute(self, name: str) -> None:
        """Learn the direction of an attribute; it appears among the others."""
        try:
            self.session.attributes.teach(self.session.active, name)
        except LatentwalkError as error:
            self.problem.emit(error)

    @Slot(object)
    def _on_progress(self, report: Report[Any] | None) -> None:
        is_reading = report is not None
        self.line.setVisible(is_reading)
        self.attribute.setText("Cancel" if is_reading else "From an attribute \u2026")
        self.attribute.set_icon_name("x" if is_reading else "tag")
        if report is not None:
            self.line.set_fraction(report.fraction)
            left = f", {report.seconds_left:.0f} s left" if report.seconds_left else ""
            self._show_message(f"{report.stage} \u2026 {report.done} of {report.total}{left}")
        elif self.message.text().startswith(READING):
            self._show_message("")

    # display ---------------------------------------------------------------------------------------------

    def _on_pictures(self) -> None:
        self.liked.fill_in()
        self.unliked.fill_in()
        self._show_state()

    @Slot(int)
    def _on_model_changed(self, view: int) -> None:
        if view == self.session.active:
            self._take_latents_again()

    def _on_active(self, before: int, now: int) -> None:
        if before != now:
            self._take_latents_again()

    def _take_latents_again(self) -> None:
        """Render the examples by the model that is shown now, in which they have other latents."""
        self._thumbnails.clear()
        for strip in (self.liked, self.unliked):
            strip.forget_latents()
            strip.fill_in()
        self._show_state()

    @Slot()
    def _show_state(self) -> None:
        groups = (self.liked.examples, self.unliked.examples)
        counts = (len(groups[0]), len(groups[1]))
        missing = sum(example.w is None for group in groups for example in group)
        self.learn.setEnabled(all(counts) and not missing)
        self.clear.setEnabled(any(counts))
        names = self.session.attributes.names(self.session.active)
        disable(self.attribute, "" if names else NO_NETWORK if names == () else "The model has not been read yet")
        self.learn.setText(f"Learn  {counts[0]} / {counts[1]}" if any(counts) else "Learn")
        if self._sheet is not None:
            self._sheet.show_counts(counts)

    @Slot()
    def _on_sheet_closed(self) -> None:
        if self._sheet is not None:
            self._sheet.deleteLater()
            self._sheet = None

    def _show_message(self, text: str) -> None:
        self.message.setText(text)
        self.message.setVisible(bool(text))


def _name_line(empty: str, example: str) -> QLineEdit:
    """Return the field for the name of a group."""
    line = QLineEdit()
    line.setPlaceholderText(empty)
    line.setMaxLength(_LONGEST)
    line.setAcceptDrops(False)  # Qt's own fields take files as text, by a move
    line.setFixedWidth(_NAME_PX)
    line.setAccessibleName(f"Name of the pictures {empty} the property")
    set_tip(line, f"Name of this group, as in \u201c{example}\u201d: an end of the direction")
    return line
