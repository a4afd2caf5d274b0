"""The training loop: resumable exactly after a kill, on CUDA or the CPU."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from explorer.training import stored
from explorer.training.datasets import Dataset
from explorer.training.journal import Journal
from explorer.training.parallel import Group
from explorer.training.settings import TrainSettings
from explorer.training.snapshot import load_state, save_state
from explorer.training.trainer import Trainer
from explorer.util.signals import ending_signals

__all__ = ["run"]

log = logging.getLogger("explorer.training")


def run(settings: TrainSettings, dataset: Dataset, group: Group | None = None) -> Trainer:
    """Train until `total_kimg` or the time limit; continues from a checkpoint in `settings.out`.

    The `group` of processes, by default those that the environment names, is left at the end.

    Raises:
        UsageError: The data do not fit, the device is missing, or `settings.out` holds a run of other networks.
    """
    with _threads(settings.threads):
        trainer = _run(settings, dataset, group)
    trainer.group.close()
    return trainer


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """torch's number of threads; 0 leaves it."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _run(settings: TrainSettings, dataset: Dataset, group: Group | None) -> Trainer:
    stored.check_same(settings)
    trainer = Trainer(settings, dataset, group)
    settings.processes = trainer.group.size
    state, leads = settings.out / stored.STATE, trainer.group.leads
    settings.out.mkdir(parents=True, exist_ok=True)
    if state.exists():
        trainer.load(load_state(state))
        log.info("continuing at %.1f kimg", trainer.shown / 1000)
    elif settings.start_from:
        trainer.start()
        log.info("starting from the layers of %s", settings.start_from)
    journal = Journal(trainer)
    if leads:
        stored.write(settings)  # only now: what is there fits
        journal.begin()
    stop = _StopSignal()
    began = saved = time.monotonic()
    before = trainer.seconds
    while trainer.shown < settings.total_kimg * 1000:
        late = time.monotonic() - began >= settings.time_limit_s
        if trainer.group.any(stop.asked or late, settings.device):
            log.info("out of time" if late else "asked to stop")
            break
        trainer.step()
        now = time.monotonic()
        trainer.seconds = before + now - began
        if leads:
            journal.note(now)
        if leads and now - saved >= settings.save_s:
            saved = now
            save_state(state, trainer.state())
    stop.restore()
    trainer.stopped = trainer.group.any(stop.asked, settings.device)
    trainer.stopped_by = stop.number
    if leads:
        save_state(state, trainer.state())
        journal.end(time.monotonic())
    return trainer


class _StopSignal:
    """Turns the first SIGTERM, SIGHUP or SIGINT into a wish that the loop grants after the step at hand."""

    def __init__(self) -> None:
        self.asked = False
        self.number = 0
        if threading.current_thread() is threading.main_thread():
            self._old = {number: signal.signal(number, self._ask) for number in ending_signals()}

    def _ask(self, number: int, frame: object) -> None:
        self.asked, self.number = True, number
        signal.signal(number, self._old[signal.Signals(number)])  # the second one is obeyed at once

    def restore(self) -> None:
        """Give the handlers back."""
        for number, handler in getattr(self, "_old", {}).items():
            signal.signal(number, handler)
