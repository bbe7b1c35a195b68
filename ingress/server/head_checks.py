"""Checks a head for faults that llhttp accepts, each of which could bypass a proxy's checks."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from ingress import answers
from ingress.answers import Answer

MAX_FIELDS = (
    256  # Senders and proxies add up to 60; 64 kB of empty fields would take 2 MB for as long as they are held.
)

Fields = Sequence[tuple[bytes, bytes]]

# RFC 3986, section 3.2.2, without user names; an empty host is allowed (RFC 9110, section 7.2).
_host = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~%!$&'()*+,;=]*)(:[0-9]*)?")


def head_fault(fields: Fields, by_name: Mapping[bytes, bytes], version: str, method: bytes) -> Answer | None:
    """Return the refusal of a faulty head, after which the start of the next request is unknown; None for a good head.

    The parser also accepts HTTP/0.9 and 2.0, CONNECT, chunks in HTTP/1.0 (RFC 9112, section 6.1), and any number of hosts
    (section 3.2), of which a proxy may have chosen any. `by_name` holds the last field of each name.
    """
    if len(fields) > MAX_FIELDS:
        return answers.too_many_fields(MAX_FIELDS)
    if version not in {"1.0", "1.1"}:
        return answers.invalid_http()
    if method == b"CONNECT":
        return answers.invalid_http("expected a request for this server; it is no proxy")
    if version == "1.0" and b"transfer-encoding" in by_name:
        return answers.invalid_http("expected no Transfer-Encoding in HTTP/1.0")
    host = by_name.get(b"host")
    if host is None:
        return None if version == "1.0" else answers.invalid_http("expected a Host header, got none")
    if len(fields) > len(by_name) and sum(name == b"host" for name, _ in fields) > 1:
        return answers.invalid_http("expected one Host header, got several")
    return _host_fault(host)


@lru_cache(maxsize=64)
def _host_fault(host: bytes) -> Answer | None:
    if _host.fullmatch(host) is None:
        return answers.invalid_http("expected a host name or address in the Host header")
    return None
