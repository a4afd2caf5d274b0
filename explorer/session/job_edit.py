"""JobEdit: what a running job writes into the state, live and as one undo step at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explorer.jobs.registry import JOBS, apply_of

if TYPE_CHECKING:
    from explorer.session.core import SessionCore
    from explorer.state.store import Change

__all__ = ["JobEdit", "edit_of"]


class JobEdit:
    """The edit that one job makes. GUI thread only.

    The job's own part alone is written, so the user can go on changing and undoing everything else. Until `commit`
    no undo step and no file has it.

    Args:
        session: Whose state it is.
        kind: The kind of job, one that commits.
    """

    def __init__(self, session: SessionCore, kind: str) -> None:
        self._session, self._store = session, session.store
        self._name, self._apply = JOBS[kind].commits, apply_of(kind)
        self._resets, self._is_of_excursion = self._store.resets, self._store.is_away

    @property
    def is_outdated(self) -> bool:
        """True once another project has replaced the one that the job was started for."""
        return self._store.resets != self._resets

    def show(self, value: object) -> None:
        """Show a value of the job that is not final; None shows nothing."""
        if value is not None and not self.is_outdated:
            self._store.show_live(self, self._change_to(value))

    def commit(self, value: object) -> None:
        """Write the job's last value, as one undo step."""
        if value is None or self.is_outdated:
            self.discard()
            return
        self._session.about_to_edit.emit()
        self._store.commit_live(self, self._change_to(value), self._name, in_document=not self._is_of_excursion)

    def discard(self) -> None:
        """Show the state without the job's part, because it was cancelled or has failed."""
        self._store.end_live(self)

    def _change_to(self, value: Any) -> Change:
        apply = self._apply
        return lambda state: apply(state, value)


def edit_of(session: SessionCore | None, kind: str) -> JobEdit | None:
    """Return the edit of a job; None if its kind does not write the state."""
    if not JOBS[kind].commits:
        return None
    if session is None:
        raise ValueError(f"the job {kind!r} writes the state and needs a session")
    return JobEdit(session, kind)
