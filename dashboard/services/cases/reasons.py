"""Why a case may be decided as it is: codes to count by, words to choose from; admins keep the list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.models import DecisionKind, ReasonCode


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason code with its label; `needs_note` where the code alone says too little."""

    code: str
    label: str
    needs_note: bool = False
    is_retired: bool = False


def all_reasons(session: Session) -> Mapping[DecisionKind, Sequence[Reason]]:
    """Return every reason by kind of decision, retired ones too: those that ask for a note last, else by age."""
    rows = session.scalars(select(ReasonCode).order_by(ReasonCode.needs_note, ReasonCode.id))
    found: dict[DecisionKind, list[Reason]] = {kind: [] for kind in DecisionKind}
    for row in rows:
        reason = Reason(row.code, row.label, row.needs_note, is_retired=row.retired_at is not None)
        found[DecisionKind(row.kind)].append(reason)
    return found


def choices(session: Session, kind: DecisionKind) -> Sequence[Reason]:
    """Return the reasons that may be chosen for decisions of one kind."""
    return [reason for reason in all_reasons(session)[kind] if not reason.is_retired]


def find_reason(session: Session, kind: DecisionKind, code: str) -> Reason | None:
    """Return the reason that may be chosen by `code`; None: there is none, or it was retired."""
    return next((reason for reason in choices(session, kind) if reason.code == code), None)
