from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from jobs.simulator.specs import Story
from jobs.simulator.states import state_at
from jobs.simulator.stories import Stage
from jobs.simulator.world import DEMO_START, MAILBOX_PROVIDERS, World, generated_spec
from tests.jobs.simulator.helpers import make_spec


def test_a_world_survives_its_file(tmp_path: Path) -> None:
    world = World([make_spec(), make_spec("a.co.uk", Story.STEADY)])

    world.dump(tmp_path / "world.ndjson")

    assert list(World.load(tmp_path / "world.ndjson")) == list(world)


def test_a_bad_line_is_named(tmp_path: Path) -> None:
    world = World()
    world.dump(tmp_path / "world.ndjson")
    with (tmp_path / "world.ndjson").open("a") as file:
        file.write("{}\n")

    with pytest.raises(ValueError, match=f"world.ndjson, line {len(world) + 1}"):
        World.load(tmp_path / "world.ndjson")


def test_hosts_belong_to_the_domain_they_lie_under() -> None:
    spec = make_spec("a.co.uk")
    world = World([spec])

    assert world.find("mail.lists.a.co.uk") == spec
    assert world.find("a.co.uk") == spec
    assert world.find("co.uk") is None
    assert world.get("mail.a.co.uk") is None
    assert (world.zone_above("x.a.co.uk"), world.zone_above("x.nowhere")) == ("co.uk", "")


def test_mailbox_providers_are_in_every_world() -> None:
    assert all(world_spec.story is Story.STEADY for world_spec in map(World().get, MAILBOX_PROVIDERS) if world_spec)
    assert "com" in World().tlds()


def test_generated_names_need_no_file_and_are_the_same_each_time() -> None:
    spec = World().get("bench-000123.com")

    assert spec is not None
    assert spec == generated_spec("bench-000123.com")
    assert generated_spec("bench-12.com") is None
    assert generated_spec("bench-000123.xyz") is None


def test_a_small_share_of_generated_names_lapses() -> None:
    specs = [generated_spec(f"bench-{number:06}.com") for number in range(16000)]
    stages = Counter(state_at(spec, DEMO_START).stage for spec in specs if spec)

    assert stages == {Stage.ACTIVE: 15600, Stage.REDEMPTION: 400}
