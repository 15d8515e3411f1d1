from __future__ import annotations

from jobs.providers.pace.table import DAY, SERVERS, Pace, Window, pace_of


def test_a_published_limit_is_kept_whatever_the_settings_say() -> None:
    pace = pace_of("rdap.nominet.uk", 10_000.0)
    assert pace.rate < 5
    assert pace.windows == (Window(1000, DAY),)


def test_all_others_get_what_the_settings_say_two_at_a_time_while_it_is_little() -> None:
    assert pace_of("rdap.registry.net", 1.0) == Pace(1.0, in_flight=2)
    assert pace_of("rdap.nominet.uk:8443", 1.0) == Pace(1.0, in_flight=2), "another server"
    assert pace_of("127.0.0.1:8080", 1000.0).in_flight == 100


def test_every_entry_names_its_source_and_can_be_kept() -> None:
    for server, pace in SERVERS.items():
        assert pace.source, server
        assert pace.in_flight >= 1
        assert 0 < pace.rate <= 8
        assert all(window.seconds <= DAY for window in pace.windows), "Redis forgets after two"
