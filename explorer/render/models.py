"""Loaded generators: read in a thread of their own, kept within a memory budget, copied to devices on demand."""

from __future__ import annotations

import copy
import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch

from explorer.errors import LatentwalkError, RenderError, UnreadableFileError
from explorer.render.devices import best_device, total_memory
from explorer.render.request import ModelFacts, ModelKey

if TYPE_CHECKING:
    from explorer.checkpoints import Checkpoint
    from explorer.generators.base import Generator

__all__ = ["LoadJob", "LoadedModel", "ModelStore", "load_file"]

log = logging.getLogger("explorer.models")

Progress = Callable[[float, str], None]
Cancelled = Callable[[], bool]


class LoadFile(Protocol):
    """How a file becomes a model; see `load_file`."""

    def __call__(
        self, path: str, progress: Progress, cancelled: Cancelled, *, allow_costly: bool = False
    ) -> LoadedModel:
        """Return the model. Raises LatentwalkError."""
        ...



@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """A generator on the CPU in float32, and what is known of it. The generator is never changed."""

    generator: Generator
    facts: ModelFacts


class ModelStore:
    """Loaded models by sha256, the least recently used given up first. Any thread may use it.

    Args:
        budget_bytes: Models in use may exceed it; others are given up above it.
    """

    def __init__(self, budget_bytes: int | None = None) -> None:
        self._lock = threading.Lock()
        self._models: OrderedDict[str, LoadedModel] = OrderedDict()
        self._files: dict[tuple[str, int, int], str] = {}
        self.budget_bytes = total_memory("cpu") // 4 if budget_bytes is None else budget_bytes

    def add(self, model: LoadedModel, in_use: Iterable[str] = ()) -> tuple[str, ...]:
        """Keeps a model; returns the sha256s of those given up for it, never one of `in_use`."""
        sha = model.facts.sha256
        with self._lock:
            self._models[sha] = model
            self._models.move_to_end(sha)
            stamp = _stamp(model.facts.path)
            if stamp is not None:
                self._files[stamp] = sha
            return self._evict({sha, *in_use})

    def get(self, key: ModelKey) -> LoadedModel:
        """The model of that name.

        Raises:
            RenderError: It is not loaded (any more).
        """
        with self._lock:
            model = self._models.get(key.sha256)
            if model is None:
                raise RenderError(f"The model {key.path or key.sha256[:12]} is not loaded.", "Open it again.")
            self._models.move_to_end(key.sha256)
            return model

    def find(self, path: str) -> LoadedModel | None:
        """The loaded model of that very file (same size and time of change), if it is kept."""
        stamp = _stamp(path)
        with self._lock:
            sha = self._files.get(stamp) if stamp is not None else None
            model = self._models.get(sha) if sha is not None else None
            if model is not None:
                self._models.move_to_end(model.facts.sha256)
            return model

    @property
    def nbytes(self) -> int:
        """Bytes of all kept models."""
        with self._lock:
            return self._total()

    def __contains__(self, sha256: object) -> bool:
        with self._lock:
            return sha256 in self._models

    def _total(self) -> int:
        return sum(m.facts.nbytes for m in self._models.values())

    def _evict(self, keep: set[str]) -> tuple[str, ...]:
        gone = []
        for sha in [s for s in self._models if s not in keep]:
            if self._total() <= self.budget_bytes:
                break
            del self._models[sha]
            gone.append(sha)
            log.info("model %s given up to stay within %d MB", sha[:12], self.budget_bytes >> 20)
        return tuple(gone)


def _stamp(path: str) -> tuple[str, int, int] | None:
    try:
        st = os.stat(path)
    except OSError:
        return None
    return os.path.realpath(path), st.st_size, st.st_mtime_ns


def load_file(
    path: str,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
    *,
    allow_costly: bool = False,
) -> LoadedModel:
    """Reads any supported checkpoint into a generator.

    Args:
        path: A file or a bundled name.
        progress: Called with (fraction 0..1, what is done now) from this thread.
        cancelled: Asked often; True ends the loading.
        allow_costly: Also load a model of which one picture is more than this machine can do.

    Raises:
        CostlyModelError: One picture would take too much memory or time on the best device.
        CheckpointError: The file could not become a generator.
        CancelledError: `cancelled` said so.
    """
    from explorer import checkpoints
    from explorer.render.limits import check_affordable

    file = checkpoints.resolve_model(path)
    checkpoint = checkpoints.load(file, progress=progress, cancelled=cancelled)
    if not allow_costly:
        check_affordable(file.name, checkpoint.family, checkpoint.config, best_device())
    if progress is not None:
        progress(1.0, "Building the network")
    generator = checkpoints.build_generator(checkpoint).eval().requires_grad_(False)
    return LoadedModel(generator, facts_of(generator, checkpoint, str(file)))


def facts_of(generator: Generator, checkpoint: Checkpoint, path: str) -> ModelFacts:
    """Facts for people, from the generator and from what the checkpoint says of itself."""
    extra = {"format": checkpoint.source_format, **checkpoint.card}
    if checkpoint.notes:
        extra["notes"] = " ".join(checkpoint.notes)
    return ModelFacts(
        info=generator.info,
        name=checkpoint.name or Path(path).stem,
        path=path,
        sha256=checkpoint.sha256,
        licence=checkpoint.licence,
        origin=checkpoint.origin,
        family=generator.info.family,
        nbytes=generator.nbytes,
        class_names=generator.info.class_names,
        metadata=extra,
    )


class LoadJob:
    """One loading in a thread of its own. The callbacks run in that thread.

    Args:
        path: What to load.
        done: Called with the model; not called after `cancel`.
        failed: Called with a `LatentwalkError`; not called after `cancel`.
        progress: Called with (fraction, label).
        load: How to load; the default reads checkpoints.
        allow_costly: As in `load_file`.
    """

    def __init__(
        self,
        path: str,
        done: Callable[[LoadedModel], None],
        failed: Callable[[LatentwalkError], None],
        progress: Progress,
        load: LoadFile = load_file,
        allow_costly: bool = False,
    ) -> None:
        self.path, self._allow_costly = path, allow_costly
        self._done, self._failed, self._progress, self._load = done, failed, progress, load
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"load {Path(path).name}", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def cancel(self) -> None:
        """Asks it to end; nothing is reported any more."""
        self._cancelled.set()

    def join(self, timeout: float) -> bool:
        """Waits; True if the thread has ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            # Only what was asked for is passed on, so that a stand-in need not know of it.
            allowed = {"allow_costly": True} if self._allow_costly else {}
            model = self._load(self.path, self._report, self._cancelled.is_set, **allowed)
        except LatentwalkError as error:
            if not self._cancelled.is_set():
                self._failed(error)
        except Exception as error:
            # The last line of defence: a file must never end the program, whatever it made the reader do.
            log.exception("loading %s failed", self.path)
            if not self._cancelled.is_set():
                self._failed(
                    UnreadableFileError(
                        f"{Path(self.path).name} could not be loaded: {type(error).__name__}: {error}",
                        "If other programs can read it, please report this file.",
                    )
                )
        else:
            if not self._cancelled.is_set():
                self._done(model)

    def _report(self, fraction: float, label: str) -> None:
        if not self._cancelled.is_set():
            self._progress(fraction, label)


def on_device(generator: Generator, device: str) -> Generator:
    """The generator on a device: itself if it is there already, a copy otherwise."""
    if generator.device == torch.device(device):
        return generator
    return copy.deepcopy(generator).to(device)
