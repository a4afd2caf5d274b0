"""Session: the widgets' only interlocutor; it joins the looks, the documents and the render service."""

from __future__ import annotations

from explorer.intents import LookIntents
from explorer.session_core import PerformanceFacts

__all__ = ["PerformanceFacts", "Session"]


class Session(LookIntents):
    """Everything that widgets may ask and wish; see the base classes. GUI thread only."""
