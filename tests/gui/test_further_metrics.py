"""A metric that a plug-in adds is measured, printed and shown without a line of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from explorer.analysis import registry
from explorer.analysis.estimate import Estimate, RatioSum
from explorer.analysis.registry import METRICS, Metric, Samples
from explorer.cli import main
from explorer.generators.base import GeneratorInfo
from explorer.jobs.job import JobContext, Report
from explorer.session import Session
from explorer.state.request import LatentPoint, RenderRequest
from explorer.widgets.panels.lab.meter_panel import MeterPanel
from explorer.widgets.window.main_window import MainWindow
from tests.gui.conftest import wait_until
from tests.gui.test_panels import panel


class Brightness:
    """The whole of a plug-in: the mean brightness of random pictures."""

    def collect(self, context: JobContext, request: RenderRequest, samples: Samples) -> Iterator[Any]:
        for done, i in enumerate(samples.numbers, start=1):
            picture = yield from context.steps(request.with_base(LatentPoint(seeds=((samples.seed + i, 1.0),))))
            yield Report(float(picture.mean()), done, samples.count)

    def total(self, metric: str, info: GeneratorInfo) -> BrightnessTotal:
        return BrightnessTotal()


class BrightnessTotal:
    def __init__(self) -> None:
        self.sum = RatioSum()

    def add(self, record: float) -> None:
        self.sum.add(record, 1.0)

    def estimate(self) -> Estimate:
        return Estimate(self.sum.ratio, self.sum.stderr, "of 1", self.sum.count)


BRIGHTNESS = Metric(
    "brightness", "Brightness", "Mean of all pixels", "of 1", higher_is_better=True, samples=3, sampler=Brightness()
)


@pytest.fixture(autouse=True)
def _plugged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_of_plugins", lambda built_in: {"brightness": BRIGHTNESS})


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
