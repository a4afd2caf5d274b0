"""Recognises files that are not checkpoints by their first bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.errors import UnreadableFileError, UnsupportedModelError

if TYPE_CHECKING:
    from explorer.checkpoints.source import Source

__all__ = ["check_foreign", "text_error"]

_SIGNATURES = (
    (0, b"\x89PNG\r\n", "a PNG picture"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"GIF8", "a GIF picture"),
    (8, b"WEBP", "a WebP picture"),
    (4, b"ftyp", "a video"),
    (0, b"\x1aE\xdf\xa3", "a video"),
    (0, b"%PDF", "a PDF document"),
    (0, b"\x89HDF", "an HDF5 file"),
    (0, b"\x93NUMPY", "a numpy array"),
    (0, b"GGUF", "a language model (GGUF)"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ\x90", "a program"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"BZh", "a bzip2 archive"),
    (0, b"\xfd7zXZ\x00", "an xz archive"),
    (0, b"(\xb5/\xfd", "a zstd archive"),
    (0, b"7z\xbc\xaf", "a 7-Zip archive"),
    (0, b"Rar!", "a RAR archive"),
    (257, b"ustar", "a tar archive"),
)


def check_foreign(source: Source, head: bytes) -> None:
    """Raise an error that names the kind if the first bytes `head` are those of another kind of file.

    Raises:
        UnreadableFileError: It is not a model.
        UnsupportedModelError: It is an exported model, which cannot be taken apart into layers.
    """
    for offset, signature, kind in _SIGNATURES:
        if head[offset : offset + len(signature)] == signature:
            archive = kind.endswith("archive")
            raise UnreadableFileError(
                f"{source.name} is {kind}, not a checkpoint.",
                "Unpack it and open the file inside." if archive else "Open a network file (.pkl, .safetensors).",
            )
    exported = _exported(head, source.name.lower())
    if exported:
        raise UnsupportedModelError(
            f"{source.name} is {exported}: a fixed computation without the names of its layers, often half of a "
            "generator, with its noise frozen and without the centre of truncation.",
            "Open the checkpoint that it was exported from (.ckpt, .pkl, .pt, .safetensors).",
        )
    if head.startswith(b"version https://git-lfs"):
        raise UnreadableFileError(
            f"{source.name} is a Git LFS pointer, a short text in place of the real file.",
            "Fetch the real file with `git lfs pull`, or download it from the project's web page.",
        )
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<body", b"<script", b"<!--")):
        raise UnreadableFileError(
            f"{source.name} is a web page saved under the name of a checkpoint.",
            "The download needed a login, a confirmation, or another link; download it in the browser.",
        )


def _exported(head: bytes, name: str) -> str:
    """Return the kind of an exported network, such as MobileStyleGAN's pairs; empty for any other file."""
    if b"<net " in head[:200] and head.lstrip().startswith(b"<"):
        return "an OpenVINO model"
    # Both are messages of protocol buffers: a version, then the producer's name (ONNX) or a description (CoreML).
    if len(head) > 8 and head[0] == 0x08 and head[1] < 0x40 and head[2] == 0x12:
        length, text = head[3], head[4 : 4 + head[3]]
        if 0 < length < 64 and text.isascii() and text.decode("ascii").isprintable():
            return "an ONNX model"
        return "a CoreML model" if b"\x0a" in head[4:7] else ""
    if name.endswith(".onnx"):
        return "an ONNX model"
    return "a CoreML model" if name.endswith((".mlmodel", ".mlpackage")) else ""


def text_error(source: Source, head: bytes) -> UnreadableFileError | None:
    """Return the error for a text file, None if `head` is not text."""
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # not just a truncated character at the end
            return None
        text = head[: error.start].decode("utf-8")
    if not text or not all(c.isprintable() or c in "\r\n\t\f" for c in text):
        return None
    first = text.strip().splitlines()[0][:60] if text.strip() else ""
    return UnreadableFileError(
        f"{source.name} is a text file, not a checkpoint; it begins with {first!r}.",
        "Open a network file (.pkl, .safetensors).",
    )
