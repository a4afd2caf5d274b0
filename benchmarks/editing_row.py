"""What parts of the benchmark `editing` are given, and the rows that they give."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Row", "Setting"]


@dataclass(frozen=True, slots=True)
class Setting:
    """What to measure: the models' names or files, and whether a rough figure will do."""

    models: tuple[str, ...]
    is_quick: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of one model, with its goal: at least that, or at most where the unit says so; None for none."""

    name: str
    model: str
    value: float
    goal: float | None
    unit: str
