"""Makes foreign text (from files, paths and other people) safe to show and print."""

from __future__ import annotations

import re

__all__ = ["LIMIT", "escaped_json", "shortened", "visible"]

LIMIT = 300
"""Default maximum length of displayed foreign text."""

# C0 and C1 controls, DEL, soft hyphen, Arabic letter mark, zero-width and directional marks, line and paragraph
# separators, embeddings, overrides and isolates, word joiner and invisible operators, byte order mark, interlinear
# annotations, language tags, and lone surrogates (bytes of a file name that are not UTF-8).
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)


def visible(text: str, limit: int | None = LIMIT, *, keep_lines: bool = False) -> str:
    r"""Return `text` with control, bidirectional and invisible characters escaped (`\x1b`, `\u202e`).

    Args:
        text: Any text.
        limit: Maximum length of the result, as in `shortened`; None: no limit.
        keep_lines: Leave line feeds and tabs unchanged.
    """
    # Truncate first, so that megabytes of text cost nothing; escaping only makes it longer.
    text = text if limit is None else text[: limit + 1]
    shown = _HIDDEN.sub(lambda m: m[0] if keep_lines and m[0] in "\n\t" else _spelled(m[0]), text)
    return shown if limit is None else shortened(shown, limit)


def shortened(text: str, limit: int = LIMIT) -> str:
    """Return `text`, truncated with an ellipsis if it is longer than `limit` characters."""
    return text if len(text) <= limit else text[: limit - 1] + "\u2026"


def escaped_json(text: str) -> str:
    """Return JSON `text` with hidden characters in its strings as JSON escapes; line feeds are unchanged."""
    return _HIDDEN.sub(lambda m: m[0] if m[0] == "\n" else _json_escape(ord(m[0])), text)


def _json_escape(code: int) -> str:
    if code < 0x10000:
        return f"\\u{code:04x}"
    return f"\\u{0xD7C0 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


def _spelled(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was not UTF-8, as `os.fsdecode` keeps it
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x100:
        return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(character, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
