"""Every panel changes the state by hand and shows what the state says, whoever changed it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from explorer.session import Session
from explorer.session.availability import OF_A_MODEL
from explorer.state import Latent, MixSource, Track, Transform
from explorer.state.parameters import CONTROLS, PARAMETERS
from explorer.widgets.controls.bindings import Binder
from explorer.widgets.controls.slider import ValueSlider
from explorer.widgets.panels.latent.latent_panel import LatentPanel
from explorer.widgets.panels.latent.mixing_panel import MixingPanel
from explorer.widgets.panels.latent.truncation_panel import TruncationPanel
from explorer.widgets.panels.model.model_panel import ModelPanel
from explorer.widgets.panels.panel import Panel
from explorer.widgets.panels.synthesis.noise_panel import NoisePanel
from explorer.widgets.panels.synthesis.transform_panel import TransformPanel
from explorer.widgets.timeline.lanes import value_range
from explorer.widgets.window.main_window import MainWindow
from tests.gui.conftest import centre, drag, flush, wait_until

P = TypeVar("P", bound=Panel)


def panel(window: MainWindow, kind: type[P]) -> P:
    """The window's panel of that kind, unfolded and laid out."""
    window.reveal(kind.key)
    flush()
    body = window.sides.sections[kind.key].body
    assert isinstance(body, kind)
    return body


def pull(slider: ValueSlider, value: float) -> None:
    """Drag a slider's handle to a value."""
    y = slider.height() / 2
    drag(slider, [(slider.groove().position_of(slider.value), y), (slider.groove().position_of(value), y)])


# -- truncation, noise, transform ------------------------------------------------------------------------------


def test_psi_is_one_undo_step(window: MainWindow, session: Session) -> None:
    truncation = panel(window, TruncationPanel)
    pull(truncation.psi, 0.5)
    assert session.look_of().truncation.psi == pytest.approx(0.5, abs=0.02)
    assert session.store.undo_name == "Truncation psi"
    session.undo()
    assert session.look_of().truncation.psi == 1
    assert truncation.psi.value == 1
    assert not session.store.can_undo


def test_cutoff_ends_with_all(window: MainWindow, session: Session) -> None:
    truncation = panel(window, TruncationPanel)
    assert truncation.cutoff.text() == "all"
    truncation.cutoff.enter(3)
    assert session.look_of().truncation.cutoff == 3
    truncation.cutoff.enter(99)
    assert session.look_of().truncation.cutoff is None
    truncation.cutoff.enter(0)
    assert session.look_of().truncation.cutoff == 0
    assert truncation.cutoff.text() == "none"


def test_psi_of_one_layer_follows_until_it_is_set(window: MainWindow, session: Session) -> None:
    truncation = panel(window, TruncationPanel)
    truncation.more.click()
    info = session.info(0)
    assert info is not None
    assert len(truncation.layers.rows) == info.num_ws
    session.look.set_psi(0.7)
    assert {s.value for s in truncation.layers.rows} == {0.7}
    truncation.layers.rows[2].enter(0.2)
    assert session.look_of().truncation.layer_psi == ((2, 0.2),)
    truncation.layers.rows[2].enter(0.7)
    assert session.look_of().truncation.layer_psi == ()


def test_noise_modes_seed_and_strength(window: MainWindow, session: Session) -> None:
    noise = panel(window, NoisePanel)
    noise.mode.buttons["random"].click()
    assert session.look_of().noise.mode == "random"
    assert noise.seed_row.isEnabled()
    noise.seed.setText("7")
    noise.seed.setModified(True)
    QTest.keyClick(noise.seed, Qt.Key.Key_Return)
    assert session.look_of().noise.seed == 7
    pull(noise.strength, 2)
    assert session.look_of().noise.strength == pytest.approx(2, abs=0.05)
    noise.more.click()
    noise.layers.rows[0].enter(0.5)
    info = session.info(0)
    assert info is not None
    first = next(layer.name for layer in info.layers if layer.has_noise)
    assert session.look_of().noise.layer_strengths == ((first, 0.5),)
    noise.mode.buttons["none"].click()
    assert not noise.strength.isEnabled()


def test_noise_is_greyed_with_the_reason_where_there_is_none(window: MainWindow, session: Session) -> None:
    noise = panel(window, NoisePanel)
    assert noise.strength.isEnabled()
    session.views.set_active(1)
    assert not noise.mode.isEnabled()
    assert "no noise inputs" in noise.strength.toolTip()
    assert "no noise inputs" in noise.reason.text()
    assert noise.reason.isVisible()
    session.views.set_active(0)
    assert noise.strength.isEnabled()


def test_transform_pad_dial_and_sliders(window: MainWindow, session: Session) -> None:
    transform = panel(window, TransformPanel)
    x, y = centre(transform.pad)
    drag(transform.pad, [(x, y), (x + 20, y + 10)])
    t = session.look_of().transform
    assert t.x == pytest.approx(0.25, abs=0.02)
    assert t.y == pytest.approx(0.125, abs=0.02)
    assert session.store.undo_name == "Move"
    assert transform.sliders["transform.x"].value == pytest.approx(t.x)
    x, y = centre(transform.dial)
    drag(transform.dial, [(x, y - 40), (x - 40, y)])
    assert session.look_of().transform.rotate == pytest.approx(90, abs=2)
    transform.sliders["transform.scale_x"].enter(2)
    assert (session.look_of().transform.scale_x, session.look_of().transform.scale_y) == (2, 2)
    transform.same_scale.setChecked(False)
    transform.sliders["transform.scale_y"].enter(0.5)
    assert (session.look_of().transform.scale_x, session.look_of().transform.scale_y) == (2, 0.5)
    transform.sliders["transform.shear"].enter(0.3)
    transform.show_matrix.click()
    transform.cells[1].setText("0.25")
    transform.cells[1].setModified(True)
    QTest.keyClick(transform.cells[1], Qt.Key.Key_Return)
    assert session.look_of().transform.matrix == (1, 0.25, 0, 0, 1, 0)
    transform.reset.click()
    assert session.look_of().transform == Transform()
    assert transform.sliders["transform.x"].value == 0


def test_escape_on_the_pad_restores(window: MainWindow, session: Session) -> None:
    transform = panel(window, TransformPanel)
    x, y = centre(transform.pad)
    drag(transform.pad, [(x, y), (x + 30, y)], release=False)
    assert session.look_of().transform.x > 0
    QTest.keyClick(transform.pad, Qt.Key.Key_Escape)
    assert session.look_of().transform.x == 0
    assert not session.store.can_undo


def test_motion_in_time(window: MainWindow, session: Session) -> None:
    transform = panel(window, TransformPanel)
    assert not transform.sliders["transform.animation.speed"].isEnabled()
    transform.kind.setCurrentIndex(1)
    transform.kind.activated.emit(1)
    assert session.look_of().transform.animation.kind == "circle"
    assert transform.sliders["transform.animation.speed"].isEnabled()
    assert session.motion.is_moving(0)
    first = session.last_frame(0)
    wait_until(lambda: session.last_frame(0) is not first)


def test_the_transform_says_what_it_does_to_each_family(window: MainWindow, session: Session) -> None:
    transform = panel(window, TransformPanel)
    assert "constant input is resampled" in transform.note.text()
    session.views.set_active(1)
    assert "Fourier" in transform.note.text()


# -- latent ----------------------------------------------------------------------------------------------------


def test_seed_field_dice_and_snap(window: MainWindow, session: Session) -> None:
    latent = panel(window, LatentPanel)
    latent.seed.setFocus()
    latent.seed.selectAll()
    QTest.keyClicks(latent.seed, "1234")
    QTest.keyClick(latent.seed, Qt.Key.Key_Return)
    assert session.look_of().latent == Latent(seed=1234)
    QTest.keyClick(latent.seed, Qt.Key.Key_Up)
    assert session.look_of().latent.seed == 1235
    assert latent.seed.text() == "1235"
    session.look.walk(0.9, 0.2)
    latent.seed.selectAll()
    QTest.keyClicks(latent.seed, "1235")  # the seed that we left a little
    QTest.keyClick(latent.seed, Qt.Key.Key_Return)
    assert session.look_of().latent == Latent(seed=1235)
    session.look.walk(0.9, 0.2)
    latent.snap.click()
    assert session.look_of().latent == Latent(seed=1236)
    latent.dice.click()
    assert latent.seed.seed == session.look_of().latent.seed != 1236


def test_the_pad_walks_and_shows_where_we_are(window: MainWindow, session: Session) -> None:
    latent = panel(window, LatentPanel)
    pad = latent.pad
    cross = pad._pixel(0, 0)
    drag(pad, [(cross.x(), cross.y()), (cross.x() + 42, cross.y() + 21)])
    assert session.look_of().latent.x == pytest.approx(0.5)
    assert session.look_of().latent.y == pytest.approx(0.25)
    assert session.store.undo_name == "Walk"
    session.look.set_latent_xy(5.0, 5.0)
    assert pad.rect().contains(pad._pixel(5.0, 5.0).toPoint())


def test_a_click_on_a_seed_goes_there(window: MainWindow, session: Session) -> None:
    pad = panel(window, LatentPanel).pad
    there = pad._pixel(1, 0)
    drag(pad, [(there.x() + 5, there.y() - 5)])
    assert (session.look_of().latent.x, session.look_of().latent.y) == (1, 0)


def test_drift_moves_by_itself_and_the_hand_stops_it(window: MainWindow, session: Session) -> None:
    latent = panel(window, LatentPanel)
    latent.drift.enter(2)
    wait_until(lambda: session.look_of().latent.x > 0.05)
    session.look.walk(0, 0.1)
    assert session.look_of().drift == 0
    assert latent.drift.value == 0


def test_history_remembers_resting_places_and_goes_back(window: MainWindow, session: Session) -> None:
    latent = panel(window, LatentPanel)
    for seed in (11, 22):
        session.look.set_seed(seed)
        wait_until(lambda s=seed: any(place.seed == s for place in latent.history.latents))  # type: ignore[misc]
    assert [place.seed for place in latent.history.latents][:2] == [22, 11]
    QTest.mouseClick(latent.history, Qt.MouseButton.LeftButton, pos=QPoint(60, 10))
    assert session.look_of().latent.seed == 11
    assert session.store.undo_name == "Back in history"


def test_latent_as_text(window: MainWindow, session: Session) -> None:
    latent = panel(window, LatentPanel)
    session.look.set_seed(77)
    session.look.set_latent_xy(0.5, 0.25)
    latent.copy.click()
    session.look.set_seed(1)
    latent.paste.click()
    assert session.look_of().latent == Latent(seed=77, x=0.5, y=0.25)


def test_a_text_that_is_not_a_latent_is_refused(window: MainWindow, session: Session, qapp) -> None:  # type: ignore[no-untyped-def]
    latent = panel(window, LatentPanel)
    qapp.clipboard().setText("good morning")
    before = session.state
    latent.paste.click()
    assert session.state == before
    assert window.views.panes[0].banner.text


# -- mixing ----------------------------------------------------------------------------------------------------


def test_mixing_rows_groups_and_sources(window: MainWindow, session: Session) -> None:
    mixing = panel(window, MixingPanel)
    info = session.info(0)
    assert info is not None
    mixing.layers[2].enter(0.5)
    assert [(r.layer, r.source, r.amount) for r in session.look_of().mixing.rows] == [(2, 0, 0.5)]
    assert mixing.layers[2].text() == "S1  0.50"
    assert mixing.layers[3].text() == "base"
    mixing.groups["coarse"].enter(1.0)
    rows = {r.layer: r.amount for r in session.look_of().mixing.rows}
    assert {i for i, a in rows.items() if a == 1.0} == set(mixing._groups["coarse"])
    mixing.plus.click()
    assert len(session.look_of().mixing.sources) == 2
    last = info.num_ws - 1
    mixing.layers[last].enter(0.75)
    assert session.look_of().mixing.rows[-1].source == 1
    assert mixing.layers[last].text() == "S2  0.75"
    mixing.clear.click()
    assert session.look_of().mixing.rows == ()
    assert all(slider.value == 0 for slider in mixing.layers[: info.num_ws])


def test_sources_can_be_changed_pinned_and_removed(window: MainWindow, session: Session) -> None:
    mixing = panel(window, MixingPanel)
    mixing.source_rows[0].changed.emit(0, MixSource(42))
    assert mixing.source_rows[0].seed.text() == "42"
    session.look.set_latent_xy(0.5, 0.5)
    mixing.source_rows[0].pinned.emit(0)
    source = session.look_of().mixing.sources[0]
    assert source == MixSource(0, x=0.5, y=0.5)
    mixing.plus.click()
    assert mixing.source_rows[1].isVisible()
    mixing.source_rows[1].remove.click()
    assert len(session.look_of().mixing.sources) == 1
    assert not mixing.source_rows[1].isVisible()
    assert not mixing.source_rows[0].remove.isEnabled()


def test_rows_follow_the_model(window: MainWindow, session: Session) -> None:
    mixing = panel(window, MixingPanel)
    for view in (0, 1):
        session.views.set_active(view)
        flush()
        info = session.info(view)
        assert info is not None
        assert sum(slider.isVisible() for slider in mixing.layers) == info.num_ws


# -- model -----------------------------------------------------------------------------------------------------


def test_cards_load_into_the_active_view(window: MainWindow, session: Session) -> None:
    model = panel(window, ModelPanel)
    assert [card.item.name for card in model.cards][:2] == ["critters-stylegan2", "critters-stylegan3-t"]
    wait_until(lambda: "critters-stylegan2" in model.name.full)
    session.views.set_active(1)
    other = next(card for card in model.cards if card.item.name == "other-stylegan2")
    QTest.mouseClick(other, Qt.MouseButton.LeftButton, pos=QPoint(60, 20))
    wait_until(lambda: session.state.views[1].model == "other-stylegan2")
    wait_until(lambda: "other-stylegan2" in model.name.full)
    assert other.views == (1,)
    wait_until(lambda: other.has_picture)
    assert session.store.undo_name == "Open model"


# -- all of them -----------------------------------------------------------------------------------------------


def test_panels_outside_the_window_show_what_others_changed(window: MainWindow, session: Session) -> None:
    transform = panel(window, TransformPanel)
    session.edit("x", transform=replace(session.look_of().transform, x=0.4))
    assert transform.sliders["transform.x"].value == pytest.approx(0.4)


def test_panels_without_a_model_are_greyed_with_a_reason(window: MainWindow, session: Session) -> None:
    session.models.request(0, "")
    truncation, mixing = panel(window, TruncationPanel), panel(window, MixingPanel)
    noise = panel(window, NoisePanel)
    assert "No model" in truncation.psi.toolTip()
    assert mixing.empty.isVisible()
    assert not noise.mode.isEnabled()
    assert window.views.panes[0].empty.isVisible()
    session.undo()
    wait_until(lambda: session.info(0) is not None)
    assert truncation.psi.isEnabled()
    assert not mixing.empty.isVisible()


@pytest.mark.parametrize(
    ("typed", "saved"), [("x", "x.safetensors"), ("x.v2", "x.v2.safetensors"), ("x.NPZ", "x.NPZ")]
)
def test_a_latent_saved_without_a_suffix_gets_one(
    window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str, saved: str
) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(tmp_path / typed), ""))
    panel(window, LatentPanel).save_file()
    assert [path.name for path in tmp_path.glob("x*")] == [saved]


# -- declared parameters ---------------------------------------------------------------------------------------


def test_sliders_show_the_declaration(window: MainWindow) -> None:
    sliders = {
        "truncation.psi": panel(window, TruncationPanel).psi,
        "noise.strength": panel(window, NoisePanel).strength,
    }
    sliders |= panel(window, TransformPanel).sliders
    for path, slider in sliders.items():
        p = CONTROLS[path]
        assert (slider.minimum, slider.maximum, slider.default) == (p.low, p.high, p.default), path
        assert (slider.unit, slider.step, slider.decimals) == (p.unit, p.step, p.decimals), path
        assert p.tip in slider.toolTip() or not slider.isEnabled(), path
        if path in PARAMETERS:
            assert value_range(Track(path)) == (p.low, p.high), path


def test_psi_has_one_undo_name(window: MainWindow, session: Session) -> None:
    session.look.set_psi(0.4)
    by_command = session.store.undo_name
    pull(panel(window, TruncationPanel).psi, 0.8)
    assert by_command == session.store.undo_name == CONTROLS["truncation.psi"].title


def test_every_reason_is_that_of_a_control(window: MainWindow) -> None:
    """No path of the table is misspelt: a panel disables something by each of them."""
    bound = {path for binder in window.findChildren(Binder) for path, _ in binder._inert}
    assert bound <= {*OF_A_MODEL, *CONTROLS}
    assert set(OF_A_MODEL) - bound <= {"edits"}
