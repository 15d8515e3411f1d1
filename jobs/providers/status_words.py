"""What Fastly's and Domainr's status APIs share: the words, their set, and errors inside HTTP 200."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dashboard.lifecycle.evidence import MAX_ITEMS, Evidence, Outcome, Phase, Provider, clip
from dashboard.lifecycle.phases import phase_from_status_api
from jobs.providers.base import require_echo
from jobs.providers.errors import Malformed, ProviderError, Unsupported
from jobs.providers.http import Answer, error_for, read_json


def read_document(answer: Answer) -> dict[str, Any]:
    """Return the JSON object of a reply that reports no error; raises a `ProviderError` for all others."""
    if answer.status != 200:
        raise _status_error(answer.status)
    document = read_json(answer)
    _refuse_errors(document)
    return document


def status_evidence(
    provider: Provider,
    entry: dict[str, Any],
    domain: str,
    now: datetime,
    server: str | None,
    *,
    estimate: bool = False,
) -> Evidence:
    """Read the entry that answers for `domain`; `Malformed` or `WrongDomain` when it does not."""
    require_echo(entry.get("domain"), domain)
    statuses = _statuses(entry)
    phase = phase_from_status_api(statuses)
    return Evidence(
        provider=provider,
        domain=domain,
        observed_at=now,
        outcome=Outcome.NOT_FOUND if phase is Phase.AVAILABLE else Outcome.FOUND,
        phase=phase,
        statuses=statuses,
        estimate=estimate,
        server=server,
    )


def _status_error(code: int, detail: str = "") -> ProviderError:
    """Their 404 is about the name or its zone being unknown to them: nothing was learnt about a registration."""
    return Unsupported(f"HTTP 404: {detail}" if detail else "HTTP 404") if code == 404 else error_for(code, detail)


def _refuse_errors(document: dict[str, Any]) -> None:
    """Raise the first of the errors that come inside a reply of HTTP 200."""
    listed = document.get("errors")
    if not listed:
        return
    first = listed[0] if isinstance(listed, list) else listed
    code = str(first.get("code")) if isinstance(first, dict) else ""
    if not isinstance(first, dict) or not code.isascii() or not code.isdigit():
        raise Malformed("errors of unknown form")
    raise _status_error(int(code[:9]), clip(str(first.get("message", ""))) or "")


def _statuses(entry: dict[str, Any]) -> tuple[str, ...]:
    """Return the words of `status` as a sorted set; `Malformed` when there are none."""
    text = entry.get("status")
    if not isinstance(text, str) or not text.strip():
        raise Malformed("no status in the reply")
    words = {clip(word.lower(), 32) for word in text.split()}
    return tuple(sorted(word for word in words if word))[:MAX_ITEMS]
