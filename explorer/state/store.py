"""StateStore: the one mutable reference to the explorer's state, with strokes, live edits, undo and redo."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from explorer.state import ExplorerState
from explorer.state.merge import merged

__all__ = ["Change", "StateStore", "Subscriber"]

Subscriber = Callable[[ExplorerState, ExplorerState], None]
Change = Callable[[ExplorerState], ExplorerState]

log = logging.getLogger("explorer.state.store")

HISTORY_LIMIT = 1000
"""Maximum undo entries; neighbouring states share nearly everything, so a thousand are cheap."""


@dataclass(slots=True)
class _Document:
    """What to return to after an excursion."""

    state: ExplorerState
    undo: deque[_Step]
    redo: list[_Step]


@dataclass(frozen=True, slots=True)
class _Step:
    """One undo entry: its name and the states on both sides of it."""

    name: str
    before: ExplorerState
    after: ExplorerState


class StateStore:
    """Holds the current state, notifies subscribers with `(old, new)`, and records undo. GUI thread only.

    A *stroke* (`begin` ... `commit`) combines the updates of one gesture into one undo entry; `cancel` reverts
    them. Strokes begun inside a stroke are joined with it: only the outermost commit counts.
    An *excursion* (`set_out` ... `come_back`) shows other states, without a trace in the document and its history.
    A *live edit* (`show_live` ... `commit_live` or `end_live`) is shown over the document while a job computes it.
    It is neither saved nor in any undo entry until it is committed, whatever else changes meanwhile.

    Args:
        state: Initial state.
        limit: Maximum undo entries; the oldest are dropped.
    """

    def __init__(self, state: ExplorerState | None = None, limit: int = HISTORY_LIMIT) -> None:
        self._state = state or ExplorerState()  # without live edits, as all that is remembered
        self._shown = self._state
        self._live: dict[object, Change] = {}
        self._undo: deque[_Step] = deque(maxlen=limit)
        self._redo: list[_Step] = []
        self._subscribers: list[Subscriber] = []
        self._stroke: tuple[str, ExplorerState] | None = None
        self._depth = 0
        self._saved = self._state
        self._document: _Document | None = None
        self._resets = 0

    @property
    def state(self) -> ExplorerState:
        """The current state, with live edits."""
        return self._shown

    @property
    def base(self) -> ExplorerState:
        """The current state without live edits."""
        return self._state

    @property
    def document(self) -> ExplorerState:
        """The user's document, which is saved: the state, or during an excursion the one it started from.

        Without live edits.
        """
        return self._state if self._document is None else self._document.state

    # -- changing ------------------------------------------------------------------------------------------

    def update(self, new: ExplorerState, name: str = "") -> None:
        """Make `new` the state: one undo entry called `name`, or, inside a stroke, its live tip."""
        self._update(self._without_live(new), name)

    def _update(self, new: ExplorerState, name: str) -> None:
        if new == self._state:
            return
        if self._stroke is None:
            self._push(_Step(name or "Change", self._state, new))
        self._replace(new)

    def interpose(self, new: ExplorerState, name: str) -> None:
        """Make `new` the state as an undo entry of its own, even during a stroke, which continues from it.

        Cancelling the stroke does not revert it.
        """
        self._interpose(self._without_live(new), name)

    def _interpose(self, new: ExplorerState, name: str) -> None:
        if self._stroke is None or new == self._state:
            self._update(new, name)
            return
        stroke, before = self._stroke
        if before != self._state:
            self._push(_Step(stroke, before, self._state))
        self._push(_Step(name, self._state, new))
        self._stroke = (stroke, new)
        self._replace(new)

    def update_transient(self, new: ExplorerState) -> None:
        """Make `new` the state without an undo entry: for motion that nobody steered (drift, playback).

        A saved document stays saved: a project that was only played needs no saving.
        """
        new = self._without_live(new, is_motion=True)
        if new != self._state:
            if self._document is None and self.is_saved():
                self._saved = new
            if self._stroke is not None and self._stroke[1] == self._state:
                self._stroke = (self._stroke[0], new)  # nothing has been changed in it yet
            self._replace(new)

    def rewrite_history(self, change: Change) -> None:
        """Apply `change` to the state and its history: for what the user neither made nor would want back."""
        for steps in (self._undo, self._redo):
            for i, step in enumerate(steps):
                steps[i] = _Step(step.name, change(step.before), change(step.after))
        if self._stroke is not None:
            self._stroke = (self._stroke[0], change(self._stroke[1]))
        if self._document is not None:
            self._document.state = change(self._document.state)
        self._saved = change(self._saved)
        new = change(self._state)
        if new != self._state:
            self._replace(new)

    def begin(self, name: str) -> None:
        """Begin a stroke called `name`; inside a stroke, join it."""
        self._depth += 1
        if self._stroke is None:
            self._stroke = (name, self._state)

    def commit(self) -> None:
        """End the stroke and make one undo entry of it, if anything changed."""
        if self._stroke is None:
            return
        self._depth -= 1
        if self._depth > 0:
            return
        name, before = self._stroke
        self._stroke = None
        if before != self._state:
            self._push(_Step(name, before, self._state))

    def cancel(self) -> None:
        """End the stroke and restore the state that it began with."""
        if self._stroke is None:
            return
        _, before = self._stroke
        self._stroke = None
        self._depth = 0
        if before != self._state:
            self._replace(before)

    @property
    def in_stroke(self) -> bool:
        """True between `begin` and `commit` or `cancel`."""
        return self._stroke is not None

    # -- history -------------------------------------------------------------------------------------------

    def undo(self) -> None:
        """Go one entry back; an open stroke is committed first, so that it is the entry undone."""
        self._end_stroke()
        if self._undo:
            step = self._undo.pop()
            self._redo.append(step)
            self._replace(self._seen_from_here(step.before))

    def redo(self) -> None:
        """Go one entry forward again."""
        self._end_stroke()
        if self._redo:
            step = self._redo.pop()
            self._undo.append(step)
            self._replace(self._seen_from_here(step.after))

    @property
    def can_undo(self) -> bool:
        """True if `undo` would do something."""
        return bool(self._undo) or (self._stroke is not None and self._stroke[1] != self._state)

    @property
    def can_redo(self) -> bool:
        """True if `redo` would do something."""
        return bool(self._redo)

    @property
    def undo_name(self) -> str:
        """The name of the entry that `undo` reverts; empty if there is none."""
        return self._undo[-1].name if self._undo else ""

    @property
    def redo_name(self) -> str:
        """The name of the entry that `redo` restores; empty if there is none."""
        return self._redo[-1].name if self._redo else ""

    # -- document ------------------------------------------------------------------------------------------

    def reset_to(self, state: ExplorerState) -> None:
        """Make `state` the whole document: no history, nothing unsaved. For new and opened projects."""
        self._stroke = None
        self._depth = 0
        self._undo.clear()
        self._redo.clear()
        self._document = None
        self._live.clear()
        self._resets += 1
        self._saved = state
        self._replace(state)

    @property
    def resets(self) -> int:
        """Number of times that the whole document was replaced: work for an earlier one is outdated."""
        return self._resets

    def is_saved(self) -> bool:
        """Return whether the document is the one last marked as saved, ignoring motion that nobody steered."""
        document = self.document
        active = min(document.active, len(self._saved.views) - 1)
        return replace(self._saved, active=active, layout=document.layout, pair=document.pair) == document

    def mark_saved(self) -> None:
        """Mark the document as identical to what is on disk."""
        self._saved = self.document

    # -- excursions ----------------------------------------------------------------------------------------

    @property
    def is_away(self) -> bool:
        """True during an excursion."""
        return self._document is not None

    def set_out(self, new: ExplorerState) -> None:
        """Begin an excursion, such as a guided tour, or continue it, at `new`: no undo entry.

        Until `come_back` the document does not change. Changes made meanwhile can be undone back to this call.
        """
        self._end_stroke()
        new = self._without_live(new)
        if self._document is None:
            self._document = _Document(self._state, self._undo, self._redo)
        self._undo, self._redo = deque(maxlen=self._undo.maxlen), []
        self._replace(new)

    def come_back(self, kept: ExplorerState | None = None, name: str = "") -> None:
        """End an excursion: restore what was before it, or adopt `kept` as one undo entry called `name`."""
        if self._document is None:
            return
        self._end_stroke()
        document, self._document = self._document, None
        self._undo, self._redo = document.undo, document.redo
        if kept is not None and kept != document.state:
            self._push(_Step(name, document.state, kept))
        self._replace(document.state if kept is None else kept)

    # -- live edits ----------------------------------------------------------------------------------------

    def show_live(self, owner: object, change: Change) -> None:
        """Show `change` over the document, instead of the owner's last one; no undo entry.

        Other edits go into the document below it. An excursion does not show it.

        Args:
            owner: Identifies the live edit.
            change: A pure function that changes the owner's part of a state alone; unchanged, if that part is gone.
        """
        self._live[owner] = change
        self._show_again()

    def end_live(self, owner: object) -> None:
        """End a live edit: its part of the state is again as the document has it."""
        if self._live.pop(owner, None) is not None:
            self._show_again()

    def commit_live(self, owner: object, change: Change, name: str, *, in_document: bool = True) -> None:
        """End a live edit and write `change`, as an undo entry of its own, also in the middle of a stroke.

        Args:
            owner: Identifies the live edit.
            change: As for `show_live`.
            name: Of the undo entry.
            in_document: During an excursion, write it into the document too.
        """
        self._live.pop(owner, None)
        if self._document is not None and in_document:
            before, after = self._document.state, change(self._document.state)
            if after != before:
                self._document.state = after
                self._document.undo.append(_Step(name, before, after))
                self._document.redo.clear()
        self._interpose(change(self._state), name)
        self._show_again()  # where the document has had that value before

    def _without_live(self, new: ExplorerState, *, is_motion: bool = False) -> ExplorerState:
        """Return what the document becomes by a change of the shown state to `new`.

        Motion does not move what a live edit covers, or the document would get the live value.
        """
        if self._shown is self._state:
            return new
        return merged(self._state, self._shown, new, prefer_base=is_motion)

    def _with_live(self, state: ExplorerState) -> ExplorerState:
        if self._document is None:
            for change in self._live.values():
                state = change(state)
        return state

    def _show_again(self) -> None:
        if self._with_live(self._state) != self._shown:
            self._replace(self._state)

    # -- telling -------------------------------------------------------------------------------------------

    def subscribe(self, callback: Subscriber) -> Callable[[], None]:
        """Call `callback(old, new)` after each change; return the function that unsubscribes."""
        self._subscribers.append(callback)

        def unsubscribe() -> None:
            if callback in self._subscribers:
                self._subscribers.remove(callback)

        return unsubscribe

    def _end_stroke(self) -> None:
        self._depth = min(self._depth, 1)
        self.commit()

    def _seen_from_here(self, state: ExplorerState) -> ExplorerState:
        """Return `state` with the current layout and active view, which undo leaves alone."""
        active = min(self._state.active, len(state.views) - 1)
        return replace(state, active=active, layout=self._state.layout, pair=self._state.pair)

    def _push(self, step: _Step) -> None:
        self._undo.append(step)
        self._redo.clear()

    def _replace(self, new: ExplorerState) -> None:
        old, self._state = self._shown, new
        self._shown = shown = self._with_live(new)
        # A copy, because a callback may unsubscribe itself or others.
        for callback in tuple(self._subscribers):
            callback(old, shown)
