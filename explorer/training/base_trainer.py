"""What every training run has, whatever it learns from: state, progress, metrics, and the average of its weights.

A kind of training is a subclass, which a family names by `FamilyTrainer.trainer`: `Trainer` learns from pictures,
`Distiller` from another generator. All random numbers of an iteration come from a seed derived from the run's seed
and the iteration's number, so a checkpoint needs no random state.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import torch
from torch import Tensor

from explorer.errors import UsageError
from explorer.training import ema, run_dir
from explorer.training.checks import check_device
from explorer.training.parallel import Group
from explorer.training.seeds import seed_of

if TYPE_CHECKING:
    from explorer.generators.base import Generator
    from explorer.training.datasets import Dataset
    from explorer.training.settings import TrainSettings

__all__ = ["BaseTrainer", "Optimiser", "Stateful"]


class Stateful(Protocol):
    """A network or an optimiser, as checkpoints see it."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state."""

    def load_state_dict(self, state: dict[str, Any], /) -> object:
        """Continue from a state."""


class Optimiser(Protocol):
    """An optimiser, as a step of training sees it."""

    def zero_grad(self) -> None:
        """Clear the gradients."""

    def step(self) -> object:
        """Update the parameters."""


class BaseTrainer(ABC):
    """One training run. A subclass makes the networks, names them in `parts`, and trains them in `train_batch`.

    Args:
        settings: Settings of the run.
        dataset: The pictures; None where the family needs none.
        group: The processes that share each batch; by default those that the environment describes.

    Attributes:
        metric_names: Columns of `metrics.csv` behind progress and time.
        phase: The settings at the current progress.
        g: The generator in training.
        g_ema: The moving average of its weights, which is packed.
        metrics: Recent means by name.
        started: Where a run that did not start at random came from, as plain values; empty for others.
    """

    metric_names: ClassVar[tuple[str, ...]] = ()
    g: Generator
    g_ema: Generator

    def __init__(self, settings: TrainSettings, dataset: Dataset | None, group: Group | None = None) -> None:
        self.settings = self.phase = settings
        check_device(settings.device)
        self.group = group or Group(settings.device)
        self.local_batch = self.group.local_batch(settings.batch)
        self.device = torch.device(settings.device)
        self.iteration = 0
        self.images_seen = 0
        self.seconds = 0.0
        self.stopped = False  # by a signal
        self.stopped_by = 0  # the signal's number, in the process that received it
        self.metrics: dict[str, float] = {}
        self.started: dict[str, Any] = {}
        torch.manual_seed(settings.seed)

    # -- what a kind of training says ----------------------------------------------------------------------

    @abstractmethod
    def parts(self) -> Mapping[str, Stateful]:
        """Return the networks and optimisers of a checkpoint by name, `g_ema` among them."""

    @abstractmethod
    def train_batch(self) -> None:
        """Train on one batch, with the settings of `phase`; torch's random numbers are those of this iteration."""

    @abstractmethod
    def samples(self) -> Tensor:
        """Return 64 pictures `[64, 3, R, R]` in -1..1 for a sheet, always of the same latents."""

    def begin(self) -> None:  # noqa: B027  # most runs begin at random
        """Prepare a new run, before its first batch; a resumed one is not prepared again.

        Raises:
            LatentwalkError: A file that the settings name cannot be read, or does not fit.
        """

    def more_state(self) -> dict[str, Any]:
        """Return what a checkpoint holds besides `parts` and counters: tensors and plain values."""
        return {}

    def load_more(self, state: dict[str, Any]) -> None:  # noqa: B027  # as `more_state`, which may be empty
        """Continue from a checkpoint with `more_state`."""

    @property
    def has_slower_ahead(self) -> bool:
        """Whether later steps take longer than those now, as when more is trained."""
        return False

    # -- state ---------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return everything a resumed run needs."""
        counters = {"iteration": self.iteration, "shown": self.images_seen, "seconds": self.seconds}
        parts = {name: part.state_dict() for name, part in self.parts().items()}
        return parts | self.more_state() | {"started": self.started} | counters

    def load(self, state: dict[str, Any]) -> None:
        """Continue from `state`.

        Raises:
            UsageError: The networks have other sizes.
        """
        try:
            for name, part in self.parts().items():
                part.load_state_dict(state[name])
        except (RuntimeError, ValueError, KeyError) as error:
            raise UsageError(
                f"{self.settings.out / run_dir.STATE} is of other networks: {str(error).splitlines()[0]}",
                "Choose another --out, or give the options the run was started with.",
            ) from error
        self.started = state.get("started", {})
        self.load_more(state)
        self.iteration, self.images_seen, self.seconds = state["iteration"], state["shown"], state["seconds"]

    # -- one iteration -------------------------------------------------------------------------------------

    def step(self) -> None:
        """Train on one batch, and move the average of the weights."""
        s = self.phase = self.settings.at(self.images_seen)
        torch.manual_seed(seed_of(s.seed, self.group.rank, self.iteration))
        self.train_batch()
        self.iteration += 1
        self.images_seen += s.batch
        self.group.average_buffers(self.g)
        ema.update(self.g_ema, self.g, ema.decay(s.batch, s.ema_kimg, self.images_seen, s.ema_ramp))

    def _descend(self, optimiser: Optimiser, parameters: Sequence[Tensor], loss: Tensor) -> None:
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
        self.group.average(p.grad for p in parameters)
        for parameter in parameters:
            if parameter.grad is not None:
                torch.nan_to_num(parameter.grad, nan=0, posinf=1e5, neginf=-1e5, out=parameter.grad)
        optimiser.step()

    def _note(self, name: str, value: Tensor) -> None:
        old = self.metrics.get(name)
        new = float(value.detach())
        self.metrics[name] = new if old is None else 0.98 * old + 0.02 * new
