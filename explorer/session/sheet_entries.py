"""What contact sheets can show: children, the lineage and favourites, with their captions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from explorer.latents.descriptions import describe_latent
from explorer.project.favourite_files import without_motion
from explorer.session.contact_sheets import SheetEntry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explorer.project.favourite_files import Favourite
    from explorer.session.session import Session
    from explorer.state import Latent, LineageNode

__all__ = ["children_entries", "favourite_entries", "lineage_entries", "path_entries"]


def children_entries(session: Session) -> list[SheetEntry]:
    """Return the children of the active view's picture, with the seeds of sheet and mutation."""
    return [
        _entry(session, c.latent, f"Child {c.number}", f"sheet {c.sheet}, seed {c.mutation}")
        for c in session.breeding.sheet()
    ]


def path_entries(session: Session) -> list[SheetEntry]:
    """Return the way from the first ancestor to the picture that is shown."""
    return _of_nodes(session, session.breeding.path())


def lineage_entries(session: Session) -> list[SheetEntry]:
    """Return the whole lineage, in the order in which it was made."""
    return _of_nodes(session, session.breeding.settings.lineage)


def favourite_entries(found: Sequence[Favourite]) -> list[SheetEntry]:
    """Return favourites, with what their latents are."""
    return [SheetEntry(item.look, item.name, describe_latent(item.look.latent)) for item in found]


def _of_nodes(session: Session, nodes: Sequence[LineageNode]) -> list[SheetEntry]:
    return [_entry(session, node.latent, node.name, describe_latent(node.latent)) for node in nodes]


def _entry(session: Session, latent: Latent, name: str, detail: str) -> SheetEntry:
    look = replace(without_motion(session.look_of()), latent=latent)
    return SheetEntry(look, f"{name[:1].upper()}{name[1:]}", detail)
