"""Loaded generators: read in a thread of their own, kept while in use, copied to devices on demand."""

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
from explorer.render.devices import best_device
from explorer.render.results import ModelInfo
from explorer.state.request import ModelKey
from explorer.util.tracebacks import release_frames

if TYPE_CHECKING:
    from explorer.checkpoints import Checkpoint
    from explorer.generators.base import Generator

__all__ = ["LoadJob", "LoadedModel", "ModelStore", "load_file"]

log = logging.getLogger("explorer.models")

UNUSED_BYTES = 32 << 20
"""Models that no view shows are kept up to this: switching between small ones is instant, and closing a large one
gives its memory back."""

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
    facts: ModelInfo


class ModelStore:
    """Loaded models by sha256: those in use, and of the others the last ones, if they are small.

    Any thread may use it.

    Args:
        budget_bytes: Of memory for models that are not in use.
    """

    def __init__(self, budget_bytes: int = UNUSED_BYTES) -> None:
        self._lock = threading.Lock()
        self._models: OrderedDict[str, LoadedModel] = OrderedDict()
        self._files: dict[tuple[str, int, int], str] = {}
        self.budget_bytes = budget_bytes
        self.given_up = 0
        """How many models were given up so far."""

    def add(self, model: LoadedModel, in_use: Iterable[str] = ()) -> tuple[str, ...]:
        """Keep a model as in use; returns the sha256s of those given up for it, never one of `in_use`.

        Of a model that is kept already, under whichever path, the generator that pictures are made with stays.
        """
        sha = model.facts.sha256
        stamp = _stamp(model.facts.path)
        with self._lock:
            kept = self._models.get(sha)
            self._models[sha] = model if kept is None else LoadedModel(kept.generator, model.facts)
            self._models.move_to_end(sha)
            if stamp is not None:
                self._files[stamp] = sha
            return self._evict({sha, *in_use})

    def release(self, in_use: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Keep what is in use, and of the rest what the budget allows.

        Returns:
            The sha256s of the models that are kept without being in use, and of those given up.
        """
        used = set(in_use)
        with self._lock:
            gone = self._evict(used)
            return tuple(sha for sha in self._models if sha not in used), gone

    def get(self, key: ModelKey) -> LoadedModel:
        """Return the model of that name.

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
        """Return the loaded model of that very file (same size and time of change), if it is kept."""
        stamp = _stamp(path)
        with self._lock:
            sha = self._files.get(stamp) if stamp is not None else None
            model = self._models.get(sha) if sha is not None else None
            if model is not None:
                self._models.move_to_end(model.facts.sha256)
            return model

    @property
    def nbytes(self) -> int:
        """Bytes that all kept models hold, with what was made from their weights."""
        with self._lock:
            return sum(m.generator.held_bytes for m in self._models.values())

    def __contains__(self, sha256: object) -> bool:
        with self._lock:
            return sha256 in self._models

    def _evict(self, in_use: set[str]) -> tuple[str, ...]:
        """Drop the least recently used models that are not in use, down to the budget."""
        unused = {sha: m.generator.held_bytes for sha, m in self._models.items() if sha not in in_use}
        total, gone = sum(unused.values()), []
        for sha, nbytes in unused.items():
            if total <= self.budget_bytes:
                break
            del self._models[sha]
            total -= nbytes
            gone.append(sha)
            log.info("model %s given up: those not in use stay within %d MB", sha[:12], self.budget_bytes >> 20)
        if gone:
            self._files = {stamp: sha for stamp, sha in self._files.items() if sha in self._models}
        self.given_up += len(gone)
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
    """Read any supported checkpoint into a generator.

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


def facts_of(generator: Generator, checkpoint: Checkpoint, path: str) -> ModelInfo:
    """Return facts for people, from the generator and from what the checkpoint says of itself."""
    extra = {"format": checkpoint.source_format, **checkpoint.card}
    if checkpoint.notes:
        extra["notes"] = " ".join(checkpoint.notes)
    return ModelInfo(
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
        """Ask it to end; nothing is reported any more."""
        self._cancelled.set()

    def join(self, timeout: float) -> bool:
        """Wait; True if the thread has ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            # Only what was asked for is passed on, so that a stand-in need not know of it.
            allowed = {"allow_costly": True} if self._allow_costly else {}
            model = self._load(self.path, self._report, self._cancelled.is_set, **allowed)
        except LatentwalkError as error:
            release_frames(error)  # they hold the file as far as it was read, and the error is kept
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
    """Return the generator on a device: itself if it is there already, a copy otherwise."""
    if generator.device == torch.device(device):
        return generator
    return copy.deepcopy(generator).to(device)
