"""What is wrong with a head that the parser takes: things that llhttp leaves to its user, each a way past a proxy."""

import re
from collections.abc import Sequence

from ingress import answers
from ingress.answers import Answer

Fields = Sequence[tuple[bytes, bytes]]

# RFC 3986, section 3.2.2, without user names; an empty host is allowed (RFC 9110, section 7.2).
_host = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~%!$&'()*+,;=]*)(:[0-9]*)?")


def header(fields: Fields, name: bytes) -> bytes | None:
    """Return the value of the first field of that name, which is in lower case."""
    return next((value for known, value in fields if known == name), None)


def head_fault(fields: Fields, version: str, method: bytes) -> Answer | None:
    """Return the refusal of a head, after which nobody knows where the next request begins; None for a good one.

    The parser also takes HTTP/0.9 and 2.0, CONNECT, chunks in HTTP/1.0 (RFC 9112, section 6.1), and any number of hosts
    (section 3.2), whichever a proxy has chosen.
    """
    if version not in {"1.0", "1.1"}:
        return answers.invalid_http()
    if method == b"CONNECT":
        return answers.invalid_http("expected a request for this server; it is no proxy")
    if version == "1.0" and header(fields, b"transfer-encoding") is not None:
        return answers.invalid_http("expected no Transfer-Encoding in HTTP/1.0")
    hosts = [value for name, value in fields if name == b"host"]
    if len(hosts) > 1 or (version == "1.1" and not hosts):
        return answers.invalid_http(f"expected one Host header, got {len(hosts)}")
    if hosts and _host.fullmatch(hosts[0]) is None:
        return answers.invalid_http("expected a host name or address in the Host header")
    return None
