"""Edits: what is changed on the way from a latent to the picture, one file for each kind.

`base` has what all share, `registry` knows the kinds, `blending` has what lies between two lists of edits.
"""

from explorer.edits.base import Edit, EditKind, EditValue, Placed, ResolvedEdit, Stage, Strength, UnknownEdit
from explorer.edits.nudge import Nudge
from explorer.edits.offset import Offset
from explorer.edits.registry import KINDS, kinds

__all__ = [
    "KINDS",
    "Edit",
    "EditKind",
    "EditValue",
    "Nudge",
    "Offset",
    "Placed",
    "ResolvedEdit",
    "Stage",
    "Strength",
    "UnknownEdit",
    "kinds",
]
