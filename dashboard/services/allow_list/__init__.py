"""The allow-list: what is never un-verified. Asked when flagging and again at the moment of applying (`ask`)."""

from __future__ import annotations

from dashboard.lifecycle.mailboxes import is_mailbox_provider


def allowed(domain: str) -> str | None:
    """Return why `domain` is never un-verified, or None when it may be."""
    return "a large mailbox provider" if is_mailbox_provider(domain) else None
