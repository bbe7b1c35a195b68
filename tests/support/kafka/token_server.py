"""A small OpenID Connect server for tests: issues signed JSON Web Tokens to registered clients, over TLS."""

import base64
import contextlib
import json
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.support.processes.http_server import serving, speak_tls

AUDIENCE, ISSUER = "kafka", "https://login.example.com"
LIFETIME_S = 300


class TokenServer(ThreadingHTTPServer):
    """Answers POST /token for the given clients (id to secret), and counts the tokens given to each."""

    daemon_threads = True

    def __init__(self, clients: Mapping[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.clients = clients
        self.given: list[str] = []
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def token(self, subject: str) -> str:
        """Return a signed token for a subject."""
        now = int(time.time())
        claims = {"sub": subject, "aud": AUDIENCE, "iss": ISSUER, "iat": now, "exp": now + LIFETIME_S}
        signed = f"{_encoded({'alg': 'RS256', 'kid': 'tests', 'typ': 'JWT'})}.{_encoded(claims)}"
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        self.given.append(subject)
        return f"{signed}.{_base64(signature)}"

    def write_keys(self, path: Path) -> None:
        """Write the public key as a JSON Web Key Set, for brokers."""
        numbers = self._key.public_key().public_numbers()
        key = {
            "kty": "RSA",
            "alg": "RS256",
            "use": "sig",
            "kid": "tests",
            "n": _number(numbers.n),
            "e": _number(numbers.e),
        }
        path.write_text(json.dumps({"keys": [key]}))


class _Answering(BaseHTTPRequestHandler):
    server: TokenServer

    def do_POST(self) -> None:  # http.server's name
        """Answer a request for a token."""
        form = parse_qs(self.rfile.read(int(self.headers.get("content-length", 0))).decode())
        client, secret = self._client(form)
        known = form.get("grant_type") == ["client_credentials"] and self.server.clients.get(client) == secret
        answer = {"access_token": self.server.token(client), "token_type": "Bearer", "expires_in": LIFETIME_S}
        body = json.dumps(answer if known else {"error": "invalid_client"}).encode()
        self.send_response(200 if known else 401)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Log nothing."""

    def _client(self, form: Mapping[str, list[str]]) -> tuple[str, str]:
        kind, _, value = self.headers.get("authorization", "").partition(" ")
        if kind.lower() == "basic":
            client, _, secret = base64.b64decode(value).decode().partition(":")
            return unquote(client), unquote(secret)
        return form.get("client_id", [""])[0], form.get("client_secret", [""])[0]


@contextlib.contextmanager
def token_server(clients: Mapping[str, str], certificate: Path, key: Path) -> Iterator[TokenServer]:
    """Give a running token server that ends with the block; its address is https://127.0.0.1 with `server_port`."""
    server = TokenServer(clients)
    speak_tls(server, certificate, key)
    with serving(server):
        yield server


def _encoded(part: Mapping[str, object]) -> str:
    return _base64(json.dumps(part).encode())


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _number(number: int) -> str:
    return _base64(number.to_bytes((number.bit_length() + 7) // 8, "big"))
