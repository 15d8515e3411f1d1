"""An assessment as JSON: kept with the domain for the screens, and frozen with a decision for ever."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from dashboard.lifecycle.assessment import Assessment, Prediction
from dashboard.times import rfc3339

MAX_REASONS = 24


def snapshot(assessment: Assessment) -> dict[str, Any]:
    """Return what a person needs to see of the answer; the addresses' verdicts stay out (they are re-derived)."""
    return {
        "assessed_at": rfc3339(assessment.assessed_at),
        "phase": assessment.phase.value,
        "confidence": assessment.confidence.value,
        "recommendation": assessment.recommendation.value,
        "holder_change": assessment.holder_change.value,
        "holder_changed": assessment.holder_changed,
        "reasons": list(assessment.reasons[:MAX_REASONS]),
        "registered_at": rfc3339(assessment.registered_at),
        "expires_at": rfc3339(assessment.expires_at),
        "registrar": assessment.registrar,
        "handle": assessment.handle,
        "nameservers": list(assessment.nameservers),
        **_relied_on(assessment),
        "predicted": {
            "redemption": _prediction(assessment.predicted.redemption),
            "pending_delete": _prediction(assessment.predicted.pending_delete),
            "drop": _prediction(assessment.predicted.drop),
        },
    }


def _relied_on(assessment: Assessment) -> dict[str, Any]:
    """Return what it relies on and has lapsed; nothing at all where all is well."""
    if not assessment.lapsed_dependencies:
        return {}
    return {
        "lapsed_dependencies": [
            {
                "domain": lapsed.domain,
                "kinds": [kind.value for kind in lapsed.kinds],
                "phase": lapsed.phase.value,
                "holder_change": lapsed.holder_change.value,
            }
            for lapsed in assessment.lapsed_dependencies
        ]
    }


def assessment_values(assessment: Assessment, ids: Sequence[object], next_check_at: datetime) -> dict[str, Any]:
    """Return all of an assessment for a tool: also each address's verdict, under its id as the asker wrote it."""
    verdicts = [
        {"address_id": written, "at_risk": address.at_risk, "why": address.why}
        for written, address in zip(ids, assessment.addresses, strict=True)
    ]
    return {
        "domain": assessment.domain,
        **snapshot(assessment),
        "next_check_at": rfc3339(next_check_at),
        "addresses": verdicts,
    }


def _prediction(value: Prediction | None) -> dict[str, str | None] | None:
    return {"date": rfc3339(value.date), "basis": value.basis} if value else None
