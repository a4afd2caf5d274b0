"""The session between the widgets and the render service: user actions in, pictures and notices out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.session.session import Session

__all__ = ["Session"]


def __getattr__(name: str) -> object:
    """Import the session when it is first used: the window opens before torch is read."""
    if name != "Session":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from explorer.session.session import Session

    return Session
