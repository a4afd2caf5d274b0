"""The truncation that a family asks for, given to the views in which its models are opened."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.generators.family import StartLook
from explorer.generators.registry import described
from explorer.state import ExplorerState, Truncation, look_of, with_look

__all__ = ["Opened", "with_start"]


def with_start(state: ExplorerState, view: int, family: str) -> ExplorerState:
    """Return the state with the family's default truncation in a view, if the user has not set another."""
    start = described(family).start
    if start == StartLook() or look_of(state, view).truncation != Truncation():
        return state
    return with_look(state, view, truncation=Truncation(start.psi, start.cutoff))


@dataclass(frozen=True, slots=True)
class Opened:
    """The change of a state by a model of the command line, which the initial state names, once it is loaded."""

    view: int
    name: str
    family: str

    def __call__(self, state: ExplorerState) -> ExplorerState:
        """Return the state with the family's default truncation, where it names the model."""
        if self.view >= len(state.views) or state.views[self.view].model != self.name:
            return state
        return with_start(state, self.view, self.family)
