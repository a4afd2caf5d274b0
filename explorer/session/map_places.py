"""MapPlaces: places of latents along the principal components of a model, and planes through latents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.errors import LatentwalkError
from explorer.latents.map_planes import ComponentPlane, end_of, split
from explorer.latents.map_tiles import RecentlyUsed
from explorer.render.resolve import resolve_look
from explorer.render.styles import StyleStage
from explorer.state import Look, Tap

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from explorer.session.core import SessionCore
    from explorer.session.directions import DirectionIntents, Found
    from explorer.state import Latent

__all__ = ["MapPlaces"]

_KEPT = 512


class MapPlaces:
    """Maps latents on the host's copy of the network, each once: it takes a millisecond. GUI thread only."""

    def __init__(self, session: SessionCore, directions: DirectionIntents) -> None:
        self._session, self._directions = session, directions
        self._known: RecentlyUsed[tuple[float, ...]] = RecentlyUsed(_KEPT)

    @property
    def components(self) -> tuple[Found, ...]:
        """The principal components of the active view's model, the largest first; empty while not found."""
        return self._directions.components(self._session.active)

    def coordinates(self, latent: Latent) -> tuple[float, ...] | None:
        """Return the coordinates of a latent along every component, in standard deviations from the average.

        That of a latent with one `w` for each layer is their mean. None without a model, or if it is of another.
        """
        model, components = self._session.model_info(self._session.active), self.components
        classes = self._session.look_of().classes
        key = (model.sha256 if model is not None else "", latent, classes, len(components))
        found = self._known.get(key)
        if found is None:
            mapped = self._mapped(Look(latent, classes=classes))
            if mapped is None:
                return None
            w, w_avg = mapped
            centred = w.reshape(-1, w.shape[-1]).mean(axis=0) - w_avg
            found = tuple(float(centred @ item.stored.array) / item.stored.sigma for item in components)
            self._known.put(key, found)
        return found

    def plane(self, latent: Latent, pair: tuple[int, int]) -> ComponentPlane | None:
        """Return the plane through a latent along two components, by their numbers; None if it cannot be made.

        The ends of the axes become assets of the session.
        """
        model, components = self._session.model_info(self._session.active), self.components
        mapped = self._mapped(Look(latent)) if len(components) > max(pair) else None
        if model is None or mapped is None:
            return None
        first, second = (
            self._session.table.add(end_of(components[i].stored, mapped[1], model.sha256)) for i in pair
        )
        base, _ = split(latent, (first, second))
        found = self.coordinates(base)
        return None if found is None else ComponentPlane(base, (found[pair[0]], found[pair[1]]), (first, second))

    def _mapped(self, look: Look) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """Return `w` or `ws` of a look's latent, and the centre of truncation."""
        model = self._session.model_info(self._session.active)
        if model is None:
            return None
        try:
            request = resolve_look(look, Tap(), model.info, model=model.key, table=self._session.table)
            styles = StyleStage(self._session.service.models.get(model.key).generator).make(request)
            return styles.base, styles.centre
        except LatentwalkError:  # a latent of another model; the view says so
            return None
