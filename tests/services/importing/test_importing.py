"""Files of accounts become accounts, addresses and domains, once, whole or not at all."""

from __future__ import annotations

import gzip
import io
import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime

import orjson
import pytest
from sqlalchemy import func, select

from dashboard.database import db
from dashboard.models import (
    Account,
    AccountPackage,
    Address,
    AuditEntry,
    Domain,
    ImportRun,
    Package,
    SecurityEvent,
)
from dashboard.services.importing import ImportProgress, ImportRefusedError
from tests.conftest import START
from tests.services.importing.conftest import ANN, BEN, BOB, HEADER, Importer, good_rows

ReadAddress = Callable[[str], Address]


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def names() -> list[str]:
    return list(db.session.scalars(select(Domain.name).order_by(Domain.name)))


def test_a_file_becomes_accounts_addresses_and_domains_that_are_due(importer: Importer, address: ReadAddress) -> None:
    result = importer.rows(ANN, BOB, BEN)
    assert (result.rows, result.accounts, result.addresses, result.domains_new, result.rejected) == (3, 2, 3, 2, 0)
    assert names() == ["parcels.com", "tiny-shop.co.uk"]
    assert set(db.session.scalars(select(Domain.next_check_at))) == {START}
    ann = address("e1")
    assert (ann.local_part, ann.host, ann.account.username, ann.account.two_factor) == (
        "ann",
        "parcels.com",
        "ann",
        True,
    )
    assert ann.verified_at == ann.first_verified_at == datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert ann.account.last_active_at == datetime(2026, 10, 1, 8, tzinfo=UTC)
    assert address("e3").verified_at == datetime(2021, 5, 4, 22, tzinfo=UTC)
    bob = address("e2")
    assert (bob.host, bob.domain and bob.domain.name, bob.verified, bob.verified_at) == (
        "mail.parcels.com",
        "parcels.com",
        False,
        None,
    )
    assert bob.account.last_active_at is None


def test_the_same_file_again_changes_nothing_and_says_so(importer: Importer) -> None:
    assert not importer.rows(ANN, BOB, BEN).unchanged
    again = importer.rows(ANN, BOB, BEN)
    assert (again.unchanged, again.changed, again.rows) == (True, 0, 3)
    assert (count(Address), count(Domain)) == (3, 2)


def test_only_what_differs_is_changed(importer: Importer, address: ReadAddress) -> None:
    importer.rows(ANN, BOB, BEN)
    result = importer.rows(ANN, BOB.replace(",false,,true", ",true,2026-10-30T00:00:00Z,true"), BEN)
    assert (result.changed, result.domains_new) == (1, 0)
    assert address("e2").verified


def test_one_audit_entry_tells_of_the_import(importer: Importer) -> None:
    digest = importer.rows(ANN, BOB).digest
    entry = db.session.scalars(select(AuditEntry)).one()
    assert (entry.event, entry.actor) == ("import.finished", "system:import")
    data = orjson.loads(entry.canonical)["data"]
    assert (data["source"], data["kind"], data["digest"], data["rows"], data["rejected"]) == (
        "index",
        "accounts",
        digest,
        2,
        0,
    )
    run = db.session.scalars(select(ImportRun)).one()
    assert (run.state, run.rows_done, run.finished_at) == ("finished", 2, START)


def test_the_earliest_verification_ever_reported_is_kept(importer: Importer, address: ReadAddress) -> None:
    for year in ("2020", "2024", "2019", "2022"):
        importer.rows(ANN.replace("2020-01-02", f"{year}-01-02"))
    ann = address("e1")
    assert (ann.verified_at, ann.first_verified_at) == (
        datetime(2022, 1, 2, 3, 4, 5, tzinfo=UTC),
        datetime(2019, 1, 2, 3, 4, 5, tzinfo=UTC),
    )


def test_another_host_is_another_mailbox_with_a_verification_of_its_own(
    importer: Importer, address: ReadAddress
) -> None:
    importer.rows(ANN)
    importer.rows(ANN.replace("parcels.com", "posts.org").replace("2020-01-02", "2025-01-02"))
    ann = address("e1")
    assert (ann.host, ann.domain and ann.domain.name) == ("posts.org", "posts.org")
    assert ann.first_verified_at == datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_what_a_source_no_longer_tells_of_an_account_stays_known(importer: Importer, address: ReadAddress) -> None:
    importer.rows(ANN)
    importer.rows(ANN.replace("true,2026-10-01T08:00:00Z,e1", ",,e1"))
    assert (address("e1").account.two_factor, address("e1").account.last_active_at) == (
        True,
        datetime(2026, 10, 1, 8, tzinfo=UTC),
    )


def test_columns_come_in_any_order_with_others_among_them(importer: Importer, address: ReadAddress) -> None:
    header = "verified,colour,address_id,host,account_id,username,two_factor,last_active_at,verified_at,primary,state_token"
    result = importer.rows("true,red,e1,Mail.Parcels.COM,a1,ann,,,,true,t9", header=header)
    assert result.notices == ("column colour is not known and was ignored",)
    ann = address("e1")
    assert (ann.local_part, ann.host, ann.state_token) == (None, "mail.parcels.com", "t9")


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (
            "account_id,username,email",
            "missing two_factor, last_active_at, address_id, verified, verified_at, primary",
        ),
        (HEADER.replace(",email", ""), "missing email"),
        (HEADER + ",verified", "verified stands there more than once"),
        ("", "is empty"),
        ('"account_id', "quotes do not match"),
        (HEADER.replace(",", ";"), "missing account_id"),
        ("\0" + HEADER, "NUL"),
        (",".join(["x"] * 300), "more than 256 columns"),
    ],
)
def test_a_header_that_cannot_be_used_is_refused_by_name(importer: Importer, header: str, words: str) -> None:
    with pytest.raises(ImportRefusedError, match=words):
        importer.rows(ANN, header=header)
    assert (count(Account), count(ImportRun), count(AuditEntry)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("email", "host", "domain", "unchecked"),
    [
        ("käthe@bücher.example.de", "xn--bcher-kva.example.de", "example.de", None),
        ("k@BÜCHER.de", "xn--bcher-kva.de", "xn--bcher-kva.de", None),
        ("a@co.uk", "co.uk", None, "public_suffix"),
        ("a@[192.0.2.1]", "[192.0.2.1]", None, "ip_literal"),
        ("a@[IPv6:2001:db8::1]", "[2001:db8::1]", None, "ip_literal"),
        ("a@localhost", "localhost", None, "special_use"),
        ("a@x.test", "x.test", None, "special_use"),
        ("a@deep.x.onion", "deep.x.onion", None, "special_use"),
        ('"odd @ name"@parcels.com', "parcels.com", "parcels.com", None),
    ],
)
def test_hosts_are_reduced_or_stored_with_why_they_are_never_checked(
    importer: Importer, address: ReadAddress, email: str, host: str, domain: str | None, unchecked: str | None
) -> None:
    quoted = '"' + email.replace('"', '""') + '"'
    importer.rows(f"a1,ann,,,e1,{quoted},true,,true")
    found = address("e1")
    assert (found.host, found.domain and found.domain.name, found.unchecked) == (host, domain, unchecked)
    assert count(Domain) == (1 if domain else 0)


def bad(row: str, old: str, new: str) -> str:
    assert old in row
    return row.replace(old, new, 1)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a1,ann", "has 2 fields where the header has 9"),
        (ANN + ",more", "has 10 fields where the header has 9"),
        (bad(ANN, "ann@parcels.com", "annparcels.com"), "email: no @ sign"),
        (bad(ANN, "ann@parcels.com", "ann@"), "email: nothing after the @"),
        (bad(ANN, "ann@parcels.com", "ann@-bad-.com"), "the host is not a domain name"),
        (bad(ANN, "ann@parcels.com", f"{'x' * 260}@parcels.com"), "email: more than 255 characters before the @"),
        (bad(ANN, "ann@parcels.com", f"ann@{'x' * 300}.com"), "the host is not a domain name"),
        (bad(ANN, "ann@parcels.com", ""), "neither email nor host is given"),
        (bad(ANN, "a1,", ","), "account_id is empty"),
        (bad(ANN, "e1,", f"{'e' * 256},"), "address_id is longer than 255 characters"),
        (bad(ANN, "e1,", "e\t1,"), "address_id has control characters"),
        (bad(ANN, "e1,", "e\u202e1,"), "address_id has control characters"),
        (bad(ANN, "ann,true", "ann,yes"), "two_factor must be true, false or empty"),
        (bad(ANN, ",true,2020", ",,2020"), "verified must be true or false"),
        (
            bad(ANN, "2020-01-02T03:04:05Z", "2020-01-02T03:04:05"),
            "verified_at has no time zone (RFC 3339, e.g. 2026-05-14T18:40:05Z)",
        ),
        (
            bad(ANN, "2020-01-02T03:04:05Z", "1577934245"),
            "verified_at is not an RFC 3339 time (e.g. 2026-05-14T18:40:05Z)",
        ),
        (bad(ANN, "2020-01-02T", "2020-02-31T"), "verified_at is not a date that exists"),
        (bad(ANN, "2020-01-02T03:04:05Z", "0001-01-01T00:00:00+23:00"), "verified_at is not a date that exists"),
        (bad(ANN, "ann,", '"ann,'), "the quotes do not match"),
        (bad(ANN, "ann,", "a\0nn,"), "has a NUL byte"),
        (bad(ANN, "ann,", "a" * 2**20 + ","), "longer than 1,048,576 bytes"),
    ],
)
def test_a_bad_row_is_rejected_with_its_line_and_reason_and_the_rest_goes_on(
    importer: Importer, row: str, reason: str
) -> None:
    rows = good_rows(30)
    result = importer.rows(*rows[:10], row, *rows[10:])
    assert (result.rows, result.rejected, count(Address)) == (31, 1, 30)
    assert importer.reasons() == [(12, reason)]


def test_bytes_that_are_no_text_cost_their_own_row_only(importer: Importer) -> None:
    rows = (
        "\n".join([HEADER, *good_rows(30)]).encode()
        + b"\na1,\xff\xfe,,,e1,ann@parcels.com,true,,true\n"
        + ANN.encode()
    )
    result = importer.accounts(importer.file("accounts.csv", rows))
    assert (result.rows, result.rejected) == (32, 1)
    assert importer.reasons() == [(32, "is not UTF-8")]


def test_the_rejects_file_is_private_and_gives_no_address_away(importer: Importer) -> None:
    importer.rejects.write_text("line,reason,address\r\n7,of an older import,\r\n")
    importer.rows(*good_rows(20), bad(ANN, "true", "maybe"))
    assert stat.S_IMODE(importer.rejects.stat().st_mode) == 0o600
    assert importer.rejected() == [
        {"line": "22", "reason": "two_factor must be true, false or empty", "address": "a•••@parcels.com"}
    ]
    assert "ann" not in importer.rejects.read_text()
    importer.rows(*good_rows(20))
    assert not importer.rejects.exists()


@pytest.mark.parametrize(("bad_rows", "stops"), [(5, False), (6, True)])
def test_more_than_five_in_a_hundred_bad_rows_leave_nothing_behind(
    importer: Importer, bad_rows: int, *, stops: bool
) -> None:
    rows = [*good_rows(100 - bad_rows), *["nonsense"] * bad_rows]
    if stops:
        with pytest.raises(ImportRefusedError, match="6 of 100 rows are bad, more than 5%: nothing was imported"):
            importer.rows(*rows)
    else:
        assert importer.rows(*rows).rejected == 5
    assert len(importer.rejected()) == bad_rows
    stored = 0 if stops else 95
    assert (count(Account), count(Domain), count(ImportRun)) == (stored, stored, 0 if stops else 1)


def test_an_address_that_comes_twice_is_kept_as_it_first_came(importer: Importer, address: ReadAddress) -> None:
    rows = good_rows(40)
    result = importer.rows(ANN, *rows, bad(ANN, "ann@parcels.com", "eve@evil.com"))
    assert (result.rejected, result.addresses) == (1, 41)
    assert importer.reasons() == [(43, "address_id was on line 2 already")]
    assert (address("e1").host, "evil.com" in names()) == ("parcels.com", False)


def test_an_address_of_another_account_is_not_moved(importer: Importer, address: ReadAddress) -> None:
    importer.rows(ANN)
    importer.rows(*good_rows(20), bad(ANN, "a1,", "a9,"))
    assert importer.reasons() == [(22, "address_id belongs to another account")]
    assert address("e1").account.external_id == "a1"


def test_sources_do_not_share_ids_but_share_domains(importer: Importer) -> None:
    from dashboard.database import writing
    from dashboard.models import Source
    from dashboard.services.importing import Import, import_accounts
    from tests.services.importing.conftest import TRANSACTIONS

    importer.rows(ANN)
    with writing() as session:
        session.add(Source(slug="other", name="Other", created_at=START))
    file = importer.file("accounts.csv", f"{HEADER}\n{bad(ANN, 'a1,', 'a7,')}\n")
    result = import_accounts(Import(file, "other", importer.rejects), TRANSACTIONS, now=START)
    assert (result.rejected, result.domains_new, count(Address)) == (0, 0, 2)


def test_an_unknown_source_is_refused(importer: Importer) -> None:
    from dashboard.services.importing import Import, import_accounts
    from tests.services.importing.conftest import TRANSACTIONS

    with pytest.raises(ImportRefusedError, match="no source 'nowhere'"):
        import_accounts(Import(importer.file("a.csv", HEADER), "nowhere", importer.rejects), TRANSACTIONS, now=START)


CTX = {
    "account_id": 42,
    "username": "ann",
    "two_factor": None,
    "account_created_at": "2014-12-19T00:00:00Z",
    "shoe_size": 41,
    "addresses": [
        {"address_id": "e1", "email": "ann@parcels.com", "verified": True, "verified_at": "2015-01-01T00:00:00Z"},
        {"address_id": "e2", "host": "tiny-shop.co.uk", "verified": False, "primary": True, "state_token": "t1"},
    ],
    "packages": [
        {
            "name": "box",
            "purl": "pkg:pypi/box",
            "role": "owner",
            "other_owners": 0,
            "critical": True,
            "downloads_30d": 27000,
        },
        {"name": "lid", "purl": "pkg:pypi/lid", "last_release_at": "2022-05-14T19:18:36Z"},
    ],
    "security_events": [
        {"kind": "password_reset", "at": "2022-05-14T18:52:40Z"},
        {"kind": "login", "at": "2022-05-14T18:53:00Z"},
    ],
}


def test_an_account_line_brings_addresses_packages_and_events(importer: Importer, address: ReadAddress) -> None:
    result = importer.objects(CTX)
    assert (result.rows, result.accounts, result.addresses, result.domains_new) == (1, 1, 2, 2)
    assert result.notices == ("key shoe_size is not known and was ignored",)
    assert (address("e1").account.external_id, address("e2").local_part, address("e2").is_primary) == (
        "42",
        None,
        True,
    )
    packages = {each.name: each for each in db.session.scalars(select(Package))}
    assert (packages["box"].critical, packages["box"].downloads_30d, packages["lid"].critical) == (True, 27000, False)
    owners = {
        (each.package.name, each.role, each.other_owners) for each in db.session.scalars(select(AccountPackage))
    }
    assert owners == {("box", "owner", 0), ("lid", None, None)}
    assert set(db.session.scalars(select(SecurityEvent.kind))) == {"password_reset", "login"}
    assert importer.objects(CTX).unchanged


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"addresses": {}}, "addresses must be a list"),
        ({"addresses": [7]}, "addresses[0] must be an object"),
        ({"addresses": [{"address_id": "e1", "email": "a@b.com"}]}, "addresses[0].verified must be true or false"),
        ({"addresses": [{"email": "a@b.com", "verified": True}]}, "addresses[0].address_id is empty"),
        ({"account_id": None}, "account_id is empty"),
        ({"account_id": "a\0b"}, "account_id has control characters"),
        ({"account_id": ["a"]}, "account_id must be a string or null"),
        ({"two_factor": "true"}, "two_factor must be true, false or null"),
        ({"packages": [{"name": "box", "purl": "box"}]}, "packages[0].purl must start with pkg:"),
        (
            {"packages": [{"name": "box", "purl": "pkg:pypi/box", "downloads_30d": 2**64}]},
            "packages[0].downloads_30d must be a whole number of at least 0",
        ),
        (
            {"packages": [{"name": "box", "purl": "pkg:pypi/box", "other_owners": -1}]},
            "packages[0].other_owners must be a whole number of at least 0",
        ),
        ({"security_events": [{"kind": "login"}]}, "security_events[0].at is empty"),
        ({"security_events": [{"kind": "login", "at": "2022-05-14"}]}, "security_events[0].at has no time zone"),
    ],
)
def test_a_bad_account_line_is_rejected_as_a_whole(
    importer: Importer, change: dict[str, object], reason: str
) -> None:
    others = [{"account_id": f"a{n}", "addresses": []} for n in range(20)]
    text = b"\n".join(map(orjson.dumps, others))
    importer.accounts(importer.file("accounts.ndjson", text + b"\n" + json.dumps(CTX | change).encode()))
    ((line, found),) = importer.reasons()
    assert line == 21
    assert found.startswith(reason)
    assert (count(Account), count(Address), count(Package), count(SecurityEvent)) == (20, 0, 0, 0)


@pytest.mark.parametrize("text", ["{", "[]", "nul", '{"account_id": "a', "[" * 5000])
def test_a_line_that_is_no_object_is_rejected(importer: Importer, text: str) -> None:
    importer.accounts(importer.file("a.ndjson", '{"account_id":"a1"}\n' * 30 + text))
    assert importer.reasons()[0][0] == 31


PACKAGES = "account_id,name,purl,downloads_30d,last_release_at"


def test_packages_are_brought_by_a_file_of_their_own(importer: Importer) -> None:
    importer.rows(ANN, BOB)
    rows = [
        PACKAGES,
        "a1,box,pkg:pypi/box,27000,2022-05-14T19:18:36Z",
        "a2,box,pkg:pypi/box,27000,2022-05-14T19:18:36Z",
    ]
    file = importer.file("packages.csv", "\n".join(rows))
    result = importer.packages(file)
    assert (result.rows, result.changed, count(Package), count(AccountPackage)) == (2, 3, 1, 2)
    assert importer.packages(file).unchanged


def test_packages_of_accounts_that_are_not_known_are_rejected(importer: Importer) -> None:
    importer.rows(ANN)
    known = [f"a1,p{n},pkg:pypi/p{n},," for n in range(20)]
    importer.packages(importer.file("packages.csv", "\n".join([PACKAGES, *known, "a9,box,pkg:pypi/box,5,"])))
    assert importer.reasons() == [(22, "account_id is not known: import accounts first")]
    assert count(Package) == 20


def test_packages_do_not_forget_what_another_file_told(importer: Importer) -> None:
    importer.objects(CTX)
    importer.packages(importer.file("packages.csv", f"{PACKAGES}\n42,box,pkg:pypi/box,,\n"))
    box = db.session.scalars(select(Package).where(Package.name == "box")).one()
    assert (box.critical, box.downloads_30d) == (True, 27000)


@pytest.mark.parametrize("name", ["accounts.csv.gz", "accounts.CSV"])
def test_packed_files_are_read_too(importer: Importer, name: str) -> None:
    assert importer.rows(ANN, BOB, name=name).rows == 2


def test_a_pipe_may_carry_any_format(importer: Importer) -> None:
    text = f"\n{HEADER}\n{ANN}\n".encode().lstrip()
    assert importer.accounts(io.BytesIO(text)).addresses == 1
    assert importer.accounts(io.BytesIO(gzip.compress(text))).unchanged
    assert importer.accounts(io.BytesIO(b"\xef\xbb\xbf" + orjson.dumps(CTX | {"addresses": []}))).accounts == 1


def test_windows_line_ends_a_byte_order_mark_and_blank_lines_do_no_harm(importer: Importer) -> None:
    text = b"\xef\xbb\xbf" + f"{HEADER}\r\n{ANN}\r\n\r\n{BOB}\r\n\r\n".encode()
    result = importer.accounts(importer.file("accounts.csv", text))
    assert (result.rows, result.rejected) == (2, 0)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("accounts.txt", b"", "must end in .csv, .ndjson"),
        ("accounts.csv", b"", "is empty"),
        ("accounts.csv.gz", None, "cut off or damaged"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(
    importer: Importer, name: str, content: bytes | None, words: str
) -> None:
    file = importer.file(name, content if content is not None else HEADER + "\n" + "\n".join(good_rows(500)))
    if content is None:
        file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(ImportRefusedError, match=words):
        importer.accounts(file)
    assert (count(Address), count(ImportRun)) == (0, 0)


def test_a_missing_file_is_refused_with_its_name(importer: Importer) -> None:
    with pytest.raises(ImportRefusedError, match=r"gone.csv: No such file"):
        importer.accounts(importer.folder / "gone.csv")


def test_a_stopped_import_goes_on_where_its_last_chunk_ended(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.services.importing.survey.CHUNK_ROWS", 10)
    file = importer.file("accounts.csv", "\n".join([HEADER, *good_rows(35)]))

    class PowerCut(BaseException): ...

    def cut(progress: ImportProgress) -> None:
        if progress.stage == "storing" and progress.done == 20:
            raise PowerCut

    with pytest.raises(PowerCut):
        importer.accounts(file, progress=cut)
    assert count(Address) == 20
    seen: list[int] = []
    result = importer.accounts(file, progress=lambda p: seen.append(p.done) if p.stage == "storing" else None)
    assert (result.resumed_from, result.changed, seen) == (20, 30, [30, 35])
    assert (count(Address), count(ImportRun), count(AuditEntry)) == (35, 1, 1)


def test_another_file_in_between_does_not_disturb_a_stopped_one(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.services.importing.survey.CHUNK_ROWS", 10)
    result = importer.rows(*good_rows(25))
    assert result.resumed_from is None
    assert importer.rows(*good_rows(25)).unchanged
