"""The Qt interface of the renderer: takes requests in the GUI thread and delivers frames by queued signals."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from explorer.render.devices import Device, best_device, check_settings, devices
from explorer.render.job_run import JobEvent, JobRun
from explorer.render.model_store import LoadedModel, LoadFile, LoadJob, ModelStore, load_file
from explorer.render.renderer import Renderer
from explorer.render.results import DeviceLost, Frame, RenderFailed, Thumbnail

if TYPE_CHECKING:
    from explorer.jobs.job import JobSpec
    from explorer.state.request import RenderRequest

__all__ = ["RenderService"]

log = logging.getLogger("explorer.render")


class _Outbox:
    """Messages from the worker threads. At most one wake-up is pending, however many messages there are.

    A frame replaces an older one of its view that was not fetched yet; all other messages stay in order.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._lock = threading.Lock()
        self._frames: dict[int, Frame] = {}
        self._others: deque[object] = deque()
        self._wake: Callable[[], None] | None = wake
        self._woken = False

    def post(self, message: object) -> None:
        """Add a message; any thread."""
        with self._lock:
            if isinstance(message, Frame):
                self._frames[message.view] = message
            else:
                self._others.append(message)
            wake = None if self._woken else self._wake
            self._woken = True
            if wake is not None:
                # Under the lock, so that `close` cannot drop the receiver between the check and the call.
                wake()

    def fetch(self) -> list[object]:
        """Return and remove all messages; GUI thread only."""
        with self._lock:
            messages: list[object] = [*self._others, *self._frames.values()]
            self._others.clear()
            self._frames.clear()
            self._woken = False
            return messages

    def close(self) -> None:
        """Stop sending wake-ups."""
        with self._lock:
            self._wake = None


class RenderService(QObject):
    """Owns the render threads, the loader threads and the model store. Created, used and closed in the GUI thread.

    Signals (all delivered in the GUI thread): `frame_ready(Frame)`, `failed(RenderFailed)`,
    `thumbnail_ready(Thumbnail)`, `job_event(JobEvent)`, `model_loading(view, fraction, label)`,
    `model_loaded(view, ModelInfo)`, `model_failed(view, LatentwalkError)`, and `device_lost(DeviceLost)` after the
    work has moved to the CPU.
    """

    frame_ready = Signal(object)
    failed = Signal(object)
    thumbnail_ready = Signal(object)
    job_event = Signal(object)
    model_loading = Signal(int, float, str)
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
        # By view: number of the loading, and its job; no job for a cached model.
        self._jobs: dict[int, tuple[int, LoadJob | None]] = {}
        self._numbers = 0
        self._shas: dict[int, str] = {}  # digest of each view's model, shown or not
        self._old_jobs: list[LoadJob] = []
        self._old_renderers: list[Renderer] = []
        self._lost: set[str] = set()
        self._runs: dict[str, JobRun] = {}
        self._closed = False
        # Queued, and to a slot of a QObject of this thread: otherwise it would run in the worker.
        self._wake.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._outbox = _Outbox(self._wake.emit)

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
            run = self._runs[key] = JobRun(key, view, replace(spec, request=request), paused=paused)
            if not paused:
                self._renderer(device).run_job(run)

    def pause_job(self, key: str, paused: bool) -> None:
        """Pause or resume a job; does nothing if there is none with that key."""
        run = self._runs.get(key)
        if run is None or run.paused == paused:
            return
        run.paused = paused
        if not paused:
            self._renderer(run.request.settings.device).run_job(run)

    def end_job(self, key: str) -> bool:
        """Cancel a job; return True if it was running. It reports nothing more."""
        run = self._runs.pop(key, None)
        if run is not None:
            run.ended = True
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
        return any(not run.paused for run in self._runs.values())

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
        cached = self.models.find(path)
        if cached is not None:
            number = self._next_number()
            self._jobs[view] = number, None
            self._outbox.post(("loaded", view, number, cached))
            return
        outbox, number = self._outbox, self._next_number()
        job = LoadJob(
            path,
            done=lambda model: outbox.post(("loaded", view, number, model)),
            failed=lambda error: outbox.post(("failed", view, number, error)),
            progress=lambda fraction, label: outbox.post(("progress", view, number, (fraction, label))),
            load=self._load,
            allow_costly=allow_costly,
        )
        self._jobs[view] = number, job
        job.start()

    def _next_number(self) -> int:
        self._numbers += 1
        return self._numbers

    def cancel_load(self, view: int) -> bool:
        """Cancel a view's loading; return True if there was one. The current model stays."""
        _, job = entry = self._jobs.pop(view, (0, None))
        if job is not None:
            job.cancel()
            self._old_jobs = [j for j in self._old_jobs if not j.join(0.0)]
            self._old_jobs.append(job)
        return entry[0] != 0

    def is_loading(self, view: int) -> bool:
        """Return True while a model is being loaded for that view."""
        return view in self._jobs

    # -- lifecycle -----------------------------------------------------------------------------------------

    def close(self, timeout: float = 5.0) -> bool:
        """End all threads; return True if each ended within `timeout` seconds. Nothing is emitted afterwards."""
        if self._closed:
            return True
        self._closed = True
        self.end_jobs()
        self._outbox.close()
        for view in list(self._jobs):
            self.cancel_load(view)
        ended = [job.join(timeout) for job in self._old_jobs]
        ended += [renderer.close(timeout) for renderer in (*self._renderers.values(), *self._old_renderers)]
        self._renderers.clear()
        self._old_renderers.clear()
        self._old_jobs.clear()
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
            if isinstance(message, Frame):
                self.frame_ready.emit(message)
            elif isinstance(message, RenderFailed):
                self.failed.emit(message)
            elif isinstance(message, Thumbnail):
                self.thumbnail_ready.emit(message)
            elif isinstance(message, JobEvent):
                if self._runs.get(message.key) is message.run:
                    if message.is_done:
                        del self._runs[message.key]
                    self.job_event.emit(message)
            elif isinstance(message, DeviceLost):
                self._fall_back(message)
            elif isinstance(message, tuple):
                what, view, number, payload = message
                if self._jobs.get(view, (0, None))[0] == number:
                    self._on_load(what, view, payload)

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

    def _on_load(self, what: str, view: int, payload: Any) -> None:
        if what == "progress":
            fraction, label = payload
            self.model_loading.emit(view, fraction, label)
        elif what == "loaded":
            self._loaded(view, payload)
        else:
            self._jobs.pop(view, None)
            self.model_failed.emit(view, payload)

    def _loaded(self, view: int, model: LoadedModel) -> None:
        self._jobs.pop(view, None)
        self._shas[view] = model.facts.sha256
        self._forget_models(self.models.add(model, self._in_use()))
        self.model_loaded.emit(view, model.facts)

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
