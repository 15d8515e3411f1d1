"""Passwords: argon2id, with the library's parameters of RFC 9106's low-memory profile."""

from __future__ import annotations

import unicodedata
from functools import cached_property
from typing import cast

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app

MIN_LENGTH = 12
MAX_LENGTH = 1024  # hashing must not be a way to keep the machine busy
PASSWORDS = "lapsewatch.passwords"


class Passwords:
    """Makes and checks password hashes; `hasher` is argon2-cffi's with its parameters."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()

    @cached_property
    def _nobody(self) -> str:
        return self.hash("nobody has this password")

    def hash(self, password: str) -> str:
        """Return the argon2id hash of `password`, in its text form with parameters and salt."""
        return self._hasher.hash(_normal(password))

    def matches(self, password: str, kept: str | None) -> bool:
        """Whether `password` belongs to the hash `kept`; where there is none, the answer takes just as long."""
        nobody = self._nobody  # asked for every time, so that making it tells nothing either
        try:
            self._hasher.verify(kept or nobody, _normal(password)[:MAX_LENGTH])
        except (VerificationError, InvalidHashError):
            return False
        return kept is not None


def acceptable(password: str) -> bool:
    """Whether `password` is long enough (and not absurdly long) to be taken."""
    return MIN_LENGTH <= len(_normal(password)) <= MAX_LENGTH


def passwords() -> Passwords:
    """Return the application's password hashing."""
    return cast("Passwords", current_app.extensions[PASSWORDS])


def _normal(password: str) -> str:
    """Keyboards write the same letters as different code points (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)
