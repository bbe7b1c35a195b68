"""A server on loopback that answers one request with bytes of a test's choice, HTTP or not."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

END_S = 30.0


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """Give the URL of a server that sends these bytes after the end of a JSON body, and closes the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(END_S)
        thread = threading.Thread(target=_answer, args=(listener, answer))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            thread.join(END_S)


def _answer(listener: socket.socket, answer: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(END_S)
        while not connection.recv(65536).endswith(b"}"):
            pass
        connection.sendall(answer)
