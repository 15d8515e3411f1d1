from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.providers.whois.dates import DateRules, read_date, rules_for

DAY_FIRST, MONTH_FIRST = DateRules(), DateRules(month_first=True)


@pytest.mark.parametrize(
    "text",
    [
        "2027-02-03",
        "2027/02/03",
        "2027.02.03",
        "2027. 02. 03.",
        "2027. 2. 3.",
        "20270203",
        "20270203 #162310",
        "03.02.2027",
        "3.2.2027",
        "03/02/2027",
        "03-02-2027",
        "03-Feb-2027",
        "3 Feb 2027",
        "3-February-2027",
        "3rd February 2027",
        "Feb 3 2027",
        "February 3, 2027",
        "2027-Feb-03.",
        "3 de febrero de 2027",
        "3 février 2027",
        "Wed Feb 03 2027",
        "2027-02-03 (YYYY-MM-DD)",
        "2027年02月03日",
        "2027년 2월 3일",
    ],
)
def test_a_day_in_every_order(text: str) -> None:
    assert read_date(text, DAY_FIRST) == datetime(2027, 2, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2027-02-03T10:20:30Z", 10),
        ("2027-02-03T10:20:30.123Z", 10),
        ("2027-02-03 10:20:30 UTC", 10),
        ("2027-02-03 10:20:30", 10),
        ("2027-02-03T12:20:30+0200", 10),
        ("2027-02-03 12:20:30+02", 10),
        ("2027-02-03 12:20:30 +02:00", 10),
        ("2027-02-03T03:20:30-0700", 10),
        ("2027-02-03 12:20:30 (GMT+2:00)", 10),
        ("2027.02.03 10:20:30", 10),
        ("03-Feb-2027 10:20:30 UTC", 10),
        ("03 Feb 2027 10:20:30", 10),
        ("Wed Feb 03 10:20:30 GMT 2027", 10),
        ("Wed Feb  3 10:20:30 2027", 10),
        ("20270203102030", 10),
        ("03/02/2027 10:20:30 EET", 10),
    ],
)
def test_a_time_and_its_zone(text: str, hour: int) -> None:
    assert read_date(text, DAY_FIRST) == datetime(2027, 2, 3, hour, 20, 30, tzinfo=UTC)


def test_digits_that_could_be_either_follow_the_reply_then_the_tld() -> None:
    assert read_date("03/02/2027", MONTH_FIRST) == datetime(2027, 3, 2, tzinfo=UTC)
    assert read_date("23/02/2027", MONTH_FIRST) == datetime(2027, 2, 23, tzinfo=UTC)
    assert read_date("02/23/2027", DAY_FIRST) == datetime(2027, 2, 23, tzinfo=UTC)
    assert rules_for("im", ["03/02/2027"]) == DAY_FIRST
    assert rules_for("tk", ["03/02/2027"]) == MONTH_FIRST
    assert rules_for("tk", ["03/02/2027", "25/12/2019"]) == DAY_FIRST
    assert rules_for("im", ["03/02/2027", "12/25/2019"]) == MONTH_FIRST
    assert rules_for("tk", [], "complete date format : DD/MM/YYYY") == DAY_FIRST
    assert rules_for("im", [], "Dates: mm/dd/yyyy") == MONTH_FIRST


def test_the_oldest_records_tell_a_bound() -> None:
    assert read_date("before Aug-1996", DAY_FIRST) == datetime(1996, 8, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "none",
        "No",
        "0000-00-00",
        "2027-02-30",
        "1970-01-01",
        "9999-12-31",
        "31/31/2027",
        "+1.2083895740",
        "12 Foo 2027",
    ],
)
def test_what_is_no_date_or_stands_for_none(text: str) -> None:
    assert read_date(text, DAY_FIRST) is None


@given(
    st.text(max_size=60)
    | st.from_regex(r"\d{1,4}[-/. ]\w{1,4}[-/. ]\d{1,4}( \d\d:\d\d(:\d\d)?( ?[+-]\d{1,4})?)?", fullmatch=True)
)
def test_any_text_is_a_date_in_utc_or_none(text: str) -> None:
    moment = read_date(text, DAY_FIRST)
    assert moment is None or moment.tzinfo is UTC


@given(
    st.dates(date(1990, 1, 1), date(2100, 1, 1)),
    st.sampled_from(["%Y-%m-%d", "%d-%b-%Y", "%d.%m.%Y", "%Y%m%d", "%d/%m/%Y", "%B %d, %Y"]),
)
def test_what_is_written_is_read(day: date, order: str) -> None:
    assert read_date(day.strftime(order), DAY_FIRST) == datetime(day.year, day.month, day.day, tzinfo=UTC)
