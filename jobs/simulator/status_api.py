"""The status words of Fastly Domain Research and Domainr, and the two shapes they come in."""

from __future__ import annotations

from jobs.simulator.profiles import RULES
from jobs.simulator.replies import Reply, as_json
from jobs.simulator.states import IN_ZONE, DomainState
from jobs.simulator.stories import Stage

_WORDS = {
    Stage.ACTIVE: "active",
    Stage.GRACE: "active",
    Stage.DARK: "undelegated active",
    Stage.PARKED: "active parked",
    Stage.AUCTION: "marketed priced active",
    Stage.REDEMPTION: "undelegated active expiring",
    Stage.PENDING_RESTORE: "undelegated active expiring",
    Stage.PENDING_DELETE: "undelegated active deleting",
    Stage.FREE: "undelegated inactive",
}


def status_words(state: DomainState) -> str:
    """Return the precise (registry level) status set of `state`.

    `expiring` and `deleting` are not guaranteed: where the domain registry publishes no expiry date they are absent.
    """
    words = _WORDS[state.stage]
    if not RULES[state.profile].shows_expiry and state.registered and state.stage not in IN_ZONE:
        return "undelegated active"
    if state.rcode == "NXDOMAIN" and state.stage in IN_ZONE:
        return f"undelegated {words}"
    return words


def estimate_words(state: DomainState) -> str:
    """Return the status set of `scope=estimate`, which knows DNS and the aftermarket only."""
    if state.rcode != "NOERROR":
        return "undelegated"
    return "marketed priced active" if state.stage is Stage.AUCTION else "active"


def fastly_reply(state: DomainState, *, estimate: bool = False) -> Reply:
    """Return Fastly's reply for `state`."""
    content = {
        "domain": state.name,
        "zone": state.zone,
        "status": estimate_words(state) if estimate else status_words(state),
        "tags": "generic" if state.zone in {"com", "net", "org"} else "",
    }
    return as_json(content | ({"scope": "estimate"} if estimate else {}))


def domainr_reply(state: DomainState) -> Reply:
    """Return Domainr v2's reply for `state`."""
    words = status_words(state)
    summary = words.rpartition(" ")[2]
    entry = {"domain": state.name, "zone": state.zone, "status": words, "summary": summary}
    return as_json({"status": [entry]})


def not_a_domain(name: str) -> Reply:
    """Return the error for a name under no known zone: HTTP 200 with an `errors` list, as both services send."""
    return as_json({"errors": [{"code": 404, "message": "Domain not found", "detail": name}]})
