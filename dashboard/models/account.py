"""Accounts of a source, their addresses, packages and security events."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dashboard.database import Base, BigId
from dashboard.models.domain import Domain
from dashboard.models.source import Source


class Account(Base):
    """A user of a source. `two_factor` and times are None where the source does not say."""

    __tablename__ = "accounts"
    __table_args__ = (UniqueConstraint("source_id", "external_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("sources.id"))
    external_id: Mapped[str] = mapped_column(String(255))
    username: Mapped[str] = mapped_column(String(255))
    two_factor: Mapped[bool | None]
    last_active_at: Mapped[datetime | None]
    account_created_at: Mapped[datetime | None]

    source: Mapped[Source] = relationship()
    addresses: Mapped[list[Address]] = relationship(back_populates="account")


class Address(Base):
    """An e-mail address of an account. Personal data: show `masked`, never `local_part`.

    `unchecked` says why its host is never checked (special-use name, bare public suffix, IP literal), and then
    `domain_id` is None. `state_token` is the source's own mark of the address's state, judged and compared.
    `first_verified_at` is the earliest verification ever reported.
    """

    __tablename__ = "addresses"
    __table_args__ = (
        UniqueConstraint("source_id", "external_id"),
        Index("ix_addresses_account_id", "account_id"),
        Index("ix_addresses_domain_id", "domain_id", "source_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("sources.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    external_id: Mapped[str] = mapped_column(String(255))
    local_part: Mapped[str | None] = mapped_column(String(255))
    host: Mapped[str] = mapped_column(String(253))
    domain_id: Mapped[int | None] = mapped_column(ForeignKey("domains.id"))
    unchecked: Mapped[str | None] = mapped_column(String(32))
    verified: Mapped[bool]
    verified_at: Mapped[datetime | None]
    first_verified_at: Mapped[datetime | None]
    is_primary: Mapped[bool]
    state_token: Mapped[str | None] = mapped_column(String(255))

    account: Mapped[Account] = relationship(back_populates="addresses")
    domain: Mapped[Domain | None] = relationship()


class Package(Base):
    """A package of a source, known by its purl."""

    __tablename__ = "packages"
    __table_args__ = (UniqueConstraint("source_id", "purl"), Index("ix_packages_name", "name"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("sources.id"))
    name: Mapped[str] = mapped_column(String(255))
    purl: Mapped[str] = mapped_column(String(512))
    critical: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    downloads_30d: Mapped[int | None] = mapped_column(BigInteger)
    last_release_at: Mapped[datetime | None]


class AccountPackage(Base):
    """That an account may publish a package, and how many others may too."""

    __tablename__ = "account_packages"
    __table_args__ = (Index("ix_account_packages_package_id", "package_id"),)

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    package_id: Mapped[int] = mapped_column(ForeignKey("packages.id"), primary_key=True)
    role: Mapped[str | None] = mapped_column(String(64))
    other_owners: Mapped[int | None]

    package: Mapped[Package] = relationship()


class SecurityEvent(Base):
    """Something that happened to an account, as its source reports it (sign-in, reset, token ...)."""

    __tablename__ = "security_events"
    __table_args__ = (UniqueConstraint("account_id", "kind", "at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    kind: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime]
