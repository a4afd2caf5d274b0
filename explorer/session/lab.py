"""StickingLab: state, slit-scans and measurements of the sticking lab. GUI thread only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from explorer.analysis.metric_jobs import measure_spec
from explorer.analysis.registry import by_sampler, metric_named
from explorer.analysis.slitscan import SlitScan, clamp_slit
from explorer.errors import LatentwalkError, ProjectError
from explorer.jobs.job import JobSpec
from explorer.project.document import write_png
from explorer.render.average_job import average_spec
from explorer.render.results import Frame, Tier
from explorer.session import tour
from explorer.state.view_layout import MAX_VIEWS, visible_views

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from explorer.render.job_run import JobEvent
    from explorer.session.core import SessionCore
    from explorer.session.file_writer import FileWorker
    from explorer.state import ExplorerState, Slit
    from explorer.state.request import RenderRequest
    from explorer.util.steps import Steps

__all__ = ["LabPicture", "StickingLab"]

REST_MS = 250
"""Milliseconds without a change after which averages and curves are measured."""

SCAN_COLUMNS = 768


@dataclass(frozen=True, slots=True, eq=False)
class LabPicture:
    """An average shown instead of a view's picture; `pixels` as in `Frame`, None removes it."""

    view: int
    pixels: NDArray[np.uint8] | None
    done: int = 0
    total: int = 0


class StickingLab(QObject):
    """Controls of the sticking lab. Its jobs run in the render thread while no request is pending."""

    scan_changed = Signal(int)  # view whose slit-scan has grown or was redrawn
    job_event = Signal(object)  # JobEvent: a report, the end or an error of a job started by a panel
    picture = Signal(object)  # LabPicture
    tour_begins = Signal()  # the guided tour is about to replace the shown state
    tour_ended = Signal()
    rested = Signal()  # the looks have not changed for a while: measure the current latents

    def __init__(self, session: SessionCore, files: FileWorker) -> None:
        super().__init__(session)
        self._session, self._files = session, files
        self.scan = SlitScan(MAX_VIEWS, SCAN_COLUMNS)
        self._averaging: dict[int, LabPicture] = {}
        self._rescan: Steps[None] | None = None
        self._more = QTimer(self)
        self._more.setSingleShot(True)
        self._more.timeout.connect(self._rescan_some)
        self._hidden: set[str] = set()
        self._was_playing = True  # the clock of motion, before the tour
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._on_rest)
        session.frame.connect(self._scan_frame)
        session.changed.connect(self._on_lab_changed)
        session.motion.changed.connect(self._on_lab_motion)
        session.model_changed.connect(self._on_lab_model)
        session.devices.changed.connect(self._on_lab_settings)
        session.service.job_event.connect(self._on_job_event)

    def close(self) -> None:
        """Stop the timer of `rested`."""
        self._rest.stop()
        self._more.stop()

    # -- state ---------------------------------------------------------------------------------------------

    def edit(self, name: str, **fields: Any) -> None:
        """Change fields of `Lab` as one undo step called `name`."""
        state = self._session.state
        self._session.store.update(replace(state, lab=replace(state.lab, **fields)), name)

    def set_slit(self, slit: Slit) -> None:
        """Move the line of the slit-scan; it stays within the picture."""
        info = self._session.info(self._session.active)
        self.edit("Slit", slit=clamp_slit(slit, info.aspect if info is not None else 1.0))

    def set_split(self, fraction: float) -> None:
        """Move the wipe's divider to a fraction 0..1 of the width; no undo step."""
        state = self._session.state
        lab = replace(state.lab, split=min(max(fraction, 0.0), 1.0))
        self._session.store.update_transient(replace(state, lab=lab))

    def set_tour(self, number: int) -> None:
        """Go to a step of the guided tour, from 1 on; 0 ends it and restores the previous state.

        Changes to the timeline during the tour are kept, as one undo step.
        """
        session, store = self._session, self._session.store
        if 1 <= number <= len(tour.STEPS):
            if not store.is_away:
                self.tour_begins.emit()
                self._was_playing = session.motion.clock.is_playing
            store.set_out(tour.state_of(number, session.state))
            session.motion.play()
        elif store.document.timeline != session.state.timeline:
            store.come_back(replace(store.document, timeline=session.state.timeline), "Timeline")
        else:
            store.come_back()

    def keep_tour(self) -> None:
        """End the guided tour and keep what it shows, as one undo step."""
        state = self._session.state
        self._session.store.come_back(replace(state, lab=replace(state.lab, tour=0)), "Guided tour")

    def _end_tour(self) -> None:
        if not self._was_playing:
            self._session.motion.pause()
        self.tour_ended.emit()

    # -- slit-scan -----------------------------------------------------------------------------------------

    @Slot(object)
    def _scan_frame(self, frame: Frame) -> None:
        lab = self._session.state.lab
        if not lab.scan or frame.request.tap.layer or frame.tier is not Tier.FULL:
            return
        at = self._session.record(frame.view).requested_at
        self.scan.add(frame.view, at, frame.pixels, lab.slit, frame.request.transform)
        self.scan_changed.emit(frame.view)

    @Slot()
    def _rescan_some(self) -> None:
        """Put a moved slit under some of the past pictures; the others follow in later event loop iterations."""
        if self._rescan is None or self._session.is_closed:
            return
        try:
            next(self._rescan)
            self._more.start()
        except StopIteration:
            self._rescan = None
        for view in range(len(self._session.state.views)):
            self.scan_changed.emit(view)

    def clear_scan(self) -> None:
        """Restart the slit-scans."""
        self._rescan = None
        self.scan.clear()
        for view in range(len(self._session.state.views)):
            self.scan_changed.emit(view)

    def check_scan(self) -> None:
        """Raise ProjectError if there is no slit-scan to save yet."""
        if self.scan.filled < 2:
            raise ProjectError("There is no slit-scan yet.", "Turn it on and let the picture move.")

    def save_scan(self, path: str | Path) -> None:
        """Write the visible views' slit-scans as one PNG with the project inside.

        Raises:
            ProjectError: There is nothing to save yet, or the suffix is not .png.
        """
        if Path(path).suffix.lower() != ".png":
            raise ProjectError(f"{Path(path).name} is not a PNG.", "Slit-scans are saved as .png.")
        self.check_scan()
        views = [v for v in self._session.visible_views() if self._session.model_info(v) is not None]
        scans = [np.ascontiguousarray(self.scan.picture(v)[:, :, 2::-1]) for v in views]
        names = [model_info.name for v in views if (model_info := self._session.model_info(v)) is not None]
        state, table = self._session.state, self._session.table
        slit = state.lab.slit
        caption = f"slit at {slit.x:+.2f} {slit.y:+.2f}, {slit.angle:.0f}\u00b0, length {slit.length:.2f}"

        def write() -> None:
            from explorer.animation.scan_sheet import compose

            page = compose(scans, names, caption, views)
            write_png(path, np.ascontiguousarray(page[:, :, ::-1]), state, table)

        self._files.write(path, write)

    # -- jobs ----------------------------------------------------------------------------------------------

    def _request(self, view: int) -> RenderRequest:
        """Return a view as it is now. Raises LatentwalkError."""
        return replace(self._session.resolve_view(view), untransform=False, residual="none")

    def _begin(self, key: str, view: int, spec: JobSpec) -> None:
        """Start a job of a view, replacing one with the same key; see `job_event`."""
        self._session.service.run_job(key, view, spec, paused=key.rpartition("/")[0] in self._hidden)

    def set_seen(self, name: str, seen: bool) -> None:
        """Pause or resume the jobs whose keys begin with `name`, as their panel is hidden or shown."""
        if seen:
            self._hidden.discard(name)
        else:
            self._hidden.add(name)
        for key in self._session.service.jobs:
            if key.rpartition("/")[0] == name:
                self._session.service.pause_job(key, not seen)

    def measure_curves(self, view: int) -> None:
        """Measure EQ-T, EQ-T fractional and EQ-R of the view's latent, as `Curves` under the key "curves/VIEW".

        Raises:
            LatentwalkError: Nothing is loaded in the view, or its look cannot be rendered.
        """
        self._begin(f"curves/{view}", view, JobSpec("curves", self._request(view)))

    def measure(self, key: str, view: int, metrics: Sequence[str], samples: int) -> None:
        """Measure metrics that share a sampler, as estimates by name under "KEY/VIEW".

        Raises:
            LatentwalkError: As `measure_curves`, or there is no such metric.
        """
        (chosen,) = by_sampler([metric_named(name) for name in metrics])
        self._begin(f"{key}/{view}", view, measure_spec(chosen, self._request(view), samples))

    def end_job(self, key: str) -> None:
        """Cancel a job; it reports nothing more."""
        self._session.service.end_job(key)

    def _end_jobs_of(self, view: int) -> None:
        for key in list(self._session.service.jobs):
            if key.rpartition("/")[2] == str(view):
                self.end_job(key)

    @property
    def is_measuring(self) -> bool:
        """True while a job, or an average, is running that is not paused."""
        return self._session.service.is_measuring

    def has_job(self, key: str) -> bool:
        """Return True while a job with that key is running."""
        return self._session.service.has_job(key)

    @Slot(object)
    def _on_job_event(self, event: JobEvent) -> None:
        if self._session.is_closed:
            return
        if not event.key.startswith("average/"):
            self.job_event.emit(event)
            return
        if event.report is not None:
            picture = LabPicture(event.view, event.report.value, event.report.done, event.report.total)
            self._averaging[event.view] = picture
            self.picture.emit(picture)
        if event.error is not None:
            self._session.status.emit(str(event.error))

    # -- averages ------------------------------------------------------------------------------------------

    def last_picture(self, view: int) -> LabPicture | None:
        """Return the average shown instead of a view's picture, if there is one."""
        return self._averaging.get(view)

    @Slot(object, object)
    def _on_lab_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        if old.lab.slit != new.lab.slit and new.lab.scan:
            self._rescan = self.scan.rescan_steps(new.lab.slit)
            self._rescan_some()
        if (old.lab.scan and not new.lab.scan) or len(old.views) != len(new.views):
            self.clear_scan()
        for view in range(len(new.views), len(old.views)):
            self._end_jobs_of(view)
            self._averaging.pop(view, None)
        if old.lab.tour and not new.lab.tour:
            self._end_tour()
        if _pictures_of(old) != _pictures_of(new):
            self._drop_averages()
            self._rest.start()

    @Slot(int)
    def _on_lab_model(self, view: int) -> None:
        for key in self._session.service.jobs:
            if key.rpartition("/")[2] == str(view):
                self.end_job(key)
        self._drop_averages()
        self._rest.start()

    @Slot(object)
    def _on_lab_settings(self, settings: object) -> None:
        # Another device or precision gives other results, and the previous device's thread has ended.
        self._session.service.end_jobs()
        self._drop_averages()
        self._rest.start()

    @Slot(bool)
    def _on_lab_motion(self, is_playing: bool) -> None:
        # An animated transform moves the picture without changing the state.
        if any(self._is_moving(view) for view in self._session.visible_views()):
            self._drop_averages()
        self._rest.start()

    def _is_moving(self, view: int) -> bool:
        return self._session.motion.clock.is_playing and self._session.motion.is_moving(view)

    def _drop_averages(self) -> None:
        for view in range(len(self._session.state.views)):
            self.end_job(f"average/{view}")
            if self._averaging.pop(view, None) is not None:
                self.picture.emit(LabPicture(view, None))

    @Slot()
    def _on_rest(self) -> None:
        if self._session.is_closed:
            return
        lab = self._session.state.lab
        if lab.average != "none":
            for view in self._session.visible_views():
                if self._session.model_info(view) is not None and not self._is_moving(view):
                    try:
                        spec = average_spec(self._request(view), lab.average, lab.radius, lab.count)
                        self._begin(f"average/{view}", view, spec)
                    except LatentwalkError as error:
                        self._session.status.emit(str(error))
        self.rested.emit()


def _pictures_of(state: ExplorerState) -> tuple[object, ...]:
    """Return what the averages of a state depend on."""
    lab = state.lab
    return state.shared, state.views, lab.average, lab.radius, lab.count, visible_views(state)
