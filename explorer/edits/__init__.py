"""Edits: changes between a latent and its picture, one file for each kind.

`base` has what all kinds share, `registry` lists the kinds, `blending` interpolates between lists of edits.
"""

from explorer.edits.base import Edit, EditKind, EditValue, Placed, ResolvedEdit, Stage, Strength, UnknownEdit
from explorer.edits.bend import Bend
from explorer.edits.bend_operations import OPERATIONS
from explorer.edits.channels import AllChannels, ChannelCluster, ChannelRange, Channels, ChannelShare
from explorer.edits.direction import Direction
from explorer.edits.nudge import Nudge
from explorer.edits.offset import Offset
from explorer.edits.registry import KINDS, kinds
from explorer.edits.style_channels import StyleChannels
from explorer.edits.style_direction import StyleDirection

__all__ = [
    "KINDS",
    "OPERATIONS",
    "AllChannels",
    "Bend",
    "ChannelCluster",
    "ChannelRange",
    "ChannelShare",
    "Channels",
    "Direction",
    "Edit",
    "EditKind",
    "EditValue",
    "Nudge",
    "Offset",
    "Placed",
    "ResolvedEdit",
    "Stage",
    "Strength",
    "StyleChannels",
    "StyleDirection",
    "UnknownEdit",
    "kinds",
]
