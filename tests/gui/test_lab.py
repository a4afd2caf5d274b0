"""The sticking lab in the window: the line under the hand, strips, averages, meters, spectra, and the tour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtTest import QSignalSpy, QTest

from explorer.analysis.registry import metric_named
from explorer.project.document import read_project, write_project
from explorer.session import Session
from explorer.session.tour import STEPS
from explorer.state import Animation, Slit, Transform
from explorer.widgets.controls.basic import label
from explorer.widgets.panels.lab.meter_panel import MeterPanel
from explorer.widgets.panels.lab.spectrum_panel import SpectrumPanel
from explorer.widgets.panels.lab.sticking_panel import StickingPanel
from explorer.widgets.viewer.slit_tool import drag_slit, part_at
from explorer.widgets.window.main_window import MainWindow
from tests.gui.conftest import drag, flush, wait_until
from tests.gui.test_panels import panel

MIDDLE = Slit(0.0, 0.0)


def on(window: MainWindow, key: str) -> None:
    window.actions_by_key[key].trigger()
    flush()


def position_of(window: MainWindow, x: float, y: float) -> tuple[float, float]:
    """Widget coordinates of a point of picture A, in image widths from its middle."""
    rect = window.views.panes[0].image.picture_rect()
    return rect.center().x() + x * rect.width(), rect.center().y() + y * rect.height()


# -- the line --------------------------------------------------------------------------------------------------


def test_parts_of_the_line() -> None:
    rect, slit = QRectF(0, 0, 100, 100), Slit(0.0, 0.0, 90.0, 0.5)
    assert part_at(QPointF(50, 25), slit, None, rect) == "far"
    assert part_at(QPointF(51, 75), slit, None, rect) == "near"
    assert part_at(QPointF(52, 55), slit, None, rect) == "middle"
    assert part_at(QPointF(70, 55), slit, None, rect) is None
    assert drag_slit(slit, "middle", QPointF(50, 50), QPointF(60, 45), None, rect) == Slit(0.1, -0.05, 90.0, 0.5)
    turned = drag_slit(slit, "far", QPointF(50, 25), QPointF(80, 50), None, rect)
    assert (turned.angle, turned.length) == (pytest.approx(0.0, abs=1e-9), pytest.approx(0.6))
    near = drag_slit(slit, "near", QPointF(50, 75), QPointF(50, 85), None, rect)
    assert (near.angle, near.length) == (pytest.approx(90.0), pytest.approx(0.7))


def test_the_line_is_dragged_on_the_picture_as_one_step(window: MainWindow, session: Session) -> None:
    image = window.views.panes[0].image
    assert image.slit.slit is None
    on(window, "scan")
    assert image.slit.slit == Slit()
    session.store.update_transient(replace(session.state, lab=replace(session.state.lab, slit=MIDDLE)))
    drag(image, [position_of(window, 0, 0), position_of(window, 0.1, 0.0), position_of(window, 0.2, 0.1)])
    assert session.state.lab.slit.x == pytest.approx(0.2, abs=0.02)
    assert session.store.undo_name == "Slit"
    assert session.look_of().latent.x == 0  # the hand was on the line, not on the latent plane
    session.undo()
    assert session.state.lab.slit == MIDDLE
    drag(image, [position_of(window, 0, -0.3), position_of(window, 0.3, 0.0)])
    assert abs(session.state.lab.slit.angle) < 4
    drag(image, [position_of(window, 0.1, 0.2), position_of(window, 0.2, 0.2)])
    assert session.look_of().latent.x != 0


def test_escape_takes_the_pull_back(window: MainWindow, session: Session) -> None:
    on(window, "scan")
    image = window.views.panes[0].image
    drag(image, [position_of(window, -0.12, 0), position_of(window, 0.2, 0)], release=False)
    assert session.state.lab.slit.x > 0.1
    QTest.keyClick(image, Qt.Key.Key_Escape)
    assert session.state.lab.slit == Slit()


def test_strips_grow_with_both_pictures(window: MainWindow, session: Session) -> None:
    strips = window.views.scans.strips
    assert not window.views.scans.isVisible()
    on(window, "scan")
    session.look.set_drift(1.0)
    wait_until(lambda: session.lab.scan.filled > 6 and all(strip.image is not None for strip in strips))
    session.look.set_drift(0.0)
    assert strips[0].isVisible()
    assert strips[1].isVisible()
    widths = {strip.image.width() for strip in strips if strip.image is not None}
    assert max(widths) - min(widths) <= 1
    session.views.set_layout("wipe")
    flush()
    assert strips[1].geometry().top() >= strips[0].geometry().bottom()
    session.views.show(1)
    assert not strips[0].isVisible()
    on(window, "scan")
    assert not window.views.scans.isVisible()


def test_no_file_is_asked_for_where_there_is_no_scan(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr("explorer.widgets.window.lab_commands.ask_file", lambda *args: asked.append(args))
    on(window, "scan_save")
    assert not asked
    assert "no slit-scan yet" in window.views.active_pane().banner.text


def test_the_scan_is_saved_from_the_menu(window: MainWindow, session: Session, tmp_path: Path) -> None:
    window.lab_commands.save_scan(tmp_path / "x.png")
    assert "no slit-scan yet" in window.views.active_pane().banner.text
    on(window, "scan")
    session.look.set_drift(1.0)
    wait_until(lambda: session.lab.scan.filled > 3)
    session.look.set_drift(0.0)
    path = tmp_path / "x.png"
    window.lab_commands.save_scan(path)
    wait_until(path.is_file)
    assert read_project(path)[0].lab.scan


# -- compare ---------------------------------------------------------------------------------------------------


def test_flicker_shows_both_in_turn(window: MainWindow, session: Session) -> None:
    on(window, "view_flicker")
    assert session.state.layout == "flicker"
    first, second = window.views.panes
    assert first.isVisible()
    assert not second.isVisible()
    wait_until(lambda: first.image.flicker.shows_other)
    wait_until(lambda: not first.image.flicker.shows_other)
    on(window, "view_flicker")
    assert session.state.layout == "grid"
    assert not first.image.flicker.is_on


def test_the_divider_is_state(window: MainWindow, session: Session) -> None:
    session.views.set_layout("wipe")
    image = window.views.panes[0].image
    drag(image, [position_of(window, 0.0, 0.2), position_of(window, 0.25, 0.2)])
    assert session.state.lab.split == pytest.approx(0.75, abs=0.02)
    session.lab.set_split(0.2)
    assert image.wipe.split == 0.2


# -- sticking --------------------------------------------------------------------------------------------------


def test_average_is_shown_instead_and_goes_with_a_walk(window: MainWindow, session: Session) -> None:
    sticking = panel(window, StickingPanel)
    assert not sticking.radius.isEnabled()
    session.lab.edit("Pictures", count=4)
    sticking.average.buttons["neighbours"].click()
    assert sticking.radius.isEnabled()
    images = [pane.image for pane in window.views.panes]
    wait_until(lambda: all(image.average.image is not None and "4 of 4" in image.average.text for image in images))
    session.look.walk(0.3, 0.0)
    assert images[0].average.image is None
    sticking.average.buttons["none"].click()
    assert session.state.lab.average == "none"
    session.undo()
    assert session.state.lab.average == "neighbours"


def test_motion_is_undone_in_three_ways(window: MainWindow, session: Session) -> None:
    sticking = panel(window, StickingPanel)
    assert "first" in sticking.undone_note.text()
    session.look.set_transform(x=0.1)
    assert "sticks" in sticking.undone_note.text()
    sticking.undone.buttons["heat"].click()
    assert session.look_of().transform == Transform(x=0.1, residual="heat")
    sticking.undone.buttons["picture"].click()
    assert session.look_of().transform == Transform(x=0.1, untransform=True)
    sticking.undone.buttons["none"].click()
    assert session.look_of().transform == Transform(x=0.1)


def test_score_explains_why_there_is_none(
    window: MainWindow, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_walks = replace(metric_named("sticking"), samples=2)
    monkeypatch.setattr("explorer.widgets.panels.lab.sticking_panel.SCORE", two_walks)
    sticking = panel(window, StickingPanel)
    session.look.set_psi(0.0)  # every latent is the mean: nothing moves
    sticking.score.button.click()
    wait_until(lambda: not sticking.score.is_running)
    assert "Nothing moves" in sticking.score.message.text()
    assert sticking.scores[0].text() == "\u2013"


# -- meter and spectrum ----------------------------------------------------------------------------------------


def test_the_meter_measures_this_latent_and_many(window: MainWindow, session: Session) -> None:
    meter = panel(window, MeterPanel)
    wait_until(lambda: all(meter.live["eq-r", view].text() != "\u2013" for view in range(2)), 60_000)
    assert "counterpart" in meter.note.text()
    meter.row.button.click()
    assert meter.row.is_running
    wait_until(lambda: "\u00b1" in meter.sampled["eq-t", 0].text(), 60_000)
    meter.row.button.click()
    assert not meter.row.is_running
    assert not session.lab.has_job("metrics/0")
    session.models.request(0, "other-stylegan2")
    wait_until(lambda: meter.sampled["eq-t", 0].text() == "\u2013")


def test_spectra_of_both_views(window: MainWindow, session: Session) -> None:
    spectrum = panel(window, SpectrumPanel)
    spectrum.row.button.click()
    wait_until(lambda: all(value.text() != "\u2013" for value in spectrum.fine))
    for key in ("axis", "radial"):
        spectrum.slices.buttons[key].click()
        assert spectrum.plot.slices == key
    spectrum.row.cancel()


def test_what_was_measured_fits_into_the_column(window: MainWindow, session: Session) -> None:
    spectrum = panel(window, SpectrumPanel)
    for value in spectrum.fine:
        value.setText("-12.0 \u00b1 0.2")
    flush()
    assert spectrum.minimumSizeHint().width() <= spectrum.width()


def test_a_wide_row_does_not_cut_off_the_others(window: MainWindow, session: Session) -> None:
    spectrum = panel(window, SpectrumPanel)
    column = window.sides.right
    row = label("m" * 200)
    spectrum.add(row)
    flush()
    assert row.minimumSizeHint().width() > column.width()
    right = spectrum.mapTo(column.viewport(), spectrum.rect().topRight()).x()
    assert right < column.viewport().width()


def test_a_panel_out_of_sight_measures_nothing(window: MainWindow, session: Session) -> None:
    """Folded, scrolled out of its column, hidden, and with the columns."""
    spectrum = panel(window, SpectrumPanel)
    section = window.sides.sections["spectrum"]
    bar = window.sides.right.verticalScrollBar()
    spectrum.row.button.click()
    wait_until(lambda: session.lab.is_measuring)  # when the column has scrolled to it

    def pauses(hide: Callable[[], object], show: Callable[[], object]) -> None:
        hide()
        wait_until(lambda: not session.lab.is_measuring)
        assert session.lab.has_job("spectrum/0")
        show()
        wait_until(lambda: session.lab.is_measuring)

    pauses(lambda: section.set_folded(True), lambda: section.set_folded(False))
    pauses(lambda: section.set_shown(False), lambda: section.set_shown(True))
    pauses(lambda: window.sides.set_visible(False), lambda: window.sides.set_visible(True))
    window.sides.reveal("spectrum")
    wait_until(lambda: bar.value() > 0)
    window.sides.right._end_reveal()
    there = bar.value()
    pauses(lambda: bar.setValue(0), lambda: bar.setValue(there))
    spectrum.row.cancel()
    assert not session.lab.is_measuring


def test_the_header_says_computing_while_a_study_runs(window: MainWindow, session: Session) -> None:
    spectrum = panel(window, SpectrumPanel)
    top = window.top_bar
    wait_until(lambda: (top._show_fps(), top.fps.text())[1] == "at rest")  # type: ignore[func-returns-value]
    spectrum.row.button.click()
    wait_until(lambda: session.lab.is_measuring)
    top._show_fps()
    assert top.fps.text() == "computing"
    assert top.fps.sizeHint().width() <= top.fps.width(), "it is not cut, with the style sheet's padding"
    window.sides.sections["spectrum"].set_folded(True)
    top._show_fps()
    assert top.fps.text() == "at rest"
    spectrum.row.cancel()


def test_the_meter_waits_until_it_is_seen_again(window: MainWindow, session: Session) -> None:
    meter = panel(window, MeterPanel)
    wait_until(lambda: session.lab.has_job("curves/0"))
    section = window.sides.sections["meter"]
    section.set_folded(True)
    session.look.walk(0.3, 0.0)
    rested = QSignalSpy(session.lab.rested)
    wait_until(lambda: rested.count() > 0)
    assert not session.lab.has_job("curves/0"), "of a latent that is no longer shown"
    section.set_folded(False)
    wait_until(lambda: session.lab.has_job("curves/0"))
    assert meter.isVisible()


# -- tour ------------------------------------------------------------------------------------------------------


def test_the_tour_goes_through_six_states(window: MainWindow, session: Session) -> None:
    bar = window.views.tour
    assert not bar.isVisible()
    on(window, "tour")
    assert len(STEPS) == 6
    for number, step in enumerate(STEPS, start=1):
        assert bar.isVisible()
        assert bar.title.text() == step.title
        assert session.state.lab.tour == number
        assert session.state.shared.transform == step.look.transform
        assert (session.state.lab.scan, session.state.lab.average) == (step.lab.scan, step.lab.average)
        if step.panel:
            assert not window.sides.sections[step.panel].is_folded
        bar.next.click()
    assert not bar.isVisible()
    assert session.state.lab.tour == 0
    on(window, "tour")
    bar.next.click()
    bar.back.click()
    assert session.state.lab.tour == 1
    bar.close_button.click()
    assert not bar.isVisible()


def test_the_tour_brings_back_what_was_seen(window: MainWindow, session: Session) -> None:
    bar, sections = window.views.tour, window.sides.sections
    session.look.set_seed(42)
    session.look.set_psi(0.3)
    session.views.show(1)
    session.motion.pause()
    sections["latent"].set_folded(True)
    sections["meter"].set_shown(False)
    window.show_problem("something that is over by then")
    before, undo_name = session.state, session.store.undo_name
    folded = {key: (s.is_folded, s.isHidden()) for key, s in sections.items()}
    camera = window.views.camera
    camera.set_zoom_pixels(40.0, 64, 64, QRectF(0.0, 0.0, 300.0, 300.0))
    zoom = camera.zoom
    on(window, "tour")
    assert camera.zoom == 1.0, "the tour points at the whole picture"
    assert not window.views.active_pane().banner.text
    for _ in STEPS:
        session.look.set_psi(0.1)
        bar.next.click()
    assert session.state == before
    assert not session.motion.clock.is_playing
    assert session.store.undo_name == undo_name
    assert {key: (s.is_folded, s.isHidden()) for key, s in sections.items()} == folded
    assert camera.zoom == zoom
    session.undo()
    assert not bar.isVisible()
    session.redo()
    assert session.state == before


def test_undo_in_the_tour_stays_in_its_step(window: MainWindow, session: Session) -> None:
    session.look.set_psi(0.3)
    on(window, "tour")
    bar = window.views.tour
    bar.next.click()
    assert not session.store.can_undo
    session.look.set_psi(0.1)
    session.undo()
    session.undo()
    assert session.state.lab.tour == 2
    bar.next.click()
    assert not session.store.can_redo


def test_what_the_tour_shows_can_be_kept(window: MainWindow, session: Session) -> None:
    session.look.set_psi(0.3)
    before = session.state
    on(window, "tour")
    for _ in range(3):
        window.views.tour.next.click()
    window.views.tour.keep.click()
    assert session.state.shared == STEPS[3].look
    assert session.store.undo_name == "Guided tour"
    assert not window.views.tour.isVisible()
    session.undo()
    assert (session.state.shared, session.state.lab) == (before.shared, before.lab)
    session.redo()
    assert session.state.lab.tour == 0


def test_a_tour_saves_the_users_state(window: MainWindow, session: Session, tmp_path: Path) -> None:
    session.look.set_psi(0.3)
    before = session.state
    on(window, "tour")
    assert window.is_unsaved
    session.documents.save_project(tmp_path / "x.json")
    assert read_project(tmp_path / "x.json")[0] == before
    assert not window.is_unsaved
    window.views.tour.next.click()
    assert not window.is_unsaved
    window.views.tour.close_button.click()
    assert not window.is_unsaved
    assert session.state == before


def test_keys_that_were_made_in_a_tour_are_kept(window: MainWindow, session: Session) -> None:
    session.look.set_psi(0.3)
    shared = session.state.shared
    on(window, "tour")
    session.transport.keys.add(0.0)
    window.views.tour.close_button.click()
    assert len(session.transport.timeline.keys) == 1
    assert session.state.shared == shared
    session.undo()
    assert session.transport.timeline.keys == ()


@pytest.mark.parametrize("way", ["paste", "open", "new"])
def test_another_state_ends_the_tour(window: MainWindow, session: Session, tmp_path: Path, way: str) -> None:
    session.look.set_psi(0.3)
    on(window, "tour")
    text = session.documents.state_text()  # has the tour's step in it
    if way == "paste":
        session.documents.paste_state_text(text)
        assert session.store.undo_name == "Paste state"
    elif way == "open":
        write_project(tmp_path / "x.json", session.state, session.table)
        session.documents.open_project(tmp_path / "x.json")
    else:
        session.documents.new_project()
    assert not window.views.tour.isVisible()
    assert not session.store.is_away
    assert session.store.document is session.state


def test_the_line_follows_a_turning_picture(window: MainWindow, session: Session) -> None:
    on(window, "scan")
    on(window, "scan_follow")
    assert session.state.lab.slit.follows
    session.lab.set_slit(replace(MIDDLE, follows=True))
    session.edit("Transform", transform=Transform(rotate=90.0, animation=Animation()))
    image = window.views.panes[0].image
    wait_until(lambda: image.matrix is not None and abs(image.matrix[0]) < 1e-6)
    drag(image, [position_of(window, 0.2, 0.0), position_of(window, 0.2, 0.1)])  # the line lies level now
    assert session.state.lab.slit.x == pytest.approx(-0.1, abs=0.02)
