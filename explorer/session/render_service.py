"""The Qt interface of the renderer: takes requests in the GUI thread and delivers frames by queued signals."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal, Slot

from explorer.render.devices import Device, best_device, check_settings, devices
from explorer.render.job_run import JobEvent, JobRun
from explorer.render.model_store import LoadFile, LoadJob, ModelStore, load_file
from explorer.render.renderer import Renderer
from explorer.render.results import DeviceLost, Frame, RenderFailed, Thumbnail
from explorer.session.outbox import Load, Loaded, LoadFailed, LoadProgress, Outbox
from explorer.state.request import RenderRequest

if TYPE_CHECKING:
    from explorer.jobs.job import JobSpec
    from explorer.session.outbox import Message
    from explorer.state.request import RenderRequest

__all__ = ["RenderService"]

log = logging.getLogger("explorer.render")


class RenderService(QObject):
    """Owns the render threads, the loader threads and the model store. Created, used and closed in the GUI thread.

    Signals (all delivered in the GUI thread): `frame_ready(Frame)`, `failed(RenderFailed)`,
    `thumbnail_ready(Thumbnail)`, `job_event(JobEvent)`, `model_loading(view, Report)`,
    `model_loaded(view, ModelInfo)`, `model_failed(view, LatentwalkError)`, and `device_lost(DeviceLost)` after the
    work has moved to the CPU.
    """

    frame_ready = Signal(object)
    failed = Signal(object)
    thumbnail_ready = Signal(object)
    job_event = Signal(object)
    model_loading = Signal(int, object)
    model_loaded = Signal(int, object)
    model_failed = Signal(int, object)
    device_lost = Signal(object)
    _wake = Signal()

    def __init__(
        self,
        parent: QObject | None = None,
        *,
        models: ModelStore | None = None,
        load: LoadFile = load_file,
        renderer: Callable[..., Renderer] = Renderer,
    ) -> None:
        super().__init__(parent)
        self.models = models or ModelStore()
        self._load = load
        self._make_renderer = renderer
        self._renderers: dict[str, Renderer] = {}
        self._generations: dict[int, int] = {}
        self._last: dict[int, RenderRequest] = {}
        self._loads: dict[int, Load] = {}  # by view
        self._shas: dict[int, str] = {}  # digest of each view's model, shown or not
        self._old_loads: list[LoadJob] = []  # cancelled, but their threads may still run
        self._old_renderers: list[Renderer] = []
        self._lost: set[str] = set()
        self._runs: dict[str, JobRun] = {}
        self._closed = False
        # Queued, and to a slot of a QObject of this thread: otherwise it would run in the worker.
        self._wake.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._outbox = Outbox(self._wake.emit)

    # -- requests ------------------------------------------------------------------------------------------

    def request(self, view: int, request: RenderRequest) -> int:
        """Post a request for a view and return its generation number; it replaces one that is still pending."""
        if self._closed:
            return 0
        generation = self._generations.get(view, 0) + 1
        self._generations[view] = generation
        device = self._usable(request.settings.device)
        if device != request.settings.device:
            request = replace(request, settings=replace(request.settings, device=device))
        before = self._last.get(view)
        self._last[view] = request
        if before is not None and before.settings.device != device:
            self._leave(before.settings.device, view)
        self._renderer(device).mailbox.put(view, request, generation)
        if before is not None and before.model != request.model:
            self._release_models()
        return generation

    def thumbnail(self, key: str, view: int, request: RenderRequest) -> None:
        """Request a thumbnail, rendered when no request is pending."""
        if not self._closed:
            device = self._usable(request.settings.device)
            request = replace(request, settings=replace(request.settings, device=device))
            self._renderer(device).thumbnail(key, view, request)

    def run_job(self, key: str, view: int, spec: JobSpec, *, paused: bool = False) -> None:
        """Start a job that runs between requests and reports by `job_event`; it replaces one with the same key."""
        self.end_job(key)
        request = spec.request
        if not self._closed and request is not None:
            device = self._usable(request.settings.device)
            request = replace(request, settings=replace(request.settings, device=device))
            run = self._runs[key] = JobRun(key, view, replace(spec, request=request))
            if paused:
                run.control.pause()
            else:
                self._renderer(device).run_job(run)

    def pause_job(self, key: str, paused: bool) -> None:
        """Pause or resume a job; does nothing if there is none with that key."""
        run = self._runs.get(key)
        if run is None or run.control.is_paused == paused:
            return
        if paused:
            run.control.pause()
        else:
            run.control.resume()
            self._renderer(run.request.settings.device).run_job(run)

    def end_job(self, key: str) -> bool:
        """Cancel a job; return True if it was running. It reports nothing more."""
        run = self._runs.pop(key, None)
        if run is not None:
            run.control.cancel()
        return run is not None

    def end_jobs(self) -> None:
        """Cancel every job."""
        for key in list(self._runs):
            self.end_job(key)

    @property
    def jobs(self) -> tuple[str, ...]:
        """Keys of the running jobs, including paused ones."""
        return tuple(self._runs)

    @property
    def is_measuring(self) -> bool:
        """True while a job is under way that is not paused."""
        return any(not run.control.is_paused for run in self._runs.values())

    def has_job(self, key: str) -> bool:
        """Return whether a job of that key is running."""
        return key in self._runs

    def forget_view(self, view: int) -> None:
        """Drop pending requests and cached results of a view whose model was closed."""
        self._last.pop(view, None)
        self._shas.pop(view, None)
        for renderer in self._renderers.values():
            renderer.forget_view(view)
        self._release_models()

    def devices(self) -> tuple[Device, ...]:
        """Return the usable devices, the fastest kind first, without those lost in this session."""
        return tuple(d for d in devices() if d.name not in self._lost)

    def best_device(self) -> str:
        """Return the default device."""
        return self._usable(best_device())

    def check(self, device: str, dtype: str) -> None:
        """Raise `UsageError` if that device or precision is not available here."""
        check_settings(device, dtype)

    # -- models --------------------------------------------------------------------------------------------

    def load_model(self, view: int, path: str, *, allow_costly: bool = False) -> None:
        """Load a model for a view in a separate thread; the view's previous loading is cancelled.

        `allow_costly`: also load a model whose pictures would exceed this machine's memory or time limits.
        """
        self.cancel_load(view)
        if self._closed:
            return
        outbox, load = self._outbox, Load(view)
        self._loads[view] = load
        cached = self.models.find(path)
        if cached is not None:
            outbox.post(Loaded(load, cached))
            return
        load.job = LoadJob(
            path,
            done=lambda model: outbox.post(Loaded(load, model)),
            failed=lambda error: outbox.post(LoadFailed(load, error)),
            on_report=lambda report: outbox.post(LoadProgress(load, report)),
            load=self._load,
            allow_costly=allow_costly,
        )
        load.job.start()

    def cancel_load(self, view: int) -> bool:
        """Cancel a view's loading; return True if there was one. The current model stays."""
        was_loading = view in self._loads
        job = self._end_load(view)
        if job is not None:
            job.cancel()
            self._old_loads = [old for old in self._old_loads if not old.join(0.0)]
            self._old_loads.append(job)
        return was_loading

    def _end_load(self, view: int) -> LoadJob | None:
        """Forget a view's loading; return its thread, if it has one."""
        load = self._loads.pop(view, None)
        if load is None:
            return None
        job, load.job = load.job, None  # which refers to the load, and so to this service
        return job

    def is_loading(self, view: int) -> bool:
        """Return True while a model is being loaded for that view."""
        return view in self._loads

    # -- lifecycle -----------------------------------------------------------------------------------------

    def close(self, timeout: float = 5.0) -> bool:
        """End all threads; return True if each ended within `timeout` seconds. Nothing is emitted afterwards."""
        if self._closed:
            return True
        self._closed = True
        self.end_jobs()
        self._outbox.close()
        for view in list(self._loads):
            self.cancel_load(view)
        ended = [job.join(timeout) for job in self._old_loads]
        ended += [renderer.close(timeout) for renderer in (*self._renderers.values(), *self._old_renderers)]
        self._renderers.clear()
        self._old_renderers.clear()
        self._old_loads.clear()
        return all(ended)

    def _renderer(self, device: str) -> Renderer:
        renderer = self._renderers.get(device)
        if renderer is None:
            renderer = self._make_renderer(self.models, device, self._outbox.post)
            self._renderers[device] = renderer
            renderer.start()
        return renderer

    def _leave(self, device: str, view: int) -> None:
        """Release a device from a view; the last release ends its thread, which frees its memory."""
        if any(request.settings.device == device for request in self._last.values()):
            self._renderers[device].forget_view(view)
            return
        renderer = self._renderers.pop(device, None)
        if renderer is not None:
            renderer.mailbox.close()
            self._old_renderers.append(renderer)

    def _usable(self, device: str) -> str:
        device = "cuda:0" if device == "cuda" else device
        return "cpu" if device in self._lost else device

    @Slot()
    def _deliver(self) -> None:
        """Deliver all pending messages, in the GUI thread."""
        for message in self._outbox.fetch():
            # A queued wake-up may arrive after `close`, and a slot may close the service during delivery.
            if self._closed:
                return
            self._deliver_one(message)

    def _deliver_one(self, message: Message) -> None:
        match message:
            case Frame():
                self.frame_ready.emit(message)
            case RenderFailed():
                self.failed.emit(message)
            case Thumbnail():
                self.thumbnail_ready.emit(message)
            case JobEvent():
                self._on_job_event(message)
            case DeviceLost():
                self._fall_back(message)
            case LoadProgress() | Loaded() | LoadFailed():
                if self._loads.get(message.load.view) is message.load:
                    self._on_load(message)

    def _on_job_event(self, event: JobEvent) -> None:
        if self._runs.get(event.key) is event.run:
            if event.is_done:
                del self._runs[event.key]
            self.job_event.emit(event)

    def _fall_back(self, lost: DeviceLost) -> None:
        """Move every view of a lost device to the CPU and repeat its last request."""
        if lost.device in self._lost:
            return
        self._lost.add(lost.device)
        renderer = self._renderers.pop(lost.device, None)
        if renderer is not None:
            renderer.close(1.0)
        for view, request in list(self._last.items()):
            if request.settings.device == lost.device:
                moved = replace(request, settings=replace(request.settings, device="cpu"))
                self._last[view] = moved
                # The same generation: for the user it is the same request.
                self._renderer("cpu").mailbox.put(view, moved, self._generations[view])
        self.device_lost.emit(lost)

    def _on_load(self, message: LoadProgress | Loaded | LoadFailed) -> None:
        view = message.load.view
        match message:
            case LoadProgress(report=report):
                self.model_loading.emit(view, report)
            case Loaded(model=model):
                self._end_load(view)
                self._shas[view] = model.model_info.sha256
                self._forget_models(self.models.add(model, self._in_use()))
                self.model_loaded.emit(view, model.model_info)
            case LoadFailed(error=error):
                self._end_load(view)
                self.model_failed.emit(view, error)

    def _in_use(self) -> set[str]:
        """Return digests of the models that views have, and of those that they still show."""
        return {*self._shas.values(), *(r.model.sha256 for r in self._last.values())}

    def _release_models(self) -> None:
        """Free models that no view uses any more, and the results derived from those that stay cached."""
        unused, gone = self.models.release(self._in_use())
        self._forget_models((*unused, *gone))

    def _forget_models(self, shas: tuple[str, ...]) -> None:
        if shas:
            for renderer in self._renderers.values():
                renderer.forget_models(shas)
