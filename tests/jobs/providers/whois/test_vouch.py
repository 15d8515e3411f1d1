"""A "no such name" is believed only where nothing else of substance stands in the reply."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dashboard.lifecycle.evidence import Outcome
from jobs.providers.whois.parse import parse_whois
from tests.jobs.providers.helpers import NOW
from tests.jobs.providers.whois.troubles import ABSENT, ALL, BANNER, POLITE, STAMP, TERMS

NAME = "brelwick.zz"
HELD = (
    "Domain Name: brelwick.zz\nRegistry Domain ID: D1234-ZZ\nRegistrar: Torvale Names Ltd\n"
    "Creation Date: 2019-02-03T10:00:00Z\nRegistry Expiry Date: 2027-02-03T10:00:00Z\nDomain Status: ok\n"
    "Registrant Organization: Brelwick Ltd\nName Server: ns1.torvale.test\nName Server: ns2.torvale.test\n"
)

LAYOUTS: dict[str, Callable[[str, str], str]] = {
    "before": lambda trouble, absent: f"{trouble}\n{absent}\n",
    "after": lambda trouble, absent: f"{absent}\n{trouble}\n",
    "a paragraph before": lambda trouble, absent: f"{trouble}\n\n{absent}\n",
    "a paragraph after": lambda trouble, absent: f"{absent}\n\n{trouble}\n",
    "in its line, before": lambda trouble, absent: f"{trouble.rstrip('.')}. {absent}",
    "in its line, after": lambda trouble, absent: f"{absent.rstrip('.')}. {trouble}",
    "after a dash": lambda trouble, absent: f"{absent} - {trouble}",
    "in parentheses": lambda trouble, absent: f"{absent} ({trouble})",
    "as a remark": lambda trouble, absent: f"{absent}\n% {trouble}\n",
    "as a remark above": lambda trouble, absent: f"% {trouble}\n\n{absent}\n",
    "between stars": lambda trouble, absent: f"*** {trouble} ***\n{absent}\n",
    "between angles": lambda trouble, absent: f"{absent}\n>>> {trouble} <<<\n",
    "as a message": lambda trouble, absent: f"{absent}\nMessage: {trouble}\n",
    "as remarks": lambda trouble, absent: f"{absent}\nremarks: {trouble}\n",
    "below a banner": lambda trouble, absent: f"{BANNER}\n{trouble}\n{absent}\n{STAMP}\n{TERMS}",
    "in the banner": lambda trouble, absent: f"{BANNER}% {trouble}\n\n{absent}\n{STAMP}\n{TERMS}",
    "after the terms": lambda trouble, absent: f"{BANNER}\n{absent}\n{STAMP}\n{TERMS}\n{trouble}\n",
    "at the end of the terms": lambda trouble, absent: f"{BANNER}\n{absent}\n{STAMP}\n{TERMS}{trouble}\n",
    "at the head of the terms": lambda trouble, absent: f"{BANNER}\n{absent}\n{STAMP}\n{trouble}\n{TERMS}",
    "in capitals": lambda trouble, absent: f"{trouble.upper()}\r\n\r\n{absent.upper()}\r\n",
    "in small letters": lambda trouble, absent: f"{absent.lower()}\n{trouble.lower()}",
    "behind a bare carriage return": lambda trouble, absent: f"{absent}\r{trouble}\r",
    "indented": lambda trouble, absent: f"    {trouble}\n\n        {absent}\n",
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("told", [ALL, POLITE], ids=["plain", "polite"])
def test_a_trouble_beside_it_frees_no_name(told: tuple[str, ...], layout: str) -> None:
    """Each trouble with one wording of "no such name"; which one changes from layout to layout."""
    turn = list(LAYOUTS).index(layout)
    texts = [LAYOUTS[layout](trouble, ABSENT[(turn + n) % len(ABSENT)]) for n, trouble in enumerate(told)]
    assert [text for text in texts if parse_whois(text, NAME, NOW).outcome is Outcome.NOT_FOUND] == []


def test_a_trouble_alone_is_a_fault() -> None:
    replies = [*ALL, *POLITE, *(f"{BANNER}\n{trouble}\n\n{TERMS}" for trouble in (*ALL, *POLITE))]
    assert [text for text in replies if parse_whois(text, NAME, NOW).outcome is not Outcome.ERROR] == []


@pytest.mark.parametrize("absent", ABSENT)
@pytest.mark.parametrize(
    "reply",
    [
        "{}",
        "{}\n\n" + TERMS,
        TERMS + "\n{}\n",
        BANNER + "\n{}\n" + STAMP + "\n" + TERMS,
        "{}\n" + STAMP,
        BANNER + "{}",
    ],
)
def test_banner_stamp_and_terms_take_nothing_away(reply: str, absent: str) -> None:
    assert parse_whois(reply.format(absent), NAME, NOW).outcome is Outcome.NOT_FOUND


QUOTED = (
    "Registrant Name: No match",
    "Registrant Organization: NOT FOUND",
    "Registrant Organization: Available",
    "Registrant Organization: Free\nRegistrant Street: No Data Found 1",
    "Admin Name: Domain not found.",
    "Registrant Street: This domain is available for registration",
    "remarks: No match for brelwick.zz",
    "remarks: brelwick.zz is free",
    "descr: The domain has not been registered.",
    "Tech Organization: No Object Found Ltd",
    "% No entries found in the abuse database",
    "% No match for this contact",
    ">>> No match for the reseller <<<",
    "No match for brelwick.zz",
    "Domain not found.",
    "NOT FOUND",
    "Status: available",
    "Status: free",
    "Domain Status: No Object Found",
    "Disclaimer: a name shown as available may be taken, and one shown as not found may exist.",
    "The domain does not exist in our database, or it is available",
    "이 도메인은 등록되어 있지 않습니다",
)


@pytest.mark.parametrize("quoted", QUOTED)
def test_a_registered_name_is_never_free_whatever_its_reply_quotes(quoted: str) -> None:
    lines = HELD.splitlines()
    replies = ["\n".join([*lines[:at], quoted, *lines[at:]]) for at in range(len(lines) + 1)]
    replies += [f"{quoted}\n\n{HELD}", f"{HELD}\n\n{quoted}\n", f"{BANNER}\n{HELD}\n{TERMS}\n{quoted}\n"]
    assert [reply for reply in replies if parse_whois(reply, NAME, NOW).outcome is Outcome.NOT_FOUND] == []


@pytest.mark.parametrize("absent", ABSENT)
def test_a_part_of_a_registration_is_enough_against_it(absent: str) -> None:
    parts = [line for line in HELD.splitlines() if not line.startswith("Domain Name")]
    replies = [text for part in parts for text in (f"{part}\n{absent}\n", f"{absent}\n\n{part}\n")]
    assert [reply for reply in replies if parse_whois(reply, NAME, NOW).outcome is Outcome.NOT_FOUND] == []


def test_a_registered_name_stays_so_wherever_its_reply_breaks_off() -> None:
    reply = f"{BANNER}\n{HELD}\n{STAMP}\n{TERMS}"
    cut = [reply[:at] for at in range(len(reply))]
    assert [text[-40:] for text in cut if parse_whois(text, NAME, NOW).outcome is Outcome.NOT_FOUND] == []


@pytest.mark.parametrize(
    "reply",
    [
        "limit 100 used 101\nNo match for brelwick.zz",
        "No match for brelwick.zz\nResult may be incomplete.",
        "Domain: brelwick.zz\nStatus: AVAILABLE (result may be incomplete)",
        "Domain: brelwick.zz\nStatus: AVAILABLE\nStatus: THROTTLED",
        "No match for brelwick.zz\n\nREFUSED: 403",
        "No match for brelwick.zz (unknown)",
        "brelwick.zz is available for registration - availability unknown",
    ],
)
def test_a_doubt_in_the_answer_itself_is_one(reply: str) -> None:
    assert parse_whois(reply, NAME, NOW).outcome is Outcome.ERROR
