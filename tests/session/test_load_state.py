"""What the session does about the models of a view, for everything that the state may name meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from explorer.session.load_state import Action, LoadState, reconcile

INFO: Any = object()  # only passed on
HAS_A = LoadState("a", INFO)
AWAITS_B = HAS_A.request("b", is_by_user=False)
USER_AWAITS_B = HAS_A.request("b", is_by_user=True)


@pytest.mark.parametrize(
    ("load", "named", "action"),
    [
        (LoadState(), "", Action.KEEP),
        (LoadState(), "a", Action.LOAD),
        (HAS_A, "a", Action.KEEP),
        (HAS_A, "b", Action.LOAD),
        (HAS_A, "", Action.CLOSE),
        (AWAITS_B, "b", Action.KEEP),
        (AWAITS_B, "a", Action.CANCEL),
        (AWAITS_B, "c", Action.LOAD),
        (AWAITS_B, "", Action.CLOSE),
        (USER_AWAITS_B, "a", Action.KEEP),
        (USER_AWAITS_B, "b", Action.KEEP),
        (USER_AWAITS_B, "c", Action.LOAD),
        (USER_AWAITS_B, "", Action.CLOSE),
        (LoadState().request("b", is_by_user=False), "", Action.CANCEL),
        (LoadState().request("b", is_by_user=True), "", Action.KEEP),
    ],
)
def test_reconcile(load: LoadState, named: str, action: Action) -> None:
    assert reconcile(named, load) is action


def test_a_load_that_arrives_ends_or_is_refused() -> None:
    assert USER_AWAITS_B.loaded(INFO) == LoadState("b", INFO)
    assert USER_AWAITS_B.ended() == HAS_A
    refused = USER_AWAITS_B.refuse()
    assert refused == LoadState("a", INFO, refused=("b", True))
    assert refused.request("c", is_by_user=False).refused == ("", False)
