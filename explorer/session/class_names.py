"""ClassNameIntents: the user's names of the classes of models, in the project and remembered for later ones."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from explorer.state.class_names import LONGEST_NAME, named_classes, with_class_names
from explorer.util.strict_json import parse_json

if TYPE_CHECKING:
    from explorer.session.core import SessionCore
    from explorer.session.settings import Settings
    from explorer.state import ExplorerState

__all__ = ["ClassNameIntents"]

_KEY = "class-names"
_LIMIT = 200
"""Models whose names are remembered; the oldest are dropped."""


class ClassNameIntents(QObject):
    """Names of classes. A project has those of its models; a model that is opened later has them again."""

    def __init__(self, session: SessionCore) -> None:
        super().__init__(session)
        self._session = session
        self._settings: Settings | None = None
        session.model_changed.connect(self._on_model_changed)

    def remember_in(self, settings: Settings) -> None:
        """Remember names in these settings, and use those that are there."""
        self._settings = settings
        for view in range(len(self._session.state.views)):
            self._on_model_changed(view)

    def of(self, view: int) -> tuple[str, ...]:
        """Return the names of the classes of a view's model, in order; empty if none has a name."""
        model_info = self._session.model_info(view)
        if model_info is None:
            return ()
        own, count = model_info.class_names or model_info.info.class_names, model_info.info.c_dim
        return named_classes(self._session.state.class_names, model_info.sha256, own, count)

    def set_name(self, view: int, index: int, name: str) -> None:
        """Name a class of a view's model; an empty name returns to the model's own."""
        model_info = self._session.model_info(view)
        if model_info is None or not 0 <= index < model_info.info.c_dim:
            return
        state, sha = self._session.state, model_info.sha256
        names = list(
            named_classes(state.class_names, sha, (), model_info.info.c_dim) or [""] * model_info.info.c_dim
        )
        names[index] = name.strip()[:LONGEST_NAME]
        self._session.store.update(_with_names(state, sha, names), "Rename class")
        self._remember(sha, names)

    @Slot(int)
    def _on_model_changed(self, view: int) -> None:
        """Give a project the names that its model had in an earlier one."""
        model_info = self._session.model_info(view)
        if model_info is None or any(item.model == model_info.sha256 for item in self._session.state.class_names):
            return
        names = self._remembered().get(model_info.sha256, [])
        if names and model_info.info.c_dim:
            change = partial(_with_names, sha=model_info.sha256, names=names[: model_info.info.c_dim])
            self._session.store.rewrite_history(change)

    def _remember(self, sha: str, names: list[str]) -> None:
        if self._settings is None:
            return
        found = self._remembered()
        found.pop(sha, None)
        if any(names):
            found[sha] = names
        kept = dict(list(found.items())[-_LIMIT:])
        self._settings.set(_KEY, json.dumps(kept))

    def _remembered(self) -> dict[str, list[str]]:
        try:
            found = parse_json(self._settings.text(_KEY, "{}")) if self._settings is not None else {}
        except ValueError:
            found = {}
        if not isinstance(found, dict):
            return {}
        is_names = {key: isinstance(v, list) and all(isinstance(n, str) for n in v) for key, v in found.items()}
        return {str(key): [n[:LONGEST_NAME] for n in v] for key, v in found.items() if is_names[key]}


def _with_names(state: ExplorerState, sha: str, names: list[str]) -> ExplorerState:
    return replace(state, class_names=with_class_names(state.class_names, sha, names))
