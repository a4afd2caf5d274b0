"""The pane of a view: a heading with mark, model and links, the picture, and a line of figures."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QMenu, QVBoxLayout, QWidget

from explorer.errors import CostlyModelError
from explorer.latents.descriptions import describe_latent
from explorer.state import ASPECTS, ExplorerState, Look, look_of
from explorer.util.view_marks import letter
from explorer.widgets.controls.basic import ElidedLabel, IconButton, label, row, value_label
from explorer.widgets.controls.plain_text import set_tip
from explorer.widgets.controls.theme import GRID, value_font
from explorer.widgets.controls.view_chip import ColorLine
from explorer.widgets.viewer.image_view import ImageView
from explorer.widgets.viewer.overlays import Banner, EmptyCard, LoadingCard
from explorer.widgets.viewer.pair_chip import PairChip
from explorer.widgets.viewer.source_tools import SourceTools
from explorer.widgets.viewer.view_grid import LEAST_OF_MANY_PX, LEAST_PX

if TYPE_CHECKING:
    from PySide6.QtGui import QAction, QMouseEvent, QResizeEvent

    from explorer.directions.style_space import RankedChannel
    from explorer.dragging.problem import Point
    from explorer.render.results import Frame, RenderFailed
    from explorer.session import Session
    from explorer.util.report import Report
    from explorer.widgets.viewer.camera import Camera

__all__ = ["ViewPane", "look_text"]

ASPECT_NAMES: dict[str, str] = {
    "latent": "Latent and drift",
    "classes": "Classes",
    "truncation": "Truncation",
    "mixing": "Style mixing",
    "edits": "Edits",
    "noise": "Noise",
    "transform": "Transform",
    "source": "Source picture",
}


def look_text(look: Look, *, is_short: bool = False) -> str:
    """Return a one-line summary of a look: seed, psi and transform; with symbols instead of words if short."""
    at, moved, turned, gap = ("@", "\u2725", "\u21ba", "  ") if is_short else ("at ", "moved ", "turned ", "   ")
    latent, t = look.latent, look.transform
    plain = replace(latent, x=0.0, y=0.0) if latent.blend is None else latent
    parts = [describe_latent(plain)]
    if not is_short or look.truncation.psi != 1.0:
        parts.append(f"\u03c8 {look.truncation.psi:.2f}")
    if latent.x or latent.y:
        parts.append(f"{at}{latent.x:+.2f} {latent.y:+.2f}")
    if t.x or t.y:
        parts.append(f"{moved}{t.x:+.2f} {t.y:+.2f}")
    if t.rotate:
        parts.append(f"{turned}{t.rotate:+.1f}\u00b0")
    text = gap.join(parts).replace("-", "\u2212")
    return text.replace("seed ", "#") if is_short and len(parts) > 2 else text


class _Header(QWidget):
    """The heading of a picture; a press anywhere on it activates the view."""

    pressed = Signal()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.pressed.emit()
        super().mousePressEvent(event)


class ViewPane(QWidget):
    """A picture with its heading and a line of figures, connected to the session."""

    def __init__(self, session: Session, view: int, camera: Camera) -> None:
        super().__init__()
        self.session, self.view = session, view
        self._is_shared = self._is_removable = False
        self._links: QMenu | None = None
        self._aspects: dict[str, QAction] = {}
        self.image = ImageView(view, camera)
        self.image.installEventFilter(self)
        self.banner = Banner(self.image)
        self.loading = LoadingCard(self.image)
        self.empty = EmptyCard(self.image)
        self._build()
        self._wire()
        self.source_tools = SourceTools(session, view, self.image)
        self.begin()

    def _build(self) -> None:
        self.model_name = ElidedLabel()
        self.model_size = label("", "caption")
        self.tap = label("", "muted")
        self.link = IconButton("link-simple", "What this view has in common with the others", self._open_links)
        policy = self.link.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # keep the heading's height
        self.link.setSizePolicy(policy)
        self.remove = IconButton("x", f"Remove view {letter(self.view)}", self._on_remove)
        self.remove.hide()
        self.second = QWidget()  # name of the other model during a wipe
        second = QHBoxLayout(self.second)
        second.setContentsMargins(0, 0, 0, 0)
        second.setSpacing(GRID)
        self.second_name = ElidedLabel()
        self.second_name.setAlignment(Qt.AlignmentFlag.AlignRight)
        second.addWidget(self.second_name, 1)
        self.second_chip = PairChip(self.session, 1)
        second.addWidget(self.second_chip)
        self.second.hide()
        self.header = _Header()
        self.header.pressed.connect(self._on_touched)
        head = QHBoxLayout(self.header)
        head.setContentsMargins(GRID, 0, GRID // 2, 0)
        head.setSpacing(GRID)
        self.chip = PairChip(self.session, 0, self.view)
        head.addWidget(self.chip)
        head.addWidget(self.model_name, 1)
        head.addWidget(self.model_size)
        head.addWidget(self.tap)
        head.addWidget(self.second, 1)
        head.addWidget(row(self.link, self.remove, spacing=0))
        self.active_line = ColorLine()
        self.where = ElidedLabel(mode=Qt.TextElideMode.ElideRight)
        self.where.setFont(value_font(self.where.font()))
        self.where.setProperty("role", "muted")
        self.cost = value_label()
        self.cost.setProperty("role", "muted")
        foot = QHBoxLayout()
        foot.setContentsMargins(GRID, 0, GRID, 0)
        foot.addWidget(self.where, 1)
        foot.addWidget(self.cost)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, GRID // 2, 0, GRID // 2)
        layout.setSpacing(GRID // 4)
        layout.addWidget(self.header)
        layout.addWidget(self.active_line)
        layout.addWidget(self.image, 1)
        layout.addLayout(foot)

    def _wire(self) -> None:
        session, image = self.session, self.image
        image.drag_started.connect(session.begin)
        image.dragged.connect(session.look.drag)
        image.drag_finished.connect(session.commit)
        image.drag_cancelled.connect(session.cancel)
        image.touched.connect(self._on_touched)
        image.reset_requested.connect(self._on_reset)
        image.slit.moved.connect(session.lab.set_slit)
        image.region.began.connect(self._on_region_began)
        image.region.marked.connect(session.channels.mark)
        image.region.reverted.connect(session.channels.cancel_stroke)
        image.region.left.connect(self._on_region_left)
        session.channels.marking_changed.connect(image.region.set_on)
        session.channels.region_changed.connect(self._show_region)
        session.channels.pointed_changed.connect(self._show_pointed)
        image.points.chosen.connect(self._on_points)
        image.free.began.connect(session.dragging.begin_stroke)
        image.free.marked.connect(session.dragging.paint)
        image.free.ended.connect(session.dragging.end_stroke)
        image.free.reverted.connect(session.dragging.cancel_stroke)
        image.free.left.connect(self._on_brush_left)
        session.dragging.changed.connect(self._show_points)
        image.wipe.split_moved.connect(session.lab.set_split)
        image.painted.connect(session.painted)
        self.loading.cancelled.connect(self._on_cancel_load)
        session.changed.connect(self._on_changed)
        session.failure.connect(self._on_failure)
        session.failure_cleared.connect(self._on_failure_cleared)
        session.model_changed.connect(self._on_model_changed)
        session.loading.connect(self._on_loading)
        session.loading_ended.connect(self._on_loading_ended)

    def set_shared(self, other: int | None) -> None:
        """Share the pane with view `other` as wipe or flicker and name both models; None ends it."""
        if other is not None:
            self.second_chip.set_view(other)
            self.image.pair.set_views(self.view, other)
        self._is_shared = other is not None
        self.second.setVisible(self._is_shared)
        self._fit_size()
        self._show_remove()
        is_choice = other is not None and len(self.session.state.views) > 2
        self.chip.set_choosing(is_choice)
        self.second_chip.set_choosing(is_choice)

    def set_alone(self, alone: bool, *, is_removable: bool) -> None:
        """Show links if there are other views, and a button to remove the view if possible."""
        self.link.setVisible(not alone)
        self._is_removable = is_removable
        self._show_remove()
        edge = LEAST_OF_MANY_PX if is_removable else LEAST_PX
        self.image.setMinimumSize(edge, edge)

    def _show_remove(self) -> None:
        # Where two views share a pane, it would be unclear which one is removed.
        self.remove.setVisible(self._is_removable and not self._is_shared)

    def clear(self) -> None:
        """Clear the pane, because its view was removed."""
        self.hide()
        for card in (self.loading, self.empty):
            card.set_shown(False)
        self.banner.clear()
        self.lay_cards_over(self.image)
        self.image.set_image(None)
        self.image.pair.set_other(None)
        self.image.average.show(None)
        self.image.before.show(None)
        self.image.set_stale("")
        self.image.set_progress(-1.0)

    def begin(self) -> None:
        """Reuse the pane for a new view."""
        self.show_model()
        self._show_state(self.session.state)
        self._show_loading()
        self.image.region.set_on(self.session.channels.is_marking)
        self._show_region()
        self._show_points()
        self.source_tools.show()

    def _show_loading(self) -> None:
        """Show the progress of loading that started before the pane existed."""
        name = self.session.record(self.view).loading
        if name:
            self.empty.set_shown(False)
            self.loading.set_progress(0.0, name)

    # from the session ------------------------------------------------------------------------------------

    def show_frame(self, frame: Frame) -> None:
        """Show a frame of this view and its render time."""
        self.image.set_frame(frame)
        self.empty.set_shown(False)
        self.cost.setText(f"{frame.total_ms:.1f} ms")
        # The thin bar stays while a finer frame of the same look is expected.
        self.image.set_progress(0.5 if frame.tier < 1 else -1.0)

    @Slot(object, object)
    def _on_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        if self.view < len(new.views):
            self._show_state(new)

    def _show_state(self, state: ExplorerState) -> None:
        look = look_of(state, self.view)
        self.where.set_text(look_text(look), look_text(look, is_short=True))
        self._fit_cost()
        v = state.views[self.view]
        is_marked = state.active == self.view and len(state.views) > 1
        self.active_line.set_view(self.view if is_marked else None)
        self.tap.setText(v.tap.layer + (" spectrum" if v.tap.spectrum else "") if v.tap.layer else "")
        self._fit_size()
        self.link.set_icon_name("link-simple" if not v.unlinked else "link-simple-break")

    @Slot(object, object)
    def _on_points(self, handles: tuple[Point, ...], targets: tuple[Point, ...]) -> None:
        self.session.dragging.set_points(self.view, handles, targets)

    @Slot()
    def _show_points(self) -> None:
        dragging, info = self.session.dragging, self.session.info(self.view)
        is_own = dragging.view == self.view and info is not None
        pairs = (dragging.handles, dragging.targets) if is_own else ((), ())
        states = () if dragging.step is None else dragging.step.handles
        size = (0, 0) if info is None else info.img_size
        self.image.points.show(size, pairs, states, is_active=is_own and dragging.editing == "points")
        self.image.free.set_on(is_own and dragging.editing == "mask", is_shown=is_own and bool(dragging.editing))
        self.image.free.set_region(dragging.mask if is_own else None)

    def _on_brush_left(self) -> None:
        self.session.dragging.set_editing("", self.view)

    def _fit_cost(self) -> None:
        """Hide the render time if the view is too narrow for it and the look's text."""
        metrics = self.where.fontMetrics()
        short = metrics.horizontalAdvance(look_text(look_of(self.session.state, self.view), is_short=True))
        reserve = metrics.horizontalAdvance("0000.0 ms")  # constant, because the time's own width changes
        self.cost.setVisible(short + reserve + 3 * GRID <= self.width())

    def _fit_size(self) -> None:
        """Show family and size after the name if they fit, otherwise the size only."""
        info = self.session.info(self.view)
        texts = [f"{info.family}  {info.size_text}", info.size_text] if info else []
        room = self.width() - self.chip.width() - 6 * GRID
        room -= self.tap.sizeHint().width() + self.link.sizeHint().width()
        room -= 0 if self.remove.isHidden() else self.remove.sizeHint().width()
        room -= min(140, self.model_name.fontMetrics().horizontalAdvance(self.model_name.full))
        metrics = self.model_size.fontMetrics()
        text = next((t for t in texts if metrics.horizontalAdvance(t) <= room), "")
        self.model_size.setText(text)
        # Hidden if empty, because the layout's spacing would narrow the name.
        self.model_size.setVisible(not self._is_shared and (bool(text) or not self._is_removable))
        set_tip(self.model_size, texts[0] if texts else "")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.view < len(self.session.state.views):  # otherwise the pane is about to be removed
            self._fit_cost()
            self._fit_size()

    @Slot(int)
    def _on_model_changed(self, view: int) -> None:
        if view == self.view:
            self.loading.set_shown(False)
            self.show_model()
            model_info = self.session.model_info(view)
            if model_info is not None and self.image.image is not None:
                self.image.set_stale(f"First picture of {model_info.name} \u2026")
                self.image.set_progress(1.0)

    def show_model(self) -> None:
        """Name the model in the heading."""
        model_info, info = self.session.model_info(self.view), self.session.info(self.view)
        loaded = model_info is not None and info is not None
        self.model_name.set_text(model_info.name if model_info else "no model")
        self._fit_size()
        self.empty.set_shown(not loaded and self.loading.isHidden())
        if not loaded:
            self.image.set_image(None)
            self.cost.setText("")

    @Slot(int, object)
    def _on_loading(self, view: int, report: Report[None]) -> None:
        if view == self.view:
            self.empty.set_shown(False)
            self.loading.set_progress(report.fraction, report.stage)

    @Slot(int)
    def _on_loading_ended(self, view: int) -> None:
        if view == self.view:
            self.loading.set_shown(False)

    @Slot(object)
    def _on_failure(self, failed: RenderFailed) -> None:
        if failed.view != self.view:
            return
        self.loading.set_shown(False)
        self.image.set_stale("")
        self.image.set_progress(-1.0)
        offers = list(self.session.misfits.offers(self.view, failed.error))
        offers += self.session.sources.offers(self.view, failed.error)
        if isinstance(failed.error, CostlyModelError):
            offers = [("Render anyway", partial(self.session.models.load_costly, self.view))]
        self.banner.show_error(failed.error, failed.traceback_text, offers)
        self.empty.set_shown(self.session.info(self.view) is None)
        self.banner.raise_()

    @Slot(int)
    def _on_failure_cleared(self, view: int) -> None:
        if view == self.view:
            self.banner.clear()

    # input -----------------------------------------------------------------------------------------------

    def _on_touched(self) -> None:
        if self.session.active != self.view:
            self.session.views.set_active(self.view)

    @Slot(bool)
    def _on_region_began(self, is_eraser: bool) -> None:
        self.session.channels.begin_stroke(self.view, is_eraser)

    def _on_region_left(self) -> None:
        self.session.channels.set_marking(False)

    def _show_region(self) -> None:
        channels = self.session.channels
        self.image.region.set_region(channels.region if channels.view == self.view else None)

    @Slot(object)
    def _show_pointed(self, channel: RankedChannel | None) -> None:
        is_here = channel is not None and self.session.channels.found_in == self.view
        self.image.region.set_heat(channel.heat if channel is not None and is_here else None)

    def _on_remove(self) -> None:
        self.session.views.remove(self.view)

    def _on_reset(self) -> None:
        self.image.camera.reset()
        self.session.look.reset_transform()

    def _on_cancel_load(self) -> None:
        self.session.models.cancel(self.view)
        self.loading.set_shown(False)
        self.show_model()

    def links_menu(self) -> QMenu:
        """Return the menu of the aspects that the view shares with others."""
        if self._links is None:
            menu = self._links = QMenu(self)
            self._share_all = menu.addAction("Link everything", lambda: self._link_all(True))
            self._share_none = menu.addAction("Unlink everything", lambda: self._link_all(False))
            menu.addSeparator()
            for aspect, name in ASPECT_NAMES.items():
                action = menu.addAction(name)
                action.setCheckable(True)
                action.triggered.connect(partial(self._link_one, aspect))
                self._aspects[aspect] = action
        linked = self.session.state.views[self.view].linked
        self._share_all.setEnabled(linked != frozenset(ASPECTS))
        self._share_none.setEnabled(bool(linked))
        info = self.session.info(self.view)
        self._aspects["source"].setVisible(info is not None and bool(info.source_channels))
        for aspect, action in self._aspects.items():
            action.setChecked(aspect in linked)
        return self._links

    def _open_links(self) -> None:
        self.links_menu().popup(self.link.mapToGlobal(self.link.rect().bottomLeft()))

    def _link_one(self, aspect: str, on: bool) -> None:
        self.session.views.set_link(self.view, aspect, on)

    def _link_all(self, on: bool) -> None:
        self.session.begin("Link everything" if on else "Unlink everything")
        for aspect in ASPECTS:
            self.session.views.set_link(self.view, aspect, on)
        self.session.commit()

    def lay_cards_over(self, image: ImageView) -> None:
        """Show errors and loading progress over another view's picture while this view's is hidden."""
        for card in (self.banner, self.loading):
            card.lie_over(image)
        if image is not self.image:
            image.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            for card in (self.banner, self.loading, self.empty):
                card.reposition()
        return False
