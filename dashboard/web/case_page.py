"""Everything the page of one case shows, collected once for the page and for the form that is shown again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from dashboard.lifecycle.assessment import AddressRisk, Assessment
from dashboard.lifecycle.policy import Policy
from dashboard.lifecycle.risk import Exposure
from dashboard.models import Case, CaseState, Domain
from dashboard.queries.affected import AffectedPage, affected_accounts
from dashboard.queries.case_log import CaseLog, ShownDecision, case_log
from dashboard.queries.evidence import DomainEvidence, domain_evidence, frozen_readings
from dashboard.queries.history import domain_history
from dashboard.queries.linked import Linked, linked_domains
from dashboard.queries.similar import Similar, similar_decisions
from dashboard.services.cases.exposure import exposure_and_profile
from dashboard.services.cases.judge import judge
from dashboard.services.cases.reasons import Reason
from dashboard.services.policy import current
from dashboard.web.claims import Desk
from dashboard.web.comparison import Fact, compare
from dashboard.web.pictures import Picture, close_up, timeline_picture
from dashboard.web.reason_words import reasons_now

MAX_OFFSET = 100_000


@dataclass(frozen=True, slots=True)
class FrozenEvidence:
    """Readings as a decision froze them, and their comparison."""

    readings: DomainEvidence
    facts: Sequence[Fact]


@dataclass(frozen=True, slots=True)
class CasePage:
    """What the template draws; `since` is the lapse or the catch, `since_known` whether it is more than a guess.

    `reached`: the addresses that a decision would reach; `under_way`: those that an effect reaches already.
    `is_high_profile`: an account that it would reach may publish a package of high profile.
    """

    case: Case
    desk: Desk
    domain: Domain
    assessment: Assessment
    exposure: Exposure
    verdicts: dict[int, AddressRisk]
    reached: frozenset[int]
    under_way: Mapping[int, str]
    since: datetime
    since_known: bool
    picture: Picture
    close_up: Picture
    evidence: DomainEvidence
    facts: Sequence[Fact]
    affected: AffectedPage
    log: CaseLog
    policy: Policy
    is_high_profile: bool
    linked: Sequence[Linked]
    similar: Similar

    @property
    def is_open(self) -> bool:
        """Whether a decision is waited for."""
        return self.case.state == CaseState.OPEN

    @property
    def frozen(self) -> dict[str, Any] | None:
        """The assessment that the decision in force rests on; None while none is, or it is not kept."""
        if self.case.state != CaseState.DECIDED or not self.log.decisions:
            return None
        assessment: dict[str, Any] | None = self.log.decisions[0].frozen.get("assessment")
        return assessment

    @property
    def reasons(self) -> dict[str, Sequence[Reason]]:
        """The reasons to choose from, by kind of decision."""
        return {
            kind.value: [reason for reason in reasons if not reason.is_retired]
            for kind, reasons in reasons_now().items()
        }

    def frozen_evidence(self, decision: ShownDecision) -> FrozenEvidence:
        """Return the evidence that a decision rests on, side by side as it was then."""
        readings = frozen_readings(decision.frozen)
        return FrozenEvidence(readings, compare(readings.latest))

    @property
    def must_type(self) -> bool:
        """Whether the number of addresses must be typed."""
        return self.exposure.addresses > self.policy.type_above

    @property
    def needs_second(self) -> bool:
        """Whether one person may not do this alone."""
        return self.exposure.addresses > self.policy.second_above or self.is_high_profile


def case_page(session: Session, case: Case, desk: Desk, now: datetime, offset: int = 0) -> CasePage:
    """Collect the page of a case."""
    judged, policy = judge(session, case.domain_id, now), current(session)
    lapse = judged.assessment.lapsed_at
    lost, is_high = exposure_and_profile(session, case.domain_id, judged.address_ids, lapse, policy)
    since = lapse or case.opened_at
    evidence = domain_evidence(session, case.domain_id)
    history = domain_history(session, case.domain, since)
    return CasePage(
        case=case,
        desk=desk,
        domain=case.domain,
        assessment=judged.assessment,
        exposure=lost,
        reached=frozenset(judged.address_ids),
        under_way=judged.under_way,
        verdicts={int(risk.address_id): risk for risk in judged.assessment.addresses},
        since=since,
        since_known=lapse is not None,
        picture=timeline_picture(history, now),
        close_up=close_up(history, now),
        evidence=evidence,
        facts=compare(evidence.latest),
        affected=affected_accounts(session, case.domain_id, since, min(offset, MAX_OFFSET)),
        log=case_log(session, case.id),
        policy=policy,
        is_high_profile=is_high,
        linked=linked_domains(session, case.domain_id),
        similar=similar_decisions(session, case),
    )
