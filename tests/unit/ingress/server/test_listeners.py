"""The sockets of an ingress: when a shared one listens, and which are refused. Real ports of 127.0.0.1 and ::1."""

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest
from structlog.testing import capture_logs

from ingress.server.listeners import Listen, Listeners, open_listeners
from local.ports import accepts, free_port


@pytest.fixture
def port() -> int:
    """Return a free port."""
    return free_port()


def opened(port: int, *, shares_port: bool = True, host: str = "127.0.0.1") -> Listeners | None:
    """Return the sockets of an ingress, None where one is refused."""
    return open_listeners(Listen(host, port, operations_port=0, shares_port=shares_port))


def close(*listeners: Listeners | None) -> None:
    """Close everything."""
    for each in listeners:
        if each is not None:
            each.deliveries.close()
            each.operations.close()


@pytest.fixture
def serving(port: int) -> Iterator[Listeners]:
    """Give the sockets of an instance that serves a shared port."""
    first = opened(port)
    assert first is not None
    assert first.begin()
    yield first
    close(first)


def test_shared_port_takes_no_connection_before_it_can_serve(port: int) -> None:
    """A connection that the kernel gave to an instance which then does not start would be reset."""
    first = opened(port)
    assert first is not None
    assert not accepts(port)

    assert first.begin()

    assert accepts(port)
    close(first)


def test_port_of_ones_own_listens_at_once() -> None:
    """Connections wait while the ingress starts, instead of being refused."""
    alone = opened(0, shares_port=False)
    assert alone is not None

    assert accepts(alone.port)
    assert alone.begin()
    close(alone)


def test_instances_share_the_port_and_nothing_else(serving: Listeners) -> None:
    """Both listen on one port; each has its own operations port."""
    second = opened(serving.port)

    assert second is not None
    assert second.begin()
    assert (second.port, second.addresses()["shares_port"]) == (serving.port, True)
    assert second.addresses()["operations_port"] != serving.addresses()["operations_port"]
    close(second)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_sharing_is_mutual(host: str, port: int) -> None:
    """An unshared socket keeps its port, and is refused a shared one."""
    alone = opened(port, shares_port=False, host=host)
    assert alone is not None
    with capture_logs() as logs:
        assert opened(port, host=host) is None
    close(alone)
    assert "start it with --reuse-port, as the same user" in logs[0]["advice"]

    shared = opened(port, host=host)
    assert shared is not None
    assert shared.begin()
    assert opened(port, shares_port=False, host=host) is None
    close(shared)


def test_port_that_was_lost_meanwhile_is_reported(port: int) -> None:
    """Two unshared sockets may be bound as long as neither listens: the first to listen has the port."""
    late = opened(port)
    assert late is not None
    with closing(socket.socket()) as other, capture_logs() as logs:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()

        assert not late.begin()

    assert [(event["event"], event["port"]) for event in logs] == [("cannot_listen", port)]
    close(late)
