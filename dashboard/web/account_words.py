"""What support can send to a user: what happened to an address, why, and how to get it verified again.

The words are for the user, not for staff: no risk, no evidence, nobody's name, and addresses stay masked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.lifecycle.hosts import to_unicode
from dashboard.queries.accounts import AccountAddress, AccountPage, AddressEffect

_DONE = {"applied", "already"}
_UNDER_WAY = {"queued", "rechecking", "sent"}


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of one address: what happened, why, and the way back; the last two may be empty."""

    address: AccountAddress
    happened: str
    why: str = ""
    way_back: str = ""

    @property
    def sentences(self) -> str:
        """All of it in one paragraph."""
        return " ".join(part for part in (self.happened, self.why, self.way_back) if part)


def tell(page: AccountPage) -> list[Told]:
    """Tell the story of every address of an account."""
    return [_tell(address, others=_other_verified(page, address)) for address in page.addresses]


def letter(page: AccountPage, told: Sequence[Told]) -> str:
    """Return the whole as plain text, to be copied into a reply."""
    lines = [
        f"Hello {page.username},",
        "",
        f"this is what we know about the addresses of your account at {page.source}.",
    ]
    for each in told:
        lines += ["", f"{each.address.masked}", each.sentences]
    if page.addresses and not page.has_verified:
        lines += ["", LOCKED_OUT]
    return "\n".join(lines) + "\n"


LOCKED_OUT = (
    "Your account has no verified address left. Sign in with your password and your second factor, and add an "
    "address that you control. If you cannot sign in, answer this message: we will ask you for something that only "
    "you can show, such as access to the repository of your package."
)


def _tell(address: AccountAddress, *, others: bool) -> Told:
    effect = address.effects[0] if address.effects else None
    if effect is not None and not _overtaken(address, effect):
        return _effect(address, effect, others=others)
    if address.verified and address.kept is not None:
        return Told(
            address,
            f"It is verified. We looked at {_domain(address)} on {_day(address.kept.decided_at)}, and nothing was "
            "changed.",
        )
    if address.verified:
        return Told(address, _verified(address))
    return Told(
        address,
        "It is not verified, and not because of us.",
        way_back="You can ask for a verification e-mail in the settings of your account.",
    )


def _overtaken(address: AccountAddress, effect: AddressEffect) -> bool:
    """Whether the user has verified the address again after all that was done to it."""
    settled = effect.settled_at or effect.decided_at
    done = effect.kind == "unverify" and effect.effect == "unverify" and effect.state in _DONE
    return done and address.verified and (address.verified_at is None or address.verified_at > settled)


def _verified(address: AccountAddress) -> str:
    if address.domain is None:
        return "It is verified. Its domain is never checked by us."
    if address.case_state in {"open", "snoozed", "escalated"}:
        return f"It is verified. We are looking into its domain {_domain(address)}; nothing was changed."
    again = " again" if address.effects else ""
    return f"It is verified{again}, and we know of nothing wrong with its domain {_domain(address)}."


def _effect(address: AccountAddress, effect: AddressEffect, *, others: bool) -> Told:
    when = _day(effect.settled_at or effect.decided_at)
    if effect.kind == "revert":
        return _reverted(address, effect, when)
    why, back = _why(address, effect), _way_back(address, effect, others=others)
    what = "password resets to it are refused" if effect.effect == "block_reset" else "it is no longer verified"
    if effect.state in _DONE:
        return Told(address, f"Since {when} {what}.", why, back)
    if effect.state in _UNDER_WAY:
        return Told(
            address, f"We decided on {_day(effect.decided_at)} that {what}, which takes effect shortly.", why, back
        )
    if effect.state in {"revert_queued", "reverted"}:
        return _reverted(address, effect, when)
    return Told(address, _UNCHANGED.get(effect.state, _UNCHANGED["withheld"]))


_UNCHANGED = {
    "stale": "We were about to withdraw its verification, but it was verified anew before that. Nothing was changed.",
    "rejected": "We asked for its verification to be withdrawn, which was not done. Nothing was changed.",
    "withheld": "We were about to withdraw its verification and did not. Nothing was changed.",
    "withdrawn": "We were about to withdraw its verification and changed our mind. Nothing was changed.",
}


def _reverted(address: AccountAddress, effect: AddressEffect, when: str) -> Told:
    if effect.state in {"applied", "already", "reverted"}:
        return Told(address, f"We had withdrawn its verification and gave it back on {when}. You need to do nothing.")
    if effect.state in {"queued", "sent", "rechecking", "revert_queued"}:
        return Told(address, "We had withdrawn its verification and are giving it back. You need to do nothing.")
    return Told(address, "We had withdrawn its verification; you have changed the address since, so we left it.")


def _why(address: AccountAddress, effect: AddressEffect) -> str:
    name = _domain(address)
    reasons = {
        "lapsed": f"The registration of {name} had run out. Whoever registers it next receives the mail that is sent "
        "to it, and could have taken over your account with a password reset.",
        "caught": f"{name} was registered anew, as far as we can see by somebody else, who receives the mail that is "
        "sent to it and could have taken over your account with a password reset.",
        "sold": f"{name} has a new holder, as far as we can see, who receives the mail that is sent to it and could "
        "have taken over your account with a password reset.",
    }
    return reasons.get(effect.reason, f"We could not be sure any more that mail to {name} reaches nobody but you.")


def _way_back(address: AccountAddress, effect: AddressEffect, *, others: bool) -> str:
    name = _domain(address)
    other = (
        "Your account has another verified address, which goes on as before. "
        if others
        else "Add another address that you control to your account, and verify it. "
    )
    if effect.reason == "lapsed":
        return (
            f"{other}If {name} is still yours, renew it with your registrar; when mail to it arrives again, ask for "
            "a verification e-mail in the settings of your account. If it is not, remove the address."
        )
    return (
        f"{other}Remove the address if {name} is not yours any more. If it is, answer this message with something "
        "that shows it, such as your registrar's invoice from before that day."
    )


def _other_verified(page: AccountPage, address: AccountAddress) -> bool:
    return any(other.verified for other in page.addresses if other.id != address.id)


def _domain(address: AccountAddress) -> str:
    return to_unicode(address.domain) if address.domain else "its domain"


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"
