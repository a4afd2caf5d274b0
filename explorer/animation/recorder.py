"""Recorder: renders a job's frames into a bounded queue, from which another thread encodes them.

Memory stays flat however long the film is: a handful of frames wait, the rest is on disk. What is on disk survives
a kill, and `Recorder(job).run()` goes on from there.
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
"""Frames that may wait for the encoder: enough to level out its pieces, few enough to forget about."""


@dataclass(frozen=True, slots=True, eq=False)
class FilmPreview:
    """What is seen of a film while it grows.

    Attributes:
        picture: The last frame, uint8 `[H, W, 3]` red-green-blue.
        size: About how many bytes the file will have, 0 while nobody knows.
        path: The finished film, at the end.
    """

    picture: NDArray[np.uint8] | None = None
    size: int = 0
    path: Path | None = None


Progress: TypeAlias = Report[FilmPreview]
"""How far a film is, in frames; the stages are "loading", "rendering", "finishing" and "done"."""

FilmSteps: TypeAlias = "Generator[Progress, None, None]"

Frames: TypeAlias = "Callable[[FilmRenderer, range], Iterator[NDArray[np.uint8]]]"
"""Makes a range of a film's frames, in order."""


def frames_here(renderer: FilmRenderer, numbers: range) -> Iterator[NDArray[np.uint8]]:
    """Make frames one after another in the calling thread."""
    return map(renderer.frame, numbers)


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
        """Hand a frame over; waits while the queue is full. Raises what the encoder raised."""
        started = time.perf_counter()
        self._queue.put(picture)
        self.blocked_s += time.perf_counter() - started
        if self._fault is not None:
            raise self._fault

    def drain(self) -> None:
        """Wait until every frame that was put is encoded."""
        self._queue.join()

    def end(self) -> None:
        """Wait until everything is encoded. Raises what the encoder raised."""
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


class Recorder:
    """Makes one film. `steps` or `run` is called once, in any thread.

    Args:
        job: The film.
        overwrite: Whether a finished film or another unfinished one of that name may be replaced.
        make_renderer: For tests.
        frames: Makes the frames, in order; elsewhere, for example.

    Raises:
        FilmError: A film of that name is there, or a different unfinished one.
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

    def run(self, tell: Callable[[Progress], object] = lambda progress: None) -> Path:
        """Take all `steps` in the calling thread, and give the finished film's path.

        Raises:
            CancelledError: `control` said so; what is finished is kept.
            LatentwalkError: As `steps`.
        """
        drive(self.steps(), self.control, tell)
        return self.target

    def steps(self) -> FilmSteps:
        """Render what is not there yet, a frame a step. Closing them ends the film; what is finished is kept.

        Raises:
            FilmError: The disk is full or the encoder failed; what is finished is kept.
            LatentwalkError: A model or a frame cannot be had; what is finished is kept.
        """
        job, total = self.job, self.job.film.frames
        yield _progress("loading", 0, total)
        renderer = self._make_renderer(job.state, job.film, job.settings, job.table)
        yield _progress("loading", 0, total)
        height, width = renderer.frame(0).shape[:2]
        origin = Origin(tuple(facts.sha256 for facts in renderer.facts), (width, height))
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

            def work(tell: Callable[[int], None]) -> None:
                finish(part, job.path, stream, text, total, _Slowly(tell))

            for done in pushed(work):
                yield _progress("finishing", done, total, size=forecast.size)
        discard(job.path)
        yield _progress("done", total, total, path=self.target)

    def _text(self, state: ExplorerState, renderer: FilmRenderer) -> str:
        """Return the project inside the film or one of its pictures, with its models' places as seen from there."""
        state = with_absolute_models(state)
        folder = self.target if self.job.film.format == "png" else self.target.parent
        return state_to_text(state, self.job.table, places_of(state, folder, _digests(renderer)))

    def _begin(self, origin: Origin, digests: dict[str, str]) -> str:
        """Write the job, and give what the user should know.

        Frames that other networks made are discarded, since a film is of one kind throughout.

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
        write_job(self.job, origin, digests)
        return words

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
                    if ends[-1] - ends[-2] > 5.0:  # it was paused, or something else had the machine
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
        except Exception as error:  # the one that ends the film is on its way already
            log.info("encoder: %s", error)


def _progress(stage: str, done: int, total: int, rate: float = 0.0, note: str = "", **preview: Any) -> Progress:
    return Report(FilmPreview(**preview), done, total, stage, rate, note)


@contextlib.contextmanager
def _closing(frames: Iterator[T]) -> Iterator[Iterator[T]]:
    """Close an iterator in the end, if it can be: frames that are made elsewhere are called off."""
    try:
        yield frames
    finally:
        close = getattr(frames, "close", None)
        if close is not None:
            close()


def _digests(renderer: FilmRenderer) -> dict[str, str]:
    """SHA-256 of the models by their whole paths."""
    return {str(Path(facts.path).resolve()): facts.sha256 for facts in renderer.facts if facts.path}


class _Slowly:
    """Call a function of a count at most ten times a second."""

    def __init__(self, tell: Callable[[int], None]) -> None:
        self._tell, self._last = tell, 0.0

    def __call__(self, done: int) -> None:
        now = time.monotonic()
        if now - self._last >= 0.1:
            self._last = now
            self._tell(done)
