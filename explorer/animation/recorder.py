"""Recorder: renders a job's frames into a bounded queue, from which another thread encodes them.

Memory stays flat however long the film is: a handful of frames wait, the rest is on disk. What is on disk survives
a kill, and `Recorder(job).run()` goes on from there.
"""

from __future__ import annotations

import logging
import os
import queue
import shlex
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from explorer.animation.container import Stream
from explorer.animation.encoder import ChunkedWriter
from explorer.animation.film import FilmRenderer
from explorer.animation.finish import finish
from explorer.animation.folder import ChunkedFolder
from explorer.animation.forecast import Forecast
from explorer.animation.formats import format_named
from explorer.animation.job import (
    Job,
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
from explorer.errors import CancelledError, FilmError, LatentwalkError
from explorer.project.document import state_to_text
from explorer.project.model_places import places_of
from explorer.util.program_name import program_name

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from explorer.state import ExplorerState

__all__ = ["Control", "EncoderThread", "Progress", "Recorder", "lower_priority"]

log = logging.getLogger("explorer.animation")

QUEUE_FRAMES = 8
"""Frames that may wait for the encoder: enough to level out its pieces, few enough to forget about."""


@dataclass(frozen=True, slots=True, eq=False)
class Progress:
    """How far a film is. `fps`: frames per second lately; `seconds_left` by that; `picture`: the last frame.

    `words`: a sentence that the user should read, if there is one. `size`: about how many bytes the file will have,
    0 while nobody knows.
    """

    stage: Literal["loading", "rendering", "finishing", "done"]
    done: int
    total: int
    fps: float = 0.0
    seconds_left: float = 0.0
    picture: NDArray[np.uint8] | None = None
    words: str = ""
    size: int = 0


class Control:
    """Pause, resume and cancel, from any thread."""

    def __init__(self) -> None:
        self._go = threading.Event()
        self._go.set()
        self._cancelled = False

    def pause(self) -> None:
        """Holds before the next frame."""
        self._go.clear()

    def resume(self) -> None:
        """Goes on."""
        self._go.set()

    def cancel(self) -> None:
        """Ends before the next frame; what is finished is kept."""
        self._cancelled = True
        self._go.set()

    @property
    def is_paused(self) -> bool:
        """True while it holds."""
        return not self._go.is_set()

    def check(self) -> None:
        """Waits while paused. Raises CancelledError."""
        self._go.wait()
        if self._cancelled:
            raise CancelledError("The film was cancelled; what is finished is kept.", "Render again to continue.")


class _Growing(Protocol):
    """What frames are appended to."""

    count: int

    def add(self, picture: NDArray[np.uint8]) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


class EncoderThread:
    """Takes frames from a bounded queue and appends them; a fault is told to whoever puts the next one."""

    def __init__(self, growing: _Growing, forecast: Forecast) -> None:
        self._growing, self._forecast = growing, forecast
        self._queue: queue.Queue[NDArray[np.uint8] | None] = queue.Queue(QUEUE_FRAMES)
        self._fault: Exception | None = None
        self.blocked_s = 0.0
        self._thread = threading.Thread(target=self._run, name="film-encoder", daemon=True)
        self._thread.start()

    def put(self, picture: NDArray[np.uint8]) -> None:
        """Hands a frame over; waits while the queue is full. Raises what the encoder raised."""
        started = time.perf_counter()
        self._queue.put(picture)
        self.blocked_s += time.perf_counter() - started
        if self._fault is not None:
            raise self._fault

    def drain(self) -> None:
        """Waits until every frame that was put is encoded."""
        self._queue.join()

    def end(self) -> None:
        """Waits until everything is encoded. Raises what the encoder raised."""
        self._queue.put(None)
        self._thread.join()
        if self._fault is not None:
            raise self._fault

    def _run(self) -> None:
        # The renderer goes first: a core that the encoder holds for a moment makes all of torch's workers wait.
        lower_priority(5)
        while (picture := self._queue.get()) is not None:
            if self._fault is None:  # after a fault the queue is only emptied, so that nobody waits for ever
                try:
                    self._growing.add(picture)
                    self._forecast.note(picture, self._growing.count)
                except Exception as error:  # told to the renderer, whatever it is
                    self._fault = error
            self._queue.task_done()


def lower_priority(by: int) -> None:
    """Makes this thread and those that it starts nicer to others; only Linux has niceness for single threads."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        nice = os.getpriority(os.PRIO_PROCESS, thread)
        os.setpriority(os.PRIO_PROCESS, thread, min(nice + by, 19))


class Recorder:
    """Makes one film. `run` is called once, in any thread.

    Args:
        job: The film.
        overwrite: Whether a finished film or another unfinished one of that name may be replaced.
        make_renderer: For tests.

    Raises:
        FilmError: A film of that name is there, or a different unfinished one.
    """

    def __init__(
        self, job: Job, *, overwrite: bool = False, make_renderer: Callable[..., FilmRenderer] = FilmRenderer
    ) -> None:
        job.film.check()
        self.job, self._make_renderer = job, make_renderer
        self.format = format_named(job.film.format)
        self.target = target_of(job.path, job.film)
        self.control = Control()
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
        part_number(self.job.path)  # a file of somebody else's is left alone, also with `overwrite`
        try:
            is_same = read_job(self.job.path).same_as(self.job)
        except LatentwalkError:  # a job that cannot be read, or that is refused by now, may be replaced too
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

    def run(self, tell: Callable[[Progress], None] = lambda progress: None) -> Path:
        """Renders what is not there yet, and gives the finished film's path.

        Raises:
            CancelledError: It was cancelled; what is finished is kept.
            FilmError: The disk is full or the encoder failed; what is finished is kept.
            LatentwalkError: A model or a frame cannot be had; what is finished is kept.
        """
        job, total = self.job, self.job.film.frames
        tell(Progress("loading", 0, total))
        renderer = self._make_renderer(job.state, job.film, job.settings, job.table)
        self.control.check()
        height, width = renderer.frame(0).shape[:2]
        origin = Origin(tuple(facts.sha256 for facts in renderer.facts), (width, height))
        self._begin(origin, _digests(renderer), tell)
        stream = Stream(self.format, job.film.quality, (width, height), job.film.fps)
        text = self._text(job.state, renderer)
        growing: ChunkedWriter | ChunkedFolder
        number = part_number(job.path)
        if job.film.format == "png":
            growing = ChunkedFolder(job.path, partial(self._text_of, renderer), number)
        else:
            growing = ChunkedWriter(job.path, stream, text, number)
        self.first_frame = growing.count
        forecast = Forecast(stream, growing.part, total)
        tell(Progress("rendering", growing.count, total, size=forecast.size))
        try:
            self._render(renderer, growing, forecast, total, tell)
            growing.close()
        except BaseException:
            growing.abort()
            raise
        if isinstance(growing, ChunkedFolder):
            growing.finish()
        else:
            finishing = partial(self._finishing, tell, total, forecast)
            finish(growing.part, job.path, stream, text, total, _Slowly(finishing))
        discard(job.path)
        tell(Progress("done", total, total))
        return self.target

    def _text(self, state: ExplorerState, renderer: FilmRenderer) -> str:
        """The project inside the film or one of its pictures, with its models' places as seen from there."""
        state = with_absolute_models(state)
        folder = self.target if self.job.film.format == "png" else self.target.parent
        return state_to_text(state, self.job.table, places_of(state, folder, _digests(renderer)))

    def _begin(self, origin: Origin, digests: dict[str, str], tell: Callable[[Progress], None]) -> None:
        """Writes the job; frames that other networks made are discarded, since a film is of one kind throughout.

        What has the names of such frames, but no job, is not ours: it stays, and the film takes other names.
        """
        path = self.job.path
        before = origin_of(path)
        words = ""
        if before is None and is_unfinished(path):
            words = f"{path.name} continues; which models made its first frames is unknown."
        elif before != origin and has_parts(path):
            discard(path)
            words = f"{path.name} starts again: a model has changed since."
        if words:
            log.info("%s", words)
            tell(Progress("loading", 0, self.job.film.frames, words=words))
        write_job(self.job, origin, digests)

    def _text_of(self, renderer: FilmRenderer, number: int) -> str:
        return self._text(renderer.state_of(number), renderer)

    def _render(
        self,
        renderer: FilmRenderer,
        growing: _Growing,
        forecast: Forecast,
        total: int,
        tell: Callable[[Progress], None],
    ) -> None:
        encoder = EncoderThread(growing, forecast)
        ends: deque[float] = deque([time.perf_counter()], maxlen=60)
        try:
            for number in range(growing.count, total):
                self.control.check()
                started = time.perf_counter()
                picture = renderer.frame(number)
                self.render_s += time.perf_counter() - started
                encoder.put(picture)
                ends.append(time.perf_counter())
                if ends[-1] - ends[-2] > 5.0:  # it was paused, or something else had the machine
                    ends = deque([started, ends[-1]], maxlen=60)
                fps = (len(ends) - 1) / max(ends[-1] - ends[0], 1e-9)
                done = number + 1
                tell(Progress("rendering", done, total, fps, (total - done) / fps, picture, size=forecast.size))
        except BaseException:
            self._end(encoder)
            raise
        encoder.end()
        self.blocked_s = encoder.blocked_s

    def _finishing(self, tell: Callable[[Progress], None], total: int, forecast: Forecast, done: int) -> None:
        self.control.check()
        tell(Progress("finishing", done, total, size=forecast.size))

    @staticmethod
    def _end(encoder: EncoderThread) -> None:
        try:
            encoder.end()
        except Exception as error:  # the one that ends the film is on its way already
            log.info("encoder: %s", error)


def _digests(renderer: FilmRenderer) -> dict[str, str]:
    """SHA-256 of the models by their whole paths."""
    return {str(Path(facts.path).resolve()): facts.sha256 for facts in renderer.facts if facts.path}


class _Slowly:
    """Calls a function of a count at most ten times a second."""

    def __init__(self, tell: Callable[[int], None]) -> None:
        self._tell, self._last = tell, 0.0

    def __call__(self, done: int) -> None:
        now = time.monotonic()
        if now - self._last >= 0.1:
            self._last = now
            self._tell(done)
