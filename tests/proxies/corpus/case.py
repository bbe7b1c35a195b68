"""One case of the corpus, and its building blocks: correctly signed posts in their parts."""

from datetime import UTC, datetime

from msgspec import Struct

from providers.base import Sample
from providers.registry import provider

SECRET = b"made-up"
CLIENT = "127.0.0.2"  # the address of all cases; the proxies are on 127.0.0.1
FORGED = b"203.0.113.7"  # allowed to post to the guarded source, and unused here
ACCEPTED = frozenset({200})
NOT_ALLOWED = frozenset({403})


class Case(Struct, frozen=True):
    """The bytes of one client on one connection, piece by piece, with pauses between.

    `bodies` may reach the topic, each once. `answers` are all allowed answers of the ingress, None where the parser decides. The
    last piece is followed by a request of the harness's own, unless the client has closed its half. An unfinished one never ends,
    so that the proxy and the ingress wait.
    """

    pieces: tuple[bytes, ...]
    bodies: tuple[bytes, ...] = ()
    answers: frozenset[int] | None = None
    is_half_closed: bool = False
    is_unfinished: bool = False


class Post(Struct, frozen=True):
    """One acceptable request in its parts; the lines are without their ends."""

    line: bytes
    fields: tuple[bytes, ...]
    body: bytes

    def raw(self, *more: bytes, payload: bytes = b"", line: bytes = b"") -> bytes:
        """Return the bytes with these additional header lines, and arbitrary content after them."""
        return b"\r\n".join([line or self.line, *self.fields, *more, b"", payload])

    def sized(self, *more: bytes) -> bytes:
        """Return the bytes with a Content-Length."""
        return self.raw(b"Content-Length: %d" % len(self.body), *more, payload=self.body)

    def chunked(self, *more: bytes, trailers: bytes = b"") -> bytes:
        """Return the bytes with the body in one chunk and these trailer lines, with their ends, after it."""
        return self.raw(b"Transfer-Encoding: chunked", *more, payload=in_chunks(self.body, trailers))

    def without(self, start: bytes) -> "Post":
        """Return it without the fields that begin with this text."""
        return Post(self.line, tuple(field for field in self.fields if not field.lower().startswith(start)), self.body)

    def at(self, target: bytes) -> "Post":
        """Return it with another target."""
        return Post(b"POST %b HTTP/1.1" % target, self.fields, self.body)


class Author:
    """Writes the requests of one case. `name` is unique to the case on the topic."""

    def __init__(self, name: str, run: str) -> None:
        self.name = name
        self._run = run
        self._written = 0

    def path(self, source: str = "shop") -> bytes:
        """Return the path of a source: `shop`, `guarded`, `own` or `hidden`."""
        return f"/v1/{source}-{self._run}".encode()

    def post(self, source: str = "shop", body: bytes | None = None) -> Post:
        """Return a correctly signed post with a body of its own, or this one."""
        self._written += 1
        if body is None:
            body = f'{{"id":7,"case":"{self.name}-{self._written}"}}'.encode()
        sample = Sample(body, "products/update", f"{self.name}-{self._written}", datetime.now(UTC))
        signed = provider("shopify").sign(sample, SECRET)
        fields = [f"{name}: {value}".encode() for name, value in signed.items()]
        return Post(b"POST %b HTTP/1.1" % self.path(source), (b"Host: ingress", self.case_field, *fields), body)

    def get(self, target: bytes, *more: bytes) -> bytes:
        """Return a GET without a body."""
        return b"\r\n".join([b"GET %b HTTP/1.1" % target, b"Host: ingress", self.case_field, *more, b"", b""])

    def smuggled(self) -> dict[str, bytes]:
        """Return requests that must not get past a proxy inside another one."""
        forged = b"X-Forwarded-For: " + FORGED
        return {
            "metrics": self.get(b"/metrics"),
            "forged post": self.post("guarded").sized(forged),
            "hidden post": self.post("hidden").sized(),
        }

    def nobody(self) -> bytes:
        """Return the name of a source that does not exist; only the ingress's answer to it contains the name."""
        return f"nobody-{self.name}".encode()

    def last_request(self) -> bytes:
        """Return a request for it, the last on its connection."""
        return self.get(b"/v1/" + self.nobody(), b"Connection: close")

    def next_post(self) -> Post:
        """Return the delivery that follows the case on another connection."""
        following = Author(f"after-{self.name}", self._run)
        return following.post(body=self.next_body())

    def next_body(self) -> bytes:
        """Return that delivery's body."""
        return f'{{"id":7,"case":"after-{self.name}"}}'.encode()

    @property
    def case_field(self) -> bytes:
        """Return the header line by which the proxy's log names the case."""
        return b"X-Case: " + self.name.encode()


def in_chunks(body: bytes, trailers: bytes = b"") -> bytes:
    """Return the body in one chunk, and the end with these trailer lines."""
    return b"%x\r\n%b\r\n0\r\n%b\r\n" % (len(body), body, trailers)


def accepted(post: Post, *pieces: bytes) -> Case:
    """Return a case whose post the ingress must accept, if the proxy passes it on."""
    return Case(pieces, (post.body,), ACCEPTED)


def any_answer(post: Post, *pieces: bytes) -> Case:
    """Return a case whose post may be accepted or refused, by either side."""
    return Case(pieces, (post.body,))


def refused(*pieces: bytes) -> Case:
    """Return a case whose posts must not reach the topic."""
    return Case(pieces)
