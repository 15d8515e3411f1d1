"""Bad rows are told of and cost nothing else; too many of them stop the whole file."""

from __future__ import annotations

import stat
from collections.abc import Callable

import pytest

from dashboard.models import Account, Address, Domain, ImportRun
from dashboard.services.importing import ImportRefusedError
from tests.services.importing.conftest import ANN, HEADER, Importer, bad, count, domain_names, good_rows

ReadAddress = Callable[[str], Address]


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
    assert (address("e1").host, "evil.com" in domain_names()) == ("parcels.com", False)


def test_an_address_of_another_account_is_not_moved(importer: Importer, address: ReadAddress) -> None:
    importer.rows(ANN)
    importer.rows(*good_rows(20), bad(ANN, "a1,", "a9,"))
    assert importer.reasons() == [(22, "address_id belongs to another account")]
    assert address("e1").account.external_id == "a1"
