"""Which model a view has and which is on its way, and what to do when the state names another one."""

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
        info: What is known of that model; None for none.
        requested: Name of the model on its way; empty for none.
        is_by_user: Whether the user requested it; the state then names it once it is loaded.
        refused: Name of a model that was not loaded because of its cost, and its `is_by_user`.
    """

    model: str = ""
    info: ModelInfo | None = None
    requested: str = ""
    is_by_user: bool = False
    refused: tuple[str, bool] = ("", False)

    def request(self, name: str, *, is_by_user: bool) -> LoadState:
        """Return the state once a model is on its way; the one before stays until then."""
        return replace(self, requested=name, is_by_user=is_by_user, refused=("", False))

    def ended(self) -> LoadState:
        """Return the state once nothing is on its way any more."""
        return replace(self, requested="", is_by_user=False)

    def loaded(self, info: ModelInfo) -> LoadState:
        """Return the state once the requested model is there."""
        return replace(self.ended(), model=self.requested, info=info)

    def refuse(self) -> LoadState:
        """Return the state once the requested model was found too costly."""
        return replace(self.ended(), refused=(self.requested, self.is_by_user))


class Action(Enum):
    """What to do with the models of a view."""

    KEEP = "leave it as it is"
    LOAD = "load what the state names"
    CANCEL = "cancel what is on its way; the model that the view has is the one named"
    CLOSE = "show nothing any more"


def reconcile(named: str, load: LoadState) -> Action:
    """Return what makes a view have the model that the state has just named.

    Args:
        named: Model that the state names for the view; empty for none.
        load: What the view has and awaits.
    """
    if named == load.model:
        # What the user requested is not in the state before it is loaded: it is no contradiction.
        return Action.CANCEL if load.requested and not load.is_by_user else Action.KEEP
    if not named:
        return Action.CLOSE
    return Action.KEEP if named == load.requested else Action.LOAD
