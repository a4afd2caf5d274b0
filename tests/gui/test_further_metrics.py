"""A metric that a plug-in adds is measured, printed and shown without a line of ours."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from explorer.analysis import registry
from explorer.analysis.registry import METRICS
from explorer.cli import main
from explorer.session import Session
from explorer.widgets.panels.lab.meter_panel import MeterPanel
from explorer.widgets.window.main_window import MainWindow
from tests.gui.conftest import wait_until
from tests.gui.test_panels import panel
from tests.plugins.ripples.latentwalk_swell import BRIGHTNESS

FEW = replace(BRIGHTNESS, samples=3)


@pytest.fixture(autouse=True)
def _plugged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_of_plugins", lambda built_in: {"brightness": FEW})


def test_the_window_measures_it(window: MainWindow, session: Session) -> None:
    meter = panel(window, MeterPanel)
    (row,) = meter.further
    assert "Higher is better" in row.row.button.toolTip().replace("\n", " ")
    row.row.button.click()
    wait_until(lambda: all("\u00b1" in figure.text() for figure in row.figures), 60_000)
    wait_until(lambda: not row.row.is_running)
    assert row.figures[0].text().endswith("of 1")
    session.models.request(0, "other-stylegan2")
    wait_until(lambda: row.figures[0].text() == "\u2013")


def test_the_command_measures_it(qapp: QApplication, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure", "brightness", "critters-stylegan2", "--samples", "2", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["metric"], row["unit"], row["samples"]) == ("brightness", "of 1", 2)
    assert -1 <= row["value"] <= 1
    assert main(["measure", "--help"]) == 0
    assert "Mean of all pixels" in " ".join(capsys.readouterr().out.split())


def test_what_is_not_a_metric_is_refused() -> None:
    assert registry._accept("brightness", BRIGHTNESS) is BRIGHTNESS
    with pytest.raises(TypeError, match="not a Metric"):
        registry._accept("brightness", Path())
    with pytest.raises(ValueError, match="named 'brightness'"):
        registry._accept("other", BRIGHTNESS)
    assert all(metric.name != "brightness" for metric in METRICS)
