"""Text that a spreadsheet must not take for a formula."""

from __future__ import annotations

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""OWASP's list for CSV injection, with the full-width forms that some programs fold."""


def neutral_cell(text: str) -> str:
    """Return `text` so that a spreadsheet shows it as text: an apostrophe before what would begin a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(_STARTS) else text
