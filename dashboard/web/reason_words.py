"""The words of reason codes, which admins keep in the database: read once a request, where a page shows any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import cast

from flask import g

from dashboard.database import db
from dashboard.models import DecisionKind
from dashboard.services.cases.reasons import Reason, all_reasons
from dashboard.web import words


def reasons_now() -> Mapping[DecisionKind, Sequence[Reason]]:
    """Return every reason, retired ones too, the same throughout one request."""
    if "reasons" not in g:
        g.reasons = all_reasons(db.session())
    return cast("Mapping[DecisionKind, Sequence[Reason]]", g.reasons)


def word(value: str | StrEnum | None, family: str) -> str:
    """Return the words for `value`, of reasons those that admins gave them."""
    if family != "reason":
        return words.label(value, family)
    known = {reason.code: reason.label for reasons in reasons_now().values() for reason in reasons}
    return known.get(str(value)) or words.label(value, family)
