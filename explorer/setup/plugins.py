"""Loading the plug-ins of every group, so that each broken one is known; what needs a group loads it by itself."""

from __future__ import annotations

from explorer.util.plugins import resolve

__all__ = ["load_plugins"]

# The function of each group that loads it, `module:function`; a new group adds its own here.
_LOADERS = (
    "explorer.generators.registry:families",
    "explorer.checkpoints.readers:load_readers",
    "explorer.edits.registry:kinds",
    "explorer.analysis.registry:metrics",
)


def load_plugins() -> None:
    """Load every plug-in; afterwards `explorer.util.plugins` knows what was loaded and what failed. Any thread."""
    for reference in _LOADERS:
        resolve(reference)()
