"""The Latent map panel: its axes, the map, what a path becomes, and the user's own points."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QInputDialog, QSizePolicy, QWidget

from explorer.session.latent_map import KEYS, SECONDS
from explorer.widgets.controls.basic import Choice, IconButton, Segments, label, row
from explorer.widgets.controls.number_field import NumberField
from explorer.widgets.controls.plain_text import set_tip
from explorer.widgets.controls.progress_line import ProgressLine
from explorer.widgets.controls.visibility import InSight
from explorer.widgets.panels.latent.map_pins import PinList
from explorer.widgets.panels.latent.map_view import MapView
from explorer.widgets.panels.panel import Panel

if TYPE_CHECKING:
    from explorer.generators.base import GeneratorInfo
    from explorer.session import Session
    from explorer.state import LatentMap

__all__ = ["MapPanel"]

_AXES = (
    (
        "components",
        "Components",
        "Two principal components of w: the directions in which random latents vary most. Positions are standard "
        "deviations (\u03c3) from the average. The rest of w stays as it is at the current latent, so the plane "
        "goes through it.",
    ),
    (
        "seeds",
        "Seeds",
        "The endless plane of seeds: one at every integer point, blends between; a row down is a hundred seeds on.",
    ),
)
_NAME_LENGTH = 80


class MapPanel(Panel):
    """An endless plane of pictures around the current latent."""

    key = "latent-map"
    title = "Latent map"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._map = session.latent_map
        self._build()
        self._bind()

    def _build(self) -> None:
        self.axes = Segments(_AXES)
        self.first, self.second = Choice(), Choice()
        self.first.setAccessibleName("Component to the right")
        self.second.setAccessibleName("Component upwards")
        self.pair = row(label("\u2192"), self.first, label("\u2191"), self.second)
        self.view = MapView(self.session)
        self.line = ProgressLine()
        self.status = label("", "caption", wrap=True)
        self.stop = IconButton("x", "End the search for components", self._map.cancel, size=14)
        self.again = IconButton(
            "magnifying-glass", "Find the principal components of w of this model", self._map.find,
            text="Find components",
        )  # fmt: skip
        self.searching = row(self.status, self.stop)
        self.out = IconButton("minus", "Zoom out (\u2212)", lambda: self.view.zoom(-1))
        self.into = IconButton("plus", "Zoom in (+)", lambda: self.view.zoom(1))
        self.home = IconButton("crosshair", "Show the current latent in the middle (Home)", self.view.home)
        self.pin = IconButton(
            "push-pin", "Pin the current latent: keep it as a point with a name", self._map.pin_here
        )
        self.keys = NumberField(
            *KEYS, tip="Keys of a path: how many a path drawn with Shift+drag becomes", unit="keys"
        )
        self.seconds = NumberField(
            *SECONDS, decimals=1, unit="s", step=0.5, tip="Length of a path: seconds from its first key to its last"
        )
        self.keys.setFixedWidth(62)
        self.seconds.setFixedWidth(50)
        for box in (self.first, self.second):
            box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.pins = PinList(self.session)
        self.add(self.axes)
        self.add(self.pair)
        self.add(self.view)
        self.add(self.line)
        self.add(self.searching)
        self.add(self.again)
        self.add(
            row(self.out, self.into, self.home, self.pin, None, label("Path"), self.keys, self.seconds, spacing=2)
        )
        self.add(self.pins)

    def _bind(self) -> None:
        intents = self._map
        self.axes.chosen.connect(intents.set_axes)
        self.first.activated.connect(lambda index: intents.set_pair(index, intents.pair[1]))
        self.second.activated.connect(lambda index: intents.set_pair(intents.pair[0], index))
        self.keys.chosen.connect(lambda value: intents.set_path(keys=int(value)))
        self.seconds.chosen.connect(lambda value: intents.set_path(seconds=value))
        self.view.travelled.connect(intents.travel)
        self.view.path_drawn.connect(intents.draw_path)
        self.view.pin_wanted.connect(intents.pin_here)
        for shown in (self.view.pin_chosen, self.pins.chosen):
            shown.connect(intents.travel_to_pin)
        for wanted in (self.view.rename_wanted, self.pins.rename_wanted):
            wanted.connect(self.ask_name)
        for wanted in (self.view.remove_wanted, self.pins.remove_wanted):
            wanted.connect(intents.remove_pin)
        self.bind.state(lambda state: state.latent_map, self._show)
        self.bind.model(self._show_model)
        self.bind.available(
            "latent_map", self.axes, self.first, self.second, self.out, self.into, self.home, self.pin, self.keys,
            self.seconds,
        )  # fmt: skip
        self.bind.reason("latent_map", lambda _: self._show_search())
        intents.changed.connect(self._show_search)
        self._sight = InSight(self)
        self._sight.changed.connect(self._on_sight)

    # showing ---------------------------------------------------------------------------------------------

    def _show(self, shown: LatentMap) -> None:
        self.axes.set_choice(shown.axes)
        self.keys.set_number(min(max(shown.keys, KEYS[0]), KEYS[1]))
        self.seconds.set_number(min(max(shown.seconds, SECONDS[0]), SECONDS[1]))
        self.pins.set_pins(shown.pins)
        self._show_search()

    def _show_model(self, info: GeneratorInfo | None) -> None:
        self.view.pictures.retry()
        self.pins.forget_pictures()

    def _show_search(self) -> None:
        """Show the axes, or why there are none."""
        is_of_components = self._map.settings.axes == "components"
        reason, search = self._map.reason, self._map.search() if is_of_components else None
        self._show_components()
        self.pair.setVisible(is_of_components)
        self.line.setVisible(search is not None)
        self.searching.setVisible(search is not None)
        is_ended = is_of_components and not reason and search is None and self._map.plane is None
        self.again.setVisible(is_ended and self._map.is_given_up)
        text = reason
        if search is not None:
            fraction, left = search
            self.line.set_fraction(fraction)
            rest = f", {left:.0f} s left" if left >= 1.0 else ""
            text = "Finding the principal components of w"
            self.status.setText(f"{text}: {100 * fraction:.0f} %{rest}")
        elif is_ended:
            text = "The principal components of w are not found." if self._map.is_given_up else ""
        self.view.show_message(text)

    def _show_components(self) -> None:
        found, pair = self._map.components, self._map.pair
        for box, number, way in ((self.first, pair[0], "to the right"), (self.second, pair[1], "upwards")):
            if box.count() != len(found):
                box.clear()
                box.addItems([f"PC {i + 1}" for i in range(len(found))])
            box.setCurrentIndex(number)
            tip = f"The principal component of w that grows {way}, by its number."
            if found:
                shown = found[number]
                tip += f" It explains {100 * shown.share:.1f} % of the variance of w." if shown.share else ""
                tip += f" 1 \u03c3 is {shown.stored.sigma:.3g} along it."
            set_tip(box, tip)

    def _on_sight(self, is_seen: bool) -> None:
        if not self.session.is_closed:
            self.view.pictures.pause(not is_seen)
            self._map.watch(is_seen)

    # pins ------------------------------------------------------------------------------------------------

    def ask_name(self, number: int) -> None:
        """Ask for a pin's name."""
        before = self._map.settings.pins[number].name
        name, is_given = QInputDialog.getText(self, "Rename pin", "Name:", text=before)
        if is_given and name.strip():
            self._map.rename_pin(number, name.strip()[:_NAME_LENGTH])
