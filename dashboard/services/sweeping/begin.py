"""Give domains their place in the DNS sweep: it begins with the first full check, which asks DNS too."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.orm import Session

from dashboard.lifecycle.evidence import Evidence, Outcome, Provider
from dashboard.lifecycle.sweep import GONE, next_sweep_at, picture
from dashboard.models import Sweep

First = tuple[int, str, Iterable[Evidence]]
"""A domain's id and name, and what its first full check brought."""


def begin_sweeping(session: Session, first: Iterable[First], now: datetime) -> None:
    """Enter domains that are not swept yet, whose rows the caller has locked.

    That a name is not delegated is taken over from the check, so that the first sweep does not find it anew. Its
    hosts are not: the parent's servers and a resolver often name different ones.
    """
    rows = [
        {"domain_id": ident, "next_at": next_sweep_at(now, key=name), "seen": _seen(evidence), "failures": 0}
        for ident, name, evidence in first
    ]
    if rows:
        session.execute(insert(Sweep), rows)


def _seen(evidence: Iterable[Evidence]) -> str:
    said = [one for one in evidence if one.provider is Provider.DNS and one.outcome is not Outcome.ERROR]
    return GONE if any(picture(one) == GONE for one in said) else ""
