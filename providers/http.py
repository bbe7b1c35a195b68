"""The one HTTP client for providers' APIs: connections that are reused, limits, and failures as values.

Environment variables (`HTTP_PROXY`, `.netrc`) have no influence. A credential is in no error, message or log: it is asked for
before each request, so a renewed file counts at once, checked, sent, and forgotten; an answer that repeats it has it blanked.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from ipaddress import ip_address
from typing import Final
from urllib.parse import quote, urlsplit

import httpx
from msgspec import Struct

from config.problems import ConfigurationError
from providers.answers import Answer, excerpt
from providers.api import Failure, Malformed, Unauthorised, Unavailable

Credential = Callable[[], Mapping[str, str]]
"""Returns the headers that authorise a request; called for every one. May raise `ConfigurationError` (a file that is gone)."""

USER_AGENT: Final = "Penstock"
FOLLOWED: Final = frozenset({301, 302, 307, 308})
BLANK: Final = b"***"
MIN_BLANKED_BYTES: Final = 6  # blanking a shorter one would tear holes into ordinary text


class BaseUrlError(Exception):
    """A base URL that no credential may be sent to; the text says what was expected."""


class Limits(Struct, frozen=True):
    """What one request may take. `total_s` is for everything, redirects and the body included; `read_s` for each silence.

    `redirects` are followed only for GET and only within the base URL's origin. `body_bytes` counts the decoded body: a page of
    250 products with all their variants is about 20 MB.
    """

    connect_s: float = 5.0
    read_s: float = 20.0
    total_s: float = 60.0
    body_bytes: int = 32 * 1024 * 1024
    connections: int = 8
    redirects: int = 0


class Request(Struct, frozen=True):
    """One request: a path below the base URL, its query, headers without credentials, and a body."""

    path: str
    query: Mapping[str, str] = {}
    method: str = "GET"
    headers: Mapping[str, str] = {}
    body: bytes | None = None


class Connections:
    """Open connections, shared by the clients of one event loop: one per account would keep idle ones open for each.

    `idle` of them stay open between requests; one that was idle for 5 s is closed at the next request.
    """

    def __init__(self, idle: int = 20) -> None:
        self.http = httpx.AsyncClient(
            headers={"user-agent": USER_AGENT, "accept": "application/json", "accept-encoding": "gzip"},
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=idle),
            follow_redirects=False,
            trust_env=False,
            verify=_tls(),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self.http.aclose()


def bearer(token: Callable[[], str]) -> Credential:
    """Return the header of a bearer token, which is asked for before every request."""
    return lambda: {"authorization": f"Bearer {token()}"}


class Client:
    """The client of one account's API. Used by one event loop; `close` ends it."""

    def __init__(
        self,
        base_url: str,
        credential: Credential,
        limits: Limits = Limits(),  # noqa: B008  a value
        shared: Connections | None = None,
    ) -> None:
        """Connect to nothing yet; `BaseUrlError` for an address that is not https (or http on this machine).

        With shared connections, these stay open when the client is closed.
        """
        self.base_url = checked_base_url(base_url)
        self._credential = credential
        self._limits = limits
        self._slots = asyncio.Semaphore(limits.connections)  # the HTTP library's own queue is slow and has a time limit
        self._timeout = httpx.Timeout(limits.read_s, connect=limits.connect_s)
        connections = shared or Connections(limits.connections)
        self._own = None if shared else connections
        self._http = connections.http

    async def send(self, request: Request) -> Answer | Failure:
        """Return the answer, whatever its status, or why there is none; never raises for what provider or network do."""
        url = self._url(request)
        if isinstance(url, Malformed):
            return url
        async with self._slots:
            secrets = self._secrets()
            return secrets if isinstance(secrets, Unauthorised) else await self._answered(request, url, secrets)

    async def close(self) -> None:
        """Close the connections, unless they are shared."""
        if self._own is not None:
            await self._own.close()

    def _url(self, request: Request) -> str | Malformed:
        """Return the URL; a path that a provider chose must not lead the credential to another host."""
        path = request.path
        if not path.startswith("/") or path.startswith("//") or "\\" in path or not path.isprintable():
            return Malformed("expected a path that begins with one /, as in /v3/catalog/products")
        # Written as providers' documents write it: `id:in=1,2` encoded would be a third longer, and URLs have a limit.
        pairs = (f"{quote(name, safe=':')}={quote(value, safe=':,')}" for name, value in request.query.items())
        return f"{self.base_url}{path}{'?' if request.query else ''}{'&'.join(pairs)}"

    def _secrets(self) -> Mapping[str, str] | Unauthorised:
        try:
            secrets = self._credential()
        except ConfigurationError as error:
            return Unauthorised(f"the credential cannot be read: {error}")
        # What is no header value would be refused by the HTTP library, in an error that shows it.
        if not all(value.isascii() and value.isprintable() and value.strip() == value for value in secrets.values()):
            return Unauthorised("expected a credential of one line of ASCII characters, without space around it")
        return secrets

    async def _answered(self, request: Request, url: str, secrets: Mapping[str, str]) -> Answer | Failure:
        try:
            async with asyncio.timeout(self._limits.total_s):
                return await self._followed(request, url, secrets)
        except TimeoutError:
            return Unavailable(f"no complete answer within {self._limits.total_s:g} s")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return self._failure(error)

    async def _followed(self, request: Request, url: str, secrets: Mapping[str, str]) -> Answer | Failure:
        answer = await self._sent(request, url, secrets)
        for _ in range(self._limits.redirects if request.method == "GET" else 0):
            if isinstance(answer, Malformed) or answer.status not in FOLLOWED:
                return answer
            target = str(httpx.URL(url).join(answer.headers.get("location", "")))
            if _origin(target) != _origin(self.base_url):
                return Malformed("expected a redirect within the provider's address, got one to another")
            url, answer = target, await self._sent(request, target, secrets)
        return answer

    async def _sent(self, request: Request, url: str, secrets: Mapping[str, str]) -> Answer | Malformed:
        headers = {**request.headers, **secrets}
        stream = self._http.stream(request.method, url, headers=headers, content=request.body, timeout=self._timeout)
        async with stream as response:
            chunks, length = [], 0
            async for chunk in response.aiter_bytes():
                length += len(chunk)
                if length > self._limits.body_bytes:
                    return Malformed(f"expected a reply of at most {self._limits.body_bytes} bytes, got a longer one")
                chunks.append(chunk)
        received = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, received, _blanked(b"".join(chunks), secrets), datetime.now(UTC))

    def _failure(self, error: httpx.HTTPError | httpx.InvalidURL) -> Failure:
        match error:
            case httpx.ConnectTimeout():
                return Unavailable(f"no connection within {self._limits.connect_s:g} s")
            case httpx.TimeoutException():
                return Unavailable(f"no answer for {self._limits.read_s:g} s")
            case httpx.LocalProtocolError() | httpx.InvalidURL() | httpx.UnsupportedProtocol():
                return Malformed(f"a request that cannot be sent: {type(error).__name__}")  # its text may show a header
            case httpx.DecodingError():
                return Malformed("expected a body that is compressed as its headers say")
            case _:
                return Unavailable(excerpt(str(error)) or type(error).__name__)


def checked_base_url(text: str) -> str:
    """Return a base URL without the slash at its end; `BaseUrlError` unless it is https, or http on this machine.

    It has no user, query or fragment: a password in it would show in messages.
    """
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise BaseUrlError("expected a URL such as https://api.example.com, found one that cannot be read") from error
    if not host or "@" in parts.netloc or parts.query or parts.fragment or not text.isprintable() or " " in text:
        raise BaseUrlError("expected a URL such as https://api.example.com, without user, query and fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        raise BaseUrlError(f"expected https:// (http:// for this machine only), found {parts.scheme}://{host}")
    return text.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = httpx.URL(url)
    return parts.scheme, parts.host, parts.port


def _blanked(body: bytes, secrets: Mapping[str, str]) -> bytes:
    for value in secrets.values():
        secret = value.rpartition(" ")[2]  # without its scheme, as in `Bearer …`
        if len(secret) >= MIN_BLANKED_BYTES:
            body = body.replace(secret.encode(), BLANK)
    return body


@cache
def _tls() -> ssl.SSLContext:
    """Return the one context of all clients: reading the authorities takes 20 ms, and a worker has a client per account."""
    return httpx.create_ssl_context(trust_env=False)
