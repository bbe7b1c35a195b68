"""The schemes of all providers compared with a request: its digests, its time, and the provider whose headers it carries.

This only explains a refusal: the provider alone verifies a request, with the same scheme.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from providers.registry import PROVIDERS, provider
from providers.scheme import Scheme, SecretScheme, SignatureScheme, Signed, first_header, signed_timestamp
from providers.signature import DIGEST_BYTES, header_bytes, signed_text

GivenEncoding = Literal["hex", "base64", "base64url", "base64 of hex"]


@dataclass(frozen=True, slots=True)
class Given:
    """A part of a header that has the form of a digest."""

    header: str
    prefix: str
    encoding: GivenEncoding
    algorithm: str
    digest: bytes = field(repr=False)


_MAX_HEADER_CHARS = 8192  # the limit of most servers; a signature has 100
_DIGEST = re.compile(r"(?:\b(?P<prefix>[A-Za-z][A-Za-z0-9]{0,15}(?:[=,:]|(?=\s)))\s?)?(?P<text>[\w+/-]{27,}={0,2})")
_ALGORITHMS = {size: algorithm for algorithm, size in DIGEST_BYTES.items()}


def other_schemes(own: Scheme) -> tuple[Scheme, ...]:
    """Return the schemes of every other provider, the generic one with its defaults last."""
    return tuple(provider(name).scheme for name in PROVIDERS if name != own.provider)


def secret_owner(header: str, own: Scheme) -> str | None:
    """Return the provider that sends its secret itself in this header; None if no provider does."""
    known = (own, *other_schemes(own))
    return next((s.provider for s in known if isinstance(s, SecretScheme) and s.header == header), None)


def given_digests(headers: Mapping[str, str]) -> list[Given]:
    """Return all parts of any header that have the form of a digest, whatever the header's name."""
    found = []
    for name, value in headers.items():
        for match in _DIGEST.finditer(value[:_MAX_HEADER_CHARS]):
            digest = _decoded(match["text"])
            if digest is not None:
                encoding, content = digest
                found.append(Given(name, match["prefix"] or "", encoding, _ALGORITHMS[len(content)], content))
    return found


def signed_forms(headers: Mapping[str, str], own: Scheme) -> dict[Signed, bytes]:
    """Return the possible signed prefixes of the body, from the headers; the provider's own scheme takes precedence."""
    forms: dict[Signed, bytes] = {"body": b""}
    for name, value in headers.items():
        family, _, last = name.rpartition("-")
        if last == "timestamp":
            forms["timestamp.body"] = header_bytes(value) + b"."
            if family + "-id" in headers:
                forms["id.timestamp.body"] = header_bytes(headers[family + "-id"]) + b"." + header_bytes(value) + b"."
    for scheme in (*other_schemes(own), own):
        if isinstance(scheme, SignatureScheme):
            time, delivery_id = _time_anywhere(scheme, headers), first_header(headers, scheme.id_headers)
            if time is not None and (delivery_id is not None or not scheme.id_headers):
                forms[scheme.signed] = signed_text(scheme.signed, delivery_id or "", time, b"")
    return forms


def _time_anywhere(scheme: SignatureScheme, headers: Mapping[str, str]) -> str | None:
    """Return the signed time; a time that is an entry of the signature's header may be in a wrong header with it."""
    time = signed_timestamp(scheme, headers)
    if time is not None or not scheme.timestamp_prefix:
        return time
    times = (signed_timestamp(scheme, {scheme.headers[0]: value[:_MAX_HEADER_CHARS]}) for value in headers.values())
    return next((found for found in times if found is not None), None)


def signed_time(headers: Mapping[str, str], own: Scheme) -> str | None:
    """Return the Unix time that was signed with the body, as written in the headers; None if there is none."""
    schemes = (scheme for scheme in (own, *other_schemes(own)) if isinstance(scheme, SignatureScheme))
    times = (signed_timestamp(scheme, headers) for scheme in schemes)
    return next((time for time in times if time is not None), None)


def families(headers: Mapping[str, str], own: Scheme) -> list[tuple[str, str]]:
    """Return the signature and secret headers of other providers that a request carries, each with its provider."""
    return [
        (name, known.provider)
        for known in other_schemes(own)
        for name in _headers(known)
        if name in headers and name not in _headers(own)
    ]


def _headers(scheme: Scheme) -> tuple[str, ...]:
    return scheme.headers if isinstance(scheme, SignatureScheme) else (scheme.header,)


def _decoded(text: str) -> tuple[GivenEncoding, bytes] | None:
    """Return a digest and its encoding; None when the text does not have the length of a digest."""
    if len(text) in {2 * size for size in _ALGORITHMS} and re.fullmatch("[0-9A-Fa-f]+", text):
        return "hex", bytes.fromhex(text)
    plain = text.replace("-", "+").replace("_", "/")
    try:
        content = base64.b64decode(plain.rstrip("=") + "=" * (-len(plain.rstrip("=")) % 4), validate=True)
    except ValueError:  # not base64, or not ASCII
        return None
    if len(content) in {2 * size for size in _ALGORITHMS} and re.fullmatch(b"[0-9A-Fa-f]+", content):
        return "base64 of hex", bytes.fromhex(content.decode())
    if len(content) not in _ALGORITHMS:
        return None
    return ("base64" if plain == text else "base64url"), content
