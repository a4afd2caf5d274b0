"""A model that is too much for this machine is asked about over the picture, and rendered when that is wished."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QToolButton
from pytestqt.qtbot import QtBot

from explorer.checkpoints import Checkpoint, save_native
from explorer.errors import CostlyModelError
from explorer.generators import registry
from explorer.render import limits
from explorer.session import Session
from explorer.state import ExplorerState, ViewState
from explorer.state.request import RenderSettings
from explorer.widgets.controls.theme import apply_theme
from explorer.widgets.viewer.camera import Camera
from explorer.widgets.viewer.view_pane import ViewPane

WAIT_MS = 20_000


def test_render_anyway(qapp: QApplication, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apply_theme(qapp, dark=True)
    path = str(tmp_path / "slow.safetensors")
    save_native(Path(path), Checkpoint("tiny", {}, registry.build("tiny", {}).state_dict(), "slow"))
    monkeypatch.setattr(limits, "SECONDS", -1.0)
    state = ExplorerState(views=(ViewState(), ViewState()), layout="single")
    session = Session(state=state, settings=RenderSettings("cpu", "float32"))
    pane = ViewPane(session, 0, Camera())
    qtbot.addWidget(pane)
    pane.show()
    session.models.request(0, path)
    qtbot.waitUntil(lambda: bool(pane.banner.text), timeout=WAIT_MS)
    assert "One picture of slow.safetensors takes about" in pane.banner.text
    assert isinstance(session.last_failure(0).error, CostlyModelError)  # type: ignore[union-attr]
    assert session.model_info(0) is None  # nothing was built
    assert session.state.views[0].model == ""
    button = next(b for b in pane.banner.findChildren(QToolButton) if b.text() == "Render anyway")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: session.last_frame(0) is not None, timeout=WAIT_MS)
    assert session.state.views[0].model == path
    assert not pane.banner.text
    # Another fault has no such way out.
    session.models.request(0, str(tmp_path / "none.safetensors"))
    qtbot.waitUntil(lambda: "none.safetensors" in pane.banner.text, timeout=WAIT_MS)
    assert button.isHidden()
    session.models.load_costly(0)  # nothing is waiting for an answer any more
    assert not session.service.is_loading(0)
    assert session.close()
