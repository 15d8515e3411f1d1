"""Packages in a file of their own."""

from __future__ import annotations

from sqlalchemy import select

from dashboard.database import db
from dashboard.models import AccountPackage, Package
from tests.services.importing.conftest import ANN, BOB, CTX, Importer, count

PACKAGES = "account_id,name,purl,downloads_30d,last_release_at"


def test_packages_are_brought_by_a_file_of_their_own(importer: Importer) -> None:
    importer.rows(ANN, BOB)
    rows = [
        PACKAGES,
        "a1,box,pkg:pypi/box,27000,2022-05-14T19:18:36Z",
        "a2,box,pkg:pypi/box,27000,2022-05-14T19:18:36Z",
    ]
    file = importer.file("packages.csv", "\n".join(rows))
    result = importer.packages(file)
    assert (result.rows, result.changed, count(Package), count(AccountPackage)) == (2, 3, 1, 2)
    assert importer.packages(file).unchanged


def test_packages_of_accounts_that_are_not_known_are_rejected(importer: Importer) -> None:
    importer.rows(ANN)
    known = [f"a1,p{n},pkg:pypi/p{n},," for n in range(20)]
    importer.packages(importer.file("packages.csv", "\n".join([PACKAGES, *known, "a9,box,pkg:pypi/box,5,"])))
    assert importer.reasons() == [(22, "account_id is not known: import accounts first")]
    assert count(Package) == 20


def test_packages_do_not_forget_what_another_file_told(importer: Importer) -> None:
    importer.objects(CTX)
    importer.packages(importer.file("packages.csv", f"{PACKAGES}\n42,box,pkg:pypi/box,,\n"))
    box = db.session.scalars(select(Package).where(Package.name == "box")).one()
    assert (box.critical, box.downloads_30d) == (True, 27000)
