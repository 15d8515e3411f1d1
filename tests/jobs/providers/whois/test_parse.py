from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.lifecycle.evidence import MAX_ITEMS, MAX_TEXT, ErrorKind, Evidence, Outcome, Phase, Provider
from jobs.providers.whois.parse import WhoisReading, parse_whois
from tests.jobs.providers.helpers import NOW

FLAT = """\
   Domain Name: BRELWICK.XYZ
   Registry Domain ID: D1234-XYZ
   Updated Date: 2026-02-01T10:00:00Z
   Creation Date: 2019-02-03T10:00:00Z
   Registry Expiry Date: 2027-02-03T10:00:00Z
   Registrar: Northgrid Names (4711)
   Registrar Abuse Contact Email: abuse@northgrid.test
   Domain Status: clientTransferProhibited https://icann.org/epp#clientTransferProhibited
   Registrant Organization: Brelwick Labs
   Name Server: NS2.BRELWICK-DNS.NET
   Name Server: NS1.BRELWICK-DNS.NET
   DNSSEC: unsigned
>>> Last update of whois database: 2026-11-01T07:00:00Z <<<

By submitting a query you agree that no entries found here may be used to exceed the query limit.
"""
BRACKETS = """\
[ The directory's remarks stand in brackets as well.                            ]

Domain Information:
a. [Domain Name]                BRELWICK.JP
p. [Name Server]                ns1.brelwick-dns.net
[Created on]                    2019/02/03
[Expires on]                    2027/02/28
[Status]                        Active
[Last Updated]                  2026/03/01 01:05:10 (JST)

Contact Information:
[Name]                          Brelwick
[Status]                        Suspended
"""
INDENTED = """\

    Domain name:
        brelwick.uk

    Registrar:
        Northgrid Names Ltd [Tag = NORTHGRID]
        URL: https://northgrid.test

    Relevant dates:
        Registered on: 03-Feb-2019
        Expiry date:  03-Feb-2027
        Last updated:  01-Feb-2026

    Registration status:
        Registered until expiry date.

    Name servers:
        ns1.brelwick-dns.net      192.0.2.1
        ns2.brelwick-dns.net
"""
COLUMNS = """\
Domain-name         brelwick.sk
Admin-telephone     +421 2 0000 0000
Last-update         2026-02-01
Valid-date          2027-02-03
Domain-status       DOM_OK
dns_name            ns1.brelwick-dns.net
"""
OBJECTS = """\
% Remarks come first.

domain:       brelwick.cz
registrant:   SB:BRELWICK
registrar:    REG-NORTHGRID
status:       paid and in zone
registered:   03.02.2019 10:00:00
expire:       03.02.2027

contact:      SB:BRELWICK
org:          Brelwick Labs
status:       expired
created:      01.01.2001 10:00:00
expire:       01.01.2002

nserver:      ns1.brelwick-dns.net (192.0.2.1)
"""
HEADINGS = """\
Domain:
name:       brelwick.ee
status:     ok (paid and in zone)
registered: 2019-02-03 12:00:00 +02:00
expire:     2027-02-03

Registrant:
name:       Brelwick Labs
changed:    2020-01-01 00:00:00 +02:00

Registrar:
name:       Northgrid Names
changed:    2001-01-01 00:00:00 +02:00

Name servers:
nserver:   ns1.brelwick-dns.net
"""
PROSE = """\
Domain Name: brelwick.com.tw
   Registrant:
      Brelwick Labs
   Record expires on 2027-02-03 (YYYY-MM-DD)
   Record created on 2019-02-03 (YYYY-MM-DD)

   Domain servers in listed order:
      ns1.brelwick-dns.net
"""


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        (FLAT, "brelwick.xyz"),
        (BRACKETS, "brelwick.jp"),
        (INDENTED, "brelwick.uk"),
        (COLUMNS, "brelwick.sk"),
        (OBJECTS, "brelwick.cz"),
        (HEADINGS, "brelwick.ee"),
        (PROSE, "brelwick.com.tw"),
    ],
)
def test_every_way_of_writing_tells_a_registration(text: str, domain: str) -> None:
    reading = parse_whois(text, domain, NOW)
    assert (reading.outcome, reading.phase, reading.error) == (Outcome.FOUND, Phase.ACTIVE, None)
    assert reading.expires_at is not None
    assert (reading.expires_at.year, reading.expires_at.month) == (2027, 2)
    assert reading.registered_at is None or reading.registered_at.date() == datetime(2019, 2, 3, tzinfo=UTC).date()
    assert "ns1.brelwick-dns.net" in reading.nameservers


def test_what_a_flat_reply_says() -> None:
    reading = parse_whois(FLAT, "brelwick.xyz", NOW)
    assert reading == WhoisReading(
        Outcome.FOUND,
        Phase.ACTIVE,
        ("client transfer prohibited",),
        registered_at=datetime(2019, 2, 3, 10, tzinfo=UTC),
        expires_at=datetime(2027, 2, 3, 10, tzinfo=UTC),
        changed_at=datetime(2026, 2, 1, 10, tzinfo=UTC),
        registrar="Northgrid Names",
        handle="D1234-XYZ",
        nameservers=("ns1.brelwick-dns.net", "ns2.brelwick-dns.net"),
        domain="BRELWICK.XYZ",
    )


def test_the_registrars_name_is_kept_without_its_tag() -> None:
    assert parse_whois(INDENTED, "brelwick.uk", NOW).registrar == "Northgrid Names Ltd"
    assert parse_whois(HEADINGS, "brelwick.ee", NOW).registrar == "Northgrid Names"


def test_a_contacts_own_dates_and_states_are_not_the_domains() -> None:
    objects, brackets = parse_whois(OBJECTS, "brelwick.cz", NOW), parse_whois(BRACKETS, "brelwick.jp", NOW)
    assert objects.statuses == ("paid and in zone",)
    assert objects.registered_at == datetime(2019, 2, 3, 10, tzinfo=UTC)
    assert brackets.phase is Phase.ACTIVE


def test_the_registrars_date_is_kept_apart() -> None:
    both = FLAT + "Registrar Registration Expiration Date: 2026-02-03T10:00:00Z\n"
    reading = parse_whois(both, "brelwick.xyz", NOW)
    assert (reading.expires_at, reading.registrar_expires_at) == (
        datetime(2027, 2, 3, 10, tzinfo=UTC),
        datetime(2026, 2, 3, 10, tzinfo=UTC),
    )


def found(status: str, tld: str = "zz", expires: str = "2027-02-03") -> WhoisReading:
    text = f"domain: brelwick.{tld}\nstatus: {status}\nexpires: {expires}\nnserver: ns1.brelwick-dns.net\n"
    return parse_whois(text, f"brelwick.{tld}", NOW)


@pytest.mark.parametrize(
    ("status", "tld", "phase"),
    [
        ("ok", "zz", Phase.ACTIVE),
        ("REGISTERED, DELEGATED, VERIFIED", "ru", Phase.ACTIVE),
        ("REGISTERED, NOT DELEGATED, VERIFIED", "ru", Phase.HOLD),
        ("redemptionPeriod", "zz", Phase.REDEMPTION),
        ("pendingDelete / redemptionPeriod", "it", Phase.REDEMPTION),
        ("in quarantine", "nl", Phase.REDEMPTION),
        ("Renewal required, registration suspended.", "uk", Phase.REDEMPTION),
        ("pendingRestore", "zz", Phase.PENDING_RESTORE),
        ("PENDING-DELETE", "it", Phase.PENDING_DELETE),
        ("to be released", "ca", Phase.PENDING_DELETE),
        ("210 PendingRelease", "nz", Phase.REDEMPTION),
        ("Expired", "rs", Phase.AUTO_RENEW_GRACE),
        ("serverHold (Expired)", "au", Phase.AUTO_RENEW_GRACE),
        ("To be suspended", "jp", Phase.AUTO_RENEW_GRACE),
        ("Suspended", "jp", Phase.REDEMPTION),
        ("Suspended", "cm", Phase.HOLD),
        ("clientHold", "zz", Phase.HOLD),
        ("DOM_HELD", "sk", Phase.REDEMPTION),
        ("Reserved", "zz", Phase.RESERVED),
        ("clientDeleteProhibited", "zz", Phase.ACTIVE),
    ],
)
def test_registries_own_words_become_phases(status: str, tld: str, phase: Phase) -> None:
    reading = found(status, tld)
    assert (reading.outcome, reading.phase) == (Outcome.FOUND, phase)


def test_a_term_that_ran_out_lately_is_grace() -> None:
    assert found("ok", expires="2026-10-15").phase is Phase.AUTO_RENEW_GRACE
    assert found("ok", expires="2021-10-15").phase is Phase.ACTIVE


@pytest.mark.parametrize("status", ["OK-UNTIL 20270203121852", "ok until 2027-02-03"])
def test_a_state_may_tell_the_end_of_the_term(status: str) -> None:
    reading = parse_whois(f"domain: brelwick.ua\nstatus: {status}\n", "brelwick.ua", NOW)
    assert reading.expires_at is not None
    assert reading.expires_at.date() == datetime(2027, 2, 3, tzinfo=UTC).date()
    assert reading.statuses == ("ok",)


NOT_FOUND = [
    'No match for "BRELWICK.ZZ".',
    "No match!!",
    "NOT FOUND",
    "not found...",
    "Domain not found.",
    "No Data Found",
    "No Found",
    "No_Se_Encontro_El_Objeto/Object_Not_Found",
    "no entries found.",
    "% No entries found for the selected source(s).",
    "%ERROR:101: no entries found",
    "%error 230 No Objects Found",
    "%% No entries found in the directory's database.",
    '"brelwick.zz" not found.',
    "brelwick.zz is free",
    "brelwick.zz: no existe",
    "brelwick.zz - No Match",
    'Sorry, but domain: "brelwick.zz", not found in database',
    "The domain has not been registered.",
    "Above domain name is not registered to the agency.",
    "We do not have an entry in our database matching your query.",
    "% This query returned 0 objects.",
    "The queried object does not exist: no matching objects found",
    "Domain brelwick.zz is available for purchase",
    ">>> Domain brelwick.zz is available for registration",
    "This Domain is not available in our whois database",
    "El dominio no se encuentra registrado",
    "Le domaine brelwick.zz est introuvable",
    "Nincs találat / No match",
    "We could not find the requested domain on our system",
    "There is no information available on the domain consulted.",
    "Domain: brelwick.zz\nStatus: free",
    "Domain Name: brelwick.zz\nDomain Status: No Object Found",
    "domain_name: brelwick.zz\nquery_status: 220 Available",
    'Status: AVAILABLE (No match for domain "brelwick.zz")',
    "% Remarks,\n% on their own.\n\nNo match for BRELWICK.ZZ\n\nTerms: you agree that queries may be limited, and that a limit exceeded is\nno entry.",
]


@pytest.mark.parametrize("text", NOT_FOUND)
def test_nobody_holds_it_in_many_wordings(text: str) -> None:
    reading = parse_whois(text, "brelwick.zz", NOW)
    assert (reading.outcome, reading.phase, reading.error) == (Outcome.NOT_FOUND, Phase.AVAILABLE, None)


FAULTS = [
    ("", ErrorKind.MALFORMED),
    (" \r\n\t\r\n", ErrorKind.MALFORMED),
    ("<!doctype html><title>Not found</title>", ErrorKind.MALFORMED),
    ("Hello there", ErrorKind.MALFORMED),
    ("Domain Name: brelwick.zz", ErrorKind.MALFORMED),
    ("Query rate exceeded. Try again later.", ErrorKind.THROTTLED),
    ("WHOIS LIMIT EXCEEDED - SEE OUR PAGES FOR DETAILS", ErrorKind.THROTTLED),
    ("directory.test: only 1 request per second allowed, try again later", ErrorKind.THROTTLED),
    ("-1: Still in grace period, wait 7 seconds", ErrorKind.THROTTLED),
    ("Number of allowed queries exceeded.", ErrorKind.THROTTLED),
    ("%% Too many requests...\n%%\n%% No entries found in the directory's database.", ErrorKind.THROTTLED),
    ("Domain not found. Rate limit exceeded.", ErrorKind.THROTTLED),
    ("% Query limit reached. Reduced information.\n% No match for brelwick.zz", ErrorKind.THROTTLED),
    ("Requests of this client are not permitted.", ErrorKind.REFUSED),
    ("% Permission denied.", ErrorKind.REFUSED),
    ("query_status: 440 Request Denied", ErrorKind.REFUSED),
    ("Your IP has been blocked. Not found.", ErrorKind.REFUSED),
    ("Sorry, the Whois database is currently down.", ErrorKind.SERVER_ERROR),
    ("%% Internal error: the database is not reachable", ErrorKind.SERVER_ERROR),
    ("The service is under maintenance, no match.", ErrorKind.SERVER_ERROR),
    ("Invalid input", ErrorKind.UNSUPPORTED),
    ("Unknown TLD", ErrorKind.UNSUPPORTED),
    ("%% ERROR: zone not served here", ErrorKind.UNSUPPORTED),
    ("no whois server is known for this kind of object", ErrorKind.UNSUPPORTED),
]


@pytest.mark.parametrize(("text", "kind"), FAULTS)
def test_a_fault_is_a_typed_error_and_never_a_phase(text: str, kind: ErrorKind) -> None:
    reading = parse_whois(text, "brelwick.zz", NOW)
    assert (reading.outcome, reading.phase, reading.error) == (Outcome.ERROR, Phase.UNKNOWN, kind)
    assert reading.error_detail


@pytest.mark.parametrize(
    "text",
    [
        "Reserved by the registry",
        "Name is restricted from registration",
        "RESTRICTED - Restricted domain name",
        "Sorry, The domain you requested is in the reserved list.",
        "The domain name is not available for registration",
        "This domain cannot be registered because it has too few letters",
        'Status: PREMIUM NAME (No match for domain "brelwick.zz")',
        "Domain not available",
    ],
)
def test_a_name_that_nobody_can_register_is_reserved(text: str) -> None:
    reading = parse_whois(text, "brelwick.zz", NOW)
    assert (reading.outcome, reading.phase) == (Outcome.FOUND, Phase.RESERVED)


@pytest.mark.parametrize("claim", ["No match for brelwick.xyz", "Query rate exceeded", "Status: free"])
def test_what_a_holder_calls_itself_changes_nothing(claim: str) -> None:
    """A registrant's own text must neither free a registered name nor void the reading."""
    reading = parse_whois(FLAT.replace("Brelwick Labs", claim), "brelwick.xyz", NOW)
    assert (reading.outcome, reading.phase) == (Outcome.FOUND, Phase.ACTIVE)
    address = INDENTED.replace("    Registrar:", f"    Registrant:\n        {claim}\n\n    Registrar:")
    assert parse_whois(address, "brelwick.uk", NOW).outcome is Outcome.FOUND


@pytest.mark.parametrize("text", [FLAT + "\nStatus: free\n", "Status: available\nCreation Date: 2019-02-03\n"])
def test_free_and_registered_in_one_reply_is_an_error(text: str) -> None:
    assert parse_whois(text, "brelwick.xyz", NOW).outcome is Outcome.ERROR


@pytest.mark.parametrize(
    "text", [FLAT, 'No match for "BRELWICK.XYZ".', "Domain: brelwick.xyz\nStatus: free", "brelwick.xyz is free"]
)
def test_an_answer_about_another_name_is_an_error(text: str) -> None:
    assert parse_whois(text, "torvale.xyz", NOW).error is ErrorKind.WRONG_DOMAIN
    assert parse_whois(text, ".xyz", NOW).error is None
    assert parse_whois(text, "xyz", NOW).error is None


def test_an_answer_about_the_tld_is_not_one_about_the_name() -> None:
    root = "domain:       ZZ\norganisation: The ZZ Registry\nnserver: a.nic.zz\nstatus: ACTIVE\ncreated: 1990-01-01\n"
    assert parse_whois(root, "brelwick.zz", NOW).error is ErrorKind.WRONG_DOMAIN


def test_a_name_in_unicode_is_the_same_name() -> None:
    text = FLAT.replace("BRELWICK.XYZ", "bücher.xyz")
    assert parse_whois(text, "xn--bcher-kva.xyz", NOW).outcome is Outcome.FOUND


@pytest.mark.parametrize("cut", range(0, len(FLAT), 7))
def test_a_reply_cut_anywhere_is_never_available(cut: int) -> None:
    assert parse_whois(FLAT[:cut], "brelwick.xyz", NOW).outcome is not Outcome.NOT_FOUND


lines = st.sampled_from(
    [
        line
        for text in (FLAT, BRACKETS, INDENTED, OBJECTS, HEADINGS, *NOT_FOUND, *(f for f, _ in FAULTS))
        for line in text.split("\n")
    ]
)
texts = st.text(max_size=300) | st.lists(lines | st.text(max_size=30), max_size=25).map("\n".join)


@given(texts, st.sampled_from(["brelwick.xyz", "brelwick.jp", "jp", ".co.jp", ""]))
def test_any_text_gives_a_reading(text: str, name: str) -> None:
    reading = parse_whois(text, name, NOW)
    assert (reading.error is not None) == (reading.outcome is Outcome.ERROR)
    assert (reading.phase is Phase.AVAILABLE) == (reading.outcome is Outcome.NOT_FOUND)
    for moment in (reading.registered_at, reading.expires_at, reading.registrar_expires_at, reading.changed_at):
        assert moment is None or moment.utcoffset() == NOW.utcoffset()
    assert len(reading.statuses) <= MAX_ITEMS
    assert len(reading.nameservers) <= MAX_ITEMS
    assert all(len(value or "") <= MAX_TEXT for value in (reading.registrar, reading.handle, reading.error_detail))
    evidence = reading.to_evidence("brelwick.xyz", NOW, "whois.test")
    assert (evidence.provider, evidence.outcome) == (Provider.WHOIS, reading.outcome)


@given(
    st.lists(lines, max_size=12),
    st.sampled_from([text for text, _ in FAULTS if "exceeded" in text or "denied" in text]),
)
def test_a_throttled_reply_is_never_available(others: list[str], fault: str) -> None:
    text = "\n\n".join([fault, *(line for line in others if line.strip())])
    assert parse_whois(text, ".xyz", NOW).outcome is not Outcome.NOT_FOUND


@pytest.mark.parametrize(
    ("label", "date"),
    [
        ("free-date:     ", "2026-12-20"),
        ("date_to_release: ", "2026-12-20"),
        ("Date out of quarantine: ", "2026-12-20"),
        ("Will be released on ", "2026-12-20"),
    ],
)
def test_the_day_of_release_is_read_where_the_registry_names_it(label: str, date: str) -> None:
    text = f"domain: example.ru\nstate: REGISTERED\nregistrar: FIRST-RU\npaid-till: 2026-11-20\n{label}{date}\n"
    reading = parse_whois(text, "example.ru", NOW)
    assert (reading.expires_at, reading.released_at) == (
        datetime(2026, 11, 20, tzinfo=UTC),
        datetime(2026, 12, 20, tzinfo=UTC),
    )
    evidence = reading.to_evidence("example.ru", NOW, None)
    assert Evidence.from_normalised(evidence.normalised(), NOW) == evidence
    assert "released_at" not in replace(evidence, released_at=None).normalised(), "digests of others stay"


TERMS = """\
% The service allows persons to check whether a specific domain name
% is still available or not, and its terms are
% available
% free of charge.
"""


@pytest.mark.parametrize("length", range(0, len(TERMS), 3))
def test_terms_of_use_cut_short_are_no_free_name(length: int) -> None:
    assert parse_whois(TERMS[:length], "brelwick.eu", NOW).outcome is Outcome.ERROR


@pytest.mark.parametrize("text", [FLAT])
def test_a_registration_cut_short_is_never_a_free_name(text: str) -> None:
    outcomes = {parse_whois(text[:length], ".xyz", NOW).outcome for length in range(len(text))}
    assert Outcome.NOT_FOUND not in outcomes


def test_a_free_name_beside_a_registrations_data_is_a_contradiction() -> None:
    text = "No registration found.\nName servers:\n    ns1.brelwick-dns.net\n    ns2.brelwick-dns.net\n"
    assert parse_whois(text, "brelwick.zz", NOW).outcome is Outcome.ERROR


def test_a_registry_out_of_zone_is_no_free_name() -> None:
    reading = parse_whois("domain: brelwick.cz\nstatus: Not in zone\n", "brelwick.cz", NOW)
    assert (reading.outcome, reading.phase) == (Outcome.FOUND, Phase.HOLD)


def test_what_freds_registries_forbid_is_not_reserved() -> None:
    text = "domain: brelwick.cz\nstatus: Deletion forbidden\nstatus: Update forbidden\nexpire: 29.10.2027\n"
    assert parse_whois(text, "brelwick.cz", NOW).phase is Phase.ACTIVE
