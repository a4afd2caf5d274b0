"""Loaded generators: read in a thread per file, held while in use, copied to devices on demand."""

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

from explorer.checkpoints.parts import split_part, with_part
from explorer.errors import LatentwalkError, RenderError, UnreadableFileError
from explorer.render.devices import best_device
from explorer.render.results import ModelInfo
from explorer.state.request import ModelKey
from explorer.util.control import Control
from explorer.util.report import Report
from explorer.util.tracebacks import release_frames

if TYPE_CHECKING:
    from explorer.checkpoints import Checkpoint
    from explorer.generators.base import Generator
    from explorer.state.request import ModelKey

__all__ = ["LoadJob", "LoadedModel", "ModelStore", "load_file"]

log = logging.getLogger("explorer.models")

UNUSED_BYTES = 32 << 20
"""Budget for models that no view shows: switching between small ones is instant, and closing a large one frees its
memory."""

OnReport = Callable[[Report[None]], object]


class LoadFile(Protocol):
    """Loads a model from a file, like `load_file`."""

    def __call__(
        self, path: str, on_report: OnReport, control: Control, *, allow_costly: bool = False
    ) -> LoadedModel:
        """Load the model. Raises LatentwalkError."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """A generator on the CPU in float32, and its info. The generator is never modified."""

    generator: Generator
    model_info: ModelInfo


class ModelStore:
    """Loaded models by sha256: those in use, and recently used ones within a budget.

    Thread-safe.

    Args:
        budget_bytes: Memory for models that are not in use.
    """

    def __init__(self, budget_bytes: int = UNUSED_BYTES) -> None:
        self._lock = threading.Lock()
        self._models: OrderedDict[str, LoadedModel] = OrderedDict()
        self._files: dict[tuple[str, int, int], str] = {}
        self.budget_bytes = budget_bytes
        self.given_up = 0
        """Number of models evicted so far."""

    def add(self, model: LoadedModel, in_use: Iterable[str] = ()) -> tuple[str, ...]:
        """Add a model in use; return the sha256s of models evicted for it, never one of `in_use`.

        If the model is already held, under any path, the generator in use is kept.
        """
        sha = model.model_info.sha256
        stamp = _stamp(model.model_info.path)
        with self._lock:
            kept = self._models.get(sha)
            self._models[sha] = model if kept is None else LoadedModel(kept.generator, model.model_info)
            self._models.move_to_end(sha)
            if stamp is not None:
                self._files[stamp] = sha
            return self._evict({sha, *in_use})

    def release(self, in_use: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Release models that are not in use, evicting those beyond the budget.

        Returns:
            The sha256s of models that are held without being in use, and of the evicted ones.
        """
        used = set(in_use)
        with self._lock:
            gone = self._evict(used)
            return tuple(sha for sha in self._models if sha not in used), gone

    def get(self, key: ModelKey) -> LoadedModel:
        """Return the model of a key.

        Raises:
            RenderError: It is not, or no longer, loaded.
        """
        with self._lock:
            model = self._models.get(key.sha256)
            if model is None:
                raise RenderError(f"The model {key.path or key.sha256[:12]} is not loaded.", "Open it again.")
            self._models.move_to_end(key.sha256)
            return model

    def find(self, path: str) -> LoadedModel | None:
        """Return the loaded model of a file if it is held and the file's size and modification time match."""
        stamp = _stamp(path)
        with self._lock:
            sha = self._files.get(stamp) if stamp is not None else None
            model = self._models.get(sha) if sha is not None else None
            if model is not None:
                self._models.move_to_end(model.model_info.sha256)
            return model

    @property
    def nbytes(self) -> int:
        """Bytes held by all models, including values derived from their weights."""
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
            log.info("evicted model %s: unused models are limited to %d MB", sha[:12], self.budget_bytes >> 20)
        if gone:
            self._files = {stamp: sha for stamp, sha in self._files.items() if sha in self._models}
        self.given_up += len(gone)
        return tuple(gone)


def _stamp(path: str) -> tuple[str, int, int] | None:
    file, part = split_part(path)
    try:
        st = os.stat(file)
    except OSError:
        return None
    return with_part(os.path.realpath(file), part), st.st_size, st.st_mtime_ns


def load_file(
    path: str,
    on_report: OnReport | None = None,
    control: Control | None = None,
    *,
    allow_costly: bool = False,
) -> LoadedModel:
    """Read any supported checkpoint into a generator.

    Args:
        path: A file or a bundled name.
        on_report: Called from this thread, with reports whose `stage` is the current step.
        control: Pauses and cancels loading, from any thread.
        allow_costly: Also load a model whose pictures are beyond this machine's memory or speed.

    Raises:
        CostlyModelError: A picture would take too much memory or time on the best device.
        CheckpointError: The generator could not be loaded.
        CancelledError: `control` cancelled it.
    """
    from explorer import checkpoints
    from explorer.render.limits import check_affordable

    file = checkpoints.resolve_model(path)
    checkpoint = checkpoints.load(file, on_report=on_report, control=control)
    if not allow_costly:
        check_affordable(file.name, checkpoint.family, checkpoint.config, best_device())
    if on_report is not None:
        on_report(Report(None, 1, 1, "Building the network"))
    generator = checkpoints.build_generator(checkpoint).eval().requires_grad_(False)
    return LoadedModel(generator, model_info_of(generator, checkpoint, str(file)))


def model_info_of(generator: Generator, checkpoint: Checkpoint, path: str) -> ModelInfo:
    """Return the model info from the generator and the checkpoint's metadata."""
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
        parts=checkpoint.parts,
        metadata=extra,
    )


class LoadJob:
    """Loads one file in a separate thread, in which the callbacks run.

    Args:
        path: The file.
        done: Called with the model; not called after `cancel`.
        failed: Called with a `LatentwalkError`; not called after `cancel`.
        on_report: Called with a report whose `stage` is the current step; not called after `cancel`.
        load: The loader; by default `load_file`.
        allow_costly: As in `load_file`.
    """

    def __init__(
        self,
        path: str,
        done: Callable[[LoadedModel], None],
        failed: Callable[[LatentwalkError], None],
        on_report: OnReport,
        load: LoadFile = load_file,
        allow_costly: bool = False,
    ) -> None:
        self.path, self._allow_costly = path, allow_costly
        self._done, self._failed, self._on_report, self._load = done, failed, on_report, load
        self._control = Control()
        self._thread = threading.Thread(target=self._run, name=f"load {Path(path).name}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def cancel(self) -> None:
        """Request cancellation; no callback is called afterwards."""
        self._control.cancel()

    def join(self, timeout: float) -> bool:
        """Wait for the thread; return whether it has ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            # Passed only if set, so that loaders without this argument work too.
            allowed = {"allow_costly": True} if self._allow_costly else {}
            model = self._load(self.path, self._report, self._control, **allowed)
        except LatentwalkError as error:
            release_frames(error)  # they hold the data read so far, and the error outlives them
            if not self._control.is_cancelled:
                self._failed(error)
        except Exception as error:  # a malformed file may make a reader raise anything; the window must stay up
            log.exception("loading %s failed", self.path)
            if not self._control.is_cancelled:
                self._failed(
                    UnreadableFileError(
                        f"{Path(self.path).name} could not be loaded: {type(error).__name__}: {error}",
                        "If other programs can read it, please report this file.",
                    )
                )
        else:
            if not self._control.is_cancelled:
                self._done(model)

    def _report(self, report: Report[None]) -> None:
        if not self._control.is_cancelled:
            self._on_report(report)


def on_device(generator: Generator, device: str) -> Generator:
    """Return the generator on a device: itself if it is already there, otherwise a copy."""
    if generator.device == torch.device(device):
        return generator
    return copy.deepcopy(generator).to(device)
