from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.score.whois import expected_time, main

FREE = "Domain Name: torvale.zz\nDomain Status: Available\n"
HELD = "Domain Name: brelwick.zz\nCreation Date: 2019-02-03\nExpiration Date: 2027-02-03\nName Server: ns1.a.test\n"


def case(folder: Path, name: str, reply: str, *expected: str) -> None:
    place = folder / "whois.test" / "zz"
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{name}.txt").write_text(reply)
    (place / f"{name}.expected").write_text("\n".join(expected))


def available(folder: Path, name: str, reply: str) -> None:
    case(folder, name, reply, "#status", "  %s == :available", "#available?", "  %s == true")


def registered(folder: Path, name: str, reply: str, day: str) -> None:
    state = ("#status", "  %s == :registered", "#registered?", "  %s == true")
    case(folder, name, reply, *state, "#expires_on", "  %s %CLASS{time}", f"  %s %TIME{{{day}}}")


def test_the_shares_and_dates_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    available(tmp_path, "free", FREE)
    registered(tmp_path, "held", HELD, "2027-02-03")
    registered(tmp_path, "dated_wrong", HELD, "2027-02-04")
    assert main([str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "available found      1 of 1 (100.0%)" in printed
    assert "registered found     2 of 2 (100.0%)" in printed
    assert "expiry exact         1 of 2 (50.0%)" in printed
    assert "dated_wrong.txt: expected 2027-02-04 00:00:00+00:00, found 2027-02-03 00:00:00+00:00" in printed
    assert "falsely available    0" in printed


def test_a_name_that_is_falsely_available_fails_the_score(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    registered(tmp_path, "gone", FREE, "2027-02-03")
    case(tmp_path, "limited", FREE, "#response_throttled?", "  %s == true")
    assert main([str(tmp_path)]) == 1
    assert "falsely available    2" in capsys.readouterr().out


def test_without_the_data_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "elsewhere")]) == 0
    assert "Nothing to score" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("%TIME{2027-02-03}", datetime(2027, 2, 3, tzinfo=UTC)),
        ("%TIME{2027-02-03 10:20:30 UTC}", datetime(2027, 2, 3, 10, 20, 30, tzinfo=UTC)),
        ("%TIME{2027-02-03T10:20:30.0Z}", datetime(2027, 2, 3, 10, 20, 30, tzinfo=UTC)),
        ("%TIME{2027-02-03 12:20:30 +02:00}", datetime(2027, 2, 3, 10, 20, 30, tzinfo=UTC)),
        ("%TIME{2027-02-03T03:20:30-0700}", datetime(2027, 2, 3, 10, 20, 30, tzinfo=UTC)),
        ("%TIME{2027-02-03 10:20 WAT}", datetime(2027, 2, 3, 10, 20, tzinfo=UTC)),
        ("== nil", None),
        ("%TIME{03/02/27}", None),
    ],
)
def test_expected_times_are_read(text: str, moment: datetime | None) -> None:
    assert expected_time(text) == moment
