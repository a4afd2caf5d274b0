"""Formats of films, a film's true frames, and a film left unfinished."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.animation.film import Film, FilmRenderer
from explorer.animation.formats import available
from explorer.animation.job import FilmJob
from explorer.animation.recorder import Progress, Recorder
from explorer.errors import CancelledError
from explorer.state import ExplorerState

KEYS = [f.key for f in available()]
VIDEOS = [key for key in KEYS if key != "png"]


def true_frames(project: ExplorerState, film: Film) -> list[np.ndarray]:
    renderer = FilmRenderer(project, film)
    return [renderer.frame(i) for i in range(film.frames)]


def leave_unfinished(job: FilmJob) -> None:
    recorder = Recorder(job)

    def stop(progress: Progress) -> None:
        if progress.done == 31:
            recorder.control.cancel()

    with pytest.raises(CancelledError):
        recorder.run(stop)
