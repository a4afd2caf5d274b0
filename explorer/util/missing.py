"""Say why there is no file where one is named: an address, a broken link, a missing folder, nothing at all."""

from __future__ import annotations

import os
import re
import shlex
import urllib.parse
from pathlib import Path

__all__ = ["as_written", "is_address", "why_missing"]

# Two letters and more: one is a drive of Windows. `Path` makes one slash of two.
_ADDRESS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+):(?P<slashes>/{0,3})(?P<rest>.*)", re.DOTALL)
_ONE_SLASH = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+):/(?!/)")
_BARE_SCHEMES = {"hf", "huggingface", "gdrive", "drive", "gd", "s3", "gs", "ngc", "wandb", "kaggle"}
# An address as a browser shows it. A folder may be called so, which is why it must not be there.
_HOST = re.compile(r"(?:www\.|[\w-]+\.)+(?:com|org|net|io|co|ai|edu|gov|dev|cn|de|jp|kr|uk|fr)")
_HUB = re.compile(r"(?:datasets/|spaces/)?(?P<repo>[^/]+/[^/]+)(?:/(?:blob|resolve|raw)/[^/]+)?(?:/(?P<file>.+))?")
_DRIVE = re.compile(r"(?:/file/d/|/d/|[?&]id=|^)(?P<id>[\w-]{20,})")


def is_address(text: str) -> bool:
    """Return whether `text` is an address on the network, or `file:`, and not a path."""
    match = _ADDRESS.fullmatch(text)
    if match is None:
        return False
    return bool(match["slashes"]) or match["scheme"].lower() in _BARE_SCHEMES


def as_written(text: str) -> str:
    """Return an address with the two slashes that `Path` made one of; anything else as it is."""
    return _ONE_SLASH.sub(r"\1://", text) if is_address(text) else text


def why_missing(path: str | os.PathLike[str]) -> tuple[str, str]:
    """Return one sentence that says why no file is at `path`, and one that says what to do."""
    text = as_written(os.fspath(path))
    if is_address(text):
        return f"{text} is an address; files are read from this machine only.", _download_hint(text)
    if text in ("", "."):
        return "The name of the file is empty.", "Name a file."
    if text == "-":
        return "Files are not read from standard input.", "Save it to a file, and name that."
    if os.path.islink(text):
        return f"{text} is a link to {_target(text)}, which does not exist.", "Mend it, or name the file itself."
    host = text.partition("/")[0]
    if "/" in text and _HOST.fullmatch(host) and not os.path.exists(host):
        return f"{text} is an address; files are read from this machine only.", _download_hint(f"https://{text}")
    folder = Path(text).parent
    for parent in (*reversed(folder.parents), folder):
        if os.path.islink(parent) and not os.path.exists(parent):
            return f"{parent} is a link to {_target(parent)}, which does not exist.", "Mend the link."
        if not os.path.exists(parent):
            return f"There is no file {text}: the folder {parent} does not exist.", "Check the path."
        if not os.path.isdir(parent):
            return f"There is no file {text}: {parent} is not a folder.", "Check the path."
    return f"There is no file {text}.", "Check the spelling and the folder."


def _target(link: str | os.PathLike[str]) -> str:
    try:
        return os.fspath(os.readlink(link))
    except OSError:
        return "something"


def _download_hint(text: str) -> str:
    """Return the command that fetches what is at an address."""
    match = _ADDRESS.fullmatch(text)
    assert match is not None
    scheme, rest = match["scheme"].lower(), match["rest"]
    host, _, path = rest.partition("/")
    if scheme == "file":
        path = urllib.parse.unquote(rest.removeprefix("localhost").lstrip("/"))
        return f"Name it by its path: {shlex.quote(f'/{path}')}"
    if scheme in ("hf", "huggingface") or host in ("huggingface.co", "hf.co"):
        return _hub_hint(path if host in ("huggingface.co", "hf.co") else rest)
    if scheme in ("gdrive", "drive", "gd") or host in ("drive.google.com", "docs.google.com"):
        found = _DRIVE.search(rest)
        if found is None:  # a path within somebody's drive, which no program can fetch
            return "Download it in a browser, and name the file."
        return f"Download it first: pip install gdown && gdown {shlex.quote(found['id'])}"
    if scheme == "s3":
        return f"Download it first: aws s3 cp {shlex.quote(f's3://{rest}')} ."
    if scheme == "gs":
        return f"Download it first: gcloud storage cp {shlex.quote(f'gs://{rest}')} ."
    if scheme in ("http", "https", "ftp"):
        if host.endswith("dropbox.com"):  # by itself it answers with a page about the file
            path = f"{path.partition('?')[0]}?dl=1"
        if host == "github.com":
            path = path.replace("/blob/", "/raw/", 1)
        return f"Download it first: curl -LO {shlex.quote(f'{scheme}://{host}/{path}')}"
    return "Download it first, and name the file."


def _hub_hint(path: str) -> str:
    found = _HUB.fullmatch(path.partition("?")[0].strip("/"))
    if found is None:
        return "Download it first, and name the file."
    names = shlex.join([found["repo"], *([found["file"]] if found["file"] else [])])
    return f"Download it first: pip install huggingface_hub && hf download {names} --local-dir ."
