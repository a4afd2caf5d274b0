"""BreedingIntents: children of the picture, and the tree of those that were taken. GUI thread only."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from explorer.latents.breeding import COUNTS, Child, children, heredity_of
from explorer.latents.descriptions import describe_latent
from explorer.latents.groups import group_of
from explorer.latents.lineage import find_latent, node_of, path_to, with_child, without_subtree
from explorer.latents.seeds import SEED_COUNT
from explorer.state import with_look

if TYPE_CHECKING:
    from explorer.session.core import SessionCore
    from explorer.state import Breeding, ExplorerState, Latent, LineageNode

__all__ = ["BreedingIntents"]


class BreedingIntents(QObject):
    """Changes to the settings of the sheet and to the lineage; taking children and walking back."""

    def __init__(self, session: SessionCore) -> None:
        super().__init__(session)
        self._session = session

    @property
    def settings(self) -> Breeding:
        """The settings of the sheet, and the lineage."""
        return self._session.state.breeding

    # -- the sheet -----------------------------------------------------------------------------------------

    def sheet(self) -> tuple[Child, ...]:
        """Return the children of the active view's latent; none while it has no model."""
        info = self._session.info(self._session.active)
        if info is None:
            return ()
        groups = [group_of(info, i) for i in range(info.num_ws)]
        return children(self._session.look_of().latent, self.settings, groups)

    def set_count(self, count: int) -> None:
        """Set how many children the sheet has, one of `COUNTS`."""
        if count in COUNTS:
            self._edit("Children", count=count)

    def set_seed(self, seed: int) -> None:
        """Set the seed of the sheet."""
        self._edit("Seed of the children", seed=seed % SEED_COUNT)

    def again(self) -> None:
        """Go to the next seed, for other children of the same latent."""
        self._edit("Other children", seed=(self.settings.seed + 1) % SEED_COUNT)

    def set_strength(self, sigmas: float) -> None:
        """Set the strength of mutations, in standard deviations of the model's w."""
        self._edit("Mutation", strength=sigmas)

    def set_heredity(self, group: str, **fields: Any) -> None:
        """Change how children get a group of layers: fields of `Heredity`."""
        self._edit(f"Children's {group} layers", **{group: replace(heredity_of(self.settings, group), **fields)})

    def set_other(self, latent: Latent | None) -> None:
        """Choose the second parent, or none."""
        self._edit("Second parent", other=latent)

    def _edit(self, name: str, **fields: Any) -> None:
        state = self._session.state
        self._session.store.update(replace(state, breeding=replace(state.breeding, **fields)), name)

    # -- the lineage ---------------------------------------------------------------------------------------

    @property
    def current(self) -> LineageNode | None:
        """The node whose latent the active view shows; None if it shows another one."""
        return find_latent(self.settings.lineage, self._session.look_of().latent)

    def path(self) -> tuple[LineageNode, ...]:
        """Return the way from the first ancestor to the latent that is shown; empty if it is not in the lineage."""
        current = self.current
        return () if current is None else path_to(self.settings.lineage, current.number)

    def take(self, child: Child) -> None:
        """Go to a child, which becomes a node below its parent; the next sheet has the next seed."""
        breeding = self.settings
        lineage = with_child(
            breeding.lineage, child.parent, child.latent, describe_latent(child.parent),
            f"child {child.number} of sheet {child.sheet}",
        )  # fmt: skip
        bred = replace(breeding, lineage=lineage, seed=(breeding.seed + 1) % SEED_COUNT)
        self._session.store.update(replace(self._showing(child.latent), breeding=bred), "Take child")

    def show(self, number: int) -> None:
        """Walk back, or on, to a node of the lineage."""
        node = node_of(self.settings.lineage, number)
        if node is not None:
            self._session.store.update(self._showing(node.latent), "Back in lineage")

    def remove(self, number: int) -> None:
        """Remove a node and everything below it; the picture stays as it is."""
        self._edit("Remove from lineage", lineage=without_subtree(self.settings.lineage, number))

    def _showing(self, latent: Latent) -> ExplorerState:
        session = self._session
        return with_look(session.state, session.active, latent=latent, drift=0.0)
