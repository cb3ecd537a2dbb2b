"""Files that somebody brought: jobs and rows.

How far a job was applied stands in the job's own row, and moving it on locks that
row until the commit: of two runs over one file the second finds that it moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, func, insert, select, union_all, update

from broker.port_errors import ConflictError
from broker.records import BulkJob, BulkRow
from broker.storage.clauses import one_of, row_of, rows_of, select_record
from broker.storage.tables import bulk_jobs, bulk_rows
from mandates.model import Instant

_JOB = bindparam("job_id")
_JOBS = select_record(bulk_jobs, BulkJob).where(bulk_jobs.c.complete)
_FIND = _JOBS.where(bulk_jobs.c.id == _JOB)
_OF_ORGANISATION = (
    _JOBS.where(bulk_jobs.c.organisation == bindparam("wanted"))
    .order_by(bulk_jobs.c.created_at.desc(), bulk_jobs.c.id)
    .limit(bindparam("most"))
)
_ROWS_AFTER = (
    select_record(bulk_rows, BulkRow)
    .where(bulk_rows.c.job == _JOB, bulk_rows.c.line > bindparam("after"))
    .order_by(bulk_rows.c.line)
    .limit(bindparam("most"))
)
_APPLIED = select(bulk_rows.c.key).where(one_of(bulk_rows.c.key, "keys"), bulk_rows.c.mandate.is_not(None))


def _first_lines(mark: str) -> Select[Any]:
    column = bulk_rows.c[mark]
    return (
        select(column, func.min(bulk_rows.c.line))
        .where(bulk_rows.c.job == _JOB, one_of(column, f"{mark}s"))
        .group_by(column)
    )


_FIRST_LINES = union_all(_first_lines("key"), _first_lines("pair"))
_COUNTS = (
    select(bulk_rows.c.verdict, func.count()).where(bulk_rows.c.job == _JOB).group_by(bulk_rows.c.verdict)
)
_ADVANCE = (
    update(bulk_jobs)
    .where(bulk_jobs.c.id == _JOB, bulk_jobs.c.applied_to == bindparam("stood_at"))
    .values(
        applied_to=bindparam("stands_at"),
        applied_rows=bulk_jobs.c.applied_rows + bindparam("more"),
    )
)
_JUDGED = ("sealed", "verdict", "code", "column", "needs", "mandate")
_STORE_VERDICT = (
    update(bulk_rows)
    .where(bulk_rows.c.job == _JOB, bulk_rows.c.line == bindparam("at_line"))
    .values({name: bindparam(f"new_{name}") for name in _JUDGED})
)
_UNFINISHED = select(bulk_jobs.c.id).where(
    ~bulk_jobs.c.complete, bulk_jobs.c.created_at < bindparam("before")
)


class SqlBulkStore:
    """`ports.BulkStore` in tables `bulk_jobs` and `bulk_rows`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_job(self, job: BulkJob) -> None:
        self._connection.execute(insert(bulk_jobs), row_of(job))

    def add_rows(self, job: str, rows: Sequence[BulkRow]) -> None:
        if rows:
            self._connection.execute(insert(bulk_rows), [{"job": job, **row} for row in rows_of(rows)])

    def complete(self, job: str, rows: int) -> None:
        self._change(job, rows=rows, complete=True)

    def remove(self, job: str) -> None:
        """Only what nobody has seen yet; an applied file's results stay."""
        unseen = select(bulk_jobs.c.id).where(bulk_jobs.c.id == _JOB, ~bulk_jobs.c.complete)
        self._remove(unseen, job_id=job)

    def remove_unfinished(self, before: Instant) -> None:
        self._remove(_UNFINISHED, before=before)

    def find(self, job: str) -> BulkJob | None:
        row = self._connection.execute(_FIND, {"job_id": job}).mappings().one_or_none()
        return None if row is None else BulkJob(**row)

    def of_organisation(self, organisation: str, limit: int) -> list[BulkJob]:
        keys = {"wanted": organisation, "most": limit}
        return [BulkJob(**row) for row in self._connection.execute(_OF_ORGANISATION, keys).mappings()]

    def rows_after(self, job: str, line: int, limit: int) -> list[BulkRow]:
        keys = {"job_id": job, "after": line, "most": limit}
        return [BulkRow(**row) for row in self._connection.execute(_ROWS_AFTER, keys).mappings()]

    def applied(self, keys: Iterable[str]) -> set[str]:
        return set(self._connection.execute(_APPLIED, {"keys": keys}).scalars())

    def first_lines(self, job: str, keys: Iterable[str], pairs: Iterable[str]) -> dict[str, int]:
        found = self._connection.execute(_FIRST_LINES, {"job_id": job, "keys": keys, "pairs": pairs})
        return {mark: line for mark, line in found}  # noqa: C416 - rows are no pairs to `dict`'s types

    def advance(self, job: BulkJob, applied_to: int, rows: int) -> None:
        """Raise `ConflictError` if another run moved on since `job` was read."""
        keys = {"job_id": job.id, "stood_at": job.applied_to, "stands_at": applied_to, "more": rows}
        if self._connection.execute(_ADVANCE, keys).rowcount != 1:
            raise ConflictError("somebody else is at work on this file")

    def judged(self, job: str, rows: Sequence[BulkRow]) -> None:
        """Raise `ConflictError` if a row key was applied by another job meanwhile."""
        if rows:
            self._connection.execute(_STORE_VERDICT, [_verdict_of(job, row) for row in rows])

    def validated(self, job: str, now: Instant) -> None:
        self._change(job, validated_at=now)

    def finished(self, job: str, now: Instant) -> None:
        self._change(job, applied_at=now)

    def counts(self, job: str) -> dict[str, int]:
        found = self._connection.execute(_COUNTS, {"job_id": job})
        return {verdict: count for verdict, count in found}  # noqa: C416 - as above

    def _change(self, job: str, **values: Any) -> None:
        self._connection.execute(update(bulk_jobs).where(bulk_jobs.c.id == job).values(**values))

    def _remove(self, jobs: Select[Any], **keys: Any) -> None:
        self._connection.execute(delete(bulk_rows).where(bulk_rows.c.job.in_(jobs)), keys)
        self._connection.execute(delete(bulk_jobs).where(bulk_jobs.c.id.in_(jobs)), keys)


def _verdict_of(job: str, row: BulkRow) -> dict[str, Any]:
    return {"job_id": job, "at_line": row.line} | {f"new_{name}": getattr(row, name) for name in _JUDGED}
