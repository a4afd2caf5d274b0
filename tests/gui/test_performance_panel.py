"""The performance panel: figures of real frames, and switching device settings live."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt

from explorer.generators.base import GeneratorInfo, LayerInfo
from explorer.render.results import Frame, FrameLatents, StageTime, Tier
from explorer.session import Session
from explorer.session.view_record import ViewRecord
from explorer.state.request import ModelKey, RenderRequest
from explorer.widgets.panels.synthesis.performance_panel import PerformancePanel
from explorer.widgets.panels.synthesis.stage_bars import StageBars, stage_groups
from tests.gui.panel_session import open_model, panel_session

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

__all__ = ["panel_session"]
MakeSession = Callable[[str], Session]


def shown(session: Session, qtbot: QtBot) -> PerformancePanel:
    panel = PerformancePanel(session)
    qtbot.addWidget(panel)
    panel.resize(300, 340)
    panel.show()
    return panel


def test_figures_are_those_of_the_last_frame(panel_session: MakeSession, qtbot: QtBot) -> None:
    session = panel_session("tiny")
    panel = shown(session, qtbot)
    for psi in (0.9, 0.8):
        with qtbot.waitSignal(session.frame):
            session.look.set_psi(psi)
        frame = session.last_frame(0)
        assert frame is not None
        session.painted(0, frame.generation)
    panel.refresh()
    stats = session.performance(0)
    assert panel.figures["fps", 0].text() == "2 /s"
    assert panel.figures["render", 0].text() == f"{stats.total_ms:.1f} ms"
    assert panel.figures["latency", 0].text() == f"{stats.latency_median_ms:.0f} / {stats.latency_p99_ms:.0f} ms"
    assert 0.0 < stats.latency_median_ms <= stats.latency_p99_ms
    assert panel.figures["fps", 1].text() == "\u2013"
    assert panel.bars.total_ms == pytest.approx(sum(s.ms for s in stats.stages if not s.hit))


def test_refreshes_only_while_seen_and_at_most_five_times_a_second(
    panel_session: MakeSession, qtbot: QtBot
) -> None:
    panel = shown(panel_session("tiny"), qtbot)
    assert panel._timer.interval() >= 200
    assert panel._timer.isActive()
    panel.hide()
    panel.refresh()
    assert not panel._timer.isActive()


def test_precision_and_kernels_switch_live(panel_session: MakeSession, qtbot: QtBot) -> None:
    session = panel_session("tiny")
    panel = shown(session, qtbot)
    with qtbot.waitSignal(session.frame):
        qtbot.keyClick(panel.dtype, Qt.Key.Key_Down)
    frame = session.last_frame(0)
    assert frame is not None
    assert frame.dtype == "bfloat16"
    session.devices.set_dtype("float32")
    assert panel.dtype.currentData() == "float32"
    qtbot.keyClick(panel.backend, Qt.Key.Key_Down)
    assert session.devices.settings.backend == "reference"


def test_a_single_device_is_grey_and_says_why(panel_session: MakeSession, qtbot: QtBot) -> None:
    panel = shown(panel_session(""), qtbot)
    if panel.device.count() > 1:
        pytest.skip("there is a graphics card here")
    assert not panel.device.isEnabled()
    assert "no other device" in panel.device.toolTip()
    assert panel.bars.groups == []
    open_model(qtbot, panel.session, "tiny")
    panel.refresh()
    assert [g.name for g in panel.bars.groups] == ["input", "16\u00b2", "display"]


def make_info(*resolutions: int) -> GeneratorInfo:
    layers = tuple(LayerInfo(f"b{r}", i, r, 8, r, r) for i, r in enumerate(resolutions))
    return GeneratorInfo("test", 8, 0, 8, len(layers), (max(resolutions),) * 2, 3, layers, False, False)


def test_groups_are_the_same_whatever_ran(qtbot: QtBot) -> None:
    info = make_info(4, 8, 8, 16)
    ran = [StageTime(name, ms, False) for name, ms in (("input", 1.0), ("b4", 2.0), ("present", 3.0))]
    full = stage_groups(ran, info)
    reused = stage_groups([StageTime("synthesis", 0.1, True), StageTime("present", 3.0, False)], info)
    assert (
        [g.name for g in full] == [g.name for g in reused] == ["input", "4\u00b2", "8\u00b2", "16\u00b2", "display"]
    )
    assert [g.ms for g in full] == [1.0, 2.0, None, None, 3.0]
    assert [g.ms for g in reused] == [None, None, None, None, 3.0]
    assert [g.is_needed for g in full] == [True, True, False, False, True]
    assert all(g.is_needed for g in reused)
    bars = StageBars()
    qtbot.addWidget(bars)
    bars.resize(300, 100)
    bars.show_groups(0, full)
    height = bars.height()
    assert [round(box.width()) for _, box in bars.segments()] == [50, 100, 150]
    assert bars.tip_at(QPointF(60, 5)).startswith("4\u00b2: 2.00 ms")
    bars.show_groups(0, reused)
    assert bars.height() == height


def test_latency_median_and_percentile_are_of_recent_paints() -> None:
    record = ViewRecord()
    record.latencies_ms.extend([10.0] * 150 + [20.0] * 49 + [500.0])
    record.frame = make_frame()
    stats = record.performance(make_frame().request.settings, 0.0)
    assert stats.latency_median_ms == 10.0
    assert 20.0 <= stats.latency_p99_ms < 500.0
    assert stats.latency_ms == 500.0


def make_frame() -> Frame:
    one = np.zeros((1, 1), np.float32)
    pixels, request = np.zeros((1, 1, 4), np.uint8), RenderRequest(ModelKey("x"))
    return Frame(0, 1, Tier.FULL, pixels, request, FrameLatents(one, one[0], one[0]), (), 1.0, 0, 0, 0)
