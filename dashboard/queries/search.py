"""Find accounts by an e-mail address, and say what a word in the search box may mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.orm import Session

from dashboard.lifecycle.hosts import reduce_host
from dashboard.models import Address, Domain, Package
from dashboard.queries.domains import search_text
from dashboard.queries.queue.filters import MAX_ACCOUNTS, MAX_TEXT, QueueFilters

EVERYWHERE = QueueFilters(state=None)
"""Who looks for something by name wants it in whatever state it is."""
MAX_MAIL = 320


def accounts_of(session: Session, address: str) -> Sequence[int]:
    """Return the ids of the accounts that have an e-mail address, verified or not; at most `MAX_ACCOUNTS`.

    Letter case makes no difference (sources differ in that), nor does the form of an international domain name.
    """
    local_part, _, typed = address.strip().replace("\uff20", "@")[:MAX_MAIL].rpartition("@")
    reduced = reduce_host(typed)
    # The index is on the domain; hosts that are never checked have none, and there are few of those addresses.
    query = select(Address.account_id).where(
        Address.host == reduced.host, func.lower(Address.local_part) == local_part.lower()
    )
    if reduced.domain is not None:
        query = query.where(Address.domain_id == _domain_id(reduced.domain))
    return session.scalars(query.distinct().order_by(Address.account_id).limit(MAX_ACCOUNTS)).all()


def meant(session: Session, typed: str) -> QueueFilters | None:
    """Turn what was typed (no e-mail address) into filters: a package or the start of a domain; None when empty."""
    text = typed.strip()[:MAX_TEXT]
    if not text or not text.isprintable():
        return None
    if text.startswith(("pkg:", "@")) or "/" in text or ":" in text or _is_package(session, text):
        return replace(EVERYWHERE, package=text)
    return replace(EVERYWHERE, domain=search_text(text))


def _domain_id(name: str) -> ScalarSelect[int]:
    return select(Domain.id).where(Domain.name == name).scalar_subquery()


def _is_package(session: Session, name: str) -> bool:
    return session.scalar(select(Package.id).where(Package.name == name).limit(1)) is not None
