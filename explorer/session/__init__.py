"""The session between the widgets and the render service: the widgets' wishes in, pictures and news out."""

from explorer.session.session import Session
from explorer.session.view_record import PerformanceFacts

__all__ = ["PerformanceFacts", "Session"]
