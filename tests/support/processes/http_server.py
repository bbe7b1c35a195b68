"""Serves HTTP on its own thread during a test."""

import contextlib
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from socketserver import BaseServer, TCPServer

POLL_S = 0.02  # how soon it notices the end


@contextlib.contextmanager
def serving(server: BaseServer) -> Iterator[None]:
    """Answer until the block ends; the socket and the thread end with it."""
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(POLL_S,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def speak_tls(server: TCPServer, certificate: Path, key: Path, client_ca: Path | None = None) -> None:
    """Speak TLS from now on; with an authority for clients, only with those that show its certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if client_ca is not None:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
