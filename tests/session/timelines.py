"""A session with a timeline, and a clock that a test turns."""

from __future__ import annotations

from explorer.session import Session


class Hours:
    """A clock that is turned by hand."""

    def __init__(self, session: Session) -> None:
        self.now = 100.0
        session.transport._now = lambda: self.now


def two_keys(session: Session) -> None:
    session.look.set_transform(x=0.0)
    session.transport.keys.add(0.0)
    session.look.set_transform(x=0.4)
    session.transport.keys.add(2.0)
    session.transport.keys.set_segments(frozenset({(-1, 0)}), ease="linear")


def messages_of(session: Session) -> list[str]:
    messages: list[str] = []
    session.status.connect(messages.append)
    return messages
