"""Helpers for tests, including those of plug-ins: `family_contract`, and a tiny real generator."""

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
    """Register the family "tiny" in this process and its children, like an installed plug-in."""
    site = str(_SITE)
    if site not in sys.path:
        sys.path.append(site)
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if site not in paths:
        os.environ["PYTHONPATH"] = os.pathsep.join(path for path in (*paths, site) if path)


def __getattr__(name: str) -> object:
    """Import the contract on first use: it imports torch, before which some tests must run."""
    if name not in ("ContractError", "family_contract"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from explorer.testing import contract

    return getattr(contract, name)
