"""The source panel: pictures, masks and styles of files reach the picture, each one step of undo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolButton, QWidget

from explorer.assets.picture import StoredPicture
from explorer.checkpoints import Checkpoint, save_native
from explorer.render.results import Tier
from explorer.session import Session
from explorer.state import Crop
from explorer.widgets.panels.latent.source_panel import SourcePanel
from explorer.widgets.panels.model.model_panel import ModelPanel
from explorer.widgets.window.main_window import MainWindow
from tests.generators.configs import SMALL, small_generator
from tests.gui.conftest import drag, wait_until


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


# -- on the picture --------------------------------------------------------------------------------------------


def test_the_source_is_cropped_on_the_picture_itself(
    window: MainWindow, panel: SourcePanel, session: Session, pictures: list[str]
) -> None:
    session.sources.open(pictures[0])
    wait_until(lambda: session.sources.picture is not None)
    wait_until(lambda: shown(session))
    before = pixels(session)
    image = window.views.panes[0].image
    assert panel.crop.isEnabled()
    panel.crop.click()
    original = image.crop.substitute()
    assert original is not None
    assert (original.width(), original.height()) == (64, 70)
    rect = image.rect_of(original)
    middle, wide = rect.center(), rect.width()
    drag(image, [(middle.x(), middle.y()), (middle.x() + 5, middle.y()), (middle.x() + 0.25 * wide, middle.y())])
    assert session.look_of().source.crop.x == pytest.approx(0.25, abs=0.02)
    assert session.store.undo_name == "Crop source"
    corner = (middle.x() + 0.75 * wide, middle.y() + 0.5 * wide)
    drag(image, [corner, (middle.x() + 0.5 * wide, middle.y() + 0.25 * wide)])
    assert session.look_of().source.crop.scale == pytest.approx(0.5, abs=0.02)
    assert panel.whole.isVisible()
    wait_until(lambda: shown(session))
    assert pixels(session) != before
    outside = (middle.x() - 0.4 * wide, middle.y())
    drag(image, [outside, (middle.x() + 0.25 * wide, middle.y() + 0.65 * wide)])  # down on the left: ccw
    assert session.look_of().source.crop.rotate == pytest.approx(90.0, abs=3.0)
    QTest.keyClick(image, Qt.Key.Key_Escape)
    assert image.crop.substitute() is None
    assert not panel.crop.isChecked()
    for _ in range(3):
        session.undo()
    wait_until(lambda: shown(session))
    assert pixels(session) == before


def test_a_double_click_takes_the_whole_source(
    window: MainWindow, panel: SourcePanel, session: Session, pictures: list[str]
) -> None:
    session.sources.open(pictures[0])
    wait_until(lambda: session.sources.picture is not None)
    wait_until(lambda: shown(session))
    session.sources.set_crop(Crop(scale=0.5))
    panel.crop.click()
    image = window.views.panes[0].image
    QTest.mouseDClick(image, Qt.MouseButton.LeftButton, pos=image.rect().center())
    assert session.look_of().source.crop == Crop()


def test_a_crop_is_shown_of_large_and_of_small_pictures(panel: SourcePanel, session: Session) -> None:
    for height, width in ((8, 8), (900, 1400), (2000, 10)):
        session.sources.use(StoredPicture(np.full((height, width, 3), 200, np.uint8)))
        for crop in (Crop(scale=0.02), Crop(0.3, 0.1, 4.0, 30.0), Crop(scale=0.7)):
            session.sources.set_crop(crop)
            assert panel.well.grab().toImage().pixelColor(48, 48).lightness() > 150


def test_a_mask_is_painted_on_the_picture(
    window: MainWindow, panel: SourcePanel, session: Session, pictures: list[str]
) -> None:
    session.sources.open(pictures[0])
    wait_until(lambda: session.sources.picture is not None)
    wait_until(lambda: shown(session))
    before = pixels(session)
    image = window.views.panes[0].image
    panel.masks.paint.click()
    assert panel.masks.brush_row.isVisible()
    rect = image.picture_rect()
    at = (rect.left() + 0.3 * rect.width(), rect.top() + 0.3 * rect.height())
    drag(image, [at, (at[0] + 20, at[1]), (at[0] + 60, at[1])])
    assert session.store.undo_name == "Paint mask"
    assert panel.masks.name.full == "painted"
    wait_until(lambda: shown(session))
    assert pixels(session) != before
    panel.masks.paint.click()
    assert not image.keep.is_on
    session.undo()
    wait_until(lambda: shown(session))
    assert pixels(session) == before


# -- another view ----------------------------------------------------------------------------------------------


def test_another_view_is_the_source_as_it_walks(window: MainWindow, panel: SourcePanel, session: Session) -> None:
    panel.fill_views()
    (action,) = panel.menu.actions()
    assert "View B" in action.text()
    action.trigger()
    wait_until(lambda: shown(session))
    assert panel.name.full == "View B, live"
    first = pixels(session)
    session.views.set_link(1, "latent", False)
    session.views.set_active(1)
    session.look.walk(0.8, 0.0)
    session.views.set_active(0)
    wait_until(lambda: shown(session))
    assert pixels(session) != first
    assert not panel.crop.isEnabled()
    assert "Encoder" in panel.cost.text()


# -- references ------------------------------------------------------------------------------------------------


def test_references_have_rows_with_weights(panel: SourcePanel, session: Session, pictures: list[str]) -> None:
    session.sources.open(pictures[0])
    wait_until(lambda: session.sources.picture is not None)
    session.references.open(pictures[0])
    wait_until(lambda: len(session.references.all) == 1)
    drop(panel.references, pictures[1])
    wait_until(lambda: len(session.references.all) == 2)
    wait_until(lambda: shown(session))
    even = pixels(session)
    rows = panel.references.rows
    assert [row.slider.value for row in rows] == [0.5, 0.5]
    rows[0].slider.pressed.emit()
    for value in (0.6, 0.8):
        rows[0].slider.moving.emit(value)
    rows[0].slider.released.emit()
    assert [row.slider.value for row in rows] == pytest.approx([0.8, 0.2])
    wait_until(lambda: shown(session))
    assert pixels(session) != even
    assert panel.cost.text().startswith("Encoder kept")
    session.undo()
    assert [row.slider.value for row in rows] == [0.5, 0.5]
    rows[1].remove.click()
    assert [row.isVisibleTo(panel) for row in rows] == [True, False]


# -- drops -----------------------------------------------------------------------------------------------------


def test_a_picture_dropped_on_the_view_is_its_source(
    window: MainWindow, panel: SourcePanel, session: Session, pictures: list[str]
) -> None:
    pane = window.views.panes[0]
    at = pane.mapTo(window, pane.rect().center())
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(pictures[0])])
    enter = QDragEnterEvent(
        at, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(window, enter)
    assert window.drops.frame.message == "Source of A"
    drop_event = QDropEvent(
        QPointF(at), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(window, drop_event)
    wait_until(lambda: session.sources.picture is not None)
    assert session.sources.picture.name == "one.png"
    # Over a network without a source it is what it would be without one.
    window.drops.enter(enter)
    assert window.drops._is_source([pictures[0]], 0)
    assert not window.drops._is_source([pictures[0]], 1)
    assert not window.drops._is_source(pictures, 0)


def test_an_opened_picture_is_the_source_or_says_what_takes_one(
    window: MainWindow, panel: SourcePanel, session: Session, pictures: list[str]
) -> None:
    window.files.open_path(pictures[1], 1)  # a JPEG
    banner = window.views.panes[1].banner
    wait_until(lambda: "from a latent alone" in banner.text)
    window.files.open_path(pictures[1], 0)
    wait_until(lambda: session.sources.picture is not None)
    assert session.sources.picture.name == "two.jpg"


# -- classes ---------------------------------------------------------------------------------------------------


def test_a_class_gets_a_name_of_the_user(
    window: MainWindow, panel: SourcePanel, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = window.findChild(ModelPanel)
    assert model is not None
    monkeypatch.setattr(
        "explorer.widgets.panels.model.class_weights.QInputDialog.getText", lambda *a, text: ("fox", True)
    )
    session.look.set_class_weights([(1, 1.0)])
    model.classes.rename.click()
    assert model.classes.search.currentText() == "1  fox"
    session.look.set_class_weights([(0, 1.0), (1, 1.0)])
    assert not model.classes.rename.isVisibleTo(model)
    assert model.classes.rows[1].slider.accessibleName().startswith("fox")
    session.undo()
    session.undo()
    assert model.classes.search.currentText() == "class 1"


# -- the grid --------------------------------------------------------------------------------------------------


def test_a_grid_is_chosen_saved_and_filmed(
    window: MainWindow, panel: SourcePanel, session: Session, pictures: list[str], tmp_path: Path
) -> None:
    session.sources.open(pictures[0])
    wait_until(lambda: session.sources.picture is not None)
    dialog = panel.open_grid()
    drop(dialog.sources, pictures[1])
    wait_until(lambda: len(dialog.sources.pictures) == 1)
    dialog.seeds.setText("1-2, 7")
    dialog.seeds.editingFinished.emit()
    assert session.grids.settings.seeds == (1, 2, 7)
    assert dialog.seeds.text() == "1-2,7"
    assert "1 \u00d7 3 pictures" in dialog.summary.text()
    problems: list[object] = []
    panel.problem.connect(problems.append)
    dialog.seeds.setText("x")
    dialog.seeds.editingFinished.emit()
    assert len(problems) == 1
    assert dialog.seeds.text() == "1-2,7"
    path = tmp_path / "grid.png"
    dialog.save_to(path)
    assert dialog.cancel.isVisible()
    wait_until(path.exists)
    with Image.open(path) as image:
        assert image.size == (4 * 64, 2 * 64)
    dialog = panel.open_grid()
    QTest.mouseClick(dialog.sources, Qt.MouseButton.LeftButton, pos=QPoint(10, 10))
    assert dialog.sources.pictures == ()
    dialog.make_film()
    assert len(session.state.timeline.keys) == 3
    assert window._film is not None
    assert window._film.settings.layout_choice.currentData() == "sources"
    window._film.close()
    dialog.reject()


# -- the camera ------------------------------------------------------------------------------------------------


def test_the_camera_button_shows_that_it_is_on(window: MainWindow, panel: SourcePanel, session: Session) -> None:
    mark = window.views.panes[0].image.camera_mark

    class Camera:
        def read(self) -> np.ndarray:
            return np.full((48, 64, 3), 90, np.uint8)

        def close(self) -> None:
            pass

    session.camera.open_with = Camera
    assert not mark.is_on
    panel.camera.click()
    assert mark.is_on
    wait_until(lambda: panel.name.full == "Camera, live")
    wait_until(lambda: session.last_failure(0) is None and session.last_frame(0) is not None)
    panel.camera.click()
    assert not mark.is_on
    assert panel.name.full == "camera"
    problems: list[object] = []
    panel.problem.connect(problems.append)

    def broken() -> Camera:
        raise OSError("no driver")

    session.camera.open_with = broken
    panel.camera.click()
    wait_until(lambda: bool(problems))
    assert "no driver" in str(problems[0])
    assert not panel.camera.isChecked()


def test_a_png_without_a_project_can_be_the_source(
    window: MainWindow, panel: SourcePanel, session: Session, pictures: list[str]
) -> None:
    window.files.open_path(pictures[0], 0)
    banner = window.views.panes[0].banner
    wait_until(lambda: any(button.text() == "Use as the source" for button in banner.findChildren(QToolButton)))
    next(b for b in banner.findChildren(QToolButton) if b.text() == "Use as the source").click()
    wait_until(lambda: session.sources.picture is not None)
    assert session.sources.picture.name == "one.png"
