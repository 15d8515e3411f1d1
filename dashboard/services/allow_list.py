"""The allow-list: domains that are never anyone's case. Asked when flagging and again at the moment of applying."""

from __future__ import annotations

from dashboard.lifecycle.mailboxes import is_mailbox_provider


def allowed(domain: str) -> str | None:
    """Return why `domain` is never un-verified, or None when it may be."""
    if is_mailbox_provider(domain):
        return "a large mailbox provider"
    return None
