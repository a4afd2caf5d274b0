"""Jobs: long work one step at a time, so that it can run between frames, in a thread, in a command or on a cluster.

A job is an iterator. Each `next` does no more than about a layer of the network takes, and gives a `Report`, or
None if there is nothing new to say. What a job is to do is data: a `JobSpec`, which is JSON, so the same job runs
in the window, from the command line and on another machine, with the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from explorer.errors import ProjectError
from explorer.state.codec import decode, encode
from explorer.state.request import RenderRequest
from explorer.util.report import Report

if TYPE_CHECKING:
    from torch import Tensor

    from explorer.generators.base import Generator, Inputs, LayerEdits
    from explorer.util.steps import Steps

__all__ = ["RESUMED", "Job", "JobContext", "JobSpec", "Report", "last_value"]

RESUMED = "resumed"
"""Stage of the first report of a job that goes on from a checkpoint: what an earlier run has done."""

T = TypeVar("T")


class JobContext(Protocol):
    """Where a job works: the generator, and how it makes the picture of a request."""

    @property
    def generator(self) -> Generator:
        """The generator itself, for jobs that map and synthesise batches."""

    def steps(self, request: RenderRequest) -> Steps[Tensor]:
        """Render the picture `[C, H, W]` float32 of a request, before clamping, one layer of the network a step.

        Taps and display options are ignored.
        """

    def prepared(self, request: RenderRequest) -> tuple[Inputs, LayerEdits]:
        """Return what the network is given for a request, and its edits of single layers.

        For jobs that run its layers themselves.
        """


Job: TypeAlias = Iterator[Report[T] | None]


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What a job is to do, as data.

    Attributes:
        kind: The name of its function in `explorer.jobs.registry`.
        request: The picture that it starts from; its model and settings are where it works. None for jobs that open
            their models themselves.
        options: Everything else, as JSON holds it.
    """

    kind: str
    request: RenderRequest | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the spec as JSON values; `from_json` gives an equal one."""
        data: dict[str, Any] = {"kind": self.kind, "options": dict(self.options)}
        return data if self.request is None else {**data, "request": encode(self.request)}

    @staticmethod
    def from_json(data: Any) -> JobSpec:
        """Return the spec that `to_json` wrote.

        Raises:
            ProjectError: It is not one.
        """
        if not (isinstance(data, dict) and set(data) <= {"kind", "request", "options"}):
            raise ProjectError("The job should be an object with a kind and options.", "The file is damaged.")
        kind, options, request = data.get("kind"), data.get("options", {}), data.get("request")
        if not isinstance(kind, str) or not isinstance(options, dict):
            raise ProjectError("The job's kind should be text, and its options an object.", "The file is damaged.")
        return JobSpec(kind, None if request is None else decode(RenderRequest, request, "request"), options)


def last_value(job: Job[T]) -> T:
    """Run a job to its end and give its last value."""
    value: list[T] = []
    for report in job:
        if report is not None:
            value = [report.value]
    if not value:
        raise ValueError("the job reported nothing")
    return value[0]
