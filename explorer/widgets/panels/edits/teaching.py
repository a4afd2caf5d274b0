"""Teaching: pictures with a property and pictures without it, from which a direction is learned."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from explorer.directions.boundary import ENOUGH
from explorer.errors import LatentwalkError
from explorer.state import Transform
from explorer.widgets.controls.basic import IconButton, label, row
from explorer.widgets.controls.thumbnails import Thumbnails
from explorer.widgets.panels.edits.direction_examples import Example, ExampleStrip

if TYPE_CHECKING:
    from explorer.directions.boundary import Boundary
    from explorer.session import Session
    from explorer.state import Look

__all__ = ["Teaching"]


class Teaching(QWidget):
    """The two groups of examples, and the button that learns from them. `problem(error)` reports errors."""

    problem = Signal(object)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        thumbnails = self._thumbnails = Thumbnails(session, "example", self._update_strips, self)
        self.liked = ExampleStrip(thumbnails, "with the property")
        self.unliked = ExampleStrip(thumbnails, "without it")
        add = "Add the latent shown to the examples"
        self.like = IconButton("plus", f"{add} that have the property", lambda: self.add(self.liked))
        self.unlike = IconButton("minus", f"{add} that do not have it", lambda: self.add(self.unliked))
        self.learn = IconButton(
            "graduation-cap", "Learn the direction from the second group to the first, by a linear support vector "
            f"machine; with fewer than {ENOUGH} examples of each, the difference of the means",
            self.start, text="Learn",
        )  # fmt: skip
        self.clear = IconButton("trash", "Remove all examples", self.clear_examples, size=14)
        self.message = label("", "caption", wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(row(self.like, self.liked, spacing=2))
        layout.addWidget(row(self.unlike, self.unliked, spacing=2))
        layout.addWidget(row(self.learn, self.clear, spacing=2))
        layout.addWidget(self.message)
        self.message.hide()
        for strip in (self.liked, self.unliked):
            strip.removed.connect(self._show_state)
            strip.dropped.connect(partial(self.add_look, strip))
        session.directions.taught.connect(self._on_taught)
        self._show_state()

    def add(self, strip: ExampleStrip) -> None:
        """Add the latent of the active view to a group."""
        view = self.session.active
        frame, info = self.session.last_frame(view), self.session.info(view)
        if frame is None or info is None:
            self.problem.emit(LatentwalkError("There is no picture yet.", "Open a model first."))
            return
        base = frame.latents.base
        w = base if base.ndim == 1 else base.mean(axis=0)
        look = replace(self.session.look_of(), transform=Transform(), edits=())
        strip.add(Example(look, w.astype(np.float32)))
        self._show_state()

    def add_look(self, strip: ExampleStrip, look: Look) -> None:
        """Add a picture that was dropped on a group."""
        plain = replace(look, transform=Transform(), edits=())
        try:
            strip.add(Example(plain, self.session.directions.w_of(self.session.active, plain)))
        except LatentwalkError as error:
            self.problem.emit(error)
        self._show_state()

    def start(self) -> None:
        """Learn the direction; it appears among the others."""
        groups = ([example.w for example in strip.examples] for strip in (self.liked, self.unliked))
        try:
            self.session.directions.teach(self.session.active, *groups)
        except LatentwalkError as error:
            self.problem.emit(error)

    def clear_examples(self) -> None:
        """Remove all examples, such as those of another model."""
        for strip in (self.liked, self.unliked):
            strip.clear()
        self._show_message("")
        self._show_state()

    def _update_strips(self) -> None:
        self.liked.update()
        self.unliked.update()

    @Slot()
    def _show_state(self) -> None:
        counts = [len(strip.examples) for strip in (self.liked, self.unliked)]
        self.learn.setEnabled(all(counts))
        self.clear.setEnabled(any(counts))

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

    def _show_message(self, text: str) -> None:
        self.message.setText(text)
        self.message.setVisible(bool(text))
