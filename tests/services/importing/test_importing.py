"""Files of accounts become accounts, addresses and domains, once, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from sqlalchemy import select, update

from dashboard.database import db, writing
from dashboard.models import Account, Address, AuditEntry, Domain, ImportRun, Source
from dashboard.services.importing import Import, ImportProgress, ImportRefusedError, import_accounts
from tests.conftest import START
from tests.services.importing.conftest import (
    ANN,
    BEN,
    BOB,
    HEADER,
    TRANSACTIONS,
    Importer,
    bad,
    count,
    domain_names,
    good_rows,
)

ReadAddress = Callable[[str], Address]


def test_a_file_becomes_accounts_addresses_and_domains_that_are_due(importer: Importer, address: ReadAddress) -> None:
    result = importer.rows(ANN, BOB, BEN)
    assert (result.rows, result.accounts, result.addresses, result.domains_new, result.rejected) == (3, 2, 3, 2, 0)
    assert domain_names() == ["parcels.com", "tiny-shop.co.uk"]
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


@pytest.mark.parametrize(
    ("row", "due"),
    [
        (ANN, False),
        (ANN.replace("2020-01-02", "2026-10-30"), True),
        (ANN.replace("e1", "e9").replace("a1,ann", "a9,ann9"), True),
        (ANN.replace("e1", "e9").replace("true,2020-01-02T03:04:05Z", "false,"), False),
        (ANN.replace(",true,2026-10-01T08:00:00Z", ",false,2026-10-31T08:00:00Z"), False),
    ],
    ids=["nothing new", "verified again", "another address", "one not verified", "other facts of the account"],
)
def test_a_known_domain_is_due_at_once_when_an_address_on_it_was_verified_anew(
    importer: Importer, row: str, *, due: bool
) -> None:
    importer.rows(ANN, BOB)
    later = START + timedelta(days=30)
    with writing() as session:
        session.execute(update(Domain).values(next_check_at=later))
    importer.rows(row, BOB)
    assert db.session.scalars(select(Domain.next_check_at).where(Domain.name == "parcels.com")).one() == (
        START if due else later
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


def test_sources_do_not_share_ids_but_share_domains(importer: Importer) -> None:
    importer.rows(ANN)
    with writing() as session:
        session.add(Source(slug="other", name="Other", created_at=START))
    file = importer.file("accounts.csv", f"{HEADER}\n{bad(ANN, 'a1,', 'a7,')}\n")
    result = import_accounts(Import(file, "other", importer.rejects), TRANSACTIONS, now=START)
    assert (result.rejected, result.domains_new, count(Address)) == (0, 0, 2)


def test_an_unknown_source_is_refused(importer: Importer) -> None:
    with pytest.raises(ImportRefusedError, match="no source 'nowhere'"):
        import_accounts(Import(importer.file("a.csv", HEADER), "nowhere", importer.rejects), TRANSACTIONS, now=START)


def test_a_stopped_import_goes_on_where_its_last_chunk_ended(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.services.importing.parsing.CHUNK_ROWS", 10)
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


def test_accounts_may_be_scattered_over_the_file(
    importer: Importer, address: ReadAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.services.importing.parsing.CHUNK_ROWS", 10)
    rows = good_rows(40)
    result = importer.rows(BOB, *rows[:9], ANN, *rows[9:], BEN)
    assert (result.accounts, count(Account), count(Address), count(Domain)) == (42, 42, 43, 42)
    assert address("e3").account_id == address("e2").account_id


def test_two_imports_of_one_file_at_once_are_told_apart(importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.services.importing.parsing.CHUNK_ROWS", 10)
    file = importer.file("accounts.csv", "\n".join([HEADER, *good_rows(30)]))

    def other_meanwhile(progress: ImportProgress) -> None:
        if progress.stage == "storing" and progress.done == 10:
            import_accounts(Import(file, "index", importer.folder / "other.csv"), TRANSACTIONS, now=START)

    with pytest.raises(ImportRefusedError, match="imported by another process"):
        importer.accounts(file, progress=other_meanwhile)
    assert (count(Address), count(AuditEntry)) == (30, 1)


def test_addresses_that_another_import_brings_meanwhile_do_no_harm(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.services.importing.parsing.CHUNK_ROWS", 10)
    file = importer.file("accounts.csv", "\n".join([HEADER, *good_rows(30)]))
    overlapping = importer.file("others.csv", "\n".join([HEADER, *good_rows(30, start=115)]))

    def other_meanwhile(progress: ImportProgress) -> None:
        if progress.stage == "storing" and progress.done == 10:
            import_accounts(Import(overlapping, "index", importer.folder / "other.csv"), TRANSACTIONS, now=START)

    result = importer.accounts(file, progress=other_meanwhile)
    assert (result.rejected, count(Address), count(Account), count(Domain)) == (0, 45, 45, 45)
