"""The render loop of one device: takes requests from the mailbox, runs the pipeline, publishes the results.

A *draft* is a quick representative picture, which a *refinement* of the same request completes later; their results
have a lower and a higher *tier*. A *job* is longer work, such as a measurement, done in steps between requests.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import torch

from explorer.errors import LatentwalkError
from explorer.ops.precision import DTYPES
from explorer.render.cache import StageCache
from explorer.render.devices import cache_budget, classify_error
from explorer.render.job_run import JobEvent, JobRun
from explorer.render.mailbox import Mailbox, Task, Ticket
from explorer.render.model_store import ModelStore, on_device
from explorer.render.pipeline import Cancelled, Pipeline, Plan, Result
from explorer.render.results import DeviceLost, Frame, RenderFailed, Thumbnail
from explorer.util.tracebacks import release_frames

if TYPE_CHECKING:
    from torch import Tensor

    from explorer.generators.base import Generator
    from explorer.state.request import RenderRequest

__all__ = ["DRAFT_ABOVE_MS", "Message", "Renderer"]

log = logging.getLogger("explorer.render")

Message: TypeAlias = Frame | RenderFailed | DeviceLost | Thumbnail | JobEvent
Publish: TypeAlias = Callable[[Message], None]

DRAFT_ABOVE_MS = 40.0
"""A render that is expected to take longer shows a draft first, if the family has a representative one."""

THUMBNAIL_VIEW = -1

LIVE_VIEW = -2
"""Caches sources whose network no view shows."""

REMEASURE_AFTER = 30
REMEASURE_BELOW_MS = 250.0
"""After so many drafts in a row, one request is rendered in full if it is expected to take less than this."""

MAX_FAILURES = 32
MAX_PIPELINES = 4


class Renderer:
    """Renders for all views of one device.

    `step` processes one item and returns; `start` runs it in a thread until `close`. The mailbox may be used from
    any thread, everything else belongs to the render thread.

    Args:
        models: The loaded generators.
        device: torch's name of the device.
        publish: Called from the render thread with each result; must not block.
        budget_bytes: Budget for cached stages.
    """

    def __init__(
        self,
        models: ModelStore,
        device: str,
        publish: Publish,
        budget_bytes: int | None = None,
    ) -> None:
        self.device = device
        self.mailbox: Mailbox[RenderRequest] = Mailbox()
        self.cache: StageCache[Any] = StageCache(cache_budget(device) if budget_bytes is None else budget_bytes)
        self.stage = ""
        self._models = models
        self._publish = publish
        self._pipelines: OrderedDict[tuple[str, str, str], Pipeline] = OrderedDict()
        self._shown_by: dict[int, tuple[str, str, str]] = {}
        self._failures: OrderedDict[RenderRequest, RenderFailed] = OrderedDict()
        self._dropped: dict[int, int] = {}
        self._drafts: dict[int, int] = {}  # consecutive drafts by view
        self._thread: threading.Thread | None = None

    # -- lifecycle ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Run the loop in a separate thread."""
        self._thread = threading.Thread(target=self._loop, name=f"render {self.device}", daemon=True)
        self._thread.start()

    def close(self, timeout: float = 5.0) -> bool:
        """Stop the loop; return whether its thread has ended within `timeout` seconds."""
        self.mailbox.close()
        thread = self._thread
        if thread is None:
            return True
        thread.join(timeout)
        if thread.is_alive():
            log.error("the thread of %s did not end within %.1f s; it is at: %s", self.device, timeout, self.stage)
            return False
        self._thread = None
        return True

    def _loop(self) -> None:
        while self.step(timeout=None):
            pass
        # Release device memory in the thread that allocated it.
        self._pipelines.clear()
        self.cache.clear()
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()

    def step(self, timeout: float | None = 0.0) -> bool:
        """Process the next item of the mailbox, waiting for it up to `timeout` seconds (None: forever).

        Returns:
            False if there was none or the mailbox is closed.
        """
        item = self.mailbox.take(timeout)
        if item is None:
            return False
        # Grad mode is thread-local, and tensors created here must not be modified elsewhere.
        with torch.inference_mode():
            if isinstance(item, Task):
                self.stage = item.name
                self._do(item)
            else:
                self._render(item)
        self.stage = ""
        return True

    # -- tasks ---------------------------------------------------------------------------------------------

    def thumbnail(self, key: str, view: int, request: RenderRequest) -> None:
        """Queue a small picture, rendered when no request is pending. Thread-safe."""
        self.mailbox.put_idle_task(self._thumbnail_task(key, view, request))

    def run_job(self, run: JobRun) -> None:
        """Run a job step by step while no request is pending. Thread-safe."""
        self.mailbox.put_idle_task(self._job_task(run))

    def forget_models(self, shas: tuple[str, ...]) -> None:
        """Release everything cached for these models. Thread-safe."""
        self.mailbox.put_task(Task(lambda: self._forget(shas), "forget models"))

    def forget_view(self, view: int) -> None:
        """Discard everything pending and cached for a view. Thread-safe."""
        self.mailbox.forget(view)
        self.mailbox.put_task(Task(lambda: self._drop_view(view), "forget view"))

    def _do(self, task: Task) -> None:
        try:
            task.run()
        except Exception as error:  # a failing task of any kind must not end the loop
            if isinstance(error, LatentwalkError):  # such as a thumbnail of a view that has no source yet
                log.info("%s: %s", task.name, error)
            else:
                log.exception("%s failed", task.name)
            if self._is_lost(error):
                self._publish(DeviceLost(self.device, error, traceback.format_exc()))
            release_frames(error)

    def _thumbnail_task(self, key: str, view: int, request: RenderRequest) -> Task:
        return Task(lambda: self._thumbnail(key, view, request), f"thumbnail {view} {key}")

    def _thumbnail(self, key: str, view: int, request: RenderRequest) -> None:
        if request.model.sha256 not in self._models:
            log.info("no thumbnail %s: its model was closed meanwhile", key)
            return
        try:
            self._retried(lambda: self._make_thumbnail(key, view, request))
        except Cancelled:
            # Requests go first. Completed stages are cached, so even a slow thumbnail is completed between
            # requests.
            self.mailbox.put_idle_task(self._thumbnail_task(key, view, request), is_unfinished=True)

    def _make_thumbnail(self, key: str, view: int, request: RenderRequest) -> None:
        pipeline = self._pipeline(request)
        plan = pipeline.plan(request, THUMBNAIL_VIEW)
        result = pipeline.run(plan, lambda: self.mailbox.has_urgent)
        pipeline.forget(THUMBNAIL_VIEW)
        self._publish(Thumbnail(key, view, result.pixels, result.latents.base))

    def _job_task(self, run: JobRun) -> Task:
        return Task(lambda: self._job(run), f"job {id(run)} {run.key}")

    def _job(self, run: JobRun) -> None:
        # When the pause ends, `run_job` is called again.
        if not run.control.is_paused and self._job_step(run) and not run.control.is_paused:
            # Behind the other idle tasks: several jobs and thumbnails take turns.
            self.mailbox.put_idle_task(self._job_task(run))

    def _job_step(self, run: JobRun) -> bool:
        """Run a step; if memory runs out, restart the job once with an empty cache. Return False at its end."""
        try:
            return run.step(self._pipeline, self._publish)
        except Exception as error:  # `step` raises only errors of the device
            text = traceback.format_exc()
            if run.was_retried or classify_error(error) != "memory":
                run.fail(error, self._publish)
                if self._is_lost(error):
                    self._publish(DeviceLost(self.device, error, text))
                return False
            release_frames(error)
        run.was_retried = True
        self._empty_cache()
        return True

    def _empty_cache(self) -> None:
        log.warning("out of memory on %s; trying again with an empty cache", self.device)
        self.cache.clear()
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()

    def _forget(self, shas: tuple[str, ...]) -> None:
        self._failures.clear()
        for name in [n for n in self._pipelines if n[0] in shas]:
            pipeline = self._pipelines.pop(name)
            pipeline.close()
            pipeline.generator.forget_derived()
        for view in [v for v, name in self._shown_by.items() if name[0] in shas]:
            del self._shown_by[view]
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()

    def _drop_view(self, view: int) -> None:
        self._dropped.pop(view, None)
        self._drafts.pop(view, None)
        name = self._shown_by.pop(view, None)
        pipeline = self._pipelines.get(name) if name else None
        if pipeline is not None:
            pipeline.forget(view)

    # -- requests ---------------------------------------------------------------------------------------------

    def _render(self, ticket: Ticket[RenderRequest]) -> None:
        view, request = ticket.view, ticket.request
        self.stage = f"view {view}, generation {ticket.generation}"
        self._dropped[view] = self._dropped.get(view, 0) + ticket.overwritten
        failure = self._failures.get(request) if self._failures else None
        if failure is not None:
            # It failed before; retrying at 60 Hz would only waste GPU time.
            self._publish(replace(failure, view=view, generation=ticket.generation))
            return
        try:
            self._retried(lambda: self._render_tiers(ticket))
        except Cancelled:
            self._dropped[view] += 1
        except Exception as error:  # a generator may raise anything: show it over the picture and continue
            self._fail(ticket, error)

    def _retried(self, work: Callable[[], None]) -> None:
        """Run `work`; if memory runs out, retry once with an empty cache."""
        try:
            work()
            return
        except Exception as error:  # torch's out-of-memory errors have several types; others are raised again
            if classify_error(error) != "memory":
                raise
        # Outside the handler, so that the traceback no longer holds the tensors of the failed run.
        self._empty_cache()
        work()

    def _render_tiers(self, ticket: Ticket[RenderRequest]) -> None:
        """Render the next tier of a request.

        request, cheap or without a draft -> FULL, to completion
        request, expensive                -> DRAFT, to completion; a refinement is queued
        refinement                        -> FULL, cancelled by any urgent request; queued again if not superseded
        """
        pipeline = self._pipeline(ticket.request)
        self._claim(ticket.view, ticket.request)
        plan = pipeline.plan(ticket.request, ticket.view)
        if ticket.is_refinement:
            self._refine(pipeline, plan, ticket)
            return
        draft = preview = None
        if self._wants_draft(plan, ticket.view):
            draft = pipeline.draft_layer(plan)
            preview = pipeline.preview(plan, self._closed) if draft is None else None
        is_draft = draft is not None or preview is not None
        self._drafts[ticket.view] = self._drafts.get(ticket.view, 0) + 1 if is_draft else 0
        if preview is not None:
            self._show(ticket, preview)
            self.mailbox.put_refinement(ticket)
            return
        # Never cancelled, as a draft or as the only tier: a request that is always superseded would never be shown.
        self._show(ticket, pipeline.run(plan, self._closed, draft_layer=draft))
        if draft is not None:
            self.mailbox.put_refinement(ticket)

    def _wants_draft(self, plan: Plan, view: int) -> bool:
        if self._drafts.get(view, 0) >= REMEASURE_AFTER and plan.expected_ms < REMEASURE_BELOW_MS:
            # Drafts do not measure the layers after them: without this, one slow moment would lead to drafts
            # forever.
            return False
        return plan.expected_ms > DRAFT_ABOVE_MS

    def _refine(self, pipeline: Pipeline, plan: Plan, ticket: Ticket[RenderRequest]) -> None:
        try:
            self._show(ticket, pipeline.run(plan, lambda: self.mailbox.has_urgent))
        except Cancelled:
            # Completed stages are cached, so requests of other views only delay this one.
            self.mailbox.put_refinement(ticket)
            if self.mailbox.superseded(ticket.view, ticket.generation):
                raise

    def _closed(self) -> bool:
        return self.mailbox.is_closed

    def _show(self, ticket: Ticket[RenderRequest], result: Result) -> None:
        log.debug(
            "view %s generation %d %s: %.1f ms, %d stages reused, cache %.1f MB; %s",
            ticket.view, ticket.generation, result.tier.name, result.total_ms, result.hits,
            self.cache.nbytes / 1e6, ", ".join(f"{t.name} {t.ms:.2f}" for t in result.timings),
        )  # fmt: skip
        self._publish(
            Frame(
                view=ticket.view,
                generation=ticket.generation,
                tier=result.tier,
                pixels=result.pixels,
                request=ticket.request,
                latents=result.latents,
                timings=result.timings,
                total_ms=result.total_ms,
                cache_hits=result.hits,
                cache_bytes=self.cache.nbytes,
                dropped=self._dropped.get(ticket.view, 0),
                stats=result.stats,
            )
        )

    def _fail(self, ticket: Ticket[RenderRequest], error: Exception) -> None:
        text = "".join(traceback.format_exception(error))
        release_frames(error)
        log.error("view %s generation %d failed: %s", ticket.view, ticket.generation, error)
        if self._is_lost(error):
            self._publish(DeviceLost(self.device, error, text))
            return
        failure = RenderFailed(ticket.view, ticket.generation, error, text, ticket.request)
        # Do not cache out-of-memory or loading failures; a retry may succeed.
        if classify_error(error) == "other" and _name_of(ticket.request) in self._pipelines:
            self._failures[ticket.request] = failure
            while len(self._failures) > MAX_FAILURES:
                self._failures.popitem(last=False)
        self._publish(failure)

    def _is_lost(self, error: BaseException) -> bool:
        """Return whether the device cannot be used any more: it is lost, or too small even with an empty cache."""
        return self.device != "cpu" and classify_error(error) != "other"

    def _pipeline(self, request: RenderRequest) -> Pipeline:
        settings, name = request.settings, _name_of(request)
        pipeline = self._pipelines.get(name)
        if pipeline is None:
            self._failures.clear()
            generator = self._generator(request)
            dtype = DTYPES[settings.dtype]
            pipeline = Pipeline(generator, self.cache, request.model.sha256, dtype, settings.backend)
            pipeline.picture_of = self._live_picture
            self._pipelines[name] = pipeline
            while len(self._pipelines) > MAX_PIPELINES:
                self._pipelines.popitem(last=False)[1].close()
        self._pipelines.move_to_end(name)
        return pipeline

    def _live_picture(self, request: RenderRequest) -> Tensor:
        """Render the source of another picture: from the cache of the view that shows its network, if one does."""
        name = _name_of(request)
        view = next((view for view, shown in self._shown_by.items() if shown == name), LIVE_VIEW)
        return self._pipeline(request).image(request, view)

    def _generator(self, request: RenderRequest) -> Generator:
        """Return the generator on this device, shared by its pipelines of all precisions."""
        for (sha, _, _), pipeline in self._pipelines.items():
            if sha == request.model.sha256:
                return pipeline.generator
        # Inference tensors have no version counter, so values derived from such weights could not be cached.
        with torch.inference_mode(False):
            return on_device(self._models.get(request.model).generator, self.device)

    def _claim(self, view: int, request: RenderRequest) -> None:
        """Record which pipeline a view uses, and discard what another one cached for it."""
        name = _name_of(request)
        before = self._shown_by.get(view)
        if before != name:
            if before is not None and before in self._pipelines:
                self._pipelines[before].forget(view)
            self._shown_by[view] = name


def _name_of(request: RenderRequest) -> tuple[str, str, str]:
    """Return the key that identifies a pipeline on a device."""
    return request.model.sha256, request.settings.dtype, request.settings.backend
