"""A spool of version 0.1: the keys of its deliveries have no tenant, so that version must publish them."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ingress.delivery.spool_file import SCHEMA, SpoolFile, SpoolUnusable

ROW = "INSERT INTO spool VALUES (1, x'00', x'00', x'90', 3, 0)"


def spool_of_01(path: Path, *statements: str) -> None:
    """Write a spool as version 0.1 left it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA + ";".join(statements))


def test_old_spool_with_deliveries_is_refused(tmp_path: Path) -> None:
    """One sentence says what to do, and the file stays as it is."""
    path = tmp_path / "8080.sqlite"
    spool_of_01(path, ROW)

    with pytest.raises(SpoolUnusable, match=r"holds 1 deliveries of Penstock 0\.1.*spool drain"):
        SpoolFile(path)

    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM spool").fetchone() == (1,)


def test_empty_old_spool_is_used(tmp_path: Path) -> None:
    """From then on it is one of this version, whose deliveries stay across restarts."""
    path = tmp_path / "8080.sqlite"
    spool_of_01(path)
    SpoolFile(path).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(ROW)

    with closing(SpoolFile(path)) as spool:
        assert len(spool.rows(0, 10, 1000)) == 1
