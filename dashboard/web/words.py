"""The words on screen for the values in the database: plain, short, and the same everywhere."""

from __future__ import annotations

from enum import StrEnum

from dashboard.services.cases.reasons import REASONS

LABELS: dict[str, dict[str, str]] = {
    "phase": {
        "active": "Registered",
        "auto_renew_grace": "Expired, in grace",
        "redemption": "Redemption",
        "pending_restore": "Pending restore",
        "pending_delete": "Pending delete",
        "available": "Available",
        "hold": "On hold",
        "reserved": "Reserved",
        "unknown": "Unknown",
    },
    "confidence": {
        "corroborated": "Corroborated",
        "single": "Single reading",
        "conflicting": "Conflicting",
        "insufficient": "Insufficient",
    },
    "recommendation": {
        "none": "Nothing to do",
        "watch": "Watch",
        "review": "Review",
        "unverify": "Un-verify",
    },
    "holder_change": {
        "none": "No sign of a change",
        "dropped_and_caught": "Dropped and registered anew",
        "sold_before_drop": "Sold before the drop",
        "unproven": "Possible, not proven",
        "unknown": "Cannot be known",
    },
    "holder_mark": {"dropped_and_caught": "Caught", "sold_before_drop": "Sold", "unproven": "Holder unproven"},
    "case_state": {
        "open": "Open",
        "decided": "Decided",
        "closed_renewed": "Closed: renewed",
        "closed_no_addresses": "Closed: no addresses left",
        "closed_discarded": "Closed: discarded",
        "closed_allow_listed": "Closed: allow-listed",
        "snoozed": "Snoozed",
        "escalated": "Escalated",
    },
    "risk_band": {
        "highest": "Highest, 180 up",
        "high": "High, 120 up",
        "medium": "Medium, 60 up",
        "low": "Low, below 60",
    },
    "claimed": {"me": "Me", "others": "Others", "nobody": "Nobody"},
    "yes_no": {"yes": "Yes", "no": "No"},
    "sort": {
        "risk": "The riskiest first",
        "drop": "The next to drop first",
        "age": "The oldest first",
        "addresses": "The most addresses first",
    },
    "set_aside_end": {
        "date": "The day had come",
        "facts": "The facts changed",
        "lifted": "Brought back",
        "taken_up": "Taken up",
        "closed": "The case was closed",
    },
    "decision": {
        "approve": "Un-verify",
        "override": "Keep verified",
        "snooze": "Snoozed",
        "escalate": "Escalated",
        "brought_back": "Brought back",
        "takeover": "Takeover reported",
    },
    "under_way": {"unverify": "un-verification on its way", "block_reset": "resets being refused"},
    "effect": {"unverify": "Un-verify the address", "block_reset": "Only refuse password resets"},
    "reason": {reason.code: reason.label for reasons in REASONS.values() for reason in reasons},
    "closed_how": {
        "approve": "un-verification decided",
        "override": "kept verified",
        "closed_renewed": "the owner renewed",
        "closed_no_addresses": "no verified address was left",
        "closed_discarded": "discarded, a provider's fault",
        "closed_allow_listed": "the allow-list keeps it",
    },
    "unverification_state": {
        "queued": "Waiting to be published",
        "rechecking": "Being checked again",
        "sent": "Sent to the source",
        "applied": "Applied",
        "already": "Was already un-verified",
        "stale": "Stale: changed since it was judged",
        "rejected": "Rejected by the source",
        "withheld": "Withheld",
        "withdrawn": "Withdrawn before it was sent",
        "revert_queued": "Applied, being taken back",
        "reverted": "Taken back: verified again",
    },
    "notice_state": {
        "queued": "Waiting to be published",
        "sent": "Sent to the source",
        "applied": "Acted on by the source",
        "already": "Known to the source already",
        "stale": "Stale: the address had changed",
        "rejected": "Rejected by the source",
        "withheld": "Withheld",
    },
    "security_event": {
        "login": "Signed in",
        "password_reset_requested": "Password reset requested",
        "password_reset": "Password reset",
        "email_changed": "E-mail address changed",
        "two_factor_changed": "Second factor changed",
        "token_created": "Token created",
    },
    "effect_kind": {"unverify": "Un-verification", "revert": "Taken back"},
    "allow_kind": {"domain": "Domain", "host": "Host", "suffix": "Suffix", "mx": "MX operator", "preset": "Preset"},
    "allow_ended": {"expired": "Expired", "removed": "Removed", "switched_off": "Switched off"},
    "brake_how": {"released": "Released", "discarded": "Discarded"},
    "provider": {
        "fastly": "Fastly status",
        "domainr": "Domainr status",
        "rdap": "RDAP",
        "whois": "WHOIS",
        "dns": "DNS",
    },
    "evidence_kind": {
        "status_api": "status API",
        "registry_directory": "registry directory",
        "delegation": "delegation",
    },
    "lookup_error": {
        "timeout": "Timed out",
        "throttled": "Throttled",
        "server_error": "Server error",
        "refused": "Refused",
        "malformed": "Malformed reply",
        "wrong_domain": "Answered for another domain",
        "too_large": "Reply too large",
        "unsupported": "Not supported",
        "not_configured": "Not configured",
        "forbidden_address": "Address not allowed",
        "connection": "No connection",
        "not_asked": "Left alone by us",
        "untrusted": "Not believed: wrong about a canary",
    },
}


def label(value: str | StrEnum | None, family: str) -> str:
    """Return the words for `value` of one family; a value without words is shown as it is, spaces for underscores."""
    text = "" if value is None else str(value)
    return LABELS.get(family, {}).get(text) or text.replace("_", " ").capitalize()
