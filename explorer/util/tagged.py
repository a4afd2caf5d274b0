"""Unions of dataclasses that JSON tells apart by a field "kind", open to kinds that are not known here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

__all__ = ["Tagged"]


class Tagged:
    """Base of the members of one union; a field annotated with the union's base holds any of them.

    `{"kind": "nudge", "seed": 7}` is the member of kind `nudge` with that field (`explorer.state.codec`). A member
    is a frozen dataclass, which cannot have a field named `kind`.
    """

    __slots__ = ()

    kind: ClassVar[str] = ""

    @classmethod
    def members(cls) -> Mapping[str, type[Any]]:
        """Return the classes of the union by kind."""
        raise NotImplementedError

    @classmethod
    def unknown(cls, data: Mapping[str, Any]) -> Any:
        """Return a member that keeps the JSON of an unknown kind, or None if the union is closed.

        Raises:
            ValueError: It holds a number that is not finite, which JSON cannot keep.
        """
        return None

    def verbatim(self) -> dict[str, Any] | None:
        """Return the JSON that this member was made from, if it is of an unknown kind."""
        return None
