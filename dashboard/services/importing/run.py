"""The import as a whole: survey, then merge in short transactions of its own.

Services never commit; but a file of millions of rows cannot be one transaction. So the caller hands over how a
transaction is opened (`Transactions`), and each chunk is one. The import's row keeps how far it came.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from dashboard.audit.actor import Actor, system
from dashboard.audit.events import Event
from dashboard.audit.record import record
from dashboard.models import ImportRun, Source
from dashboard.services.importing import judging
from dashboard.services.importing.chunk import Chunk
from dashboard.services.importing.kinds import Kind, Rows, rows_of
from dashboard.services.importing.merging import Merged, Merger
from dashboard.services.importing.opening import DAMAGED, Opened, opened
from dashboard.services.importing.rejects import Rejects
from dashboard.services.importing.result import ImportProgress, ImportRefusedError, ImportResult, Stage
from dashboard.services.importing.survey import Judge, Survey

RUNNING, FINISHED = "running", "finished"

IMPORTER = system("import")

Report = Callable[[ImportProgress], None]


@dataclass(frozen=True, slots=True)
class Transactions:
    """How to open a transaction: one that only reads and one that commits at its end."""

    reading: Callable[[], AbstractContextManager[Session]]
    writing: Callable[[], AbstractContextManager[Session]]


@dataclass(frozen=True, slots=True)
class Import:
    """What to import: `file` is a path or an open stream; `spool_dir` (mode 700) takes anonymous working files."""

    file: Path | IO[bytes]
    source_slug: str
    rejects_path: Path
    spool_dir: Path | None = None
    actor: Actor = IMPORTER


def import_accounts(
    what: Import, transactions: Transactions, *, now: datetime, progress: Report | None = None
) -> ImportResult:
    """Bring a file of accounts and addresses into the database; `now` is the domain clock's time.

    `ImportRefusedError` when the file cannot be read, lacks columns or has more than 5 % bad rows: nothing changed.
    """
    return _Run(what, Kind.ACCOUNTS, transactions, now, progress or _silent).run()


def import_packages(
    what: Import, transactions: Transactions, *, now: datetime, progress: Report | None = None
) -> ImportResult:
    """Bring a CSV file of packages of known accounts into the database; errors as for `import_accounts`."""
    return _Run(what, Kind.PACKAGES, transactions, now, progress or _silent).run()


@contextmanager
def without_collector() -> Iterator[None]:
    """Pause the collector of cycles: an import makes none, but so many rows that looking for some takes a fifth."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _silent(_progress: ImportProgress) -> None:
    """Report to nobody."""


@dataclass(frozen=True, slots=True)
class _Begun:
    """The import's row and how far an earlier run of the same file came."""

    run_id: int
    resumed_from: int | None


@dataclass(frozen=True, slots=True)
class _Run:
    """One import of one file."""

    what: Import
    kind: Kind
    transactions: Transactions
    now: datetime
    progress: Report

    def run(self) -> ImportResult:
        """Survey the file, then merge it."""
        source_id = self._source_id()
        with (
            without_collector(),
            opened(self.what.file) as file,
            Survey(self.what.spool_dir, self.what.rejects_path) as survey,
        ):
            rows = self._survey(file, survey, source_id)
            digest = rows.digest()
            begun = self._begin(source_id, digest)
            merged = self._merge(survey, source_id, begun)
            self._finish(begun, survey, digest)
            return ImportResult(
                digest=digest,
                rows=survey.rows,
                accounts=survey.accounts.distinct(),
                addresses=survey.addresses.distinct(),
                domains_new=merged.domains_new,
                changed=merged.changed,
                rejected=survey.rejects.count,
                resumed_from=begun.resumed_from,
                notices=tuple(survey.notices),
            )

    def _source_id(self) -> int:
        with self.transactions.reading() as session:
            found = session.scalar(select(Source.id).where(Source.slug == self.what.source_slug))
        if found is None:
            raise ImportRefusedError(
                f"there is no source {self.what.source_slug!r}; add it with: lapsewatch source add"
            )
        return found

    def _survey(self, file: Opened, survey: Survey, source_id: int) -> Rows:
        def report() -> None:
            self.progress(ImportProgress(Stage.READING, file.position(), file.size))

        try:
            rows = rows_of(self.kind, file)
            survey.read(rows.blocks, rows.parse, self._judge(source_id), report)
        except DAMAGED:
            raise ImportRefusedError(f"{file.name}: is cut off or damaged; nothing was imported") from None
        return rows

    def _judge(self, source_id: int) -> Judge | None:
        with self.transactions.reading() as session:
            judge = judging.judge_of(session, self.kind, source_id)
        if judge is None:
            return None

        def judged(chunk: Chunk, rejects: Rejects) -> None:
            with self.transactions.reading() as session:
                judge(session, source_id, chunk, rejects)

        return judged

    def _begin(self, source_id: int, digest: str) -> _Begun:
        """Find the killed run of the same file, or start a new one."""
        with self.transactions.writing() as session:
            killed = session.scalar(
                select(ImportRun)
                .where(
                    ImportRun.source_id == source_id,
                    ImportRun.digest == digest,
                    ImportRun.kind == self.kind.value,
                    ImportRun.state == RUNNING,
                )
                .order_by(ImportRun.id.desc())
                .limit(1)
            )
            if killed:
                return _Begun(killed.id, killed.rows_done or None)
            run = ImportRun(
                source_id=source_id,
                kind=self.kind.value,
                digest=digest,
                state=RUNNING,
                started_at=self.now,
                rows_done=0,
            )
            session.add(run)
            session.flush()
            return _Begun(run.id, None)

    def _merge(self, survey: Survey, source_id: int, begun: _Begun) -> Merged:
        done = begun.resumed_from or 0
        total, upto, merger = Merged(), 0, Merger(source_id, self.now)
        for chunk in survey.spool:
            upto += chunk.rows
            if upto <= done:
                continue
            with self.transactions.writing() as session:
                merged = merger.merge(session, chunk)
                self._advance(session, begun.run_id, done, upto)
            total += merged
            done = upto
            self.progress(ImportProgress(Stage.STORING, done, survey.rows))
        return total

    def _advance(self, session: Session, run_id: int, before: int, after: int) -> None:
        """Note the chunk as done, in its own transaction; whoever did so meanwhile imports the same file."""
        statement = (
            update(ImportRun)
            .where(ImportRun.id == run_id, ImportRun.rows_done == before, ImportRun.state == RUNNING)
            .values(rows_done=after)
        )
        if cast("CursorResult[Any]", session.execute(statement)).rowcount != 1:
            raise ImportRefusedError("the same file is being imported by another process; this one stopped")

    def _finish(self, begun: _Begun, survey: Survey, digest: str) -> None:
        """Close the run, with its one audit entry."""
        rejected = survey.rejects.count
        with self.transactions.writing() as session:
            session.execute(
                update(ImportRun)
                .where(ImportRun.id == begun.run_id)
                .values(state=FINISHED, finished_at=self.now, rows_rejected=rejected, rows_done=survey.rows)
            )
            record(
                session,
                Event.IMPORT_FINISHED,
                actor=self.what.actor,
                object_type="import",
                object_id=str(begun.run_id),
                data={
                    "source": self.what.source_slug,
                    "kind": self.kind.value,
                    "digest": digest,
                    "state": FINISHED,
                    "rows": survey.rows,
                    "rejected": rejected,
                },
                now=self.now,
            )
