"""Who takes a domain's mail, by its newest answer from DNS."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.lifecycle.evidence import Evidence, Outcome, Provider
from dashboard.lifecycle.hosts import reduce_host
from dashboard.models import EvidenceRecord


def mx_operators(session: Session, domain_ids: Collection[int]) -> dict[int, set[str]]:
    """Return the registrable domains of the mail hosts of `domain_ids`; a domain without any is left out."""
    record = EvidenceRecord
    query = (
        select(record.domain_id, record.normalised, record.last_seen_at)
        .where(record.domain_id.in_(domain_ids), record.provider == Provider.DNS.value)
        .order_by(record.last_seen_at)
    )
    found: dict[int, set[str]] = {}
    for row in session.execute(query):
        evidence = Evidence.from_normalised(row.normalised, row.last_seen_at)
        if evidence.outcome is not Outcome.ERROR:
            found[row.domain_id] = _operators(evidence)
    return {ident: operators for ident, operators in found.items() if operators}


def _operators(evidence: Evidence) -> set[str]:
    hosts = [host for _, host in evidence.delegation.mx] if evidence.delegation else []
    return {domain for host in hosts if (domain := reduce_host(host).domain) is not None}
