"""Projects: a state and its stored latents as JSON, inside a PNG, or as one short text."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
import struct
import sys
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.errors import LatentwalkError, ProjectError
from explorer.latents.recipes import checked_recipe
from explorer.latents.table import SPACES, LatentTable, StoredLatent
from explorer.project.delta import delta_decode, delta_encode
from explorer.project.embedded import FILM_SUFFIXES, KEY, PNG_MAGIC, text_of_film, text_of_png
from explorer.project.model_places import ModelPlace, places_from_json, places_of, places_to_json
from explorer.state import ExplorerState, Latent, Look, Snapshot, Timeline
from explorer.state.codec import decode, encode
from explorer.state.migrations import VERSION, is_known_version, migrate, migrate_latent
from explorer.state.timeline_edits import check_timeline
from explorer.util.atomic_write import atomic_write
from explorer.util.plain_text import visible
from explorer.util.regular_file import check_regular, open_regular, read_regular
from explorer.util.strict_json import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = [
    "FORMAT",
    "TEXT_PREFIX",
    "VERSION",
    "Project",
    "from_json",
    "latent_from_json",
    "latent_to_json",
    "latents_of",
    "latents_of_look",
    "load_project",
    "project_from_json",
    "project_from_text",
    "read_project",
    "state_from_text",
    "state_to_text",
    "to_json",
    "write_png",
    "write_project",
]

FORMAT = "latentwalk-project"
TEXT_PREFIX = f"latentwalk:{VERSION}:"

MAX_BYTES = 64 << 20
"""Largest project taken, before and after unpacking: a bomb is refused before it is unpacked."""

MAX_VIEWS = 16


@dataclass(frozen=True, slots=True, eq=False)
class Project:
    """What a project's file holds. `folder`: where it lies, from which models are looked for; None of a text."""

    state: ExplorerState
    table: LatentTable
    places: tuple[ModelPlace, ...] = ()
    folder: Path | None = None


# -- JSON ------------------------------------------------------------------------------------------------------


def latents_of(state: ExplorerState) -> set[str]:
    """Ids of the stored latents that a state names."""

    return set().union(*(latents_of_look(look) for look in _looks_of(state)))


def latents_of_look(look: Look) -> set[str]:
    """Ids of the stored latents that a look names."""

    def of_latent(latent: Latent) -> Iterator[str]:
        yield latent.stored
        for point in latent.blend.points if latent.blend is not None else ():
            yield from of_latent(point.latent)
            yield from (key for source in point.mixing.sources for key in of_latent(source.latent))

    sources = (key for source in look.mixing.sources for key in of_latent(source.latent))
    return {*of_latent(look.latent), *sources} - {""}


def _looks_of(state: ExplorerState) -> Iterator[Look]:
    """Every look of a project, those on the timeline included."""
    yield state.shared
    yield from (v.own for v in state.views)
    for timeline in (state.timeline, state.timeline.aside):
        for pose in _poses_of(timeline):
            yield pose.shared
            yield from (v.own for v in pose.views)


def _poses_of(timeline: Timeline | None) -> Iterator[Snapshot]:
    if timeline is not None:
        yield from (key.pose for key in timeline.keys)
        yield from (sample.pose for sample in timeline.performance)


def to_json(
    state: ExplorerState, table: LatentTable | None = None, places: Sequence[ModelPlace] = ()
) -> dict[str, Any]:
    """The project as JSON values: the state without its defaults, the latents that it names, its models' places."""
    latents = {}
    for key in sorted(latents_of(state)):
        latent = table.get(key) if table is not None else None
        if latent is not None:
            latents[key] = latent_to_json(latent)
    data: dict[str, Any] = {"format": FORMAT, "version": VERSION, "state": _thinned(encode(state))}
    if latents:
        data["latents"] = latents
    if places:
        data["models"] = places_to_json(places)
    return data


def _thinned(state: dict[str, Any]) -> dict[str, Any]:
    """A performance has sixty moments a second, which differ in a number or two: their changes are kept."""
    return state | {"timeline": _thin(state["timeline"])} if "timeline" in state else state


def _thin(timeline: dict[str, Any]) -> dict[str, Any]:
    thin = {name: value for name, value in timeline.items() if name != "performance"}
    if "performance" in timeline:
        thin["changes"] = delta_encode(timeline["performance"])
    if thin.get("aside"):
        thin["aside"] = _thin(thin["aside"])
    return thin


def _whole(state: Any) -> Any:
    """The state that `_thinned` made this from; what has another shape is left for `decode` to refuse."""
    has_timeline = isinstance(state, dict) and "timeline" in state
    return state | {"timeline": _thick(state["timeline"])} if has_timeline else state


def _thick(timeline: Any) -> Any:
    """A timeline with its performance and that of the timeline kept aside, which has none aside itself."""
    if not isinstance(timeline, dict):
        return timeline
    thick = {name: value for name, value in timeline.items() if name != "changes"}
    if "changes" in timeline:
        row = timeline["changes"]
        thick["performance"] = delta_decode(row) if isinstance(row, list) else row
    aside = thick.get("aside")
    if isinstance(aside, dict):
        if aside.get("aside"):
            raise ProjectError("The project keeps more than two timelines.", "The file is damaged.")
        thick["aside"] = _thick(aside)
    return thick


def from_json(data: Any) -> tuple[ExplorerState, LatentTable]:
    """The state and its latents; errors as `project_from_json`."""
    project = project_from_json(data)
    return project.state, project.table


def project_from_json(data: Any, folder: Path | None = None) -> Project:
    """The project; `folder` is where its file lies.

    Raises:
        ProjectError: Not a project, of a newer version, or damaged; names the place.
    """
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ProjectError("This is not a Latentwalk project.", "Open a .json or .png that Latentwalk saved.")
    version = data.get("version")
    migrate({}, version)  # refuses other versions before their performance is unpacked
    data = migrate({**data, "state": _whole(data.get("state", {}))}, version)
    state = decode(ExplorerState, data["state"])
    if not 1 <= len(state.views) <= MAX_VIEWS or not 0 <= state.active < len(state.views):
        raise ProjectError("The project's views are not valid.", "The file is damaged.")
    if any(len(look.transform.matrix) != 6 for look in _looks_of(state)):
        raise ProjectError("A transform's matrix in the project does not have six numbers.", "The file is damaged.")
    for timeline in (state.timeline, state.timeline.aside):
        if timeline is not None:
            check_timeline(timeline)
    table = LatentTable()
    stored = data.get("latents", {})
    if not isinstance(stored, dict):
        raise ProjectError("The project's latents are not an object.", "The file is damaged.")
    for key, item in stored.items():
        if table.add(latent_from_json(key, item, version)) != key:
            raise ProjectError(f"The stored latent {key!r} does not match its id.", "The file is damaged.")
    return Project(state, table, places_from_json(data.get("models", [])), folder)


def latent_to_json(latent: StoredLatent) -> dict[str, Any]:
    """A stored latent as JSON values."""
    packed = zlib.compress(latent.array.astype("<f4").tobytes(), 6)
    recipe = {} if latent.recipe is None else {"recipe": encode(latent.recipe)}
    return recipe | {
        "space": latent.space,
        "shape": list(latent.array.shape),
        "model_sha": latent.model_sha,
        "psi": latent.psi,
        "name": latent.name,
        "data": base64.b64encode(packed).decode("ascii"),
    }


def latent_from_json(key: str, item: Any, version: object = VERSION) -> StoredLatent:
    """The stored latent of a project of that version; `key` names it in errors. Raises ProjectError."""
    damaged = ProjectError(f"The stored latent {str(key)[:40]!r} cannot be read.", "The file is damaged.")
    try:
        shape, psi = tuple(item["shape"]), item.get("psi", 1.0)
        if item["space"] not in SPACES or not 1 <= len(shape) <= 2 or not all(_is_size(n) for n in shape):
            raise damaged
        if type(psi) not in (int, float) or not abs(psi) <= sys.float_info.max:
            raise damaged
        nbytes = 4 * math.prod(shape)
        raw = _unpack(base64.b64decode(item["data"], validate=True), nbytes)
        if len(raw) != nbytes:
            raise damaged
        array: NDArray[np.float32] = np.frombuffer(raw, dtype="<f4").reshape(shape).astype(np.float32)
        sha, name = str(item.get("model_sha", "")), str(item.get("name", ""))
        recipe = None
        if "recipe" in item:
            recipe = checked_recipe(decode(Latent, migrate_latent(item["recipe"], version), "recipe"))
        return StoredLatent(item["space"], array, sha, float(psi), name, recipe)
    except LatentwalkError as error:
        raise damaged from (None if error is damaged else error)  # a cause of itself would have no end
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, binascii.Error, zlib.error) as error:
        raise damaged from error


def _is_size(number: object) -> bool:
    return type(number) is int and 1 <= number <= MAX_BYTES


def _unpack(data: bytes, limit: int) -> bytes:
    """Decompresses at most `limit` bytes; more is a ProjectError."""
    if limit > MAX_BYTES:
        raise ProjectError("The project is too large.", f"At most {MAX_BYTES >> 20} MB are taken.")
    unpacker = zlib.decompressobj()
    raw = unpacker.decompress(data, limit)
    if unpacker.unconsumed_tail or unpacker.decompress(unpacker.unconsumed_tail, 1) or not unpacker.eof:
        raise ProjectError("The packed data are longer than they say, or cut off.", "The file is damaged.")
    return raw


# -- text ------------------------------------------------------------------------------------------------------


_PREFIX = re.compile(r"latentwalk:(\d{1,4}):", re.ASCII)


def state_to_text(state: ExplorerState, table: LatentTable | None = None, places: Sequence[ModelPlace] = ()) -> str:
    """The whole state as one short text that survives mails and chats: prefix, then packed JSON in base64."""
    data = to_json(state, table, places)
    del data["format"], data["version"]  # the prefix says both
    return TEXT_PREFIX + pack_text(data)


def state_from_text(text: str) -> tuple[ExplorerState, LatentTable]:
    """The state and latents of such a text. Raises ProjectError."""
    project = project_from_text(text)
    return project.state, project.table


def project_from_text(text: str, folder: Path | None = None) -> Project:
    """The project of such a text; `folder` is where the file that carries it lies. Raises ProjectError."""
    text = "".join(text.split())  # mail programs break long lines
    match = _PREFIX.match(text)
    if match is None or not is_known_version(int(match[1])):
        known = text.startswith("latentwalk:")
        raise ProjectError(
            "The text is a state of another version." if known else "The text does not hold a Latentwalk state.",
            "Update Latentwalk." if known else f"A copied state begins with {TEXT_PREFIX}",
        )
    data = unpack_text(text[match.end() :])
    if not isinstance(data, dict):
        raise ProjectError("The copied text is damaged.", "Copy it again as a whole.")
    return project_from_json({**data, "format": FORMAT, "version": int(match[1])}, folder)


def pack_text(data: Any) -> str:
    """JSON values as URL-safe base64 of packed JSON with its checksum."""
    raw = _dumped(data)
    packed = struct.pack(">I", zlib.crc32(raw)) + zlib.compress(raw, 9)
    return base64.urlsafe_b64encode(packed).decode("ascii").rstrip("=")


def unpack_text(text: str) -> Any:
    """What `pack_text` packed. Raises ProjectError."""
    damaged = ProjectError("The copied text is damaged.", "Copy it again as a whole.")
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        (checksum,) = struct.unpack(">I", packed[:4])
        unpacker = zlib.decompressobj()
        raw = unpacker.decompress(packed[4:], MAX_BYTES)
        if not unpacker.eof or zlib.crc32(raw) != checksum:
            raise damaged
        return parse_json(raw)
    except (ValueError, struct.error, zlib.error) as error:
        raise damaged from error


# -- files -----------------------------------------------------------------------------------------------------


def write_project(
    path: str | Path,
    state: ExplorerState,
    table: LatentTable | None = None,
    digests: Mapping[str, str] | None = None,
) -> None:
    """Write a project as JSON; the file appears whole or not at all.

    Args:
        path: Of the file.
        state: Of the project.
        table: Holds its stored latents.
        digests: SHA-256 of the models that are loaded, by the names that the state gives them.

    Raises:
        ProjectError: The file cannot be written.
    """
    kept = (state.timeline, state.timeline.aside)
    indent = None if any(timeline is not None and timeline.performance for timeline in kept) else 1
    places = places_of(state, Path(path).parent, digests)
    write_whole(path, _dumped(to_json(state, table, places), indent))


_SURROGATE = re.compile("[\ud800-\udfff]")


def _dumped(data: Any, indent: int | None = None) -> bytes:
    """JSON values as UTF-8 that can be read again. Raises ProjectError."""
    separators = (",", ":") if indent is None else None
    try:
        text = json.dumps(data, indent=indent, separators=separators, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise ProjectError("A number of the project is not finite.", "Undo the last change.") from error
    # Bytes of a path that are not UTF-8 are lone surrogates here (PEP 383), which JSON can carry as escapes only.
    raw = _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()
    if len(raw) > MAX_BYTES:
        words = f"The project would be {len(raw) >> 20} MB; at most {MAX_BYTES >> 20} MB can be read again."
        raise ProjectError(words, "Shorten the performance, or turn it into keys.")
    return raw


def write_png(
    path: str | Path,
    pixels: NDArray[np.uint8],
    state: ExplorerState,
    table: LatentTable | None = None,
    digests: Mapping[str, str] | None = None,
) -> None:
    """Writes a picture that carries the project inside.

    Args:
        path: Ends in .png.
        pixels: uint8 `[H, W, 4]` blue-green-red-any, as frames have them.
        state: Of the project.
        table: Holds its stored latents.
        digests: SHA-256 of the models that are loaded, by the names that the state gives them.

    Raises:
        ProjectError: The file cannot be written.
    """
    import io

    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text(KEY.decode(), state_to_text(state, table, places_of(state, Path(path).parent, digests)))
    info.add_text("Software", "Latentwalk")
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels[:, :, 2::-1])).save(buffer, "PNG", pnginfo=info)
    write_whole(path, buffer.getvalue())


def write_whole(path: str | Path, data: bytes) -> None:
    """Replaces a file as a whole, so that a crash or a full disk leaves the old one. Raises ProjectError."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as partial:
            partial.write_bytes(data)
    except OSError as error:
        what = error.strerror or str(error)
        words = f"{visible(path.name)} cannot be written: {what}."
        raise ProjectError(words, "Choose another folder.") from error


def read_project(path: str | Path) -> tuple[ExplorerState, LatentTable]:
    """The state and latents of a project; models stay where it names them. Errors as `load_project`."""
    project = load_project(path)
    return project.state, project.table


def load_project(path: str | Path) -> Project:
    """Read a project from JSON, or from the picture or film that carries it.

    Raises:
        ProjectError: It cannot be read, is none, or is damaged.
    """
    path = Path(path)
    name = visible(path.name)
    try:
        return _load(path)
    except OSError as error:
        raise ProjectError(f"{name} cannot be read: {error.strerror or error}.", "Check the path.") from error
    except ProjectError as error:
        message = error.message if error.message.startswith(name) else f"{name}: {error.message}"
        raise ProjectError(message, error.hint) from error
    except ValueError as error:  # JSON and Unicode errors are ValueErrors
        raise ProjectError(f"{name} is not a project.", "Open a file that Latentwalk saved.") from error


def _load(path: Path) -> Project:
    folder = path.resolve().parent  # of a link's target, beside which its models lie
    check_regular(path)
    if path.suffix.lower() in FILM_SUFFIXES:
        return project_from_text(text_of_film(path), folder)
    with open_regular(path) as file:
        is_png = file.read(len(PNG_MAGIC)) == PNG_MAGIC
    if is_png:
        return project_from_text(text_of_png(path), folder)
    if path.stat().st_size > MAX_BYTES:
        raise ProjectError("It is too large for a project.", "Open a file that Latentwalk saved.")
    data = parse_json(read_regular(path, MAX_BYTES))
    if isinstance(data, dict) and data.get("format") == "latentwalk-film":
        data = data.get("project")  # the job of an unfinished film
    return project_from_json(data, folder)
