"""For tests, ours and those of plug-ins: `family_contract`, and a tiny real generator. Users see nothing of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.testing.contract import ContractError, family_contract

__all__ = ["ContractError", "family_contract", "install_tiny"]

_SITE = Path(__file__).with_name("site")


def install_tiny() -> None:
    """Make the family "tiny" known to this process and to those that it starts, as a plug-in that is installed."""
    site = str(_SITE)
    if site not in sys.path:
        sys.path.append(site)
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if site not in paths:
        os.environ["PYTHONPATH"] = os.pathsep.join(path for path in (*paths, site) if path)


def __getattr__(name: str) -> object:
    """Import the contract when it is first used: it takes torch, and some tests must come before."""
    if name not in ("ContractError", "family_contract"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from explorer.testing import contract

    return getattr(contract, name)
