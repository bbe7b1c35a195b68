"""Connections to PostgreSQL, the lock of the one process that writes, and PostgreSQL's errors as the loader's."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow

from config.problems import ConfigurationError
from sinks.warehouse.engines.postgres.database import Database
from sinks.warehouse.errors import Refused, Unavailable, Unusable

APPLICATION: Final = "penstock load"  # what the session of a writer is called in pg_stat_activity
WRITER_KEY: Final = 0x70656E73746F636B  # the advisory lock of a database's only writer
CLAIM_S: Final = 10.0  # a killed loader's session ends within seconds
RETRY_S: Final = 0.1
LIMIT_EXCEEDED: Final = "54"  # an index entry of more than 2,704 bytes, JSON nested too deeply
ALIVE: Final = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
_SESSION: Final = (
    "SET TimeZone = 'UTC'",
    "SET DateStyle = 'ISO'",
    # A session whose client is gone would keep the lock until the system's own keepalive, two hours by default.
    "SET tcp_keepalives_idle = 30",
    "SET tcp_keepalives_interval = 10",
    "SET tcp_keepalives_count = 3",
)


def connected(database: Database, application: str) -> Connection[TupleRow]:
    """Return a connection in autocommit mode; raise psycopg's errors, and `Unusable` for a dsn that is none."""
    connection = psycopg.connect(
        **parameters(database),
        autocommit=True,
        prepare_threshold=None,  # poolers that share connections lose prepared statements
        application_name=application,
    )
    try:
        for statement in _SESSION:
            connection.execute(statement)
    except BaseException:
        connection.close()
        raise
    return connection


def parameters(database: Database) -> dict[str, Any]:
    """Return libpq's parameters, the password among them."""
    password = database.password()
    secret = {} if password is None else {"password": password}
    return {**_written(database), **secret, "client_encoding": "UTF8"}


def parameters_without_password(database: Database) -> str:
    """Return libpq's connection string for others who connect, in one form whatever form it was written in."""
    return make_conninfo(**_written(database))


def _written(database: Database) -> dict[str, Any]:
    try:
        return {**ALIVE, **conninfo_to_dict(database.dsn)}
    except psycopg.Error as error:  # its text quotes the string
        raise Unusable(
            "warehouse.dsn: expected libpq's connection string, such as host=127.0.0.1 dbname=analytics, or a URL"
        ) from error


def claimed(database: Database) -> Connection[TupleRow]:
    """Return a writer's connection, which holds the lock of the database until it ends.

    Raises psycopg's errors, `Unusable` if another process holds the lock, and `Unavailable` while the password cannot be read.
    """
    try:
        connection = connected(database, APPLICATION)
    except ConfigurationError as error:  # a password's file that is just being replaced
        raise Unavailable(str(error)) from error
    try:
        _lock(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _lock(connection: Connection[TupleRow]) -> None:
    deadline_s = time.monotonic() + CLAIM_S
    while not _value(connection, "SELECT pg_try_advisory_lock(%s)", WRITER_KEY):
        if time.monotonic() > deadline_s:
            raise Unusable(f"{_holder(connection)} writes to this warehouse, and only one may; end it first")
        time.sleep(RETRY_S)


@contextmanager
def translated() -> Iterator[None]:
    """Raise PostgreSQL's errors as the loader's. Their texts may quote a value, so a refusal has none."""
    try:
        yield
    except (psycopg.DataError, psycopg.IntegrityError, OverflowError, UnicodeError) as error:
        raise Refused(type(error).__name__) from error
    except psycopg.Error as error:
        if (error.sqlstate or "").startswith(LIMIT_EXCEEDED):
            raise Refused(type(error).__name__) from error
        raise Unavailable(words(error)) from error


def words(error: psycopg.Error) -> str:
    """Return PostgreSQL's own message, without details, which may quote a row."""
    return (error.diag.message_primary or str(error) or type(error).__name__).partition("\n")[0][:300]


def _holder(connection: Connection[TupleRow]) -> str:
    high, low = WRITER_KEY >> 32, WRITER_KEY & 0xFFFFFFFF
    row = connection.execute(
        "SELECT pid, application_name, coalesce(client_addr::text, 'a local socket') "
        "FROM pg_stat_activity JOIN pg_locks USING (pid) "
        "WHERE locktype = 'advisory' AND granted AND classid::bigint = %s AND objid::bigint = %s",
        (high, low),
    ).fetchone()
    return "another process" if row is None else f"the session {row[0]} ({row[1]}, from {row[2]})"


def _value(connection: Connection[TupleRow], sql: str, *arguments: object) -> object:
    row = connection.execute(sql, arguments).fetchone()
    return None if row is None else row[0]
