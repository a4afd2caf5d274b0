"""Projects: a state and its stored latents as JSON, inside a picture or film, or as one short text.

The parts: `project_json` (values), `project_text` (texts), `project_files` (files), `contents` (what it names).
"""

from explorer.project.contents import latents_of, latents_of_look
from explorer.project.latent_json import latent_from_json, latent_to_json
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
    "from_json",
    "latent_from_json",
    "latent_to_json",
    "latents_of",
    "latents_of_look",
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
