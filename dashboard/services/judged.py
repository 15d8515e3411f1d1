"""The state of an address that a decision was made on (DESIGN invariant 6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboard.times import rfc3339


def judged_state(address: Any) -> dict[str, Any]:
    """Return the state of an address (a row with its columns) as JSON, to be kept and served."""
    return {
        "verified": address.verified,
        "verified_at": rfc3339(address.verified_at),
        "state_token": address.state_token,
    }


def unchanged(judged: Mapping[str, Any], address: Any) -> bool:
    """Whether an address is still in the state that was judged."""
    return dict(judged) == judged_state(address)
