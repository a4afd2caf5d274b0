"""ValueSlider: drags, wheel, keys, typing, reset, cancel, and the reason why it is greyed."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget

from explorer.widgets.controls.layer_rows import LayerRows
from explorer.widgets.controls.seed_field import SeedField
from explorer.widgets.controls.slider import ValueSlider
from explorer.widgets.controls.wheel import Wheel
from tests.gui.conftest import drag

SHIFT = Qt.KeyboardModifier.ShiftModifier


class Log:
    """What a slider said, in order."""

    def __init__(self, slider: ValueSlider) -> None:
        self.said: list[str] = []
        slider.pressed.connect(lambda: self.said.append("pressed"))
        slider.moving.connect(lambda v: self.said.append(f"{v:.2f}"))
        slider.released.connect(lambda: self.said.append("released"))
        slider.cancelled.connect(lambda: self.said.append("cancelled"))


@pytest.fixture
def slider(qtbot) -> ValueSlider:  # type: ignore[no-untyped-def]
    made = ValueSlider("psi", -2, 2, 1, step=0.1, unit="x")
    qtbot.addWidget(made)
    made.resize(300, 24)
    made.show()
    return made


def at(slider: ValueSlider, value: float) -> tuple[float, float]:
    return slider.groove().position_of(value), slider.height() / 2


def wheel(slider: ValueSlider, ticks: int, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> bool:
    return turn(slider, 120 * ticks, modifiers)


def turn(widget: QWidget, delta: int, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> bool:
    where = QPointF(widget.rect().center())
    event = QWheelEvent(
        where,
        widget.mapToGlobal(where),
        QPoint(),
        QPoint(0, delta),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


def hover(slider: ValueSlider) -> None:
    middle = slider.groove().rect.center()
    event = QMouseEvent(
        QMouseEvent.Type.MouseMove,
        middle,
        slider.mapToGlobal(middle),
        Qt.MouseButton.NoButton,
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(slider, event)


def test_a_drag_is_one_stroke(slider: ValueSlider) -> None:
    log = Log(slider)
    drag(slider, [at(slider, 1), at(slider, 0.5), at(slider, -1)])
    assert log.said == ["pressed", "0.50", "-1.00", "released"]
    assert slider.value == pytest.approx(-1)


def test_a_press_on_the_groove_jumps_there(slider: ValueSlider) -> None:
    drag(slider, [at(slider, -1.5)])
    assert slider.value == pytest.approx(-1.5, abs=0.01)


def test_a_press_on_the_handle_does_not_jump(slider: ValueSlider) -> None:
    log = Log(slider)
    x, y = at(slider, 1)
    drag(slider, [(x + 4, y)])
    assert log.said == ["pressed", "released"]


def test_a_middle_drag_is_relative(slider: ValueSlider) -> None:
    x, y = at(slider, -2)
    per_pixel = 4 / (slider.groove().position_of(2) - slider.groove().position_of(-2))
    drag(slider, [(x, y), (x + 10, y)], button=Qt.MouseButton.MiddleButton)
    assert slider.value == pytest.approx(1 + 10 * per_pixel)


def test_shift_makes_a_drag_ten_times_finer(slider: ValueSlider) -> None:
    x, y = at(slider, 0)
    per_pixel = 4 / (slider.groove().position_of(2) - slider.groove().position_of(-2))
    drag(slider, [(x, y), (x + 10, y)], modifiers=SHIFT)
    assert slider.value == pytest.approx(1 + per_pixel)


def test_values_stay_in_range(slider: ValueSlider) -> None:
    drag(slider, [at(slider, 1), (9000, 12)])
    assert slider.value == 2
    slider.enter(-99)
    assert slider.value == -2
    slider.set_value(-99)
    assert slider.value == -2
    slider.set_value(float("nan"))
    assert slider.value == -2
    slider.is_open = True
    slider.set_value(-99)  # another hand may have gone further
    assert slider.value == -99
    assert slider.groove().position_of(-99) == slider.groove().position_of(-2)


def test_escape_takes_a_running_drag_back(slider: ValueSlider) -> None:
    log = Log(slider)
    drag(slider, [at(slider, 1), at(slider, 0)], release=False)
    QTest.keyClick(slider, Qt.Key.Key_Escape)
    assert log.said == ["pressed", "0.00", "cancelled"]
    assert slider.value == 1
    drag(slider, [at(slider, 0.5), at(slider, 0.2)])
    assert log.said[-1] == "released"


def test_a_double_click_resets(slider: ValueSlider) -> None:
    slider.set_value(-0.7)
    log = Log(slider)
    QTest.mouseDClick(slider, Qt.MouseButton.LeftButton, pos=QPoint(int(slider.groove().position_of(1.9)), 12))
    assert slider.value == 1
    assert log.said == ["pressed", "1.00", "released"]


def test_the_wheel_needs_the_focus_or_ctrl(slider: ValueSlider) -> None:
    slider.clearFocus()
    assert not wheel(slider, 1)
    hover(slider)
    assert not wheel(slider, 1), "a pointer over the groove is not enough: the panel scrolls"
    assert slider.value == 1
    assert wheel(slider, 1, Qt.KeyboardModifier.ControlModifier)
    assert slider.value == pytest.approx(1.1)
    slider.setFocus()
    assert wheel(slider, -2, SHIFT)
    assert slider.value == pytest.approx(1.08)


def test_a_panel_that_scrolls_keeps_the_wheel(slider: ValueSlider, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("explorer.widgets.controls.wheel.monotonic", lambda: now[0])
    slider.setFocus()
    Wheel.note_scroll()
    assert not wheel(slider, 1)
    now[0] += 0.5
    assert wheel(slider, 1)
    assert slider.value == pytest.approx(1.1)


def test_fine_wheel_events_of_a_touchpad_add_up(qtbot) -> None:  # type: ignore[no-untyped-def]
    whole = ValueSlider("rows", 0, 10, 5, decimals=0, step=1)
    qtbot.addWidget(whole)
    whole.resize(300, 24)
    with qtbot.waitActive(whole):
        whole.show()
    whole.setFocus()
    for expected in (5, 5, 5, 6, 6):
        turn(whole, 30)
        assert whole.value == expected
    for expected in (6, 6, 6, 5):  # the other way: what was begun is forgotten
        turn(whole, -30)
        assert whole.value == expected


def test_wheel_ticks_in_a_row_are_one_stroke(slider: ValueSlider, qtbot) -> None:  # type: ignore[no-untyped-def]
    log = Log(slider)
    slider.setFocus()
    with qtbot.waitSignal(slider.released):
        wheel(slider, 1)
        wheel(slider, 1)
    assert log.said == ["pressed", "1.10", "1.20", "released"]


def test_typing_a_number(slider: ValueSlider) -> None:
    log = Log(slider)
    slider.setFocus()
    QTest.keyClick(slider, Qt.Key.Key_0)
    field = slider.findChild(QLineEdit)
    assert field is not None
    QTest.keyClicks(field, ".25")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert slider.value == 0.25
    assert log.said == ["pressed", "0.25", "released"]
    assert not field.isVisible()


def test_clicking_the_number_and_leaving_it_changes_nothing(slider: ValueSlider) -> None:
    log = Log(slider)
    QTest.mouseClick(slider, Qt.MouseButton.LeftButton, pos=slider.value_rect().center().toPoint())
    field = slider.findChild(QLineEdit)
    assert field is not None
    assert field.isVisible()
    QTest.keyClicks(field, "rubbish")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert slider.value == 1
    slider.edit()
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert log.said == []
    assert not field.isVisible()


def test_keys_step_and_reset(slider: ValueSlider) -> None:
    slider.setFocus()
    QTest.keyClick(slider, Qt.Key.Key_Right)
    assert slider.value == pytest.approx(1.1)
    QTest.keyClick(slider, Qt.Key.Key_Left, SHIFT)
    assert slider.value == pytest.approx(1.09)
    QTest.keyClick(slider, Qt.Key.Key_Backspace)
    assert slider.value == 1


def test_set_value_says_nothing(slider: ValueSlider) -> None:
    log = Log(slider)
    slider.set_value(0)
    assert log.said == []


def test_a_greyed_slider_says_why_and_does_nothing(slider: ValueSlider) -> None:
    log = Log(slider)
    slider.set_reason("StyleGAN3 has no noise inputs")
    assert not slider.isEnabled()
    assert "StyleGAN3 has no noise inputs" in slider.toolTip()
    drag(slider, [at(slider, 0), at(slider, 1)])
    slider.edit()
    assert log.said == []
    slider.set_reason("")
    assert slider.isEnabled()
    assert "StyleGAN3" not in slider.toolTip()


def test_whole_numbers_stay_whole(qtbot) -> None:  # type: ignore[no-untyped-def]
    slider = ValueSlider("layer", 0, 10, 0, decimals=0, step=1)
    qtbot.addWidget(slider)
    slider.resize(300, 24)
    drag(slider, [at(slider, 0), at(slider, 3.4)])
    assert slider.value == 3
    assert slider.text() == "3"


def test_it_paints_in_every_state(slider: ValueSlider) -> None:
    plain = slider.grab().toImage()
    slider.set_value(-1)
    moved = slider.grab().toImage()
    slider.set_reason("no")
    greyed = slider.grab().toImage()
    assert plain != moved
    assert moved != greyed


def test_a_stroke_ends_when_the_slider_goes_away(slider: ValueSlider) -> None:
    for leave in (slider.hide, lambda: slider.set_reason("No model is loaded")):
        log = Log(slider)
        slider.show()
        slider.set_reason("")
        drag(slider, [at(slider, slider.value), at(slider, 0)], release=False)
        leave()
        assert log.said[-1] == "released"
        slider.set_value(1)


def test_a_wheel_stroke_ends_when_the_focus_goes(slider: ValueSlider) -> None:
    log = Log(slider)
    slider.setFocus()
    wheel(slider, 1)
    slider.clearFocus()
    assert log.said == ["pressed", "1.10", "released"]


def test_a_touchpad_does_not_race_through_seeds(qtbot) -> None:  # type: ignore[no-untyped-def]
    field = SeedField()
    qtbot.addWidget(field)
    with qtbot.waitActive(field):
        field.show()
    field.setFocus()
    chosen: list[int] = []
    field.chosen.connect(chosen.append)
    for _ in range(8):
        turn(field, 15)
    assert chosen == [1]
    turn(field, -240)
    assert chosen == [1, 2**32 - 1]


def test_rows_of_layers_show_their_names_whole(qtbot) -> None:  # type: ignore[no-untyped-def]
    rows = LayerRows(lambda index: ValueSlider("", -1, 2, 1))
    qtbot.addWidget(rows)
    rows.set_names(["0   4x4", "17   1024x1024 rgb"])
    widths = {slider.label_width for slider in rows.rows}
    assert len(widths) == 1, "the grooves align"
    assert rows.fontMetrics().horizontalAdvance(rows.rows[1].label) <= widths.pop()
    rows.set_names(["0   4x4"])
    assert rows.rows[0].label_width == 72
