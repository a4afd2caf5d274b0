"""What a direction does to the attributes, in the Directions panel, and directions that are taught from one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from explorer.directions import attributes
from explorer.session import Session
from explorer.session.attributes import NO_NETWORK
from explorer.widgets.panels.edits.attribute_bars import ROWS
from explorer.widgets.panels.edits.directions_panel import DirectionsPanel
from explorer.widgets.window.main_window import MainWindow
from tests.directions.attribute_models import NAMES, write_models
from tests.gui.conftest import wait_until


@pytest.fixture
def panel(window: MainWindow) -> DirectionsPanel:
    window.reveal("directions")
    found = window.findChild(DirectionsPanel)
    assert found is not None
    return found


@pytest.fixture
def known(panel: DirectionsPanel, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model with an attribute network, in view A."""
    path = write_models(tmp_path)
    monkeypatch.setenv("LATENTWALK_ASSETS", str(tmp_path))
    session.models.request(0, str(path))
    wait_until(lambda: (info := session.model_info(0)) is not None and info.name == "known")
    wait_until(lambda: len(panel.bars.found) == min(ROWS, len(NAMES)))
    return path


def test_models_without_a_network_say_so(panel: DirectionsPanel, session: Session) -> None:
    wait_until(lambda: panel.bars.note == NO_NETWORK)
    assert panel.bars.found == ()
    assert not panel.teaching.attribute.isEnabled()
    assert NO_NETWORK in panel.teaching.attribute.toolTip()
    assert session.attributes.names(0) == ()


def test_the_selected_direction_is_measured_at_the_latent_shown(
    panel: DirectionsPanel, session: Session, known: Path
) -> None:
    first = panel.bars.found
    assert set(dict(first)) == set(NAMES)
    assert abs(first[0][1]) == max(abs(change) for _, change in first)
    assert panel.bars.title == panel.rows[0].slider.label
    wait_until(lambda: len(panel.rows) > 1 and panel.rows[1].isVisible())
    QTest.mouseClick(panel.rows[1], Qt.MouseButton.LeftButton, pos=QPoint(1, panel.rows[1].height() - 1))
    assert panel.bars.title == panel.rows[1].slider.label
    wait_until(lambda: panel.bars.found != first)
    second = panel.bars.found
    session.look.set_seed(17)
    session.lab.rested.emit()
    wait_until(lambda: panel.bars.found != second)


def test_an_attribute_teaches_a_direction_along_which_it_grows(
    panel: DirectionsPanel, session: Session, known: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("explorer.session.attributes.samples_spec", lambda request, origin: attributes.samples_spec(
        request, origin, 60))  # fmt: skip
    assert panel.teaching.attribute.isEnabled()
    panel.teaching.teach_attribute("size")
    assert panel.teaching.attribute.text() == "Cancel"
    wait_until(lambda: any(item.method == "svm" for item in session.directions.of(0)))
    assert panel.teaching.attribute.text() != "Cancel"
    taught = next(item for item in session.directions.of(0) if item.method == "svm")
    assert taught.stored.name == panel.rows[0].slider.label == "size"
    (samples,) = session.attributes._samples.values()
    along = samples.w @ taught.stored.array
    assert np.corrcoef(along, samples.values[:, NAMES.index("size")])[0, 1] > 0.3
    panel.teaching.teach_attribute("species: dog")  # nothing is read again
    assert not session.attributes.is_reading
    wait_until(lambda: panel.rows[0].slider.label == "species: dog")


def test_reading_is_cancelled(panel: DirectionsPanel, session: Session, known: Path) -> None:
    panel.teaching.teach_attribute("size")
    panel.teaching.attribute.click()
    assert not session.attributes.is_reading
    assert panel.teaching.line.isHidden()
    assert not session.attributes._samples
