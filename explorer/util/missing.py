"""Explains why a file does not exist: an address, a broken link, a missing folder, or no such file."""

from __future__ import annotations

import os
import re
import shlex
import urllib.parse
from pathlib import Path

__all__ = ["as_written", "is_address", "why_missing"]

# Two letters or more, as a single one is a Windows drive. `Path` merges double slashes.
_ADDRESS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+):(?P<slashes>/{0,3})(?P<rest>.*)", re.DOTALL)
_ONE_SLASH = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+):/(?!/)")
_BARE_SCHEMES = {"hf", "huggingface", "gdrive", "drive", "gd", "s3", "gs", "ngc", "wandb", "kaggle"}
# An address as shown in browsers, unless there is a folder of that name.
_HOST = re.compile(r"(?:www\.|[\w-]+\.)+(?:com|org|net|io|co|ai|edu|gov|dev|cn|de|jp|kr|uk|fr)")
_HUB = re.compile(r"(?:datasets/|spaces/)?(?P<repo>[^/]+/[^/]+)(?:/(?:blob|resolve|raw)/[^/]+)?(?:/(?P<file>.+))?")
_DRIVE = re.compile(r"(?:/file/d/|/d/|[?&]id=|^)(?P<id>[\w-]{20,})")


def is_address(text: str) -> bool:
    """Return whether `text` is a URL and not a path."""
    match = _ADDRESS.fullmatch(text)
    if match is None:
        return False
    return bool(match["slashes"]) or match["scheme"].lower() in _BARE_SCHEMES


def as_written(text: str) -> str:
    """Restore the double slash of an address that `Path` merged; return anything else unchanged."""
    return _ONE_SLASH.sub(r"\1://", text) if is_address(text) else text


def why_missing(path: str | os.PathLike[str]) -> tuple[str, str]:
    """Return a sentence on why there is no file at `path`, and one with a remedy."""
    text = as_written(os.fspath(path))
    if is_address(text):
        return f"{text} is an address; files are read from this machine only.", _download_hint(text)
    if text in ("", "."):
        return "The file name is empty.", "Give a file name."
    if text == "-":
        return "Reading from standard input is not supported.", "Save it to a file first."
    if os.path.islink(text):
        return f"{text} is a link to {_target(text)}, which does not exist.", "Repair it, or use the file itself."
    host = text.partition("/")[0]
    if "/" in text and _HOST.fullmatch(host) and not os.path.exists(host):
        return f"{text} is an address; files are read from this machine only.", _download_hint(f"https://{text}")
    folder = Path(text).parent
    for parent in (*reversed(folder.parents), folder):
        if os.path.islink(parent) and not os.path.exists(parent):
            return f"{parent} is a link to {_target(parent)}, which does not exist.", "Repair the link."
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
    """Return a hint with the command that downloads an address."""
    match = _ADDRESS.fullmatch(text)
    assert match is not None
    scheme, rest = match["scheme"].lower(), match["rest"]
    host, _, path = rest.partition("/")
    if scheme == "file":
        path = urllib.parse.unquote(rest.removeprefix("localhost").lstrip("/"))
        return f"Use its path: {shlex.quote(f'/{path}')}"
    if scheme in ("hf", "huggingface") or host in ("huggingface.co", "hf.co"):
        return _hub_hint(path if host in ("huggingface.co", "hf.co") else rest)
    if scheme in ("gdrive", "drive", "gd") or host in ("drive.google.com", "docs.google.com"):
        found = _DRIVE.search(rest)
        if found is None:  # a path within a private drive, which cannot be downloaded by a command
            return "Download it in a browser, and use that file."
        return f"Download it first: pip install gdown && gdown {shlex.quote(found['id'])}"
    if scheme == "s3":
        return f"Download it first: aws s3 cp {shlex.quote(f's3://{rest}')} ."
    if scheme == "gs":
        return f"Download it first: gcloud storage cp {shlex.quote(f'gs://{rest}')} ."
    if scheme in ("http", "https", "ftp"):
        if host.endswith("dropbox.com"):  # by default it responds with a page about the file
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
