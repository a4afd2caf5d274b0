"""Report: the one type of progress, of every kind of long work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Report"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Report(Generic[T]):
    """What is known after `done` of `total` steps. Immutable: it crosses threads.

    Attributes:
        value: What is known so far, or a preview.
        done: Steps taken.
        total: Steps there are.
        stage: What is done now, for jobs of several stages.
        rate: Steps per second lately; 0 while nobody knows.
        note: A sentence that the user should read.
    """

    value: T
    done: int
    total: int
    stage: str = ""
    rate: float = 0.0
    note: str = ""

    @property
    def fraction(self) -> float:
        """How much is done, 0..1."""
        return self.done / max(self.total, 1)

    @property
    def seconds_left(self) -> float:
        """How long the rest takes at that rate; 0 while nobody knows."""
        return (self.total - self.done) / self.rate if self.rate else 0.0
