"""Which addresses a decision would reach: those at risk for which nothing is on its way or done already."""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from dashboard.lifecycle.assessment import Assessment
from dashboard.models import Address, Unverification
from dashboard.models import UnverificationState as State
from dashboard.services.checking.facts import DomainFacts, at_risk
from dashboard.services.judged import unchanged
from dashboard.services.sql import among

_UNDER_WAY = {State.QUEUED.value, State.RECHECKING.value, State.SENT.value, State.REVERT_QUEUED.value}
_DONE = {State.APPLIED.value, State.ALREADY.value}


@dataclass(frozen=True, slots=True)
class Reach:
    """Row ids of the addresses; `unreached` are those for whose present state no un-verification was ever made."""

    ids: tuple[int, ...]
    unreached: frozenset[int]


def reach(
    session: Session, facts: DomainFacts, assessment: Assessment, *, decided: bool, kept: Container[int] = ()
) -> Reach:
    """Leave out what is on its way, and what the allow-list keeps (`kept`, by row ids).

    `decided`: whether the domain has a case that may have been decided before.
    """
    made = made_for(session, [facts.id])[facts.id] if decided and facts.addresses else []
    return reach_among(facts, assessment, made, kept)


def reach_among(
    facts: DomainFacts, assessment: Assessment, made: Sequence[Row[Any]], kept: Container[int] = ()
) -> Reach:
    """The same, of a domain whose un-verifications (`made_for`) were read before, with those of others."""
    ids = tuple(ident for ident in at_risk(facts, assessment).ids if ident not in kept)
    covered = {row.address_id for row in made if _covers(row)}
    left = tuple(ident for ident in ids if ident not in covered)
    return Reach(left, frozenset(left) - {row.address_id for row in made})


def on_their_way(made: Sequence[Row[Any]]) -> dict[int, str]:
    """Return the effects among `made_for` that reach an address already, so that a decision leaves it out."""
    return {row.address_id: row.effect for row in made if _covers(row)}


def made_for(session: Session, domain_ids: Collection[int]) -> Mapping[int, list[Row[Any]]]:
    """Return the un-verifications made for the state that a verified address of each domain is still in."""
    query = (
        select(
            Address.domain_id,
            Unverification.address_id,
            Unverification.state,
            Unverification.effect,
            Unverification.judged,
            Address.verified,
            Address.verified_at,
            Address.state_token,
        )
        .join(Address, Address.id == Unverification.address_id)
        .where(among(Address.domain_id, domain_ids), Address.verified, Unverification.kind == "unverify")
    )
    found: dict[int, list[Row[Any]]] = {ident: [] for ident in domain_ids}
    for row in session.execute(query):
        if unchanged(row.judged, row) and not _again(row):
            found[row.domain_id].append(row)
    return found


def _again(row: Row[Any]) -> bool:
    """Whether an address was un-verified and is verified now, by a source that has nothing to tell states by."""
    gone = row.state in _DONE and row.effect == "unverify"
    return gone and row.verified_at is None and row.state_token is None


def _covers(row: Row[Any]) -> bool:
    return row.state in _UNDER_WAY | _DONE
