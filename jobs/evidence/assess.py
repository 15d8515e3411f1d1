"""A document of raw replies to an assessment, as JSON-ready values: the whole way that a live check goes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from dashboard.lifecycle.assess import assess
from dashboard.lifecycle.assessment import Assessment, History
from dashboard.lifecycle.current import APART
from dashboard.lifecycle.due import due_at
from dashboard.lifecycle.evidence import Evidence, Outcome, Provider, Reading
from dashboard.services.checking.snapshot import assessment_values
from jobs.evidence.document import Document, ReplyEntry
from jobs.evidence.raw import RawReply, is_registrys, read_raw
from jobs.providers.base import error_evidence
from jobs.providers.errors import Unsupported
from jobs.providers.rdap_bootstrap import Bootstrap, shipped
from jobs.providers.rdap_registrar import with_registrars_date

SKEW = timedelta(minutes=5)
"""Clocks differ; what is dated later than this has not happened yet."""


def assess_document(document: Document, bootstrap: Bootstrap | None = None) -> dict[str, Any]:
    """Assess; `bootstrap` (the shipped one by default) says which RDAP server is the registry's."""
    known = [entry for entry in document.replies if entry.observed_at <= document.now + SKEW]
    servers = bootstrap or (shipped() if any(entry.url for entry in known) else Bootstrap({}))
    readings = [Reading(e, e.observed_at, e.observed_at) for e in _evidence(document.domain, known, servers)]
    found = assess(document.domain, readings, document.addresses, History(), document.now)
    later = len(document.replies) - len(known)
    return _values(document, found, readings, later)


def _values(document: Document, found: Assessment, readings: Sequence[Reading], later: int) -> dict[str, Any]:
    values = assessment_values(found, document.ids, due_at(found, readings, document.now))
    if later:
        values["reasons"].append(f"{later} of the replies are dated after the assessment and were not weighed.")
    return values


def _evidence(domain: str, entries: Sequence[ReplyEntry], servers: Bootstrap) -> list[Evidence]:
    """Read all replies; what another RDAP server than the registry's says only adds its expiry date."""
    registrys: list[Evidence] = []
    others: list[Evidence] = []
    for entry in entries:
        is_registry = entry.provider is not Provider.RDAP or is_registrys(entry.url, domain, servers)
        raw = RawReply(entry.provider, entry.observed_at, entry.http_status, entry.body, is_registry)
        # Where no registry is known, only a "not found" needs one to be believed.
        (registrys if is_registry or servers.base_for(domain) is None else others).append(read_raw(raw, domain))
    spoke = any(e.provider is Provider.RDAP and e.outcome is not Outcome.ERROR for e in registrys)
    # Beside the registry's own word another server's silence is no news.
    left = [e for e in others if not spoke or e.outcome is Outcome.ERROR]
    return [*(_with_registrar(e, others) for e in registrys), *(_not_the_registrys(e) for e in left)]


def _with_registrar(evidence: Evidence, others: Sequence[Evidence]) -> Evidence:
    """Add the registrar's own expiry date to the registry's reading of the same check."""
    if evidence.provider is not Provider.RDAP or evidence.outcome is not Outcome.FOUND:
        return evidence
    dates = [
        (abs(other.observed_at - evidence.observed_at), other.registrar_expires_at)
        for other in others
        if other.registrar_expires_at and abs(other.observed_at - evidence.observed_at) < APART
    ]
    if not dates or evidence.registrar_expires_at:
        return evidence
    return with_registrars_date(evidence, min(dates)[1])


def _not_the_registrys(evidence: Evidence) -> Evidence:
    """Take a reading's word away: only the registry knows whether a name is registered."""
    if evidence.outcome is Outcome.ERROR:
        return evidence
    fault = Unsupported("not the registry's server")
    return error_evidence(evidence.provider, evidence.domain, evidence.observed_at, fault)
