"""The ingress's answers: a status, and for every refusal a fixed reason for machines and a detail that says what to do.

No answer contains a secret, a body or a signature. The 200 is empty: BigCommerce requires no body and no headers.
"""

from math import ceil
from typing import Literal

import msgspec
from msgspec import Struct

from ingress.admission.rate_limits import Rate
from ingress.settings import RETRY_AFTER_S
from providers.base import Refused
from schemas.writes import MAX_BYTES

Result = Literal["accepted", "probed", "refused", "unavailable"]
Headers = tuple[tuple[bytes, bytes], ...]
SHOWN_CHARS = 64  # of a name chosen by a stranger


class Answer(Struct, frozen=True):
    """One HTTP answer; `reason` is empty unless it is a refusal."""

    status: int
    result: Result
    reason: str = ""
    detail: str = ""
    headers: Headers = ()

    def body(self) -> bytes:
        """Return the JSON body of a refusal, an empty body for an acceptance."""
        return msgspec.json.encode({"error": self.reason, "detail": self.detail}) if self.reason else b""


ACCEPTED = Answer(200, "accepted")
PROBED = Answer(200, "probed")
CLOSE = (b"connection", b"close")
JSON = (b"content-type", b"application/json")
RETRY_AFTER = (b"retry-after", str(RETRY_AFTER_S).encode())


def unsigned(refused: Refused) -> Answer:
    """Return 401 with the provider's reason: the signature is missing, malformed, wrong, too old or in the future."""
    return Answer(401, "refused", refused.reason, refused.detail)


def unknown_source(name: str) -> Answer:
    """Return 404: no source of that name is configured."""
    shown = name[:SHOWN_CHARS]
    return Answer(
        404,
        "refused",
        "unknown_source",
        f"no source is called {shown!r}; expected POST /v1/ and a name from penstock.toml",
    )


def unknown_path() -> Answer:
    """Return 404: nothing is served at that path."""
    return Answer(404, "refused", "unknown_path", "expected POST /v1/{source}; this port serves nothing else")


def not_allowed(address: str) -> Answer:
    """Return 403: the address is in none of the networks that the source allows."""
    detail = f"{address[:SHOWN_CHARS] or 'an unknown address'} may not post to this source"
    return Answer(403, "refused", "not_allowed", f"{detail}; see allow and trusted_proxies in penstock.toml")


def unknown_tenant(tenant: str) -> Answer:
    """Return 403: the delivery is of an account at the provider that the source does not list."""
    shown = repr(tenant[:SHOWN_CHARS]) if tenant else "no tenant"
    return Answer(403, "refused", "unknown_tenant", f"{shown} is not in tenants of this source in penstock.toml")


def rate_limited(rate: Rate, wait_s: float) -> Answer:
    """Return 429 with Retry-After, rounded up: the source exceeds its rate, and is accepted again after that time."""
    retry_after = (b"retry-after", b"%d" % ceil(wait_s))
    detail = f"expected at most {rate.per_s:g} deliveries a second, {rate.burst} at once; send it again"
    return Answer(429, "refused", "rate_limited", detail, (retry_after,))


def no_writes(name: str) -> Answer:
    """Return 404: the source takes no declared writes, because no token for them is configured."""
    detail = f"source {name[:SHOWN_CHARS]!r} takes no declared writes; set token in its echoes in penstock.toml"
    return Answer(404, "refused", "no_writes", detail)


def wrong_token() -> Answer:
    """Return 401: the declaration has no token, or another one. Its body is not read."""
    detail = "expected Authorization: Bearer and the token of this source's echoes in penstock.toml"
    return Answer(401, "refused", "wrong_token", detail, ((b"www-authenticate", b"Bearer"),))


def malformed_write(detail: str) -> Answer:
    """Return 400: the body is no declared write; `detail` says what was expected, without any value."""
    return Answer(400, "refused", "malformed_write", detail)


def write_too_large() -> Answer:
    """Return 413: the body is larger than a declared write may be."""
    detail = f"expected at most {MAX_BYTES} bytes; declare the fields that are written, not the whole resource"
    return Answer(413, "refused", "body_too_large", detail)


def wrong_method(allowed: str) -> Answer:
    """Return 405: deliveries must be posted."""
    detail = f"expected one of {allowed}; deliveries are sent with POST"
    return Answer(405, "refused", "wrong_method", detail, ((b"allow", allowed.encode()),))


def request_too_slow(timeout_s: float) -> Answer:
    """Return 408: the request did not arrive in time. Sent by the connection itself, which then closes."""
    return Answer(
        408, "refused", "request_too_slow", f"expected the whole request within {timeout_s:g} s; send it again"
    )


def invalid_http(expected: str = "expected HTTP/1.1") -> Answer:
    """Return 400: the bytes are not HTTP/1.1, so the start of the next request is unknown. Sent by the connection."""
    return Answer(400, "refused", "invalid_http", expected)


def header_too_large(limit_bytes: int) -> Answer:
    """Return 400: headers, chunk extensions or trailers exceed the limit. Sent by the connection, which then closes."""
    return Answer(400, "refused", "header_too_large", f"expected at most {limit_bytes} bytes of headers and trailers")


def too_many_fields(max_fields: int) -> Answer:
    """Return 400: this many header fields take too much memory. Sent by the connection itself, which then closes."""
    return Answer(400, "refused", "header_too_large", f"expected at most {max_fields} header fields")


def body_cut_off() -> Answer:
    """Return 400: the connection ended inside the body, so the sender most likely does not read this."""
    return Answer(
        400,
        "refused",
        "body_cut_off",
        "the connection ended before the whole body had arrived; send it again",
        (CLOSE,),
    )


def body_too_large(limit_bytes: int) -> Answer:
    """Return 413: the body exceeds the limit.

    The connection stays open: if it were closed while the sender is still writing, it would be reset and the answer lost.
    The server reads and drops the rest of the body, and never keeps it.
    """
    detail = f"expected at most {limit_bytes} bytes; subscribe to fewer fields, or raise ingress.body_limit_bytes"
    return Answer(413, "refused", "body_too_large", detail)


def encoded_body() -> Answer:
    """Return 415: a compressed body is refused unread.

    No provider compresses deliveries, and a signature could cover either the compressed or the original bytes. To find
    out, the ingress would have to decompress unverified bodies, decompression bombs included.
    """
    return Answer(
        415, "refused", "encoded_body", "expected no Content-Encoding: signatures are checked on the bytes as sent"
    )


def transfer_coding() -> Answer:
    """Return 501: the body is compressed in transit (RFC 9112, section 6.1), so no signature matches the bytes as sent."""
    return Answer(
        501, "refused", "transfer_coding", "expected Transfer-Encoding: chunked, or none; send the body as signed"
    )


def too_busy(max_requests: int) -> Answer:
    """Return 503: too many requests are in flight; see `max_concurrent`."""
    return unavailable("too_busy", f"{max_requests} requests are under way already; send it again")


def too_many_bytes(max_bytes: int) -> Answer:
    """Return 503: too many bytes of bodies are in memory; see `bodies_limit_bytes`."""
    return unavailable("too_many_bytes", f"{max_bytes} bytes of other bodies are under way already; send it again")


def too_many_connections(max_connections: int) -> Answer:
    """Return 503: too many connections are open, busy or not. Sent by the connection itself, which then closes."""
    return unavailable("too_many_connections", f"{max_connections} connections are open already; try again")


def unavailable(reason: str, detail: str) -> Answer:
    """Return 503 with Retry-After: the delivery may not be stored, so the provider must send it again."""
    return Answer(503, "unavailable", reason, detail, (RETRY_AFTER,))
