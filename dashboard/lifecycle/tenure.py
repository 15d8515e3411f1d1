"""The present holder's time, as far as it is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dashboard.lifecycle.assessment import HolderChange


@dataclass(frozen=True, slots=True)
class Tenure:
    """When the present holder's time began (None: nobody knows), and what else points to a change of holder."""

    since: datetime | None
    change: HolderChange = HolderChange.NONE
    reasons: tuple[str, ...] = ()
