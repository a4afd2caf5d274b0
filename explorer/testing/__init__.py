"""For tests, ours and those of plug-ins: `family_contract`, and a tiny real generator. Users see nothing of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["install_tiny"]

_SITE = Path(__file__).with_name("site")


def install_tiny() -> None:
    """Make the family "tiny" known to this process and to those that it starts, as a plug-in that is installed."""
    site = str(_SITE)
    if site not in sys.path:
        sys.path.append(site)
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if site not in paths:
        os.environ["PYTHONPATH"] = os.pathsep.join(path for path in (*paths, site) if path)
