"""Which model a view has and which is loading, and what to do when the state names another one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.render.results import ModelInfo

__all__ = ["Action", "LoadState", "reconcile"]


@dataclass(frozen=True, slots=True)
class LoadState:
    """The models of one view.

    Attributes:
        model: Name of the model that the view has, as the state named it; empty for none.
        info: Metadata of that model; None for none.
        requested: Name of the model being loaded; empty for none.
        is_by_user: Whether the user requested it; if so, the state names it only once it is loaded.
        refused: Name of a model that was not loaded because of its cost, and its `is_by_user`.
    """

    model: str = ""
    info: ModelInfo | None = None
    requested: str = ""
    is_by_user: bool = False
    refused: tuple[str, bool] = ("", False)

    def request(self, name: str, *, is_by_user: bool) -> LoadState:
        """Return the load state after a request; the current model stays until the new one is loaded."""
        return replace(self, requested=name, is_by_user=is_by_user, refused=("", False))

    def ended(self) -> LoadState:
        """Return the load state after loading has ended without a model."""
        return replace(self, requested="", is_by_user=False)

    def loaded(self, info: ModelInfo) -> LoadState:
        """Return the load state after the requested model was loaded."""
        return replace(self.ended(), model=self.requested, info=info)

    def refuse(self) -> LoadState:
        """Return the load state after the requested model was refused because of its cost."""
        return replace(self.ended(), refused=(self.requested, self.is_by_user))


class Action(Enum):
    """The action to take for the models of a view."""

    KEEP = "leave it as it is"
    LOAD = "load what the state names"
    CANCEL = "cancel loading; the view already has the named model"
    CLOSE = "close the view's model"


def reconcile(named: str, load: LoadState) -> Action:
    """Return the action that gives a view the model that the state has just named.

    Args:
        named: Model that the state names for the view; empty for none.
        load: The view's current and requested models.
    """
    if named == load.model:
        # A model requested by the user is not in the state until it is loaded, so a difference is expected.
        return Action.CANCEL if load.requested and not load.is_by_user else Action.KEEP
    if not named:
        return Action.CLOSE
    return Action.KEEP if named == load.requested else Action.LOAD
