"""Times as text: one form everywhere a time is compared, hashed, frozen or served."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import overload


@overload
def rfc3339(value: datetime) -> str: ...


@overload
def rfc3339(value: None) -> None: ...


def rfc3339(value: datetime | None) -> str | None:
    """Return an aware time as RFC 3339 text in UTC, with a `Z`."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value else None
