"""The filters of the queue as SQL."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, exists, literal_column, select

from dashboard.models import AccountPackage, Address, Case, CaseSkip, CaseState, Claim, Domain, Package, Source
from dashboard.queries.queue.filters import RISK_BANDS, QueueFilters, Viewer

# Sorts after every character a domain name may hold, and is itself none of them.
_BEYOND = "\x7f"


def conditions(filters: QueueFilters, viewer: Viewer) -> list[ColumnElement[Any]]:
    """Turn the filters into conditions on `Case` (the name of a domain is asked for by its id)."""
    return [*_of_the_case(filters), *_of_time(filters, viewer), *_of_people(filters, viewer), *_of_rows(filters)]


def in_state(state: CaseState) -> ColumnElement[bool]:
    """Ask for a state by a word in the statement itself: the queue's indexes are partial on one."""
    return Case.state == literal_column(f"'{state.value}'")


def _of_the_case(filters: QueueFilters) -> list[ColumnElement[Any]]:
    wanted = (
        (Case.phase, filters.phase),
        (Case.confidence, filters.confidence),
        (Case.holder_change, filters.holder_change),
        (Case.tld, filters.tld),
    )
    found: list[ColumnElement[Any]] = [column == value for column, value in wanted if value]
    if filters.state is not None:
        found.append(in_state(CaseState(filters.state)))
    if filters.risk is not None:
        low, beyond = RISK_BANDS[filters.risk]
        found += [Case.risk >= low] if beyond is None else [Case.risk >= low, Case.risk < beyond]
    if filters.downloads is not None:
        found.append(Case.downloads_30d >= filters.downloads)
    if filters.sole:
        found.append(Case.only_address_accounts > 0)
    if filters.held is not None:
        found.append(Case.brake_id.is_not(None) if filters.held else Case.brake_id.is_(None))
    return found


def _of_time(filters: QueueFilters, viewer: Viewer) -> list[ColumnElement[Any]]:
    found: list[ColumnElement[Any]] = []
    if filters.drop_days is not None:
        found.append(Case.drop_at.between(viewer.now, viewer.now + timedelta(days=filters.drop_days)))
    if filters.age_days is not None:
        found.append(Case.opened_at <= viewer.now - timedelta(days=filters.age_days))
    return found


def _of_people(filters: QueueFilters, viewer: Viewer) -> list[ColumnElement[Any]]:
    found: list[ColumnElement[Any]] = []
    if filters.claimed is not None:
        found.append(claimed(filters.claimed, viewer))
    if viewer.staff_id is not None:
        skipped = exists().where(
            CaseSkip.staff_id == viewer.staff_id,
            CaseSkip.case_id == Case.id,
            CaseSkip.phase == Case.phase,
            CaseSkip.holder_change == Case.holder_change,
        )
        if filters.skipped:
            found.append(skipped)
        elif not filters.named:
            found.append(~skipped)
    return found


def claimed(who: str, viewer: Viewer) -> ColumnElement[bool]:
    """Ask for a live claim of somebody (`me`, `others`, an id), for none (`nobody`), or none of others (`free`)."""
    live = [Claim.case_id == Case.id, Claim.expires_at > viewer.wall_now]
    if who == "nobody":
        return ~exists().where(*live)
    if who in {"others", "free"}:
        theirs = exists().where(*live, Claim.staff_id != (viewer.staff_id or 0))
        return theirs if who == "others" else ~theirs
    wanted = (viewer.staff_id or 0) if who == "me" else int(who)
    return exists().where(*live, Claim.staff_id == wanted)


def _of_rows(filters: QueueFilters) -> list[ColumnElement[Any]]:
    found: list[ColumnElement[Any]] = []
    if filters.source is not None:
        found.append(
            exists().where(Address.domain_id == Case.domain_id, Address.source_id == _source(filters.source))
        )
    if filters.account_ids:
        found.append(Case.domain_id.in_(select(Address.domain_id).where(Address.account_id.in_(filters.account_ids))))
    if filters.package is not None:
        found.append(Case.domain_id.in_(_of_package(filters.package)))
    if filters.domain is not None:
        named = select(Domain.id).where(Domain.name >= filters.domain, Domain.name < filters.domain + _BEYOND)
        found.append(Case.domain_id.in_(named))
    return found


def _source(slug: str) -> ScalarSelect[int]:
    return select(Source.id).where(Source.slug == slug).scalar_subquery()


def _named(package: str) -> ColumnElement[bool]:
    """Ask for a name, or for a purl: that one's index begins with the source."""
    if package.startswith("pkg:"):
        return and_(Package.source_id.in_(select(Source.id)), Package.purl == package)
    return Package.name == package


def _of_package(name: str) -> Select[int | None]:
    """Select the domains of those who may publish a package, by its name or purl."""
    return (
        select(Address.domain_id)
        .join(AccountPackage, AccountPackage.account_id == Address.account_id)
        .join(Package, Package.id == AccountPackage.package_id)
        .where(_named(name))
    )
