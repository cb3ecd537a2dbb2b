"""Which mandates can make a chain from a principal to whoever acts: the links, not the judgement.

Every part of the statement walks one index from names that are known: what
somebody gave to somebody, what somebody holds from organisations, what a session
brought, what a mandate was passed on from. So it costs what its answer costs,
however many mandates there are.

It is written as text, for it is read aloud more often than it is changed, and
in the driver's own SQL, because a decision has no time for anything in between.
The two databases differ in two places: how they take a list of questions, and that
SQLite has to be told how few they are. Once somebody ran ANALYZE it would otherwise
read a whole table into a Bloom filter, to save looking up a million names that
nobody asks for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from broker.records import Question

_COMMENT = re.compile(r"--[^\n]*")
_ASKED = {
    "postgresql": "SELECT * FROM unnest(CAST(%(principals)s AS text[]), CAST(%(actors)s AS text[]), "
    "CAST(%(sessions)s AS text[])) AS q (principal, actor, session)",
    "sqlite": "SELECT value ->> 0 AS principal, value ->> 1 AS actor, value ->> 2 AS session "
    "FROM json_each(:questions)",
}
_FEW = {
    "postgresql": {"few_asked": "", "few_held": ""},
    "sqlite": {
        "few_asked": "likelihood(asked.principal IS NOT NULL, 0.0000001) AND ",
        "few_held": "likelihood(held.asked IS NOT NULL, 0.0000001) AND ",
    },
}

_LINKS = """
WITH RECURSIVE {before}asked AS MATERIALIZED ({asked}),
claimed AS MATERIALIZED (  -- what the session brought to the actor
  SELECT asked.principal AS asked, asked.actor, m.id, m.parent, m.principal, m.principal_kind, m.whole
  FROM asked CROSS JOIN mandates AS m
  WHERE {few_asked}m.session = asked.session AND m.session IS NOT NULL AND m.representative = asked.actor
),
held (asked, actor, id, parent, organisation, whole) AS (  -- what she holds from organisations
  SELECT asked.principal, asked.actor, m.id, m.parent, m.principal, m.whole
  FROM asked CROSS JOIN mandates AS m
  WHERE {few_asked}m.representative = asked.actor AND m.principal_kind = 'organisation' AND m.session IS NULL
  UNION ALL
  SELECT asked, actor, id, parent, principal, whole FROM claimed WHERE principal_kind = 'organisation'
),
through AS MATERIALIZED (  -- what the principal gave to those organisations
  SELECT held.asked, held.actor, held.id AS executor, held.parent AS executor_parent,
    held.organisation, held.whole, m.id, m.parent
  FROM held CROSS JOIN mandates AS m
  WHERE {few_held}m.principal = held.asked AND m.representative = held.organisation AND m.session IS NULL
),
link (id, parent, principal, representative) AS (
  SELECT m.id, m.parent, m.principal, m.representative
  FROM asked CROSS JOIN mandates AS m
  WHERE {few_asked}m.principal = asked.principal AND m.representative = asked.actor AND m.session IS NULL
  UNION SELECT id, parent, principal, actor FROM claimed WHERE principal = asked
  UNION SELECT id, parent, asked, organisation FROM through
  UNION SELECT executor, executor_parent, organisation, actor FROM through
  UNION SELECT m.id, m.parent, m.principal, m.representative  -- what they were passed on from
  FROM link CROSS JOIN mandates AS m WHERE m.id = link.parent
)
"""


def links(dialect: str, asked: str | None = None, before: str = "") -> str:
    """Return the beginning of a statement: CTEs `asked`, `through` and `link`.

    `asked` is a SELECT of principal, actor and session, if not of what `asking` gives;
    `before` are CTEs that it rests on.
    """
    return _LINKS.format(asked=asked or _ASKED[dialect], before=before, **_FEW[dialect])


def squeezed(statement: str) -> str:
    """Return the statement without comments and layout.

    psycopg parses a text of more than 4,096 characters anew each time. No literal of ours has a comma.
    """
    return " ".join(_COMMENT.sub("", statement).split()).replace(", ", ",")


def pairs(dialect: str, columns: str) -> str:
    """Return the statement of what each principal asked about gave to each actor, in whatever state."""
    return (
        f"WITH asked AS MATERIALIZED ({_ASKED[dialect]}) "  # noqa: S608 - names, no values
        f"SELECT {columns} FROM asked CROSS JOIN mandates AS m WHERE {_FEW[dialect]['few_asked']}"
        "m.principal = asked.principal AND m.representative = asked.actor AND m.session IS NULL "
        "ORDER BY m.requested_at, m.id"
    )


def asking(dialect: str, questions: Iterable[Question]) -> dict[str, Any]:
    """Return the parameters that the statements above take: any number of questions, one text of SQL."""
    if dialect == "sqlite":
        return {"questions": json.dumps([(one.principal, one.actor, one.session) for one in questions])}
    questions = tuple(questions)
    return {
        "principals": [one.principal for one in questions],
        "actors": [one.actor for one in questions],
        "sessions": [one.session for one in questions],
    }
