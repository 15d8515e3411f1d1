"""The events an audit entry can tell of, each with the exact keys its data carries.

A malformed entry cannot be written: `check_data` raises before anything is chained. Free text from outside (notes,
WHOIS, package names) has no key here: an entry names the row that holds it, or carries its digest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

JSON: TypeAlias = "str | int | bool | Sequence[JSON] | Mapping[str, JSON] | None"
Data: TypeAlias = Mapping[str, JSON]

# RFC 8785 writes numbers as ECMAScript does: beyond this, whole numbers lose digits.
LARGEST = 2**53 - 1


class AuditError(ValueError):
    """An entry that must not be written: a programming fault, never a user's."""


class Event(StrEnum):
    """What happened, as `thing.happened`."""

    SOURCE_ADDED = "source.added"
    TOKEN_CREATED = "token.created"  # noqa: S105  a name, not a secret
    TOKEN_REVOKED = "token.revoked"  # noqa: S105  a name, not a secret
    STAFF_ADDED = "staff.added"
    STAFF_DISABLED = "staff.disabled"
    STAFF_PASSWORD_SET = "staff.password_set"  # noqa: S105  a name, not a secret
    STAFF_SIGNED_IN = "staff.signed_in"
    STAFF_SIGN_IN_FAILED = "staff.sign_in_failed"
    STAFF_SIGNED_OUT = "staff.signed_out"
    SETUP_COMPLETED = "setup.completed"
    IMPORT_FINISHED = "import.finished"
    CASE_OPENED = "case.opened"
    CASE_REOPENED = "case.reopened"
    CASE_CLOSED = "case.closed"
    CASE_APPROVED = "case.approved"
    CASE_OVERRIDDEN = "case.overridden"
    CASE_CLAIMED = "case.claimed"
    CASE_RELEASED = "case.released"
    CASE_TAKEN_OVER = "case.taken_over"
    CASE_SNOOZED = "case.snoozed"
    CASE_ESCALATED = "case.escalated"
    CASE_RETURNED = "case.returned"
    CASES_SKIPPED = "cases.skipped"
    VIEW_SAVED = "view.saved"
    VIEW_DELETED = "view.deleted"
    VIEW_SHARED = "view.shared"
    VIEW_DEFAULT_SET = "view.default_set"
    STAFF_SETTINGS_CHANGED = "staff.settings_changed"
    ADDRESS_SEARCHED = "address.searched"
    REASON_ADDED = "reason.added"
    REASON_RETIRED = "reason.retired"
    REASON_RESTORED = "reason.restored"
    TEMPLATE_ADDED = "note_template.added"
    TEMPLATE_RETIRED = "note_template.retired"
    NOTE_WRITTEN = "case.note_written"
    MENTION_SEEN = "case.mention_seen"
    DECISION_REVERTED = "case.decision_reverted"
    BULK_PREPARED = "bulk.prepared"
    BULK_CHOSEN = "bulk.chosen"
    BULK_CONFIRMED = "bulk.confirmed"
    BULK_APPROVED = "bulk.approved"
    BULK_WITHDRAWN = "bulk.withdrawn"
    BULK_PAUSED = "bulk.paused"
    BULK_RESUMED = "bulk.resumed"
    BULK_CANCELLED = "bulk.cancelled"
    BULK_ABORTED = "bulk.aborted"
    BULK_COMPLETED = "bulk.completed"
    BULK_STOPPED = "bulk.all_stopped"
    BULK_CHECK_REQUESTED = "bulk.check_requested"
    BULK_EXPORTED = "bulk.exported"
    BRAKE_TRIPPED = "brake.tripped"
    BRAKE_RELEASED = "brake.released"
    ALLOW_LIST_ADDED = "allow_list.added"
    ALLOW_LIST_IMPORTED = "allow_list.imported"
    ALLOW_LIST_CHANGED = "allow_list.changed"
    ALLOW_LIST_ENDED = "allow_list.ended"
    ALLOW_LIST_SWITCHED_ON = "allow_list.switched_on"
    ADDRESS_REVEALED = "address.revealed"
    POLICY_CHANGED = "policy.changed"
    RAW_REPLIES_DROPPED = "raw_replies.dropped"
    TAKEOVER_REPORTED = "takeover.reported"
    WARNING_QUEUED = "warning.queued"
    UNVERIFICATION_PUBLISHED = "unverification.published"
    UNVERIFICATION_RECHECKING = "unverification.rechecking"
    UNVERIFICATION_WITHHELD = "unverification.withheld"
    UNVERIFICATION_ACKNOWLEDGED = "unverification.acknowledged"
    DOMAIN_CHECK_REQUESTED = "domain.check_requested"
    ACCESS_REFUSED = "access.refused"
    MONTH_FROZEN = "statistics.frozen"
    STATISTICS_EXPORTED = "statistics.exported"
    DEMO_LOADED = "demo.loaded"


@dataclass(frozen=True, slots=True)
class Shape:
    """What an entry of one event looks like: the type of its object, and its data's keys, all of them present."""

    object_type: str
    keys: frozenset[str]


def _shape(object_type: str, keys: str = "") -> Shape:
    return Shape(object_type, frozenset(keys.split()))


_DECISION = "domain reason_code addresses decision_id case_version evidence_sha256 bulk_id"
_BULK_DONE = "done_items done_addresses skipped_items failed_items"

SHAPES: Mapping[Event, Shape] = {
    # id: the source's slug
    Event.SOURCE_ADDED: _shape("source", "name"),
    # id: the token's row
    Event.TOKEN_CREATED: _shape("token", "source scope prefix"),
    Event.TOKEN_REVOKED: _shape("token", "source scope prefix"),
    # id: the member of staff's row; their e-mail address is the entry's subject
    Event.STAFF_ADDED: _shape("staff", "role"),
    Event.STAFF_DISABLED: _shape("staff"),
    Event.STAFF_PASSWORD_SET: _shape("staff"),
    Event.STAFF_SIGNED_IN: _shape("staff"),
    Event.STAFF_SIGNED_OUT: _shape("staff"),
    Event.SETUP_COMPLETED: _shape("staff", "role"),
    # id: the minute; one entry for all failures of one way in ("password", "setup_code", "api_token") in that minute
    Event.STAFF_SIGN_IN_FAILED: _shape("minute", "way failures"),
    # id: the import run's row
    Event.IMPORT_FINISHED: _shape("import", "source kind digest state rows rejected"),
    # id: the case's row; `why` is a code, not prose
    Event.CASE_OPENED: _shape("case", "domain phase holder_change risk why"),
    Event.CASE_REOPENED: _shape("case", "domain phase holder_change risk why"),
    Event.CASE_CLOSED: _shape("case", "domain how"),
    Event.CASE_APPROVED: _shape("case", f"{_DECISION} effect"),
    Event.CASE_OVERRIDDEN: _shape("case", _DECISION),
    # id: the case's row; a lease by the wall clock, and the member of staff whom it was taken from
    Event.CASE_CLAIMED: _shape("case", "until"),
    Event.CASE_TAKEN_OVER: _shape("case", "until from_staff"),
    Event.CASE_RELEASED: _shape("case"),
    # id: the case's row; the note is in the row named, `how` it came back is `lifted`, `taken_up` or `date`
    Event.CASE_SNOOZED: _shape("case", "domain until set_aside_id"),
    Event.CASE_ESCALATED: _shape("case", "domain until set_aside_id"),
    Event.CASE_RETURNED: _shape("case", "domain how"),
    # id: the member of staff's row; `back` when they want to see the cases again
    Event.CASES_SKIPPED: _shape("staff", "cases back"),
    # id: the view's row
    Event.VIEW_SAVED: _shape("view", "shared"),
    Event.VIEW_DELETED: _shape("view", "shared"),
    Event.VIEW_SHARED: _shape("view", "shared"),
    Event.VIEW_DEFAULT_SET: _shape("view", "role"),
    # id: the member of staff's row
    Event.STAFF_SETTINGS_CHANGED: _shape("staff", "shortcuts"),
    # id: the member of staff's row; the address is the entry's subject
    Event.ADDRESS_SEARCHED: _shape("staff", "accounts"),
    # id: the reason's or the template's row, which holds the words; `replaces` is the code whose place it takes
    Event.REASON_ADDED: _shape("reason", "kind code needs_note replaces"),
    Event.REASON_RETIRED: _shape("reason", "kind code"),
    Event.REASON_RESTORED: _shape("reason", "kind code"),
    Event.TEMPLATE_ADDED: _shape("note_template", "kind"),
    Event.TEMPLATE_RETIRED: _shape("note_template", "kind"),
    # id: the case's row; the words are in the row `note_id`, `mentions` are rows of staff
    Event.NOTE_WRITTEN: _shape("case", "note_id mentions"),
    Event.MENTION_SEEN: _shape("case", "note_id"),
    # id: the case's row; how many addresses were withdrawn, queued to be verified again, asked for, left alone
    Event.DECISION_REVERTED: _shape("case", "decision_id withdrawn queued asked touched reopened bulk_id"),
    # id: the bulk action's row; the digest is over all that the preview froze
    Event.BULK_PREPARED: _shape("bulk", "kind scope items shown_count policy_version reverts_id"),
    Event.BULK_CHOSEN: _shape("bulk", "accounts addresses digest"),
    Event.BULK_CONFIRMED: _shape("bulk", "digest items addresses reason_code effect staged needs_second"),
    Event.BULK_APPROVED: _shape("bulk", "digest items addresses"),
    Event.BULK_WITHDRAWN: _shape("bulk", "digest"),
    Event.BULK_PAUSED: _shape("bulk", f"why {_BULK_DONE}"),
    Event.BULK_RESUMED: _shape("bulk", f"stage {_BULK_DONE}"),
    Event.BULK_CANCELLED: _shape("bulk", _BULK_DONE),
    Event.BULK_ABORTED: _shape("bulk", f"why {_BULK_DONE}"),
    Event.BULK_COMPLETED: _shape("bulk", _BULK_DONE),
    Event.BULK_CHECK_REQUESTED: _shape("bulk", "domains"),
    Event.BULK_EXPORTED: _shape("bulk", "format"),
    # id: "-", for it is about all of them; `ids` are those that were running
    Event.BULK_STOPPED: _shape("bulk", "ids"),
    # id: the brake's row; `provider` and `tld` are empty where it covers all, the limit is in thousandths of a lapse
    Event.BRAKE_TRIPPED: _shape("brake", "scope provider tld mode lapsed checked limit_per_mille held"),
    Event.BRAKE_RELEASED: _shape("brake", "scope provider tld how cases"),
    # id: the new version; `changes` names each value that differs, with its text before and after
    Event.POLICY_CHANGED: _shape("policy", "changes"),
    # id: the day before which they were last given; `first_id` to `last_id` are rows of evidence
    Event.RAW_REPLIES_DROPPED: _shape("raw_replies", "rows first_id last_id"),
    # id: the entry's row; `how`: "removed", "switched_off" (of the preset) or "expired"; the words are in the row
    Event.ALLOW_LIST_ADDED: _shape("allow_list_entry", "kind value expires_at"),
    Event.ALLOW_LIST_CHANGED: _shape("allow_list_entry", "kind value expires_before expires_at reworded"),
    Event.ALLOW_LIST_ENDED: _shape("allow_list_entry", "kind value how"),
    Event.ALLOW_LIST_SWITCHED_ON: _shape("allow_list_entry", "kind value"),
    # id: the SHA-256 of the file; `ids` are the entries it added
    Event.ALLOW_LIST_IMPORTED: _shape("file", "added present rejected ids"),
    # id: the address's row; the address itself is the entry's subject, the note is in the row `reveal_id`
    Event.ADDRESS_REVEALED: _shape("address", "account_id reveal_id reason_code"),
    # id: the case's row; a reviewer's word, by which nothing is un-verified
    Event.TAKEOVER_REPORTED: _shape("case", "domain report_id addresses accounts case_version evidence_sha256"),
    # id: the source's slug; one entry a batch and source; `ids` are public ids of notices
    Event.WARNING_QUEUED: _shape("source", "ids"),
    # id: the source's slug; one entry a batch and source; `ids` are public ids, for acknowledgements by result
    Event.UNVERIFICATION_PUBLISHED: _shape("source", "first_seq last_seq ids"),
    Event.UNVERIFICATION_ACKNOWLEDGED: _shape("source", "counts ids"),
    # id: the source's slug; the evidence had grown old, so that these wait for a fresh check
    Event.UNVERIFICATION_RECHECKING: _shape("source", "ids"),
    # id: the un-verification's public id; `why` is a code
    Event.UNVERIFICATION_WITHHELD: _shape("unverification", "source why"),
    # id: the domain's name
    Event.DOMAIN_CHECK_REQUESTED: _shape("domain"),
    # id: the endpoint
    Event.ACCESS_REFUSED: _shape("endpoint", "method needs"),
    # id: the month, YYYY-MM
    Event.MONTH_FROZEN: _shape("month", "figures"),
    Event.STATISTICS_EXPORTED: _shape("month", "format rows"),
    # id: the sample's name
    Event.DEMO_LOADED: _shape("demo", "accounts addresses packages"),
}


def check_shape(event: Event, object_type: str, data: Data) -> None:
    """Raise `AuditError` unless the object's type and the data's keys are those declared for `event`."""
    shape = SHAPES[event]
    if object_type != shape.object_type:
        raise AuditError(f"{event}: the object is a {shape.object_type}, not a {object_type}")
    if data.keys() != shape.keys:
        raise AuditError(f"{event}: data has keys {sorted(data)}, declared are {sorted(shape.keys)}")
    for value in data.values():
        _check_value(event, value)


def _check_value(event: Event, value: object) -> None:
    """Let through only what every RFC 8785 writer writes alike: no floats, no big numbers, plain ASCII keys."""
    if value is None or isinstance(value, str | bool):
        return
    if isinstance(value, int):
        if abs(value) > LARGEST:
            raise AuditError(f"{event}: {value} is too large for JSON")
    elif isinstance(value, list | tuple):
        for each in value:
            _check_value(event, each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if not isinstance(key, str) or not key.isascii():
                raise AuditError(f"{event}: {key!r} is no plain key")
            _check_value(event, each)
    else:
        raise AuditError(f"{event}: a {type(value).__name__} has no place in an entry")
