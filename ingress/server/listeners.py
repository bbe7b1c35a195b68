"""The sockets of an ingress's two ports, and how instances share the one for deliveries (--reuse-port).

Each instance has a socket of its own on the shared port, and the kernel spreads new connections over all that listen
(SO_REUSEPORT, socket(7)). What waits in the queue of a socket that closes is reset, so an instance listens only when nothing can
keep it from serving: one that is refused takes no connection away from the others.
"""

import socket
from dataclasses import dataclass

import structlog

from broker.operations import BACKLOG, listening
from ingress.server.tls import TlsFiles

log = structlog.get_logger("ingress")


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen; a port of 0 is any that is free.

    Deliveries come to `port`, with TLS where there is a certificate, and other instances may serve it, too, where `shares_port`
    is set. What operators ask for comes to `operations_port`, in plain HTTP. Told to stop, a process serves on for `lame_duck_s`
    before it closes them.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    tls: TlsFiles | None = None
    operations_host: str = "127.0.0.1"
    operations_port: int = 9464
    lame_duck_s: float = 0.0
    shares_port: bool = False


class Listeners:
    """Both sockets. A shared one is bound, and listens from `begin` on; the others listen already."""

    def __init__(self, listen: Listen, deliveries: socket.socket, operations: socket.socket) -> None:
        self.deliveries = deliveries
        self.operations = operations
        self._listen = listen

    @property
    def port(self) -> int:
        """Return the port for deliveries."""
        return int(self.deliveries.getsockname()[1])

    def addresses(self) -> dict[str, str | int | bool]:
        """Return where this process listens, as fields of a log line."""
        host, port = self.deliveries.getsockname()[:2]
        operations_host, operations_port = self.operations.getsockname()[:2]
        return {
            "host": host,
            "port": port,
            "shares_port": self._listen.shares_port,
            "operations_host": operations_host,
            "operations_port": operations_port,
        }

    def begin(self) -> bool:
        """Take connections for deliveries; return False where another process was faster, and the log says so."""
        try:
            self.deliveries.listen(BACKLOG)
        except OSError as error:
            _report(error, "--port", self._listen.host, self._listen.port, is_shared=self._listen.shares_port)
            return False
        return True


def open_listeners(listen: Listen) -> Listeners | None:
    """Return both sockets, None where one cannot be had; the log says which, and what to do."""
    wanted = (
        ("--port", listen.host, listen.port, listen.shares_port),
        ("--operations-port", listen.operations_host, listen.operations_port, False),
    )
    opened: list[socket.socket] = []
    for option, host, port, is_shared in wanted:
        try:
            opened.append(_bound_shared(host, port) if is_shared else listening(host, port))
        except OSError as error:
            _report(error, option, host, port, is_shared=is_shared)
            for listener in opened:
                listener.close()
            return None
    return Listeners(listen, *opened)


def _bound_shared(host: str, port: int) -> socket.socket:
    """Return a socket on a port that sockets of the same user may share if they all say so; it does not listen yet."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        # Without it the port of an ingress that ran without --reuse-port could not be had for a minute (TIME_WAIT).
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # as `listening` does
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


def _report(error: OSError, option: str, host: str, port: int, *, is_shared: bool) -> None:
    if is_shared:
        advice = "end what listens there, or start it with --reuse-port, as the same user; or choose another --port"
    else:
        advice = f"end what listens there, or choose another with {option}; 0 is any that is free"
    log.error("cannot_listen", host=host, port=port, reason=error.strerror or str(error), advice=advice)
