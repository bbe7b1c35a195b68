"""A real PostgreSQL for tests: a cluster of its own in a temporary folder, on a free port of 127.0.0.1, with a password."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from local.guard import Child, spawn
from local.ports import free_port
from sinks.warehouse.engines.postgres.database import Database
from tests.support.waiting import until

USER = "penstock"
PASSWORD = "made-up-4711"
DEBIAN = "/usr/lib/postgresql"
SETTINGS = {
    "fsync": "off",  # tests kill processes, never the machine
    "max_connections": "30",
    "shared_buffers": "64MB",
    "listen_addresses": "127.0.0.1",
}


class PostgresServer:
    """One server. It can be stopped at once, as by a crash, and started again."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._log = folder / "server.log"
        self._log.touch()
        self._child: Child | None = None

    def initialise(self) -> None:
        """Make the cluster."""
        password = self._folder / "password"
        password.write_text(PASSWORD)
        _give(self._folder)
        options = [
            "--auth=scram-sha-256",
            f"--username={USER}",
            f"--pwfile={password}",
            "--encoding=UTF8",
            "--locale=C",
        ]
        command = [*_as_postgres(), _program("initdb"), "--no-sync", "-D", str(self._folder / "cluster"), *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self._folder, timeout=120)
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """Start it, and return once it answers."""
        settings = {**SETTINGS, "port": str(self.port), "unix_socket_directories": str(self._folder)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command = [*_as_postgres(), _program("postgres"), "-D", str(self._folder / "cluster"), *options]
        self._child = spawn(command, log=self._log)
        until(self._answers, 60, "a PostgreSQL that answers", poll_s=0.1)

    def crash(self) -> None:
        """End it and all its sessions with SIGKILL: nothing is flushed or said to clients, as with an immediate shutdown."""
        assert self._child is not None
        sessions = self._sessions()
        self._child.kill()
        for pid in sessions:  # each is a process group of its own, and would answer until it notices
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in sessions), 30, "the sessions have ended")

    def _sessions(self) -> list[int]:
        """Return the processes that the server has started; none if it has ended."""
        file = self._folder / "cluster" / "postmaster.pid"
        if not file.is_file():
            return []
        server = file.read_text().split()[0]
        children = Path(f"/proc/{server}/task/{server}/children")
        return [int(pid) for pid in children.read_text().split()] if children.is_file() else []

    def database(self) -> str:
        """Make a database, and return its dsn without password."""
        name = f"w_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.dsn("postgres"), password=PASSWORD, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.dsn(name)

    def dsn(self, name: str) -> str:
        """Return the connection string of a database, without password."""
        return f"host=127.0.0.1 port={self.port} user={USER} dbname={name}"

    def _answers(self) -> bool:
        assert self._child is not None
        assert self._child.exit_code() is None, self._log.read_text()[-4_000:]
        with suppress(psycopg.OperationalError), psycopg.connect(self.dsn("postgres"), password=PASSWORD):
            return True
        return False


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Give a running server that ends with the block."""
    folder = Path(tempfile.mkdtemp(prefix="penstock-postgres-"))  # pytest's own is closed to the user postgres
    server = PostgresServer(folder)
    try:
        server.initialise()
        server.start()
        yield server
    finally:
        if server._child is not None:
            server.crash()
        shutil.rmtree(folder, ignore_errors=True)


def access(dsn: str) -> Database:
    """Return what settings hold for a database of such a server."""
    return Database(dsn, f"text:{PASSWORD}", {})


def query(dsn: str, statement: str) -> list[tuple[object, ...]]:
    """Return the rows of a statement, run as any other client would; none for one without rows."""
    with psycopg.connect(dsn, password=PASSWORD, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def _as_postgres() -> Sequence[str]:
    """Return the words that run a command as the user postgres: the server refuses root."""
    if os.getuid() != 0:
        return ()
    return ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--")


def _give(folder: Path) -> None:
    """Give a folder and its files to the user that the server runs as."""
    if os.getuid() == 0:
        owner = pwd.getpwnam("postgres")
        for path in (folder, *folder.iterdir()):
            os.chown(path, owner.pw_uid, owner.pw_gid)


def _program(name: str) -> str:
    """Return a server program; Debian keeps them out of the PATH."""
    found = [*sorted(Path(DEBIAN).glob(f"*/bin/{name}"), reverse=True), *filter(None, [shutil.which(name)])]
    assert found, f"{name} is missing: make test-databases installs PostgreSQL as root on Debian"
    return str(found[0])
