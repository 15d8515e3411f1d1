"""Password hashes."""

from __future__ import annotations

from typing import Literal

import pytest
from argon2 import Parameters, PasswordHasher, extract_parameters
from argon2.low_level import Type

from dashboard.auth.passwords import Passwords, acceptable
from tests.support.people import CHEAP


def test_a_password_fits_its_own_hash_only() -> None:
    kept = CHEAP.hash("correct horse battery")
    assert CHEAP.matches("correct horse battery", kept)
    assert not CHEAP.matches("correct horse batterx", kept)
    assert not CHEAP.matches("correct horse battery", None)
    assert not CHEAP.matches("correct horse battery", "no hash at all")
    assert kept != CHEAP.hash("correct horse battery")


def test_even_the_stand_in_for_unknown_people_lets_nobody_in() -> None:
    assert not CHEAP.matches("nobody has this password", None)


def test_real_hashes_are_argon2id_with_the_recommended_memory() -> None:
    parameters = extract_parameters(Passwords().hash("correct horse battery"))
    assert parameters.type is Type.ID
    assert parameters.memory_cost >= 64 * 1024
    assert parameters.time_cost >= 3


@pytest.mark.parametrize("password", ["x" * 12, "x" * 1024, "é" * 12])
def test_long_enough_is_good_enough(password: str) -> None:
    assert acceptable(password)


@pytest.mark.parametrize("password", ["", "x" * 11, "x" * 1025])
def test_too_short_and_absurdly_long_ones_are_refused(password: str) -> None:
    assert not acceptable(password)


def test_the_same_letters_typed_on_another_keyboard_fit() -> None:
    assert CHEAP.matches("cafe\u0301 horse battery", CHEAP.hash("caf\u00e9 horse battery"))


class Noted(PasswordHasher):
    """Notes how much work each comparison is: what it costs in time, whatever else the machine does."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=4096, parallelism=1)
        self.compared: list[Parameters] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002  argon2's signature
        """Compare as usual."""
        self.compared.append(extract_parameters(hash if isinstance(hash, str) else hash.decode()))
        return super().verify(hash, password)


def test_an_unknown_name_takes_as_long_as_a_known_one() -> None:
    hasher = Noted()
    some = Passwords(hasher)
    kept = some.hash("correct horse battery")
    assert not some.matches("wrong horse battery", kept)
    known = hasher.compared[:]
    assert not some.matches("wrong horse battery", None)
    unknown = hasher.compared[len(known) :]
    assert len(known) == 1
    assert unknown == known
