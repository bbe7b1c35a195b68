"""How a provider authenticates its deliveries, as a value: `verify` and `sign` use it, and it explains refusals.

The few rules of a single provider, such as the characters of a message id, stay in that provider's file.
"""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

Algorithm = Literal["sha256", "sha512"]
Encoding = Literal["hex", "base64"]
Signed = Literal["body", "timestamp.body", "id.timestamp.body"]
KeyKind = Literal["text", "decoded"]

TOLERANCE_S = 300  # Standard Webhooks 1.0 and Stripe's libraries: five minutes in both directions.


class SignatureScheme(Struct, frozen=True):
    """An HMAC in a header; all header names are in lower case, and of several names the first one present is used.

    `usual_header` is the one that senders write today, if that is not the first. `prefix` precedes every signature;
    `separator` separates the entries of a header that may hold several. `key` tells whether the secret is the key itself or
    the key in base64. `timestamp_prefix` marks a time that is an entry of the signature's own header.
    """

    provider: str
    headers: tuple[str, ...]
    encoding: Encoding
    prefix: str = ""
    algorithm: Algorithm = "sha256"
    signed: Signed = "body"
    key: KeyKind = "text"
    separator: str = ""
    id_headers: tuple[str, ...] = ()
    timestamp_headers: tuple[str, ...] = ()
    timestamp_prefix: str = ""
    tolerance_s: int = TOLERANCE_S
    usual_header: str = ""

    @property
    def header(self) -> str:
        """Return the header that `sign` writes and messages mention."""
        return self.usual_header or self.headers[0]

    @property
    def form(self) -> str:
        """Return the form of the header's value, for messages."""
        time = f"{self.timestamp_prefix}<Unix seconds>{self.separator}" if self.timestamp_prefix else ""
        return f"{time}{self.prefix}<{self.encoding} of an HMAC-{self.algorithm.upper()}>"


class SecretScheme(Struct, frozen=True):
    """No signature: the secret itself is in a header, and the body is not protected."""

    provider: str
    header: str


Scheme = SignatureScheme | SecretScheme


def first_header(headers: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    """Return the value of the first of these headers that is present."""
    for name in names:
        value = headers.get(name)
        if value is not None:
            return value
    return None


def signed_timestamp(scheme: SignatureScheme, headers: Mapping[str, str]) -> str | None:
    """Return the time that is signed with the body, as written in the headers; None if there is none."""
    if not scheme.timestamp_prefix:
        return first_header(headers, scheme.timestamp_headers)
    header = first_header(headers, scheme.headers) or ""
    times = (entry.strip() for entry in header.split(scheme.separator))
    found = next((time for time in times if time.startswith(scheme.timestamp_prefix)), None)
    return None if found is None else found.removeprefix(scheme.timestamp_prefix)
