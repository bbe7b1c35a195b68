"""The sockets of an ingress's two ports, and how instances share the port for deliveries (--reuse-port).

Each instance opens its own socket on the shared port, and the kernel spreads new connections over all that listen
(SO_REUSEPORT, socket(7)). When a socket closes, the connections in its queue are reset. So an instance listens only when nothing
can keep it from serving: an instance that is refused takes no connections from the others.
"""

import socket
from dataclasses import dataclass

import structlog

from broker.operations import BACKLOG, listening
from ingress.server.tls import TlsFiles

log = structlog.get_logger("ingress")


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen; port 0 takes any free port.

    Deliveries come to `port`, over TLS if there is a certificate; with `shares_port` other instances may serve it too. Operators
    use `operations_port`, over plain HTTP. When told to stop, a process goes on serving for `lame_duck_s`, then closes both.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    tls: TlsFiles | None = None
    operations_host: str = "127.0.0.1"
    operations_port: int = 9464
    lame_duck_s: float = 0.0
    shares_port: bool = False


class Listeners:
    """Both sockets. A shared one is bound, and listens once `begin` is called; the others already listen."""

    def __init__(self, listen: Listen, deliveries: socket.socket, operations: socket.socket) -> None:
        self.deliveries = deliveries
        self.operations = operations
        self._listen = listen

    @property
    def port(self) -> int:
        """Return the port for deliveries."""
        return int(self.deliveries.getsockname()[1])

    def addresses(self) -> dict[str, str | int | bool]:
        """Return the addresses of this process as fields of a log line."""
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
        """Start to accept deliveries; log and return False if another process took the port first."""
        try:
            self.deliveries.listen(BACKLOG)
        except OSError as error:
            _report(error, "--port", self._listen.host, self._listen.port, is_shared=self._listen.shares_port)
            return False
        return True


def open_listeners(listen: Listen) -> Listeners | None:
    """Return both sockets, None if one cannot be opened; the log says which, and what to do."""
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
    """Return a socket on a port that sockets of one user may share if all set SO_REUSEPORT; it does not listen yet."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        # Without it, the port of an ingress that ran without --reuse-port is unavailable for a minute (TIME_WAIT).
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
