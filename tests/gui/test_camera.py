"""Where the camera puts a picture: on whole device pixels, and pixel for pixel where asked."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPointF, QRectF, QSizeF

from explorer.state import Slit
from explorer.widgets.viewer.camera import Camera
from explorer.widgets.viewer.slit_tool import drag_slit, part_at


@pytest.mark.parametrize("ratio", [1.0, 1.25, 1.5, 2.0])
@pytest.mark.parametrize("width", [64, 256, 1024, 2048])
def test_pixel_for_pixel_is_one_device_pixel_each(width: int, ratio: float) -> None:
    camera, area = Camera(), QRectF(0, 0, 653, 611)
    camera.set_zoom_pixels(1 / ratio, width, width, area)
    rect = camera.rect(width, width, area, ratio)
    assert rect.width() * ratio == pytest.approx(width, abs=1e-6)
    for corner in (rect.left() * ratio, rect.top() * ratio):
        assert corner == pytest.approx(round(corner), abs=1e-6)


def test_a_panned_picture_lies_on_device_pixels_too() -> None:
    camera, area = Camera(), QRectF(0, 0, 653, 611)
    camera.zoom_at(2.3, QPointF(100, 77), area)
    rect = camera.rect(64, 64, area, 1.5)
    assert rect.left() * 1.5 == pytest.approx(round(rect.left() * 1.5), abs=1e-6)


def test_a_wide_picture_pixel_for_pixel() -> None:
    camera, area = Camera(), QRectF(0, 0, 600, 600)
    camera.set_zoom_pixels(2.0, 300, 100, area)
    assert camera.rect(300, 100, area).size() == QSizeF(600, 200)


def test_slits_of_wide_pictures_count_in_widths() -> None:
    rect = QRectF(10, 20, 300, 100)
    slit = Slit(0.1, 0.1, 90.0, 0.2)
    assert part_at(QPointF(190, 100), slit, None, rect) == "middle"
    assert part_at(QPointF(190, 70), slit, None, rect) == "far"
    moved = drag_slit(slit, "middle", QPointF(0, 0), QPointF(-30, -30), None, rect)
    assert (moved.x, moved.y) == pytest.approx((0.0, 0.0))
