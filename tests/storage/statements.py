"""What a unit of work sends to its database, and how the database would run it."""

from __future__ import annotations

from psycopg import sql
from sqlalchemy import event

from broker.storage import prepared
from broker.storage.prepared import PreparedConnection


class Sent:
    """The statements of one unit from here on, in their order."""

    def __init__(self, unit):
        self.texts, self._last = [], None
        self._connection = connection = unit._connection
        self._through_sqlalchemy = connection
        if isinstance(connection, PreparedConnection):
            self._through_sqlalchemy = connection._sqlalchemy()
            self._send, connection._send = connection._send, self._prepared
        event.listen(self._through_sqlalchemy, "before_cursor_execute", self._executed)

    def _prepared(self, statement, keys):
        self.texts.append(statement.text.decode())
        self._last = statement, statement.values(keys)
        return self._send(statement, keys)

    def _executed(self, _connection, _cursor, text, keys, *_):
        self.texts.append(text)
        self._last = text, keys

    def plan(self):
        """Lines of the plan of the last one."""
        statement, values = self._last
        driver = self._through_sqlalchemy.connection.driver_connection
        if isinstance(statement, prepared.Prepared):
            name = sql.SQL(statement.name.decode())
            listed = sql.SQL(", ").join(sql.Literal(one) for one in values)
            explained = sql.SQL("EXPLAIN EXECUTE {}({})") if values else sql.SQL("EXPLAIN EXECUTE {}")
            return [row[0] for row in driver.execute(explained.format(name, listed))]
        return plan_of(driver, statement, values)


def plan_of(driver, statement, keys):
    """Lines of the plan of a statement in the driver's own SQL."""
    if "sqlite" in type(driver).__module__:
        return [row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {statement}", keys)]
    return [row[0] for row in driver.execute(f"EXPLAIN {statement}", keys)]
