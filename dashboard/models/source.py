"""Account sources: the package registries whose accounts are protected, and the tokens they come with."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.database import Base, BigId


class Source(Base):
    """One package registry. `last_seq` is the highest sequence number published to it."""

    __tablename__ = "sources"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    slug: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime]
    last_seq: Mapped[int] = mapped_column(BigInteger, default=0)


class ApiToken(Base):
    """A bearer token of one source; only its SHA-256 is kept, its prefix names it on screen."""

    __tablename__ = "api_tokens"
    __table_args__ = (Index("ix_api_tokens_source_id", "source_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("sources.id"))
    scope: Mapped[str] = mapped_column(String(64))
    prefix: Mapped[str] = mapped_column(String(16))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class ImportRun(Base):
    """One import of one file: how far it came, so that a killed one goes on where its last chunk ended."""

    __tablename__ = "import_runs"
    __table_args__ = (Index("ix_import_runs_source_id_digest", "source_id", "digest"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("sources.id"))
    kind: Mapped[str] = mapped_column(String(16))
    digest: Mapped[str] = mapped_column(String(64))
    rows_done: Mapped[int] = mapped_column(BigInteger, default=0)
    rows_rejected: Mapped[int] = mapped_column(BigInteger, default=0)
    state: Mapped[str] = mapped_column(String(16), default="running")
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
