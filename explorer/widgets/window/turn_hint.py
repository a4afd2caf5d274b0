"""A hint for users who rotate a picture whose generator does not follow rotations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.checkpoints.bundled import find
from explorer.generators.registry import described
from explorer.session.tour import ROTATING
from explorer.util.view_marks import letter

if TYPE_CHECKING:
    from explorer.session import Session
    from explorer.widgets.viewer.notices import Offer

__all__ = ["turn_hint"]


def turn_hint(session: Session) -> tuple[str, Offer] | None:
    """Return a hint and a button that shows a rotation-equivariant generator.

    Returns:
        None if a rotation-equivariant generator is visible already, or none is bundled.
    """
    infos = {view: info for view in session.visible_views() if (info := session.info(view)) is not None}
    families = {view: described(info.family) for view, info in infos.items()}
    if not families or any("rotate" in f.equivariant for f in families.values()) or find(ROTATING) is None:
        return None
    view = next((v for v, family in families.items() if "translate" in family.equivariant), max(families))
    moves = "translate" in families[view].equivariant
    follows = "follows translations, not rotations" if moves else "does not follow rotations"
    message = f"{families[view].title} {follows}; StyleGAN3-R does."
    return message, (f"Show StyleGAN3-R in {letter(view)}", lambda: session.models.request(view, ROTATING))
