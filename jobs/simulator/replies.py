"""What an HTTP provider answers, before it is put on the wire."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

JSON = b"application/json"


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP reply; `headers` besides type and length."""

    body: bytes
    status: int = 200
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


def as_json(content: Any, status: int = 200, content_type: bytes = JSON) -> Reply:
    """Return `content` as a JSON reply."""
    return Reply(orjson.dumps(content), status, content_type)


def stamp(moment: datetime) -> str:
    """Return an RFC 3339 time in whole seconds, `Z` for UTC."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
