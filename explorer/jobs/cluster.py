"""Jobs on a Ray cluster: parts of one job on every node, their reports in order, the loss of a worker survived.

A part is a `JobSpec`, sent as JSON. A worker computes with as many threads as this process does, since sums on
another number of threads differ in their last bits; so a part takes that many processors of its node, and the
results are those of a run here. Model files that a node lacks are sent to it. Latentwalk must be installed there.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import logging
import os
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.checkpoints.parts import file_of, split_part, with_part
from explorer.errors import LatentwalkError, RenderError, UsageError
from explorer.jobs.job import JobSpec, Report
from explorer.jobs.registry import CONTEXT_OF, begin
from explorer.util.regular_file import read_regular

if TYPE_CHECKING:
    from explorer.jobs.job import Job, JobContext
    from explorer.state.request import RenderRequest

__all__ = ["Cluster", "connected", "do_part"]

log = logging.getLogger("explorer.jobs")

MAX_RETRIES = 5
"""So often a part is begun again after its worker or its node was lost."""

PARTS_A_WORKER = 2
"""Parts that are under way or wait for each worker: none is idle, and little is finished out of order."""

MAX_MODEL_BYTES = 8 << 30
WAIT_S = 0.1


@dataclass(frozen=True, slots=True)
class _File:
    """A model's file, in the cluster's object store: the path here, its digest, and its contents."""

    path: str
    sha256: str
    content: Any


class Cluster:
    """Connected nodes; see `connected`."""

    def __init__(self, ray: Any) -> None:
        self._ray = ray

    @property
    def processors(self) -> int:
        """Number of processors of all nodes."""
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def workers(self, device: str = "cpu") -> int:
        """Return how many parts run at once on a device."""
        resources = self._ray.cluster_resources()
        if device.startswith("cuda"):
            return max(1, int(resources.get("GPU", 1)))
        return max(1, self.processors // self._processors_a_part(device))

    def run(self, parts: Sequence[JobSpec], *, device: str = "cpu", models: Sequence[str] = ()) -> Job[Any]:
        """Do parts on the nodes and report what they report, in order; closing it calls off those under way.

        Args:
            parts: The specs of the parts.
            device: Of their settings. Each part has a graphics processor to itself, if it is one.
            models: Files that the parts open.

        Raises:
            RenderError: A part was lost more than `MAX_RETRIES` times, or failed unforeseen.
            LatentwalkError: A part raised it.
        """
        import torch

        part = self._ray.remote(do_part).options(
            num_cpus=self._processors_a_part(device),
            num_gpus=int(device.startswith("cuda")),
            max_retries=MAX_RETRIES,
        )
        files = [self._stored(path) for path in models if file_of(path).is_file()]
        waiting, under_way = deque(parts), deque[Any]()
        done, total = 0, len(parts)
        try:
            while waiting or under_way:
                while waiting and len(under_way) < PARTS_A_WORKER * self.workers(device):
                    data = json.dumps(waiting.popleft().to_json(), allow_nan=False)
                    under_way.append(part.remote(data, torch.get_num_threads(), *_flat(files)))
                while not self._ray.wait([under_way[0]], timeout=WAIT_S)[0]:
                    yield None
                values = self._get(under_way[0])
                under_way.popleft()
                done += 1
                for value in values:
                    yield Report(value, done, total)
        finally:
            for reference in under_way:
                self._ray.cancel(reference, force=True)

    def _get(self, reference: Any) -> list[Any]:
        errors = self._ray.exceptions
        try:
            found: list[Any] = self._ray.get(reference)
            return found
        except errors.RayTaskError as error:
            if isinstance(error.cause, LatentwalkError):
                raise error.cause from None
            message = f"A worker of the cluster failed: {type(error.cause).__name__}: {error.cause}"
            raise RenderError(message, "The log of Ray has more.") from error
        except errors.RayError as error:
            message = f"The cluster lost a part of the work {MAX_RETRIES + 1} times: {type(error).__name__}."
            raise RenderError(message, "Its workers may lack memory; the log of Ray has more.") from error

    def _processors_a_part(self, device: str) -> int:
        """Return torch's number of threads here, but no more than a node has, or no part would ever begin."""
        import torch

        if device.startswith("cuda"):
            return 1
        nodes = [node["Resources"].get("CPU", 0) for node in self._ray.nodes() if node["Alive"]]
        largest = max((int(count) for count in nodes), default=1)
        return max(1, min(torch.get_num_threads(), largest))

    def _stored(self, path: str) -> _File:
        content = read_regular(file_of(path), MAX_MODEL_BYTES)
        return _File(path, hashlib.sha256(content).hexdigest(), self._ray.put(content))


@contextlib.contextmanager
def connected() -> Iterator[Cluster]:
    """Connect to the cluster that `RAY_ADDRESS` names or that runs on this machine; else start one here.

    Raises:
        UsageError: Ray is not installed.
        RenderError: The cluster cannot be reached.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent to anybody
    try:
        ray = import_module("ray")
    except ImportError as error:
        raise UsageError("Ray is not installed.", "Install it: pip install 'latentwalk[cluster]'") from error
    if ray.is_initialized():
        yield Cluster(ray)
        return
    try:
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        message = f"The Ray cluster cannot be reached: {error}"
        raise RenderError(message, "Check RAY_ADDRESS, or unset it to use this machine.") from error
    try:
        yield Cluster(ray)
    finally:
        ray.shutdown()


# -- on the worker ---------------------------------------------------------------------------------------------


def do_part(data: str, threads: int, *files: Any) -> list[Any]:
    """Do a job on a worker, and give the values of its reports.

    Args:
        data: The `JobSpec` as JSON.
        threads: Number of torch's threads.
        files: Path, SHA-256 and contents of each model, one after another.
    """
    import torch

    torch.set_num_threads(threads)
    places = {path: _local(path, sha, content) for path, sha, content in zip(*[iter(files)] * 3, strict=True)}
    spec = JobSpec.from_json(_moved(json.loads(data), places))
    with torch.inference_mode():
        context = _context(spec.request) if spec.request is not None else None
        return [report.value for report in begin(spec, context) if report is not None]


def _flat(files: Sequence[_File]) -> list[Any]:
    """Return the references as arguments of their own: Ray does not fetch those within a list."""
    return [item for file in files for item in (file.path, file.sha256, file.content)]


def _context(request: RenderRequest) -> JobContext:
    module, _, name = CONTEXT_OF.partition(":")
    context: JobContext = getattr(import_module(module), name)(request.model, request.settings)
    return context


def _local(path: str, sha256: str, content: bytes) -> str:
    """Return where this node has the file of that content: at its path, or in a folder of this worker."""
    file, part = split_part(path)
    if _digest(file) == sha256:
        return path
    copy = Path(_folder()) / f"{sha256[:24]}{Path(file).suffix}"
    if not copy.exists():
        from explorer.util.atomic_write import atomic_write_bytes

        atomic_write_bytes(copy, content)
    return with_part(copy, part)


@functools.lru_cache(maxsize=8)
def _digest(path: str) -> str:
    try:
        return hashlib.sha256(read_regular(path, MAX_MODEL_BYTES)).hexdigest()
    except OSError:
        return ""


@functools.cache
def _folder() -> str:
    return tempfile.mkdtemp(prefix="latentwalk-models-")


def _moved(data: Any, places: Mapping[str, str]) -> Any:
    """Return the JSON value with the paths of this node."""
    if isinstance(data, dict):
        return {key: _moved(value, places) for key, value in data.items()}
    if isinstance(data, list):
        return [_moved(value, places) for value in data]
    return places.get(data, data) if isinstance(data, str) else data
