"""What is painted on the latent map: tiles, rulers, the trail, pins, a path, and the mark of the current latent."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF

from explorer.latents.map_tiles import Tile, level_of, tiles_in
from explorer.latents.seeds import plane_seed
from explorer.util.plain_text import visible
from explorer.widgets.controls.theme import color
from explorer.widgets.controls.thumbnails import fitted
from explorer.widgets.panels.latent.latent_pad import seed_name

if TYPE_CHECKING:
    from PySide6.QtGui import QImage

    from explorer.widgets.panels.latent.map_camera import MapCamera

__all__ = ["number_text", "paint_mark", "paint_path", "paint_pins", "paint_rulers", "paint_seeds", "paint_tiles",
           "paint_trail"]  # fmt: skip

RULER = 14
"""Height of the ruler at the bottom, in pixels."""

SIDE = 26
"""Width of the ruler at the left, in pixels."""

_EDGE = 10.0  # px; a mark that is out of sight is shown this far from the edge


def number_text(value: float) -> str:
    """Return a coordinate with its sign: `+1.5`, `0`, `\u22120.25`."""
    return f"{value:+.3g}".replace("-", "\u2212") if abs(value) > 1e-9 else "0"


def box_of(camera: MapCamera, tile: Tile) -> QRectF:
    """Return the rectangle of a tile, with a gap of a pixel to its neighbours."""
    middle, half = camera.pixel(tile.place), tile.step * camera.scale / 2
    return QRectF(middle.x() - half + 0.5, middle.y() - half + 0.5, 2 * half - 1, 2 * half - 1)


def paint_tiles(
    p: QPainter,
    camera: MapCamera,
    tiles: Sequence[Tile],
    get: Callable[[Tile], QImage | None],
    others: Callable[[int], Iterable[Tile]],
) -> list[Tile]:
    """Paint tiles, and tiles of other levels where one has no picture yet; return those without."""
    p.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    images = {tile: get(tile) for tile in tiles}
    missing = [tile for tile, image in images.items() if image is None]
    for tile in missing:
        p.fillRect(box_of(camera, tile), color("faint", 40))
    seen = QRectF(0, 0, camera.width, camera.height)
    for tile in others(level_of(camera.scale)) if missing else ():
        box = box_of(camera, tile)
        if box.intersects(seen) and (image := get(tile)) is not None:
            _paint_tile(p, image, box)
    for tile, image in images.items():
        if image is not None:
            _paint_tile(p, image, box_of(camera, tile))
    return missing


def _paint_tile(p: QPainter, image: QImage, box: QRectF) -> None:
    place = fitted(image, box)
    if place != box:
        p.fillRect(box, color("sunken"))  # nothing painted before shows beside a picture that is not square
    p.drawImage(place, image)


def paint_rulers(p: QPainter, camera: MapCamera, names: tuple[str, str]) -> None:
    """Paint the coordinates of the tiles' middles along two edges, with the axes' names."""
    level = level_of(camera.scale)
    width, low = camera.width, camera.height - RULER
    p.fillRect(QRectF(0, low, width, RULER), color("canvas", 180))
    p.fillRect(QRectF(0, RULER, SIDE, low - RULER), color("canvas", 180))
    right, up = (f"{names[0]}, \u03c3 \u2192", f"{names[1]}, \u03c3 \u2191")
    room = p.fontMetrics().horizontalAdvance(right) + 8
    p.fillRect(QRectF(0, 0, room, RULER), color("canvas", 180))
    tiles = tiles_in(level, *camera.bounds())
    p.setPen(color("text"))
    for tile in sorted({Tile(level, tile.column, 0) for tile in tiles}):
        x = camera.pixel(tile.place).x()
        if x - 20 > SIDE and x + 20 < width - room:
            middle = Qt.AlignmentFlag.AlignCenter
            p.drawText(QRectF(x - 24, low, 48, RULER), middle, number_text(tile.place[0]))
    for tile in sorted({Tile(level, 0, tile.row) for tile in tiles}):
        y = camera.pixel(tile.place).y()
        if y - 8 > RULER + 4 and y + 8 < low:
            side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            p.drawText(QRectF(0, y - 8, SIDE - 3, 16), side, number_text(tile.place[1]))
    p.drawText(QRectF(width - room, low, room - 4, RULER), Qt.AlignmentFlag.AlignRight, right)
    p.drawText(QRectF(3, 1, room, RULER), Qt.AlignmentFlag.AlignLeft, up)


def paint_seeds(p: QPainter, camera: MapCamera, tiles: Iterable[Tile]) -> None:
    """Paint the seed of each tile that shows one, below its picture."""
    for tile in tiles:
        i, j = tile.place
        if i != round(i) or j != round(j):
            continue
        box = box_of(camera, tile)
        name = seed_name(plane_seed(0, round(i), round(j)))
        width = min(p.fontMetrics().horizontalAdvance(name) + 8.0, box.width())
        strip = QRectF(box.center().x() - width / 2, box.bottom() - RULER, width, RULER)
        p.fillRect(strip, color("canvas", 190))
        p.setPen(color("text"))
        p.drawText(strip, Qt.AlignmentFlag.AlignCenter, name)


def paint_trail(p: QPainter, points: Sequence[QPointF]) -> None:
    """Paint the way through the latents that were visited, the oldest first."""
    p.setBrush(Qt.BrushStyle.NoBrush)
    for pen in (QPen(color("canvas", 150), 3), QPen(color("accent", 170), 1.2, Qt.PenStyle.DashLine)):
        p.setPen(pen)
        p.drawPolyline(QPolygonF(list(points)))
    p.setPen(QPen(color("canvas"), 1))
    p.setBrush(color("accent"))
    for point in points:
        p.drawEllipse(point, 2.5, 2.5)


def paint_pins(p: QPainter, pins: Iterable[tuple[QPointF, str]]) -> None:
    """Paint the pins with their names."""
    for at, name in pins:
        text = visible(name, 24)
        label = QRectF(at.x() + 8, at.y() - 8, p.fontMetrics().horizontalAdvance(text) + 8, 16)
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(color("canvas", 200))
        p.drawRoundedRect(label, 3, 3)
        p.setPen(color("text"))
        p.drawText(label, Qt.AlignmentFlag.AlignCenter, text)
        p.setPen(QPen(color("canvas"), 1.5))
        p.setBrush(color("warn"))
        p.drawPolygon(QPolygonF([at + QPointF(*d) for d in ((0, -6), (5, 0), (0, 6), (-5, 0))]))


def paint_path(p: QPainter, points: Sequence[QPointF], keys: Sequence[QPointF]) -> None:
    """Paint a path that is being drawn, and where its keys will be."""
    p.setBrush(Qt.BrushStyle.NoBrush)
    for pen in (QPen(color("canvas"), 5), QPen(color("warn"), 2)):
        p.setPen(pen)
        p.drawPolyline(QPolygonF(list(points)))
    p.setPen(QPen(color("canvas"), 1.5))
    p.setBrush(color("warn"))
    for key in keys:
        p.drawEllipse(key, 4, 4)


def paint_mark(p: QPainter, camera: MapCamera, at: QPointF) -> None:
    """Paint the mark of the current latent; if it is out of sight, an arrow at the edge points to it."""
    seen = QRectF(0, 0, camera.width, camera.height)
    if seen.contains(at):
        for pen in (QPen(color("canvas"), 4), QPen(color("accent"), 2)):
            p.setPen(pen)
            p.setBrush(Qt.BrushStyle.NoBrush)
            p.drawEllipse(at, 7, 7)
            for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                p.drawLine(at + QPointF(dx * 7, dy * 7), at + QPointF(dx * 11, dy * 11))
        return
    middle = seen.center()
    way = at - middle
    reach = min(
        (half - _EDGE) / abs(d) if d else math.inf
        for half, d in ((seen.width() / 2, way.x()), (seen.height() / 2, way.y()))
    )
    p.save()
    p.translate(middle + way * reach)
    p.rotate(math.degrees(math.atan2(way.y(), way.x())))
    p.setPen(QPen(color("canvas"), 1.5))
    p.setBrush(color("accent"))
    p.drawPolygon(QPolygonF([QPointF(8, 0), QPointF(-6, 6), QPointF(-6, -6)]))
    p.restore()
