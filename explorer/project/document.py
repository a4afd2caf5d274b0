"""Projects: a state and its assets as JSON, inside a picture or film, or as one short text.

The parts: `project_json` (values), `project_text` (texts), `project_files` (files), `contents` (what it names).
"""

from explorer.project.asset_json import asset_from_json, asset_to_json
from explorer.project.project_files import load_project, read_project, write_png, write_project, write_whole
from explorer.project.project_json import FORMAT, Project, from_json, project_from_json, to_json
from explorer.project.project_text import (
    TEXT_PREFIX,
    pack_text,
    project_from_text,
    state_from_text,
    state_to_text,
    unpack_text,
)

__all__ = [
    "FORMAT",
    "TEXT_PREFIX",
    "Project",
    "asset_from_json",
    "asset_to_json",
    "from_json",
    "load_project",
    "pack_text",
    "project_from_json",
    "project_from_text",
    "read_project",
    "state_from_text",
    "state_to_text",
    "to_json",
    "unpack_text",
    "write_png",
    "write_project",
    "write_whole",
]
