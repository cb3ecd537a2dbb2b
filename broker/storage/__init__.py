"""Where the truth is kept, and where the short-lived things are.

Two kinds of memory, with different promises. `database.SqlDatabase` (SQLite or
PostgreSQL) holds what must never be lost: parties, mandates, sessions, grants,
status indices, the journal, the registry. `ephemeral_memory.MemoryStore` and
`ephemeral_redis.RedisStore` hold what may be lost without granting anybody
anything: codes, pushed requests, replay marks.

Every use case is one unit of work is one transaction; leaving it without
`commit()` leaves nothing behind. The SQL is written once for both databases
with SQLAlchemy Core, no ORM: a row becomes the frozen record of `ports` or of
`mandates.model` whose fields its columns are named after, and nothing else
travels. Where the two databases differ, the difference stands in `engines.py` and
`transactions.py` (transactions) or `clauses.py` (SQL), not in the stores. On PostgreSQL
a statement stays prepared on its connection (`prepared.py`): there SQLAlchemy says what it
is and libpq runs it.

What was judged stays true until commit. On SQLite a write unit is the only
writer (`BEGIN IMMEDIATE`). On PostgreSQL a write unit locks the sessions and
mandates that it reads by identifier or as a chain, so a token is never issued
on a mandate that ends in the same instant. Locks are taken in one order:
session, mandates, parties, grant, and last of all the revision, at commit; a
flow that keeps to it does not deadlock, and if two ever do, one of them gets a
`ConflictError`.

What the database can refuse by itself it refuses (migration 0005): history is
written by triggers and never overwritten, nothing of the engine is deleted, no
second mandate runs beside another that may not, a row that cannot be is no row.
"""
