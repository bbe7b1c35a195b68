"""Where each provider puts its signature and of what it makes it, as values that can be compared with what a request has.

Only for explaining a refusal: whether a request is verified, the provider's own file alone decides.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from providers.base import Provider
from providers.generic import Generic, GenericOptions
from providers.signature import DIGEST_BYTES, header_bytes

Encoding = Literal["hex", "base64", "base64url", "base64 of hex"]
Signed = Literal["body", "timestamp.body", "id.timestamp.body"]
KeyKind = Literal["text", "decoded"]


@dataclass(frozen=True, slots=True)
class Scheme:
    """How one provider signs; any of `headers` holds the signature. `key`: the secret's text, or what it decodes to."""

    provider: str
    headers: tuple[str, ...]
    prefix: str
    encoding: Encoding
    signed: Signed = "body"
    key: KeyKind = "text"
    algorithm: str = "sha256"


@dataclass(frozen=True, slots=True)
class Given:
    """Something in a header that has the form of a digest."""

    header: str
    prefix: str
    encoding: Encoding
    algorithm: str
    digest: bytes = field(repr=False)


SCHEMES = (
    Scheme("shopify", ("x-shopify-hmac-sha256", "shopify-hmac-sha256"), "", "base64"),
    Scheme("bigcommerce", ("webhook-signature",), "v1,", "base64", "id.timestamp.body"),
    Scheme("github", ("x-hub-signature-256",), "sha256=", "hex"),
    Scheme("stripe", ("stripe-signature",), "v1=", "hex", "timestamp.body"),
    Scheme("standard", ("webhook-signature", "svix-signature"), "v1,", "base64", "id.timestamp.body", "decoded"),
)
_MAX_HEADER_CHARS = 8192  # as long as most servers let a header be; a signature has 100
_DIGEST = re.compile(r"(?:\b(?P<prefix>[A-Za-z][A-Za-z0-9]{0,15}(?:[=,:]|(?=\s)))\s?)?(?P<text>[\w+/-]{27,}={0,2})")
_ALGORITHMS = {size: algorithm for algorithm, size in DIGEST_BYTES.items()}
_STRIPE_TIME = re.compile(r"(?:^|,)\s*t=([0-9]+)")


def scheme_of(provider: Provider) -> Scheme | None:
    """Return how a provider signs, None for shopery, which signs nothing."""
    if isinstance(provider, Generic):
        return _generic(provider.options)
    return next((scheme for scheme in SCHEMES if scheme.provider == provider.name), None)


def other_schemes(scheme: Scheme | None) -> tuple[Scheme, ...]:
    """Return the schemes of every other provider, the generic one with its defaults last."""
    own = None if scheme is None else scheme.provider
    return tuple(known for known in (*SCHEMES, _generic(GenericOptions())) if known.provider != own)


def given_digests(headers: Mapping[str, str]) -> list[Given]:
    """Return everything in any header that has the form of a digest, whatever the header is called."""
    found = []
    for name, value in headers.items():
        for match in _DIGEST.finditer(value[:_MAX_HEADER_CHARS]):
            digest = _decoded(match["text"])
            if digest is not None:
                encoding, content = digest
                found.append(Given(name, match["prefix"] or "", encoding, _ALGORITHMS[len(content)], content))
    return found


def signed_forms(headers: Mapping[str, str]) -> dict[Signed, bytes]:
    """Return what the known schemes put before the body, as far as the headers have it."""
    forms: dict[Signed, bytes] = {"body": b""}
    for name, value in headers.items():
        family, _, last = name.rpartition("-")
        if last == "timestamp":
            forms["timestamp.body"] = header_bytes(value) + b"."
            if family + "-id" in headers:
                forms["id.timestamp.body"] = header_bytes(headers[family + "-id"]) + b"." + header_bytes(value) + b"."
    if time := _STRIPE_TIME.search(headers.get("stripe-signature", "")):
        forms["timestamp.body"] = header_bytes(time[1]) + b"."
    return forms


def signed_time(headers: Mapping[str, str]) -> str | None:
    """Return the Unix time that was signed with the body, as it stands in the headers; None where there is none."""
    if time := _STRIPE_TIME.search(headers.get("stripe-signature", "")):
        return time[1]
    return headers.get("webhook-timestamp", headers.get("svix-timestamp"))


def families(headers: Mapping[str, str], scheme: Scheme | None) -> list[tuple[str, str]]:
    """Return the signature headers of other providers that a request carries, each with its provider."""
    own = () if scheme is None else scheme.headers
    return [
        (name, known.provider)
        for known in other_schemes(scheme)
        for name in known.headers
        if name in headers and name not in own
    ]


def _generic(options: GenericOptions) -> Scheme:
    return Scheme(
        "generic",
        (options.signature_header.lower(),),
        options.prefix,
        options.encoding,
        algorithm=options.algorithm,
    )


def _decoded(text: str) -> tuple[Encoding, bytes] | None:
    """Return a digest and how it was written; None where the text has not the length of one."""
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
