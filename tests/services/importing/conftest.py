"""Shared by the tests of the import: a source, files, and a way to import them."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import orjson
import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dashboard.database import db, writing
from dashboard.models import Address, Domain, Source
from dashboard.services.importing import Import, ImportResult, Transactions, import_accounts, import_packages
from tests.conftest import START

HEADER = "account_id,username,two_factor,last_active_at,address_id,email,verified,verified_at,primary"
ANN = "a1,ann,true,2026-10-01T08:00:00Z,e1,ann@parcels.com,true,2020-01-02T03:04:05Z,true"
BOB = "a2,bob,false,,e2,bob@mail.parcels.com,false,,true"
BEN = "a2,bob,false,,e3,ben@tiny-shop.co.uk,true,2021-05-05T00:00:00+02:00,false"

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


@contextmanager
def reading() -> Iterator[Session]:
    session = db.session()
    try:
        yield session
    finally:
        session.rollback()


TRANSACTIONS = Transactions(reading, writing)


class Importer:
    """Imports files made on the spot for the source `index`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rejects = folder / "rejects.csv"

    def file(self, name: str, text: str | bytes) -> Path:
        data = text if isinstance(text, bytes) else text.encode()
        path = self.folder / name
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    def accounts(self, file: Path | IO[bytes], **values: object) -> ImportResult:
        return import_accounts(self._what(file), TRANSACTIONS, now=START, **values)  # type: ignore[arg-type]

    def packages(self, file: Path) -> ImportResult:
        return import_packages(self._what(file), TRANSACTIONS, now=START)

    def rows(self, *rows: str, header: str = HEADER, name: str = "accounts.csv") -> ImportResult:
        """Import accounts of CSV rows."""
        return self.accounts(self.file(name, "\n".join((header, *rows)) + "\n"))

    def objects(self, *objects: Mapping[str, object]) -> ImportResult:
        """Import accounts of NDJSON objects."""
        return self.accounts(self.file("accounts.ndjson", b"".join(orjson.dumps(each) + b"\n" for each in objects)))

    def rejected(self) -> list[dict[str, str]]:
        with self.rejects.open(newline="") as file:
            return list(csv.DictReader(file))

    def reasons(self) -> list[tuple[int, str]]:
        return [(int(row["line"]), row["reason"]) for row in self.rejected()]

    def _what(self, file: Path | IO[bytes]) -> Import:
        return Import(file, "index", self.rejects, self.folder)


@pytest.fixture
def importer(context: Flask, tmp_path: Path) -> Importer:
    with writing() as session:
        session.add(Source(slug="index", name="Index", created_at=START))
    return Importer(tmp_path)


@pytest.fixture
def address(importer: Importer) -> Callable[[str], Address]:
    """Read an address by its source's id."""

    def read(external_id: str) -> Address:
        db.session.expire_all()
        return db.session.scalars(select(Address).where(Address.external_id == external_id)).one()

    return read


def good_rows(count: int, start: int = 100) -> list[str]:
    """Make rows without fault, one account and domain each."""
    return [
        f"acc{n},user{n},,,adr{n},user{n}@sample-{n}.com,true,2020-01-01T00:00:00Z,true"
        for n in range(start, start + count)
    ]


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def bad(row: str, old: str, new: str) -> str:
    assert old in row
    return row.replace(old, new, 1)


def domain_names() -> list[str]:
    return list(db.session.scalars(select(Domain.name).order_by(Domain.name)))
