"""Breeding: the sheet of children, their lineage, favourites and contact sheets."""
