"""ReferenceIntents: pictures whose styles are the latent of an image-to-image network, one or several."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from explorer.assets.picture import StoredPicture
from explorer.assets.picture_files import load_picture
from explorer.state import Blend, BlendPoint, Latent, with_look
from explorer.util.plain_text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from explorer.session.core import SessionCore
    from explorer.session.reading import Reading

__all__ = ["ReferenceIntents", "references_in"]


class ReferenceIntents(QObject):
    """Changes to the reference pictures of the active view. GUI thread only.

    They are the latent itself: a picture as the stored latent, or a blend of such. Each is encoded for the classes
    that are chosen, so that a change of class changes the style. A latent that was shared with a network without an
    encoder becomes the view's own.

    Signals: `failed(LatentwalkError)` where a file cannot be used.
    """

    failed = Signal(object)

    def __init__(self, session: SessionCore, reading: Reading) -> None:
        super().__init__(session)
        self._session, self._reading = session, reading

    @property
    def all(self) -> tuple[tuple[StoredPicture, float], ...]:
        """The reference pictures whose styles are the active view's latent, with weights; empty for another one."""
        table = self._session.table
        found = [(table.find(StoredPicture, key), w) for key, w in references_in(self._session.look_of().latent)]
        return (
            tuple((picture, w) for picture, w in found if picture is not None) if all(p for p, _ in found) else ()
        )

    def open(self, path: str) -> None:
        """Read a picture in the background and take its style as the latent."""
        self._read(path, self.use)

    def open_more(self, path: str) -> None:
        """Read a picture in the background and add its style to the blend."""
        self._read(path, self.add)

    def use(self, picture: StoredPicture) -> None:
        """Make a picture's style the latent of the active view, under whatever classes are chosen."""
        self._set(f"Style of {visible(picture.name or 'a picture', 60)}", [(picture, 1.0)])

    def add(self, picture: StoredPicture) -> None:
        """Blend a picture's style in, with as much weight as the others have on average."""
        before = self.all
        if any(other.key == picture.key for other, _ in before):
            return
        share = 1.0 / (len(before) + 1)
        made = [(other, weight * (1.0 - share)) for other, weight in before]
        self._set(f"Add style of {visible(picture.name or 'a picture', 60)}", [*made, (picture, share)])

    def weigh(self, index: int, weight: float) -> None:
        """Set the weight of a reference, 0 to 1; the others share the rest as they did."""
        before, weight = self.all, min(max(weight, 0.0), 1.0)
        if len(before) < 2:
            return
        rest = sum(w for i, (_, w) in enumerate(before) if i != index)
        even = (1.0 - weight) / (len(before) - 1)
        made = [
            (picture, weight if i == index else w * (1.0 - weight) / rest if rest > 0.0 else even)
            for i, (picture, w) in enumerate(before)
        ]
        self._set("Weight of a reference", made)

    def remove(self, index: int) -> None:
        """Take a reference out of the blend; after the last one the latent is a seed again."""
        kept = [pair for i, pair in enumerate(self.all) if i != index]
        if not kept:
            self._session.edit("Remove reference", latent=Latent(self._session.look_of().latent.seed), drift=0.0)
            return
        total = sum(w for _, w in kept)
        self._set("Remove reference", [(p, w / total if total > 0.0 else 1.0 / len(kept)) for p, w in kept])

    def _set(self, name: str, references: Sequence[tuple[StoredPicture, float]]) -> None:
        seed = self._session.look_of().latent.seed
        points = tuple(BlendPoint(Latent(stored=self._session.table.add(p)), w) for p, w in references)
        latent = Latent(seed, blend=Blend("w", points))
        if len(points) == 1:
            latent = Latent(seed, stored=points[0].latent.stored)
        state, view = self._session.state, self._session.active
        if self._is_shared_in_vain():
            # In the same step, so that one undo links them again.
            aspects = frozenset({"latent", "drift"})
            views = list(state.views)
            views[view] = replace(views[view], unlinked=views[view].unlinked | aspects)
            state = replace(state, views=tuple(views))
        self._session.store.update(with_look(state, view, latent=latent, drift=0.0), name)

    def _is_shared_in_vain(self) -> bool:
        """Return whether the latent is shared with a view whose network cannot encode pictures."""
        session, views = self._session, self._session.state.views
        if "latent" in views[session.active].unlinked:
            return False
        infos = [session.info(i) for i, view in enumerate(views) if "latent" not in view.unlinked]
        return any(info is not None and not info.encodes_style for info in infos)

    def _read(self, path: str, then: Callable[[StoredPicture], None]) -> None:
        text = f"Reading {visible(Path(path).name)}"
        self._reading.start(text, lambda control: load_picture(path), then, self.failed.emit)


def references_in(latent: Latent) -> tuple[tuple[str, float], ...]:
    """Return what a latent blends, as (stored id, weight), if that is stored things alone; else nothing."""
    if latent.blend is None:
        return ((latent.stored, 1.0),) if latent.stored else ()
    points = latent.blend.points
    if latent.blend.space != "w" or any(p != BlendPoint(Latent(stored=p.latent.stored), p.weight) for p in points):
        return ()
    return tuple((p.latent.stored, p.weight) for p in points)
