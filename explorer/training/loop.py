"""The training loop: resumable exactly after a kill, on CUDA or the CPU."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from explorer.training import run_dir
from explorer.training.kinds import class_for
from explorer.training.run_logger import RunLogger
from explorer.training.snapshot import load_state, save_state
from explorer.util.signals import ending_signals

if TYPE_CHECKING:
    from explorer.training.base_trainer import BaseTrainer
    from explorer.training.datasets import Dataset
    from explorer.training.parallel import Group
    from explorer.training.settings import TrainSettings

__all__ = ["run"]

log = logging.getLogger("explorer.training")


def run(settings: TrainSettings, dataset: Dataset | None, group: Group | None = None) -> BaseTrainer:
    """Train until `total_kimg` or the time limit; resume from a checkpoint in `settings.out` if there is one.

    The family says which class trains it (`FamilyTrainer.trainer`), and whether that needs a `dataset`.
    The `group` of processes, by default the one that the environment describes, is closed at the end.

    Raises:
        UsageError: The data do not fit, the device is missing, or `settings.out` holds a run of other networks.
    """
    with _threads(settings.threads):
        trainer = _run(settings, dataset, group)
    trainer.group.close()
    return trainer


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Set torch's number of threads for a block of code; 0 leaves it."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _run(settings: TrainSettings, dataset: Dataset | None, group: Group | None) -> BaseTrainer:
    run_dir.check_same(settings)
    trainer = class_for(settings.family)(settings, dataset, group)
    settings.processes = trainer.group.size
    state, is_main_process = settings.out / run_dir.STATE, trainer.group.is_main_process
    settings.out.mkdir(parents=True, exist_ok=True)
    if state.exists():
        trainer.load(load_state(state))
        log.info("continuing at %.1f kimg", trainer.images_seen / 1000)
    else:
        trainer.begin()
    run_logger = RunLogger(trainer)
    if is_main_process:
        run_dir.write(settings)  # not before the existing run was checked
        run_logger.begin()
    stop = _StopSignal()
    began = saved = time.monotonic()
    before = trainer.seconds
    while trainer.images_seen < settings.total_kimg * 1000:
        late = time.monotonic() - began >= settings.time_limit_s
        if trainer.group.any(stop.asked or late, settings.device):
            log.info("out of time" if late else "asked to stop")
            break
        trainer.step()
        now = time.monotonic()
        trainer.seconds = before + now - began
        if is_main_process:
            run_logger.note(now)
        if is_main_process and now - saved >= settings.save_s:
            saved = now
            save_state(state, trainer.state())
    stop.restore()
    trainer.stopped = trainer.group.any(stop.asked, settings.device)
    trainer.stopped_by = stop.number
    if is_main_process:
        save_state(state, trainer.state())
        run_logger.end(time.monotonic())
    return trainer


class _StopSignal:
    """Turns the first SIGTERM, SIGHUP or SIGINT into a request to stop after the current step."""

    def __init__(self) -> None:
        self.asked = False
        self.number = 0
        if threading.current_thread() is threading.main_thread():
            self._old = {number: signal.signal(number, self._ask) for number in ending_signals()}

    def _ask(self, number: int, frame: object) -> None:
        self.asked, self.number = True, number
        signal.signal(number, self._old[signal.Signals(number)])  # a second signal takes effect at once

    def restore(self) -> None:
        """Restore the previous signal handlers."""
        for number, handler in getattr(self, "_old", {}).items():
            signal.signal(number, handler)
