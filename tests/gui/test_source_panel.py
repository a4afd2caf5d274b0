"""The source panel: pictures, masks and styles of files reach the picture, each one step of undo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QWidget

from explorer.checkpoints import Checkpoint, save_native
from explorer.render.results import Tier
from explorer.session import Session
from explorer.widgets.panels.latent.source_panel import SourcePanel
from explorer.widgets.window.main_window import MainWindow
from tests.generators.configs import SMALL, small_generator
from tests.gui.conftest import wait_until


@pytest.fixture
def pictures(tmp_path: Path) -> list[str]:
    """Two different pictures."""
    numbers = np.random.default_rng(1)
    paths = [str(tmp_path / name) for name in ("one.png", "two.jpg")]
    for path in paths:
        Image.fromarray(numbers.integers(0, 256, (70, 64, 3), dtype=np.uint8)).save(path)
    return paths


@pytest.fixture
def panel(window: MainWindow, session: Session, tmp_path: Path) -> SourcePanel:
    """The panel of a window that shows an image-to-image network in A, which has no source yet."""
    family, config = SMALL["starganv2-skip"]
    path = tmp_path / "restyle.safetensors"
    save_native(path, Checkpoint(family, dict(config), small_generator("starganv2-skip").state_dict(), "restyle"))
    session.models.request(0, str(path))
    wait_until(lambda: (info := session.info(0)) is not None and info.family == "starganv2")
    found = window.findChild(SourcePanel)
    assert found is not None
    window.sides.sections["source"].set_folded(False)
    return found


def pixels(session: Session) -> bytes:
    frame = session.last_frame(0)
    assert frame is not None
    return frame.pixels.tobytes()


def shown(session: Session) -> bool:
    """Whether the frame of A shows the current state, in full."""
    frame = session.last_frame(0)
    return frame is not None and frame.request == session.resolve_view(0) and frame.tier is Tier.FULL


def drop(well: QWidget, path: str) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(path)])
    event = QDropEvent(
        QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    well.dropEvent(event)
    assert event.isAccepted()


def test_a_network_without_a_source_says_so(window: MainWindow, session: Session) -> None:
    panel = window.findChild(SourcePanel)
    assert panel is not None
    assert not panel.load.isEnabled()
    assert "latent alone" in panel.load.toolTip()


def test_a_dropped_picture_is_the_source(panel: SourcePanel, session: Session, pictures: list[str]) -> None:
    wait_until(lambda: session.last_failure(0) is not None)  # it asks for a source
    before = session.state
    drop(panel.well, pictures[0])
    wait_until(lambda: session.sources.picture is not None)
    wait_until(lambda: shown(session))
    assert session.last_failure(0) is None
    assert panel.name.full == "one.png"
    first = pixels(session)
    drop(panel.well, pictures[1])
    wait_until(lambda: panel.name.full == "two.jpg" and shown(session))
    assert pixels(session) != first
    session.undo()
    wait_until(lambda: shown(session))
    assert pixels(session) == first
    session.undo()
    assert session.state == before
    assert panel.name.full == "No source"


def test_a_mask_and_a_style_change_the_picture(
    panel: SourcePanel, session: Session, pictures: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    session.sources.open(pictures[0])
    wait_until(lambda: session.sources.picture is not None)
    wait_until(lambda: shown(session))
    plain = pixels(session)
    chosen = [pictures[1]]
    monkeypatch.setattr(
        "explorer.widgets.panels.latent.source_panel.QFileDialog.getOpenFileName", lambda *a: (chosen[0], "")
    )
    panel.masks.open.click()
    wait_until(lambda: len(session.sources.masks) == 2)
    wait_until(lambda: shown(session))
    masked = pixels(session)
    assert masked != plain
    panel.masks.remove.click()
    wait_until(lambda: shown(session))
    assert pixels(session) == plain
    panel.references.choose.click()
    wait_until(lambda: bool(session.look_of().latent.stored))
    wait_until(lambda: shown(session))
    assert pixels(session) != plain
    assert "two.jpg" in session.store.undo_name
    session.undo()
    wait_until(lambda: shown(session))
    assert pixels(session) == plain


def test_a_text_is_no_source(panel: SourcePanel, session: Session, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    problems: list[object] = []
    panel.problem.connect(problems.append)
    before = session.state
    session.sources.open(str(tmp_path / "text.png"))
    wait_until(lambda: bool(problems))
    assert "text.png is not a picture" in str(problems[0])
    assert session.state == before
