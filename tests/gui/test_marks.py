"""What tells the views apart and says what is going on: active marks, titles, hints, stale pictures, first size."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip, QWidget

from explorer.analysis.estimate import Estimate
from explorer.analysis.spectrum import Spectrum
from explorer.session import Session
from explorer.session.settings import Settings
from explorer.state import Latent, Look, Transform
from explorer.util.view_marks import ON_DARK, ON_LIGHT, letter
from explorer.widgets.controls.basic import Check, ElidedLabel
from explorer.widgets.controls.plain_text import tip_text
from explorer.widgets.controls.theme import DARK, LIGHT, apply_theme, color
from explorer.widgets.panels.glossary import ABOUT
from explorer.widgets.panels.lab.meter_plots import ErrorBars, PolarPlot, TranslationPlot
from explorer.widgets.panels.lab.spectrum_panel import SpectrumPlot
from explorer.widgets.panels.latent.latent_pad import seed_name
from explorer.widgets.panels.model.model_panel import ModelPanel
from explorer.widgets.viewer.view_pane import look_text
from explorer.widgets.window.main_window import FIRST_SIZE, FRAME, MainWindow
from explorer.widgets.window.turn_hint import turn_hint
from tests.gui.conftest import drag, flush, wait_until


def test_the_active_view_is_marked_and_a_click_on_the_header_makes_it_so(
    window: MainWindow, session: Session
) -> None:
    first, second = window.views.panes
    noise, meter = window.sides.sections["noise"].head, window.sides.sections["meter"].head
    assert (first.active_line.is_shown, second.active_line.is_shown) == (True, False)
    assert (noise.chip.view, noise.chip.isHidden()) == (0, False)
    assert meter.chip.isHidden(), "the meter shows both views"
    QTest.mouseClick(second.header, Qt.MouseButton.LeftButton, pos=QPoint(120, 6))
    assert session.state.active == 1
    assert (first.active_line.is_shown, second.active_line.is_shown) == (False, True)
    assert noise.chip.view == 1


def test_views_have_one_letter_and_one_colour_everywhere() -> None:
    assert [letter(v) for v in range(3)] == ["A", "B", "C"]
    assert DARK.marks == ON_DARK
    assert LIGHT.marks == ON_LIGHT


def test_the_first_turn_offers_the_generator_that_follows_turns(
    window: MainWindow, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("explorer.widgets.window.turn_hint.find", lambda name: name)
    monkeypatch.setattr("explorer.widgets.window.turn_hint.ROTATING", "other-stylegan2")
    image = window.views.panes[0].image
    drag(image, [(150, 100), (150, 150)], modifiers=Qt.KeyboardModifier.ControlModifier)
    assert window.toast.text == "StyleGAN3-T follows translations, not rotations; StyleGAN3-R does."
    window.toast.button.click()
    wait_until(lambda: session.state.views[1].model == "other-stylegan2")
    window.show_message("something else")
    drag(image, [(150, 100), (150, 150)], modifiers=Qt.KeyboardModifier.ControlModifier)
    assert window.toast.text == "something else", "it is said once"


def test_no_hint_where_none_can_be_shown(session: Session) -> None:
    assert turn_hint(session) is None  # the test's assets have no StyleGAN3-R


def test_the_picture_of_another_model_is_dimmed_until_the_first_of_the_new_one(
    window: MainWindow, session: Session
) -> None:
    image = window.views.panes[0].image
    seen: list[str] = []
    session.model_changed.connect(lambda view: seen.append(image.stale_text))
    session.models.request(0, "other-stylegan2")
    wait_until(lambda: bool(seen))
    assert seen[-1] == "First picture of other-stylegan2 \u2026"
    wait_until(lambda: not image.stale_text)
    assert image.progress < 0


def test_reset_keeps_the_place_that_was_walked_to(window: MainWindow, session: Session) -> None:
    session.look.walk(0.4, -0.2)
    session.look.set_psi(0.3)
    window.commands.reset()
    assert (session.look_of().latent.x, session.look_of().latent.y) == (pytest.approx(0.4), pytest.approx(-0.2))
    assert session.look_of().truncation.psi == 1.0


def test_seeds_before_the_first_have_short_names() -> None:
    assert [seed_name(s) for s in (0, 22251, 2**31 - 1, 2**32 - 1)] == ["0", "22251", "2147483647", "\u22121"]


def test_an_unchecked_box_can_be_seen(qtbot) -> None:  # type: ignore[no-untyped-def]
    box = Check("Burn in")
    qtbot.addWidget(box)
    box.resize(120, 24)
    box.show()
    picture = box.grab().toImage()
    shades = {picture.pixelColor(x, 12).lightness() for x in range(16)}
    assert max(shades) - color("window").lightness() > 60
    assert not box.isChecked()
    QTest.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, 12))
    assert box.isChecked()


def test_a_caption_that_does_not_fit_drops_its_text_first(qtbot) -> None:  # type: ignore[no-untyped-def]
    look = Look(latent=Latent(seed=22251, x=0.31, y=-0.2), transform=Transform(x=0.25, y=0.1, rotate=12.0))
    full, short = look_text(look), look_text(look, is_short=True)
    assert "moved +0.25 +0.10" in full
    made = ElidedLabel(mode=Qt.TextElideMode.ElideRight)
    qtbot.addWidget(made)
    made.set_text(full, short)
    made.show()
    made.resize(made.fontMetrics().horizontalAdvance(full) + 2, 20)
    assert made.text() == full
    made.resize(made.fontMetrics().horizontalAdvance(short) + 2, 20)
    assert made.text() == short
    assert made.toolTip() == tip_text(full)
    assert "+0.25 +0.10" in short


def test_a_narrow_view_shows_where_it_is_rather_than_what_it_cost(window: MainWindow, session: Session) -> None:
    window.resize(1120, 640)
    pane = window.views.panes[0]
    flush()
    assert pane.cost.isVisible()
    session.look.set_seed(94377)
    session.look.walk(0.48, -0.12)
    session.look.move(0.25, 0.1)
    flush()
    assert pane.where.text().endswith("+0.25 +0.10")
    assert not pane.cost.isVisible()
    window.resize(1920, 1000)
    flush()
    assert pane.cost.isVisible()


def test_a_narrow_view_names_its_model_rather_than_its_family(window: MainWindow, session: Session) -> None:
    pane = window.views.panes[0]
    wait_until(lambda: session.model_info(0) is not None)
    size = session.info(0).size_text  # type: ignore[union-attr]
    for width in (1040, 1920):
        window.resize(width, 600)
        flush()
        pane.model_name.set_text("critters-stylegan2")
        pane._fit_size()
        flush()
        assert pane.model_name.text() == "critters-stylegan2"
        assert pane.model_size.text() == (size if width == 1040 else f"stylegan2  {size}")


def test_an_opened_file_has_a_card_while_a_view_shows_it(
    window: MainWindow, session: Session, assets: Path, tmp_path: Path
) -> None:
    path = tmp_path / "mine.safetensors"
    shutil.copy(assets / "other-stylegan2.safetensors", path)
    panel = window.sides.sections["model"].body
    assert isinstance(panel, ModelPanel)
    before = [card.item.name for card in panel.cards]
    session.models.request(0, str(path))
    wait_until(lambda: session.state.views[0].model == str(path) and session.info(0) is not None)
    wait_until(lambda: panel.cards[-1].family == "stylegan2")
    assert panel.cards[-1].item.title == "mine.safetensors"
    assert panel.cards[-1].views == (0,)
    session.models.request(0, "critters-stylegan2")
    wait_until(lambda: [card.item.name for card in panel.cards] == before)


def test_a_card_is_not_named_after_the_model_before(window: MainWindow, session: Session) -> None:
    panel = window.sides.sections["model"].body
    assert isinstance(panel, ModelPanel)
    families = {card.item.name: card.family for card in panel.cards}
    for view in range(2):
        wait_until(lambda view=view: session.info(view) is not None)  # type: ignore[misc]
    first, second = (view.model for view in session.state.views)
    assert families[first] != families[second]
    window.commands.swap()  # the state names the models at once; the views show them once they are loaded
    assert {card.item.name: card.family for card in panel.cards} == families
    wait_until(lambda: [session.record(view).model for view in range(2)] == [second, first])
    assert {card.item.name: card.family for card in panel.cards} == families


class _SmallScreen:
    def availableSize(self) -> QSize:
        return QSize(1024, 560)


def test_the_first_start_is_no_larger_than_the_screen(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    made = MainWindow(settings)
    monkeypatch.setattr(made, "screen", _SmallScreen)
    made.open()
    assert made.isMaximized()
    assert made.minimumSize() == QSize(1024, 560) - FRAME
    made.close()
    made.deleteLater()
    flush()
    assert QSize(1440, 900) == FIRST_SIZE


def test_every_panel_explains_its_terms(window: MainWindow) -> None:
    assert set(ABOUT) == set(window.sides.sections)
    about = window.sides.sections["meter"].head.about
    about.click()
    assert "decibels (dB)" in QToolTip.text()
    QToolTip.hideText()


@pytest.mark.parametrize("width", [1040, 1180, 1280, 1920])
def test_the_timeline_stays_between_the_columns(window: MainWindow, width: int) -> None:
    window.resize(width, 600)
    flush()
    before = window.sides.right.width()
    window.show_timeline(True)
    flush()
    left, right = (column.mapTo(window, QPoint()).x() for column in (window.sides.left, window.sides.right))
    dock = window.timeline
    assert dock.mapTo(window, QPoint()).x() >= left + window.sides.left.width()
    assert dock.mapTo(window, QPoint(dock.width(), 0)).x() <= right
    for control in (dock.film, dock.more, dock.bpm, dock.even, dock.remove):
        corner = control.mapTo(window, control.rect().bottomRight())
        assert corner.x() <= right
        assert corner.y() <= window.height()
    assert window.sides.right.width() == before, "the columns keep their width"
    window.show_timeline(False)


def test_a_film_that_exists_is_replaced_or_kept_beside(
    window: MainWindow, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Path] = []
    monkeypatch.setattr(session.films, "start", lambda job, overwrite: started.append(job.path))
    taken = tmp_path / "walk.mkv"
    taken.write_bytes(b"somebody's")
    window.open_film()
    dialog = window._film
    assert dialog is not None
    asked: list[str] = []

    def answer(number: int) -> None:
        def choose(parent: object, title: str, text: str, choices: tuple[str, ...]) -> int:
            asked.append(f"{text} {choices}")
            return number

        monkeypatch.setattr("explorer.widgets.film.dialog.choose", choose)

    for number, expected in ((-1, []), (0, [taken]), (1, [tmp_path / "walk-2.mkv"])):
        started.clear()
        dialog.settings.path.setText(str(taken))
        answer(number)
        dialog.settings.format.setCurrentIndex(dialog.settings.format.findData("mkv"))
        dialog.settings.path.setText(str(taken))
        dialog.render_film()
        assert started == expected
        dialog.running.hide()
    assert asked[0] == "walk.mkv already exists. ('Replace', 'Keep both')"
    dialog.close()


def test_the_title_names_what_was_opened(window: MainWindow, session: Session, tmp_path: Path) -> None:
    assert window.windowTitle().startswith("Untitled")
    path = tmp_path / "shot.png"
    session.documents.snapshot(0, path)
    wait_until(path.exists)
    wait_until(lambda: not session.store.in_stroke)
    session.documents.open_project(path)
    assert window.windowTitle().startswith("From shot.png")


def _shown(widget: QWidget) -> set[str]:
    image = widget.grab().toImage()
    return {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}


def _plots() -> list[QWidget]:
    """Each plot of the views' figures, with a value of A."""
    shift, polar, bars, spectrum = TranslationPlot(), PolarPlot(), ErrorBars((("eq-t", "EQ-T"),)), SpectrumPlot()
    shift.set_points(0, "eq-t", ((-0.1, 20.0), (0.1, 30.0)))
    polar.set_points(0, ((90.0, 20.0), (180.0, 30.0)))
    bars.show_values(0, {"eq-t": Estimate(20.0, 1.0, "dB", 8)})
    ramp = np.linspace(0.0, 0.5, 8)
    spectrum.set_value(0, Spectrum(ramp, -20 * ramp, -20 * ramp, -20 * ramp, Estimate(-12.0, 0.2, "dB", 8)))
    return [shift, polar, bars, spectrum]


def test_another_theme_recolours_what_was_measured(qapp: QApplication) -> None:
    apply_theme(qapp, True)
    plots = _plots()
    for plot in plots:
        plot.resize(240, 160)
        plot.show()
    flush()
    assert [DARK.marks[0] in _shown(plot) for plot in plots] == [True] * 4
    apply_theme(qapp, False)
    flush()
    assert [LIGHT.marks[0] in _shown(plot) for plot in plots] == [True] * 4
    assert [DARK.marks[0] in _shown(plot) for plot in plots] == [False] * 4


def test_another_theme_recolours_the_mark_of_the_active_view(window: MainWindow, qapp: QApplication) -> None:
    line = window.views.panes[0].active_line
    assert _shown(line) == {DARK.marks[0]}
    apply_theme(qapp, False)
    flush()
    assert _shown(line) == {LIGHT.marks[0]}
