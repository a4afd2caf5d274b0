"""The render time of a picture by stage: a stacked bar, with a short table below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.widgets.controls.event_filters import positional_tooltip
from explorer.widgets.controls.theme import color, theme, value_font, view_color

if TYPE_CHECKING:
    from explorer.generators.base import GeneratorInfo
    from explorer.render.results import StageTime

__all__ = ["StageBars", "StageGroup", "stage_groups"]

MAPPING, INPUT, SHOW = "mapping", "input", "display"


@dataclass(frozen=True, slots=True)
class StageGroup:
    """Stages that are shown together.

    `ms` None: not run, because the result was cached or, with `is_needed` False, because the picture ends at an
    earlier layer: a layer is being shown, or it is a draft.

    `depth` is 0 for the coarsest layers, 1 for the finest, -1 for other stages; `parts` are (name, ms).
    """

    name: str
    ms: float | None
    depth: float
    parts: tuple[tuple[str, float], ...] = ()
    is_needed: bool = True


def stage_groups(stages: Sequence[StageTime], info: GeneratorInfo | None) -> list[StageGroup]:
    """Group the stages of a picture, layers by resolution; the groups depend only on the generator."""
    if info is None:
        return []
    ran = {s.name: s.ms for s in stages if not s.hit}
    layers = {layer.name for layer in info.layers}
    resolutions = sorted({layer.resolution for layer in info.layers})
    groups = [_group(INPUT, -1.0, {name: ran[name] for name in (MAPPING, INPUT) if name in ran})]
    for i, resolution in enumerate(resolutions):
        names = [layer.name for layer in info.layers if layer.resolution == resolution]
        depth = i / max(1, len(resolutions) - 1)
        groups.append(_group(f"{resolution}\u00b2", depth, {n: ran[n] for n in names if n in ran}))
    last = max((i for i, g in enumerate(groups) if g.ms is not None), default=len(groups))
    groups = [g if i <= last else replace(g, is_needed=False) for i, g in enumerate(groups)]
    rest = {name: ms for name, ms in ran.items() if name not in (MAPPING, INPUT) and name not in layers}
    return [*groups, _group(SHOW, -1.0, rest)]


def _group(name: str, depth: float, parts: dict[str, float]) -> StageGroup:
    return StageGroup(name, sum(parts.values()) if parts else None, depth, tuple(parts.items()))


class StageBars(QWidget):
    """A stacked bar, and under it the groups in two columns: colour, name, milliseconds."""

    BAR, ROW = 12, 17

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._groups: list[StageGroup] = []
        self._view = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(self.BAR)
        self.setAccessibleName("Render time by stage")
        positional_tooltip(self, self.tip_at)

    @property
    def groups(self) -> list[StageGroup]:
        """The groups shown."""
        return self._groups

    @property
    def total_ms(self) -> float:
        """The sum of the times shown, in milliseconds."""
        return sum(g.ms or 0.0 for g in self._groups)

    def show_groups(self, view: int, groups: list[StageGroup]) -> None:
        """Show the groups of a view."""
        if (view, groups) == (self._view, self._groups):
            return
        self._view, self._groups = view, groups
        height = self.BAR + 6 + self.ROW * ((len(groups) + 1) // 2) if groups else self.BAR
        if height != self.height():
            self.setFixedHeight(height)
        self.setAccessibleDescription(", ".join(f"{g.name} {_time(g)}" for g in groups))
        self.update()

    def segments(self) -> list[tuple[StageGroup, QRectF]]:
        """Return the groups with a time, each with its rectangle in the stacked bar."""
        total, x, found = self.total_ms, 0.0, []
        for group in self._groups:
            if group.ms and total > 0.0:
                width = self.width() * group.ms / total
                found.append((group, QRectF(x, 0, width, self.BAR)))
                x += width
        return found

    def _cell(self, i: int) -> QRectF:
        half = (len(self._groups) + 1) // 2
        width = (self.width() - 12) / 2
        return QRectF((i // half) * (width + 12), self.BAR + 6 + (i % half) * self.ROW, width, self.ROW)

    def _color(self, group: StageGroup) -> QColor:
        if group.depth < 0.0:
            return color("faint")
        mark = view_color(self._view)
        low, high = (0.32, 0.78) if theme().name == "dark" else (0.72, 0.30)
        return QColor.fromHslF(
            max(0.0, mark.hslHueF()), mark.hslSaturationF() * 0.85, low + (high - low) * group.depth
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.fillRect(QRectF(0, 0, self.width(), self.BAR), color("sunken"))
        for group, box in self.segments():
            p.fillRect(box.adjusted(0, 0, -1 if box.width() > 3 else 0, 0), self._color(group))
        p.setFont(value_font(self.font()))
        left, right = Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        for i, group in enumerate(self._groups):
            cell = self._cell(i)
            p.setOpacity(1.0 if group.ms is not None else 0.35)
            p.fillRect(QRectF(cell.left(), cell.center().y() - 4, 8, 8), self._color(group))
            p.setOpacity(1.0)
            p.setPen(color("muted" if group.ms is not None else "caption"))
            p.drawText(cell.adjusted(14, 0, 0, 0), int(left), group.name)
            p.setPen(color("text" if group.ms is not None else "caption"))
            p.drawText(cell, int(right), _time(group))
        p.end()

    def tip_at(self, at: QPointF) -> str:
        """Return the tooltip for a position: the parts of the group there."""
        areas = [(group, box) for group, box in self.segments()]
        areas += [(group, self._cell(i)) for i, group in enumerate(self._groups)]
        group = next((g for g, box in areas if box.contains(at)), None)
        if group is None:
            return "Render time of each stage of the last picture, in milliseconds"
        if group.ms is None:
            why = "its result was cached" if group.is_needed else "the picture ends before it"
            return f"{group.name}: not run for the last picture, {why}"
        return "\n".join([f"{group.name}: {group.ms:.2f} ms", *(f"{n}  {ms:.2f} ms" for n, ms in group.parts)])


def _time(group: StageGroup) -> str:
    if group.ms is None:
        return "cached" if group.is_needed else "\u2013"
    return f"{group.ms:.1f} ms"
