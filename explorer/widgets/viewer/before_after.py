"""Before and after: compares the picture with that of the same latent without mixing, edits and transform."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from explorer.state import ExplorerState, Look, look_of
from explorer.widgets.controls.thumbnails import thumbnail_image

if TYPE_CHECKING:
    from explorer.render.results import Thumbnail
    from explorer.session import Session
    from explorer.widgets.viewer.view_area import ViewArea

__all__ = ["BeforeAfter", "before_of"]


def before_of(look: Look) -> Look:
    """Return the unedited look: its latent and truncation only."""
    default = Look()
    plain = replace(default, latent=look.latent, classes=look.classes)
    # If only truncation was changed, the untruncated picture is the "before".
    return (
        plain
        if plain == replace(look, truncation=default.truncation)
        else replace(plain, truncation=look.truncation)
    )


class BeforeAfter(QObject):
    """Shows the unedited pictures while it is on; any change by the user ends it."""

    def __init__(self, session: Session, views: ViewArea) -> None:
        super().__init__(views)
        self._session, self._views = session, views
        self.is_on = False
        session.thumbnail.connect(self._on_thumbnail)
        session.changed.connect(self._on_changed)

    def toggle(self) -> None:
        """Request the unedited pictures, or show the current ones again."""
        if self.is_on:
            self.end()
            return
        self.is_on = True
        for view in self._session.visible_views():
            look = before_of(look_of(self._session.state, view))
            self._session.request_thumbnail(f"before/{view}", look, view, 0)

    def end(self) -> None:
        """Show the current pictures."""
        self.is_on = False
        for pane in self._views.panes:
            pane.image.before.show(None)

    @Slot(object)
    def _on_thumbnail(self, thumbnail: Thumbnail) -> None:
        if self.is_on and thumbnail.key.startswith("before/"):
            self._views.panes[thumbnail.view].image.before.show(thumbnail_image(thumbnail), "before")

    @Slot(object, object)
    def _on_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        if self.is_on and not self._session.motion.pace.is_stepping:  # a drift may continue meanwhile
            self.end()
