"""LatentMapIntents: the plane that the latent map shows, places of latents on it, travel, paths and pins."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from explorer.animation.player import snapshot_of
from explorer.latents.map_path import along, length_of
from explorer.latents.map_planes import SeedPlane
from explorer.latents.map_tiles import RecentlyUsed
from explorer.session.availability import availability
from explorer.session.map_places import MapPlaces
from explorer.state import Latent, Look, Pin, Transform, with_look

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explorer.latents.map_planes import Plane
    from explorer.session.core import SessionCore
    from explorer.session.directions import DirectionIntents, Found
    from explorer.session.lab import StickingLab
    from explorer.session.transport import Transport
    from explorer.state import ExplorerState, LatentMap

__all__ = ["KEYS", "SECONDS", "LatentMapIntents"]

KEYS = (2, 60)
"""The least and the most keys of a path."""

SECONDS = (0.5, 600.0)
"""The shortest and the longest path."""

_MOVED_MS = 80  # the mark of the current latent follows it this often: finding its place maps it
_TRAIL = 24
_WORLDS = 256

Place = tuple[float, float]


class LatentMapIntents(QObject):
    """What the latent map shows of the active view's model, and what the user does on it. GUI thread only.

    The plane goes through the latent at which the user paused; its pictures have the other aspects of that look.

    Signals: `changed` when the plane or its pictures are others, or more is known of the axes; `moved` when the
    current latent, the trail or the pins have changed.

    Attributes:
        plane: The plane shown; None without a model, or while its axes are not found.
        here: The current latent, a moment late while it moves.
        world: A number for what the pictures of the plane depend on; equal numbers mean equal pictures.

    Nothing is searched for and no plane is made until `watch` says that the map is in sight.
    """

    changed = Signal()
    moved = Signal()

    def __init__(
        self, session: SessionCore, directions: DirectionIntents, transport: Transport, lab: StickingLab
    ) -> None:
        super().__init__(session)
        self._session, self._directions, self._transport = session, directions, transport
        self.plane: Plane | None = None
        self.here = Latent()
        self.world = self._last_world = 0
        self._look = Look()
        self._worlds: RecentlyUsed[int] = RecentlyUsed(_WORLDS)
        self._is_watched = False
        self._trail: deque[Latent] = deque(maxlen=_TRAIL)
        self._places = MapPlaces(session, directions)
        self._given_up: set[str] = set()  # models of which the user ended the search
        self._soon = QTimer(self, singleShot=True, interval=_MOVED_MS)
        self._soon.timeout.connect(self._on_moved)
        session.changed.connect(self._on_state_changed)
        session.model_changed.connect(self._on_view)
        directions.changed.connect(self._on_view)
        directions.progress.connect(self._on_progress)
        lab.rested.connect(self._on_rest)
        transport.playing_changed.connect(self._on_rest)

    # -- what is shown -------------------------------------------------------------------------------------

    def watch(self, is_watched: bool) -> None:
        """Note whether the map is in sight; the plane follows the look only then."""
        self._is_watched = is_watched
        self._update()

    @property
    def settings(self) -> LatentMap:
        """The map's part of the state."""
        return self._session.state.latent_map

    @property
    def components(self) -> tuple[Found, ...]:
        """The principal components that can be axes; empty while not found."""
        return self._places.components

    @property
    def pair(self) -> tuple[int, int]:
        """The numbers of the two components that are the axes, within those that there are."""
        last = max(len(self.components) - 1, 1)
        first, second = (min(max(i, 0), last) for i in (self.settings.first, self.settings.second))
        return first, second if second != first else (first + 1) % (last + 1)

    @property
    def sha(self) -> str:
        """The hash of the model that is mapped; empty for none."""
        model = self._session.model_info(self._session.active)
        return "" if model is None else model.sha256

    def search(self) -> tuple[float, float] | None:
        """Return how much of the search for components is done, 0..1, and the seconds left (0: unknown).

        None while nothing is searched for, or they are found already.
        """
        report = self._directions.search(self._session.active)
        return None if report is None or self.components else (report.fraction, report.seconds_left)

    def find(self) -> None:
        """Search for the principal components of the active view's model, also after the user ended that."""
        self._given_up.discard(self.sha)
        self._update()

    def cancel(self) -> None:
        """End the search for principal components."""
        self._given_up.add(self.sha)
        self._directions.cancel(self._session.active)
        self.changed.emit()

    def look_at(self, place: Place) -> Look:
        """Return the look of a place: that at which the user paused, with the latent that lies there."""
        assert self.plane is not None
        return replace(self._look, latent=self.plane.latent(*place))

    def look_of(self, pin: Pin) -> Look:
        """Return the look of a pin, in the other aspects of the look at which the user paused."""
        return replace(self._look, latent=pin.latent)

    @property
    def reason(self) -> str:
        """Why there is no map of the active view's model; empty if there is one."""
        look, info = self._session.look_of(), self._session.info(self._session.active)
        return availability(info, look).get("latent_map", "")

    @property
    def is_given_up(self) -> bool:
        """Whether the user ended the search for components."""
        return self.sha in self._given_up

    def place(self, latent: Latent, near: Place = (0.0, 0.0)) -> Place | None:
        """Return where a latent is on the plane, or the point of the plane that is nearest; None if nowhere.

        Args:
            latent: The latent.
            near: Where the map is looked at: a seed has many places.
        """
        if isinstance(self.plane, SeedPlane):
            return self.plane.place(latent, near)
        found = self._places.coordinates(latent) if self.plane is not None else None
        first, second = self.pair
        return None if found is None or max(self.pair) >= len(found) else (found[first], found[second])

    def trail(self) -> Sequence[Latent]:
        """Return the latents at which the user paused, the oldest first."""
        return tuple(self._trail)

    # -- intents -------------------------------------------------------------------------------------------

    def set_axes(self, axes: Literal["components", "seeds"]) -> None:
        """Choose what the axes are."""
        self._edit("Axes of the map", axes=axes)

    def set_pair(self, first: int, second: int) -> None:
        """Choose the two components; equal ones are exchanged with the others."""
        if first == second:
            before = self.pair
            first, second = (first, before[0]) if first != before[0] else (before[1], second)
        self._edit("Axes of the map", first=first, second=second)

    def set_path(self, **fields: Any) -> None:
        """Set how many `keys` a path becomes, and how many `seconds` long it is."""
        self._edit("Path of the map", **fields)

    def travel(self, place: Place) -> None:
        """Go to a place of the plane."""
        if self.plane is not None:
            self._session.edit("Travel on the map", latent=self.plane.latent(*place), drift=0.0)

    def travel_to_pin(self, number: int) -> None:
        """Go to the latent of a pin."""
        self._session.edit("Travel to a pin", latent=self.settings.pins[number].latent, drift=0.0)

    def draw_path(self, points: Sequence[Place]) -> None:
        """Make keys of the timeline along a path of places, at equal distances, as one undo step."""
        if self.plane is None or length_of(points) == 0.0:
            return
        keys = min(max(self.settings.keys, KEYS[0]), KEYS[1])
        seconds = min(max(self.settings.seconds, SECONDS[0]), SECONDS[1])
        state = self._session.state
        latents = [self.plane.latent(*place) for place in along(points, keys)]
        states = [with_look(state, state.active, latent=latent, drift=0.0) for latent in latents]
        self._transport.keys.add_path("Path on the map", [snapshot_of(each) for each in states], seconds)

    def pin_here(self) -> None:
        """Make a pin of the current latent."""
        pins = self.settings.pins
        names = {pin.name for pin in pins}
        name = next(text for i in range(len(pins) + 1) if (text := f"Pin {i + 1}") not in names)
        self._edit("Pin", pins=(*pins, Pin(name, self._session.look_of().latent)))

    def rename_pin(self, number: int, name: str) -> None:
        """Give a pin another name."""
        pins = list(self.settings.pins)
        pins[number] = replace(pins[number], name=name)
        self._edit("Rename pin", pins=tuple(pins))

    def remove_pin(self, number: int) -> None:
        """Remove a pin."""
        pins = self.settings.pins
        self._edit("Remove pin", pins=pins[:number] + pins[number + 1 :])

    def _edit(self, name: str, **fields: Any) -> None:
        state = self._session.state
        self._session.store.update(replace(state, latent_map=replace(state.latent_map, **fields)), name)

    # -- events --------------------------------------------------------------------------------------------

    def _plane_through(self, latent: Latent) -> Plane | None:
        if self.reason:
            return None
        return SeedPlane() if self.settings.axes == "seeds" else self._places.plane(latent, self.pair)

    @property
    def _is_moving(self) -> bool:
        """Whether the latent changes by itself: the rests between two moments of that are none."""
        is_drifting = self._session.look_of().drift != 0.0 and self._session.motion.clock.is_playing
        return is_drifting or self._transport.is_playing

    @Slot()
    def _on_rest(self) -> None:
        if self._is_moving:
            return
        latent = self._session.look_of().latent
        if not self._session.store.is_away and (not self._trail or self._trail[-1] != latent):
            self._trail.append(latent)
        self._update()

    @Slot(int)
    def _on_view(self, view: int) -> None:
        if view == self._session.active:
            self._update()

    @Slot(int, float)
    def _on_progress(self, view: int, fraction: float) -> None:
        if view == self._session.active and self._is_watched:
            self.changed.emit()

    @Slot(object, object)
    def _on_state_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        axes = [(s.active, s.latent_map.axes, s.latent_map.first, s.latent_map.second) for s in (old, new)]
        if axes[0] != axes[1]:
            self._update()
        elif old.latent_map != new.latent_map:
            self.moved.emit()
        if self._is_watched and not self._soon.isActive():
            self._soon.start()

    @Slot()
    def _on_moved(self) -> None:
        latent = self._session.look_of().latent
        if latent != self.here:
            self.here = latent
            self.moved.emit()

    def _update(self) -> None:
        """Show the plane through the current latent, in the current look."""
        if not self._is_watched or self._session.is_closed:
            return
        view, sha = self._session.active, self.sha
        wants_components = self.settings.axes == "components" and not self.reason
        if wants_components and not self.components and sha not in self._given_up:
            self._directions.find(view)
        look = self._session.look_of()
        self.here = look.latent
        self.plane = self._plane_through(look.latent)
        # Rendered without a transform: a moved picture would hide the latent's content.
        self._look = replace(look, latent=Latent(), drift=0.0, transform=Transform())
        key = (sha, self.plane, self._look)
        known = self._worlds.get(key)
        if known is None:
            known = self._last_world = self._last_world + 1
            self._worlds.put(key, known)
        self.world = known
        self.changed.emit()
