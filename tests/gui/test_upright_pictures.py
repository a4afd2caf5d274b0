"""Small pictures of a network whose picture is not square: whole, in the middle of their place, never stretched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from explorer.checkpoints import Checkpoint, save_native
from explorer.checkpoints.bundled import Bundled
from explorer.latents.map_tiles import Tile
from explorer.session import Session
from explorer.state import ExplorerState, ViewState
from explorer.widgets.controls.thumbnails import fitted
from explorer.widgets.panels.latent.latent_pad import LatentPad
from explorer.widgets.panels.latent.map_camera import MapCamera
from explorer.widgets.panels.latent.map_paint import box_of, paint_tiles
from explorer.widgets.panels.model.model_card import ModelCard
from explorer.widgets.panels.model.model_panel import ModelPanel
from tests.generators.configs import SMALL, small_generator
from tests.gui.conftest import flush, wait_until
from tests.gui.test_model_panel import Calls


@pytest.fixture
def upright(qapp: QApplication, tmp_path: Path) -> Iterator[Session]:
    """A session whose only view shows a StyleGAN2 with pictures twice as high as wide."""
    family, config = SMALL["stylegan2-upright"]
    path = tmp_path / "upright.safetensors"
    save_native(
        path, Checkpoint(family, config, dict(small_generator("stylegan2-upright").state_dict()), "upright")
    )
    made = Session(state=ExplorerState(views=(ViewState(model=str(path)),), layout="single"))
    made.start()
    wait_until(lambda: made.info(0) is not None)
    info = made.info(0)
    assert info is not None
    assert info.img_size[0] == 2 * info.img_size[1]
    yield made
    assert made.close()
    made.deleteLater()
    flush()


def pixels(widget: QWidget, box: QRectF) -> NDArray[np.uint8]:
    """What a widget shows in a box, without its rounded corners: uint8 `[h, w, 4]`."""
    image = (
        widget.grab(box.adjusted(4, 4, -4, -4).toAlignedRect())
        .toImage()
        .convertToFormat(QImage.Format.Format_RGB32)
    )
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4).copy()


def is_upright_inside(shown: NDArray[np.uint8]) -> bool:
    """Return whether there is nothing but the background beside a picture half as wide as it is high."""
    width = shown.shape[1]
    edge = width // 4 - 4  # of a box 4 px wider on each side, of which the picture fills the middle half
    sides = np.concatenate([shown[4:-4, : edge - 1], shown[4:-4, -edge + 1 :]], axis=1)
    middle = shown[4:-4, width // 4 + 2 : -width // 4 - 2].reshape(-1, 4)
    is_plain = bool((sides == sides[:, :1]).all())  # row by row: lines may cross the background
    return is_plain and len(np.unique(middle, axis=0)) > 20


def test_a_picture_is_fitted_into_the_middle() -> None:
    box = QRectF(10, 20, 40, 40)
    assert fitted(QImage(QSize(32, 64), QImage.Format.Format_RGB32), box) == QRectF(20, 20, 20, 40)
    assert fitted(QImage(QSize(64, 32), QImage.Format.Format_RGB32), box) == QRectF(10, 30, 40, 20)
    assert fitted(QImage(QSize(96, 96), QImage.Format.Format_RGB32), box) == box


def test_the_latent_plane_shows_whole_pictures(upright: Session, qtbot: QtBot) -> None:
    pad = LatentPad(upright)
    qtbot.addWidget(pad)
    pad.resize(300, pad.height())
    pad.show()
    pad.set_point(upright.look_of().latent, upright.look_of().classes)
    pad.grab()  # asks for the pictures
    wait_until(lambda: pad._thumbnails._images.keys() >= {str(pad._seed(1, 0))})
    at = pad._pixel(1, 0)
    assert is_upright_inside(pixels(pad, QRectF(at.x() - 22, at.y() - 22, 44, 44)))


def test_the_model_list_shows_whole_pictures(upright: Session, qtbot: QtBot) -> None:
    panel = ModelPanel(upright, Calls())
    qtbot.addWidget(panel)
    panel.resize(300, 420)
    panel.show()
    card = next(card for card in panel.cards if card.item.name.endswith("upright.safetensors"))
    wait_until(lambda: card.has_picture)
    assert is_upright_inside(pixels(card, QRectF(4, 4, 36, 36)))


def test_the_first_of_a_sheet_of_upright_samples_is_whole(tmp_path: Path, qtbot: QtBot) -> None:
    sheet = QImage(8 * 16, 8 * 32, QImage.Format.Format_RGB32)
    sheet.fill(QColor("red"))
    p = QPainter(sheet)
    p.fillRect(0, 16, 16, 16, QColor("blue"))  # the lower half of the first
    p.end()
    assert sheet.save(str(tmp_path / "net-samples-psi0.7.png"))
    card = ModelCard(Bundled("net", "StyleGAN2", tmp_path / "net.safetensors"))
    qtbot.addWidget(card)
    shown = pixels(card, QRectF(4, 4, 36, 36))
    assert shown[4, 14].tolist()[:3] == [0, 0, 255]
    assert shown[-4, 14].tolist()[:3] == [255, 0, 0], "blue, as Qt orders the bytes"


def test_the_map_paints_upright_pictures_whole_and_covers_what_was_there(qapp: QApplication) -> None:
    canvas, red = QImage(200, 200, QImage.Format.Format_RGB32), QImage(16, 32, QImage.Format.Format_RGB32)
    canvas.fill(QColor("white"))
    red.fill(QColor("red"))
    camera = MapCamera(scale=64.0, is_up=False, width=200, height=200)
    tile = Tile(0, 0, 0)
    p = QPainter(canvas)
    assert paint_tiles(p, camera, [tile], lambda _: red, lambda _: ()) == []
    p.end()
    box = box_of(camera, tile)
    middle, y = round(box.center().x()), round(box.center().y())
    assert canvas.pixelColor(middle, y) == QColor("red")
    beside = canvas.pixelColor(round(box.left()) + 3, y)
    assert beside not in (QColor("red"), QColor("white"))
