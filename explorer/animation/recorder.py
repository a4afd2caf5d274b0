"""Recorder: renders a job's frames into a bounded queue, from which another thread encodes them.

Memory use does not grow with the film: a few frames are queued, the rest is on disk. Frames on disk survive a kill,
and `Recorder(job).run()` resumes from there.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import shlex
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from explorer.animation.container import Stream
from explorer.animation.encoder import ChunkedWriter
from explorer.animation.film import FilmRenderer
from explorer.animation.finish import finish
from explorer.animation.folder import ChunkedFolder
from explorer.animation.forecast import Forecast
from explorer.animation.formats import format_named
from explorer.animation.job import (
    FilmJob,
    Origin,
    discard,
    has_parts,
    is_unfinished,
    job_path,
    origin_of,
    part_number,
    read_job,
    target_of,
    with_absolute_models,
    write_job,
)
from explorer.errors import FilmError, LatentwalkError
from explorer.jobs.executors import drive
from explorer.jobs.job import Report
from explorer.jobs.pushed import pushed
from explorer.jobs.registry import control_of
from explorer.project.document import state_to_text
from explorer.project.model_places import places_of
from explorer.util.priority import lower_priority
from explorer.util.program_name import program_name

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from explorer.state import ExplorerState

__all__ = ["EncoderThread", "FilmPreview", "Progress", "Recorder", "frames_here"]

log = logging.getLogger("explorer.animation")

T = TypeVar("T")

QUEUE_FRAMES = 8
"""Capacity of the encoder's queue in frames: enough to absorb the time of a chunk, with little memory."""


@dataclass(frozen=True, slots=True, eq=False)
class FilmPreview:
    """Preview of a film during rendering.

    Attributes:
        picture: The last frame, uint8 RGB `[H, W, 3]`.
        size: Estimated size of the file in bytes; 0 while unknown.
        path: Path of the finished film, at the end.
    """

    picture: NDArray[np.uint8] | None = None
    size: int = 0
    path: Path | None = None


Progress: TypeAlias = Report[FilmPreview]
"""Progress of a film in frames; the stages are "loading", "rendering", "finishing" and "done"."""

FilmSteps: TypeAlias = "Generator[Progress, None, None]"

Frames: TypeAlias = "Callable[[FilmRenderer, range], Iterator[NDArray[np.uint8]]]"
"""Renders a range of a film's frames, in order."""


def frames_here(renderer: FilmRenderer, numbers: range) -> Iterator[NDArray[np.uint8]]:
    """Render frames one after another in the calling thread."""
    return map(renderer.frame, numbers)


class _Growing(Protocol):
    """A film to which frames are appended."""

    count: int

    def add(self, picture: NDArray[np.uint8]) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


class EncoderThread:
    """Takes frames from a bounded queue and appends them; an error is raised by the next `put`."""

    def __init__(self, growing: _Growing, forecast: Forecast) -> None:
        self._growing, self._forecast = growing, forecast
        self._queue: queue.Queue[NDArray[np.uint8] | None] = queue.Queue(QUEUE_FRAMES)
        self._fault: Exception | None = None
        self.blocked_s = 0.0
        self._thread = threading.Thread(target=self._run, name="film-encoder", daemon=True)
        self._thread.start()

    def put(self, picture: NDArray[np.uint8]) -> None:
        """Queue a frame; wait while the queue is full. Raises any error of the encoder."""
        started = time.perf_counter()
        self._queue.put(picture)
        self.blocked_s += time.perf_counter() - started
        if self._fault is not None:
            raise self._fault

    def drain(self) -> None:
        """Wait until every frame that was put is encoded."""
        self._queue.join()

    def end(self) -> None:
        """Wait until everything is encoded. Raises any error of the encoder."""
        self._queue.put(None)
        self._thread.join()
        if self._fault is not None:
            raise self._fault

    def _run(self) -> None:
        # Low priority: all of torch's workers wait for a core that the encoder occupies.
        lower_priority(5)
        while (picture := self._queue.get()) is not None:
            if self._fault is None:  # after an error the queue is only drained, so that `put` never blocks forever
                try:
                    self._growing.add(picture)
                    self._forecast.note(picture, self._growing.count)
                except Exception as error:  # any error must reach the renderer's thread
                    self._fault = error
            self._queue.task_done()


class Recorder:
    """Renders one film. Call `steps` or `run` once, in any thread.

    Args:
        job: The film.
        overwrite: Whether a finished film or another unfinished one of that name may be replaced.
        make_renderer: Creates the renderer; replaced by tests.
        frames: Renders the frames in order, for example on other machines.

    Raises:
        FilmError: A film of that name exists, or a different unfinished one.
    """

    def __init__(
        self,
        job: FilmJob,
        *,
        overwrite: bool = False,
        make_renderer: Callable[..., FilmRenderer] = FilmRenderer,
        frames: Frames = frames_here,
    ) -> None:
        job.film.check()
        self.job, self._make_renderer, self._frames = job, make_renderer, frames
        self.format = format_named(job.film.format)
        self.target = target_of(job.path, job.film)
        self.control = control_of("film")
        self.render_s = self.blocked_s = 0.0
        self.first_frame = 0
        if self.target.exists() and not overwrite:
            hint = "Choose another name, or allow overwriting."
            command = "Choose another name, or add --overwrite."
            raise FilmError(f"{self.target.name} already exists.", hint, command=command)
        if self.target.is_dir() and job.film.format == "png":
            raise FilmError(f"The folder {self.target.name} already exists.", "Choose another name.")
        if not job.path.resolve().parent.is_dir():
            raise FilmError(f"The folder {job.path.parent} does not exist.", "Choose another one.")
        self._check_unfinished(overwrite)

    def _check_unfinished(self, overwrite: bool) -> None:
        if not is_unfinished(self.job.path):
            return
        part_number(self.job.path)  # other files are left alone, even with `overwrite`
        try:
            is_same = read_job(self.job.path).same_as(self.job)
        except LatentwalkError:  # a job that cannot be read, or is no longer valid, may be replaced too
            is_same = False
        if not is_same:
            if not overwrite:
                raise FilmError(
                    f"Another film {self.job.path.name} is unfinished.",
                    "Continue that one, choose another name, or allow overwriting it.",
                    command="Choose another name, add --overwrite, or continue it: "
                    f"{program_name()} video {shlex.quote(str(job_path(self.job.path)))}",
                )
            discard(self.job.path)

    def run(self, report: Callable[[Progress], object] = lambda progress: None) -> Path:
        """Run all `steps` in the calling thread, and return the path of the finished film.

        Raises:
            CancelledError: The film was cancelled; finished frames are kept.
            LatentwalkError: As `steps`.
        """
        drive(self.steps(), self.control, report)
        return self.target

    def steps(self) -> FilmSteps:
        """Render missing frames, one per step. Closing the generator stops the film; finished frames are kept.

        Raises:
            FilmError: The disk is full or the encoder failed; finished frames are kept.
            LatentwalkError: A model or a frame is not available; finished frames are kept.
        """
        job, total = self.job, self.job.film.frames
        yield _progress("loading", 0, total)
        renderer = self._make_renderer(job.state, job.film, job.settings, job.table)
        yield _progress("loading", 0, total)
        height, width = renderer.frame(0).shape[:2]
        origin = Origin(tuple(model.sha256 for model in renderer.models), (width, height))
        if note := self._begin(origin, _digests(renderer)):
            yield _progress("loading", 0, total, note=note)
        stream = Stream(self.format, job.film.quality, (width, height), job.film.fps)
        text = self._text(job.state, renderer)
        growing: ChunkedWriter | ChunkedFolder
        number = part_number(job.path)
        if job.film.format == "png":
            growing = ChunkedFolder(job.path, partial(self._text_of, renderer), number)
        else:
            growing = ChunkedWriter(job.path, stream, text, number)
        try:
            self.first_frame = growing.count
            forecast = Forecast(stream, growing.part, total)
            yield _progress("rendering", growing.count, total, size=forecast.size)
            yield from self._render(renderer, growing, forecast, total)
            growing.close()
        except BaseException:
            growing.abort()
            raise
        if isinstance(growing, ChunkedFolder):
            growing.finish()
        else:
            part = growing.part

            def work(report: Callable[[int], None]) -> None:
                finish(part, job.path, stream, text, total, _Throttled(report))

            for done in pushed(work):
                yield _progress("finishing", done, total, size=forecast.size)
        discard(job.path)
        yield _progress("done", total, total, path=self.target)

    def _text(self, state: ExplorerState, renderer: FilmRenderer) -> str:
        """Return the project to embed in the film or one of its pictures, with paths of models relative to it."""
        state = with_absolute_models(state)
        folder = self.target if self.job.film.format == "png" else self.target.parent
        return state_to_text(state, self.job.table, places_of(state, folder, _digests(renderer)))

    def _begin(self, origin: Origin, digests: dict[str, str]) -> str:
        """Write the job, and return a note for the user.

        Frames made by other networks are discarded, so that a film is consistent.

        Files with such names but without a job are not ours: they stay, and the film uses other names.
        """
        path = self.job.path
        before = origin_of(path)
        message = ""
        if before is None and is_unfinished(path):
            message = f"{path.name} continues; the models of its first frames are unknown."
        elif before != origin and has_parts(path):
            discard(path)
            message = f"{path.name} starts again: a model has changed since."
        if message:
            log.info("%s", message)
        write_job(self.job, origin, digests)
        return message

    def _text_of(self, renderer: FilmRenderer, number: int) -> str:
        return self._text(renderer.state_of(number), renderer)

    def _render(self, renderer: FilmRenderer, growing: _Growing, forecast: Forecast, total: int) -> FilmSteps:
        encoder = EncoderThread(growing, forecast)
        ends: deque[float] = deque([time.perf_counter()], maxlen=60)
        numbers = range(growing.count, total)
        try:
            with _closing(self._frames(renderer, numbers)) as frames:
                for number in numbers:
                    started = time.perf_counter()
                    picture = next(frames)
                    self.render_s += time.perf_counter() - started
                    encoder.put(picture)
                    ends.append(time.perf_counter())
                    if ends[-1] - ends[-2] > 5.0:  # it was paused, or the machine was busy
                        ends = deque([started, ends[-1]], maxlen=60)
                    fps = (len(ends) - 1) / max(ends[-1] - ends[0], 1e-9)
                    yield _progress("rendering", number + 1, total, fps, picture=picture, size=forecast.size)
        except BaseException:
            self._end(encoder)
            raise
        encoder.end()
        self.blocked_s = encoder.blocked_s

    @staticmethod
    def _end(encoder: EncoderThread) -> None:
        try:
            encoder.end()
        except Exception as error:  # the error that ends the film is already being raised
            log.info("encoder: %s", error)


def _progress(stage: str, done: int, total: int, rate: float = 0.0, note: str = "", **preview: Any) -> Progress:
    return Report(FilmPreview(**preview), done, total, stage, rate, note)


@contextlib.contextmanager
def _closing(frames: Iterator[T]) -> Iterator[Iterator[T]]:
    """Close an iterator at the end if possible, which cancels frames that are rendered elsewhere."""
    try:
        yield frames
    finally:
        close = getattr(frames, "close", None)
        if close is not None:
            close()


def _digests(renderer: FilmRenderer) -> dict[str, str]:
    """Return the SHA-256 of the models by absolute path."""
    return {str(Path(model.path).resolve()): model.sha256 for model in renderer.models if model.path}


class _Throttled:
    """Calls a function of a count at most ten times a second."""

    def __init__(self, report: Callable[[int], None]) -> None:
        self._report, self._last = report, 0.0

    def __call__(self, done: int) -> None:
        now = time.monotonic()
        if now - self._last >= 0.1:
            self._last = now
            self._report(done)
