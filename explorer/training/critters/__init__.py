"""Critters: procedural furry animal heads with exact attributes, made from a Gaussian latent."""

from __future__ import annotations

from explorer.training.critters.attributes import ATTRIBUTE_DIM, SPECIES, Attributes, attributes
from explorer.training.critters.render import render

__all__ = ["ATTRIBUTE_DIM", "SPECIES", "Attributes", "attributes", "render"]
