"""Unions of dataclasses distinguished in JSON by a field "kind", which may include unknown kinds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

__all__ = ["Tagged"]


class Tagged:
    """Base of the members of one union; a field annotated with the union's base holds any of them.

    `{"kind": "nudge", "seed": 7}` is the member of kind `nudge` with that field (`explorer.state.codec`). A
    member is a frozen dataclass without a field named `kind`.
    """

    __slots__ = ()

    kind: ClassVar[str] = ""

    @classmethod
    def members(cls) -> Mapping[str, type[Any]]:
        """Return the classes of the union by kind."""
        raise NotImplementedError

    @classmethod
    def unknown(cls, data: Mapping[str, Any]) -> Any:
        """Return a member that preserves the JSON of an unknown kind, or None if the union is closed.

        Raises:
            ValueError: The data have a number that is not finite, which JSON cannot represent.
        """
        return None

    def verbatim(self) -> dict[str, Any] | None:
        """Return the original JSON of a member of an unknown kind, or None."""
        return None
