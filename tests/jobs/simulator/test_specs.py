from __future__ import annotations

import pytest

from jobs.simulator.sample import sample_world
from jobs.simulator.scenarios import ctx_scenario
from jobs.simulator.specs import dump_spec, load_spec
from tests.jobs.simulator.helpers import make_spec


def test_every_spec_survives_its_file() -> None:
    specs = [*sample_world(), ctx_scenario().spec, make_spec()]

    assert [load_spec(dump_spec(spec)) for spec in specs] == specs


def test_a_spec_is_one_line() -> None:
    assert b"\n" not in dump_spec(make_spec())


@pytest.mark.parametrize("line", [b"", b"[]", b"{}", b'{"name": "a.com", "profile": "moon"}'])
def test_what_is_no_spec_is_refused(line: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        load_spec(line)


def test_an_owner_who_catches_their_own_name_gets_a_new_handle() -> None:
    spec = make_spec()

    assert spec.next_holder().handle != spec.holder.handle
    assert spec.next_holder().registrar == spec.holder.registrar
