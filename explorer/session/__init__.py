"""The session between the widgets and the render service: the widgets' wishes in, pictures and news out."""

TYPE_CHECKING = False  # as type checkers read it
if TYPE_CHECKING:
    from explorer.session.session import Session
    from explorer.session.view_record import PerformanceFacts

__all__ = ["PerformanceFacts", "Session"]


def __getattr__(name: str) -> object:
    """Import `Session` when asked for: the window reads its settings before torch is imported."""
    from importlib import import_module

    if name in __all__:
        module = "session" if name == "Session" else "view_record"
        return getattr(import_module(f"explorer.session.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
