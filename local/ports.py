"""Ports of 127.0.0.1: the free ones, and the processes that hold the others."""

import socket
from dataclasses import dataclass

HOST = "127.0.0.1"  # Nothing started by `penstock up` is reachable from another machine.


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that listens on a port."""

    pid: int
    program: str


def free_port() -> int:
    """Return a port that was free a moment ago; the caller must still expect to find it taken."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Say whether a server could listen on this port now. A lingering connection does not count."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def accepts(port: int, timeout_s: float = 0.5) -> bool:
    """Say whether a server accepts connections on this port."""
    try:
        socket.create_connection((HOST, port), timeout=timeout_s).close()
    except OSError:
        return False
    return True


def holder(port: int) -> Holder | None:
    """Return the process that listens on this port, None if there is none or the system hides it (another user's process)."""
    import psutil

    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:  # macOS shows it to root only
        return None
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and tuple(connection.laddr)[1] == port and connection.pid:
            return Holder(connection.pid, _program(connection.pid))
    return None


def _program(pid: int) -> str:
    import psutil

    try:
        return psutil.Process(pid).name()
    except psutil.Error:
        return "unknown program"
