"""Two-way bindings: a change of state updates widgets, and user input calls intents as one undo step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from PySide6.QtCore import QObject, SignalInstance, Slot

from explorer.session.availability import availability
from explorer.state import ExplorerState, Look, look_of
from explorer.state.parameters import CONTROLS
from explorer.widgets.controls.disable import disable
from explorer.widgets.controls.parameter_slider import parameter_slider

if TYPE_CHECKING:
    from PySide6.QtWidgets import QComboBox, QWidget

    from explorer.generators.base import GeneratorInfo
    from explorer.session import Session
    from explorer.widgets.controls.basic import Segments
    from explorer.widgets.controls.slider import ValueSlider

__all__ = ["Binder"]

T = TypeVar("T")


class DragSource(Protocol):
    """A control that is pressed, and then released or cancelled."""

    pressed: SignalInstance
    released: SignalInstance
    cancelled: SignalInstance


class Binder(QObject):
    """Keeps one panel's widgets in sync with the state. Widgets hold no values and never read each other.

    `bind.parameter("truncation.psi")` creates a slider and binds it completely.
    """

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._shown: list[tuple[Callable[[ExplorerState], Any], Callable[[Any], None]]] = []
        self._models: list[Callable[[GeneratorInfo | None], None]] = []
        self._inert: list[tuple[str, Callable[[str], None]]] = []
        self._reasons = self._reasons_now()
        session.changed.connect(self._on_changed)
        session.model_changed.connect(self._on_model_changed)

    # state to widget -------------------------------------------------------------------------------------

    def state(self, read: Callable[[ExplorerState], T], display: Callable[[T], None]) -> None:
        """Call `display(read(state))` now and whenever that value changes."""
        self._shown.append((read, display))
        display(read(self._session.state))

    def look(self, read: Callable[[Look], T], display: Callable[[T], None]) -> None:
        """Call `display(read(look))` with the active view's look, now and whenever that value changes."""
        self.state(lambda s: read(look_of(s, s.active)), display)

    def model(self, display: Callable[[GeneratorInfo | None], None]) -> None:
        """Call `display(info)` now and whenever the active view's generator changes (None: none is loaded)."""
        self._models.append(display)
        display(self._session.info(self._session.active))

    def reason(self, path: str, display: Callable[[str], None]) -> None:
        """Call `display(reason)` now and whenever the reason why a control is inert changes; "" for none."""
        self._inert.append((path, display))
        display(self._reasons_now().get(path, ""))

    def available(self, path: str, *controls: QWidget) -> None:
        """Disable controls while `availability` has a reason for that path, and show it in their tooltips."""
        for control in controls:
            self.reason(path, partial(disable, control))

    def _reasons_now(self) -> Mapping[str, str]:
        state = self._session.state
        return availability(
            self._session.info(state.active), look_of(state, state.active), state.views[state.active].tap
        )

    def _show_reasons(self) -> None:
        before, self._reasons = self._reasons, self._reasons_now()
        if self._reasons is not before:
            for path, display in self._inert:
                display(self._reasons.get(path, ""))

    def refresh(self) -> None:
        """Update all bound widgets."""
        self._on_model_changed(self._session.active)

    @Slot(object, object)
    def _on_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        if old.active != new.active:
            self.refresh()
            return
        for read, display in self._shown:
            value = read(new)
            if value != read(old):
                display(value)
        self._show_reasons()

    @Slot(int)
    def _on_model_changed(self, view: int) -> None:
        state = self._session.state
        if view != state.active:
            return
        info = self._session.info(view)
        for show_model in self._models:
            show_model(info)
        # A slider's range and rows depend on the model, so values are shown after it.
        for read, display in self._shown:
            display(read(state))
        self._show_reasons()

    # both ways -------------------------------------------------------------------------------------------

    def stroke(self, slider: ValueSlider, name: str, intent: Callable[[float], object]) -> None:
        """Make a slider's stroke, from press to release, one undo step called `name`; Esc reverts it."""
        self.drag(slider, name)
        slider.moving.connect(lambda value: intent(value))

    def drag(self, control: DragSource, name: str) -> None:
        """Make each drag of a control, from press to release, one undo step called `name`; Esc reverts it."""
        session = self._session
        control.pressed.connect(lambda: session.begin(name))
        control.released.connect(session.commit)
        control.cancelled.connect(session.cancel)

    def slider(
        self, slider: ValueSlider, name: str, read: Callable[[Look], float], intent: Callable[[float], object]
    ) -> None:
        """Bind a slider to a number of the look."""
        self.look(read, slider.set_value)
        self.stroke(slider, name, intent)

    def parameter(
        self, path: str, intent: Callable[[float], object] | None = None, *, name: str = ""
    ) -> ValueSlider:
        """Create the slider of a parameter of the look, and bind it.

        Args:
            path: Parameter path as in `CONTROLS`, such as "transform.x".
            intent: Called with a new value, instead of setting only this parameter.
            name: Name of the undo step; the parameter's title by default.
        """
        parameter, slider = CONTROLS[path], parameter_slider(path)
        set_value = partial(self._session.look.set_parameter, path) if intent is None else intent
        self.slider(slider, name or parameter.title, parameter.read, set_value)
        self.available(path, slider)
        return slider

    def choice(self, box: QComboBox, read: Callable[[Look], str], intent: Callable[[str], object]) -> None:
        """Bind a combo box whose items have their value as user data."""
        self.look(read, lambda value: box.setCurrentIndex(max(0, box.findData(value))))
        box.activated.connect(lambda index: intent(str(box.itemData(index))))

    def segments(self, box: Segments, read: Callable[[Look], str], intent: Callable[[str], object]) -> None:
        """Bind a segmented choice."""
        self.look(read, box.set_choice)
        box.chosen.connect(lambda key: intent(key))
