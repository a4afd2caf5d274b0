"""Studies in the render thread: one step at a time, as idle tasks between the looks, until done or ended."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from explorer.analysis.study import Bench, Report, Study
from explorer.errors import LatentwalkError

if TYPE_CHECKING:
    from explorer.state.request import RenderRequest

__all__ = ["MakeStudy", "Studied", "StudyRun"]

log = logging.getLogger("explorer.render")

MakeStudy: TypeAlias = "Callable[[Bench, RenderRequest], Study[Any]]"


@dataclass(frozen=True, slots=True, eq=False)
class Studied:
    """What a study says: a report, its end (`is_done`), or why it cannot go on. Immutable; crosses threads."""

    key: str
    view: int
    run: StudyRun
    report: Report[Any] | None = None
    error: Exception | None = None
    is_done: bool = False


@dataclass(slots=True, eq=False)
class StudyRun:
    """One study under way. `ended` and `paused` may be set by any thread; the rest belongs to the render thread."""

    key: str
    view: int
    request: RenderRequest
    make: MakeStudy
    ended: bool = False
    paused: bool = False
    _study: Study[Any] | None = field(default=None, repr=False)

    def step(self, bench: Callable[[RenderRequest], Bench], publish: Callable[[Studied], None]) -> bool:
        """Does the next step and publishes what is new; False when there is nothing more to do."""
        if self.ended:
            self._study = None
            return False
        try:
            if self._study is None:
                self._study = self.make(bench(self.request), self.request)
            report = next(self._study)
        except StopIteration:
            self._study = None
            publish(Studied(self.key, self.view, self, is_done=True))
            return False
        except Exception as error:
            # What a generator throws must not end the loop; the panel says it.
            if not isinstance(error, LatentwalkError):
                log.exception("the study %s failed", self.key)
            self._study = None
            publish(Studied(self.key, self.view, self, error=error.with_traceback(None), is_done=True))
            return False
        if report is not None and not self.ended:
            publish(Studied(self.key, self.view, self, report))
        return True
