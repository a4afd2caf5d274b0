"""Drift: latents that move continuously, as a function of the time since the drift began."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.state import ExplorerState, Look

__all__ = ["Drifts", "without_drift"]


@dataclass(slots=True)
class _Drift:
    """Start position and time of a drift, and the last position written."""

    time: float
    x: float
    speed: float
    written: float


class Drifts:
    """The running drifts. A drift restarts when its latent or its speed was changed by something else."""

    def __init__(self) -> None:
        self._drifts: dict[int, _Drift] = {}  # by view; -1 is the shared look

    def advance(self, state: ExplorerState, now: float) -> ExplorerState:
        """Return the state with every drifting latent at its position at `now` seconds."""
        shared = self._advance(-1, state.shared, now)
        views = tuple(
            v if not v.unlinked & {"drift", "latent"} else replace(v, own=self._advance(i, v.own, now))
            for i, v in enumerate(state.views)
        )
        return replace(state, shared=shared, views=views)

    def _advance(self, slot: int, look: Look, now: float) -> Look:
        if look.drift == 0.0:
            self._drifts.pop(slot, None)
            return look
        d = self._drifts.get(slot)
        if d is None or d.speed != look.drift or d.written != look.latent.x or now < d.time:
            d = self._drifts[slot] = _Drift(now, look.latent.x, look.drift, look.latent.x)
        d.written = d.x + d.speed * (now - d.time)
        return replace(look, latent=replace(look.latent, x=d.written))


def without_drift(state: ExplorerState, *, speed: float) -> ExplorerState:
    """Return the state with the shared look's drift stopped if it has this speed, in seeds per second."""
    return replace(state, shared=replace(state.shared, drift=0.0)) if state.shared.drift == speed else state
