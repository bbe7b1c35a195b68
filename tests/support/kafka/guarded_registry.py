"""A proxy in front of a real registry, as in companies: TLS, optionally a client certificate, and a header Authorization."""

import contextlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.support.processes.http_server import serving, speak_tls


class Guard(ThreadingHTTPServer):
    """Forwards requests with the right Authorization, where one is required; keeps each request's headers."""

    daemon_threads = True

    def __init__(self, registry: str) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        parts = urlsplit(registry)
        self.path = parts.path
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.wanted: str | None = None
        self.seen: list[dict[str, str]] = []
        self.scheme = "http"

    @property
    def root(self) -> str:
        """Return its address without the registry's path."""
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    @property
    def url(self) -> str:
        """Return the address for clients."""
        return self.root + self.path

    def require_tls(self, certificate: Path, key: Path, client_ca: Path | None = None) -> None:
        """Speak TLS from now on; with an authority for clients, only with those that show its certificate."""
        speak_tls(self, certificate, key, client_ca)
        self.scheme = "https"


class _Passing(BaseHTTPRequestHandler):
    server: Guard

    def do_GET(self) -> None:  # http.server's name
        """Answer a GET."""
        self._answer()

    def do_POST(self) -> None:  # likewise
        """Answer a POST."""
        self._answer()

    def do_PUT(self) -> None:  # likewise
        """Answer a PUT."""
        self._answer()

    def _answer(self) -> None:
        self.server.seen.append({name.lower(): value for name, value in self.headers.items()})
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.server.wanted is not None and self.headers.get("authorization") != self.server.wanted:
            self._send(401, b'{"error_code":40101,"message":"Unauthorized"}')
            return
        kind = {"content-type": self.headers.get("content-type", "application/json")}
        target = self.server.origin + self.path
        answer = httpx.request(self.command, target, content=body, headers=kind, trust_env=False, timeout=60)
        self._send(answer.status_code, answer.content, answer.headers.get("content-type", ""))

    def _send(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Log nothing."""


@contextlib.contextmanager
def guarded(registry: str) -> Iterator[Guard]:
    """Give a proxy that ends with the block."""
    guard = Guard(registry)
    with serving(guard):
        yield guard
