"""Which ports are free, and which process holds the others."""

import os
import socket

from local import ports


def test_listening_port_is_taken_and_has_a_holder() -> None:
    """A port with a listener is not free, and the listener is named."""
    with socket.create_server((ports.HOST, 0)) as server:
        port = server.getsockname()[1]

        assert not ports.is_free(port)
        assert ports.accepts(port)
        found = ports.holder(port)

    assert found is not None
    assert found.pid == os.getpid()
    assert ports.is_free(port)
    assert not ports.accepts(port)
    assert ports.holder(port) is None


def test_listener_on_every_interface_takes_the_port() -> None:
    """A server bound to 0.0.0.0 blocks the port as well."""
    with socket.create_server(("0.0.0.0", 0)) as server:  # noqa: S104 that is the case under test, for a moment
        assert not ports.is_free(server.getsockname()[1])


def test_free_port_is_free() -> None:
    """The port given can be listened on."""
    assert ports.is_free(ports.free_port())
