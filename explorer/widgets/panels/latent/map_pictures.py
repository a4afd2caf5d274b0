"""MapPictures: the pictures of the latent map's tiles, rendered a few at a time and kept while they are used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Slot

from explorer.latents.map_tiles import RecentlyUsed, Tile
from explorer.widgets.controls.thumbnails import thumbnail_image

if TYPE_CHECKING:
    from PySide6.QtGui import QImage

    from explorer.render.results import Thumbnail
    from explorer.session import Session
    from explorer.state import Look

__all__ = ["KEPT", "MapPictures"]

KEPT = 800
"""Pictures that are kept: 64 KiB each at most."""

_PX = 128
_AT_ONCE = 2  # the mailbox does idle tasks in order: whatever is more wanted by then must not wait for many others
_PATIENCE = 15.0  # seconds after which a picture counts as failed: the renderer reports no failure of a thumbnail

Key = tuple[int, Tile]
"""A tile of a world (`LatentMapIntents.world`)."""


class MapPictures(QObject):
    """Renders what was wanted last, in its order, as idle tasks. `on_change` is called when a picture arrives."""

    def __init__(self, session: Session, on_change: Callable[[], None], parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._on_change = session, on_change
        self._images: RecentlyUsed[QImage] = RecentlyUsed(KEPT)
        self._wanted: list[Tile] = []
        self._asked: dict[str, tuple[Key, float]] = {}  # by the thumbnail's key, with the time
        self._failed: set[Key] = set()
        self._serial = 0
        self._is_paused = False
        self._overdue = QTimer(self, interval=1000)
        self._overdue.timeout.connect(self._drop_overdue)
        session.thumbnail.connect(self._on_thumbnail)

    def get(self, tile: Tile) -> QImage | None:
        """Return the picture of a tile of the current world, if there is one."""
        return self._images.get((self._session.latent_map.world, tile))

    def others(self, level: int) -> list[Tile]:
        """Return the tiles of other levels with a picture: coarser ones first, then finer ones, nearest last."""
        world = self._session.latent_map.world
        found = [key[1] for key in self._images if isinstance(key, tuple) and key[0] == world]
        return sorted(
            (tile for tile in found if tile.level != level),
            key=lambda tile: (tile.level > level, tile.level if tile.level < level else -tile.level),
        )

    def want(self, tiles: Sequence[Tile]) -> None:
        """Render the tiles that have no picture, in this order, instead of what was wanted before."""
        self._wanted = list(tiles)
        self._ask()

    def pause(self, is_paused: bool) -> None:
        """Ask for nothing while the map is out of sight."""
        self._is_paused = is_paused
        self._ask()

    def retry(self) -> None:
        """Ask again for pictures that failed, because the model or its look is another."""
        self._failed.clear()

    def _ask(self) -> None:
        intents = self._session.latent_map
        under_way = {key for key, _ in self._asked.values()}
        while self._wanted and len(self._asked) < _AT_ONCE and not self._is_paused and intents.plane is not None:
            tile = self._wanted.pop(0)
            key = (intents.world, tile)
            if key in self._images or key in self._failed or key in under_way:
                continue
            self._serial += 1
            self._asked[f"{self._serial}"] = (key, monotonic())
            look: Look = intents.look_at(tile.place)
            self._session.request_thumbnail(f"map/{self._serial}", look, self._session.active, _PX)
        if self._asked and not self._overdue.isActive():
            self._overdue.start()

    @Slot(object)
    def _on_thumbnail(self, thumbnail: Thumbnail) -> None:
        prefix, _, serial = thumbnail.key.partition("/")
        if prefix != "map" or serial not in self._asked:
            return
        key, _ = self._asked.pop(serial)
        self._images.put(key, thumbnail_image(thumbnail))
        self._ask()
        self._on_change()

    @Slot()
    def _drop_overdue(self) -> None:
        now = monotonic()
        for serial, (key, asked_at) in list(self._asked.items()):
            if now - asked_at > _PATIENCE and self._session.is_at_rest:
                del self._asked[serial]
                self._failed.add(key)
        if not self._asked:
            self._overdue.stop()
        self._ask()
