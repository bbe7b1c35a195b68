"""Functions that all signature schemes share: decode, compare in constant time, judge a timestamp, sign.

Header names come only from the scheme (`providers/scheme.py`). Every comparison covers every current secret and every given
signature, so the time taken does not reveal which of them matched.
"""

import base64
import binascii
import hmac
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from providers.base import Refused, Verdict, Verified
from providers.scheme import TOLERANCE_S, Encoding, SignatureScheme, Signed

DIGEST_BYTES = {"sha1": 20, "sha256": 32, "sha512": 64}


def read_digest(scheme: SignatureScheme, entry: str) -> bytes | None:
    """Return the digest in one entry of a signature header; None unless it has the scheme's prefix, encoding and length."""
    prefix = scheme.prefix
    if not entry.startswith(prefix):
        return None
    decode = decode_hex if scheme.encoding == "hex" else decode_base64
    return decode(entry[len(prefix) :], scheme.algorithm)


def read_digests(scheme: SignatureScheme, entries: Iterable[str]) -> list[bytes]:
    """Return the digests in the entries of a signature header that have the scheme's form."""
    prefix, algorithm = scheme.prefix, scheme.algorithm
    decode = decode_hex if scheme.encoding == "hex" else decode_base64
    # Not a call of `read_digest` for each entry: a Stripe header has two or more, and calls are what verifying costs.
    digests = [decode(entry[len(prefix) :], algorithm) for entry in entries if entry.startswith(prefix)]
    return [digest for digest in digests if digest is not None]


def decode_hex(text: str, algorithm: str) -> bytes | None:
    """Return the digest written in hexadecimal, None unless it has exactly the algorithm's length."""
    expected_digits = 2 * DIGEST_BYTES[algorithm]
    if len(text) != expected_digits or not text.isascii() or not text.isalnum():
        return None
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None


def decode_base64(text: str, algorithm: str) -> bytes | None:
    """Return the digest written in base64, padding optional, None unless it has exactly the algorithm's length."""
    if len(text) > 2 * DIGEST_BYTES[algorithm]:
        return None
    try:
        digest = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return digest if len(digest) == DIGEST_BYTES[algorithm] else None


def match_hmac(
    signed: bytes, given: Sequence[bytes], secrets: Sequence[bytes], algorithm: str = "sha256"
) -> Verified | Refused:
    """Check whether any given digest is the HMAC of the signed bytes under any current secret."""
    return match_secret(lambda secret: hmac.digest(secret, signed, algorithm), given, secrets)


def match_secret(
    expected: Callable[[bytes], bytes], given: Sequence[bytes], secrets: Sequence[bytes]
) -> Verified | Refused:
    """Check every given value against the one expected for each current secret, ignoring empty secrets."""
    matching = -1
    for index, secret in enumerate(secrets):
        if secret and _is_any(expected(secret), given) and matching < 0:
            matching = index
    if matching < 0:
        count = len(secrets)
        return Refused("wrong_signature", f"none of {count} current secrets makes this signature of the body received")
    return Verified(matching)


def _is_any(expected: bytes, given: Sequence[bytes]) -> bool:
    # All given values are compared, even after a match. `expected` is computed once per secret, so a header full of signatures
    # costs no more HMACs than one.
    is_any = False
    for value in given:
        is_any |= hmac.compare_digest(expected, value)
    return is_any


def timestamp_refusal(text: str, now: datetime, tolerance_s: int = TOLERANCE_S) -> Refused | None:
    """Return why a Unix timestamp in seconds is not fresh, None if it is within the tolerance in both directions.

    Source: Standard Webhooks 1.0, "Verifying webhook authenticity".
    """
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        return Refused("malformed_signature", "expected a timestamp in whole Unix seconds")
    age_s = now.timestamp() - int(text)
    if age_s > tolerance_s:
        return Refused("too_old", f"signed {age_s:.0f} s ago, allowed are {tolerance_s} s; is a clock wrong?")
    if -age_s > tolerance_s:
        return Refused(
            "in_future", f"signed {-age_s:.0f} s in the future, allowed are {tolerance_s} s; is a clock wrong?"
        )
    return None


def signing_headers(
    scheme: SignatureScheme, secret: bytes, body: bytes, delivery_id: str, now: datetime
) -> dict[str, str]:
    """Return all headers of a scheme as its sender writes them, for a body, an id and the time of this attempt."""
    timestamp = str(int(now.timestamp()))
    signed = signed_text(scheme.signed, delivery_id, timestamp, body)
    digest = hmac.digest(signing_key(scheme, secret), signed, scheme.algorithm)
    signature = scheme.prefix + encode_digest(digest, scheme.encoding)
    if scheme.timestamp_prefix:
        signature = f"{scheme.timestamp_prefix}{timestamp}{scheme.separator}{signature}"
    headers = dict.fromkeys(scheme.id_headers[:1], delivery_id) | dict.fromkeys(scheme.timestamp_headers[:1], timestamp)
    return headers | {scheme.header: signature}


def signed_text(signed: Signed, delivery_id: str, timestamp: str, body: bytes) -> bytes:
    """Return the bytes that are signed; arguments that the scheme does not sign are ignored."""
    if signed == "body":
        return body
    if signed == "timestamp.body":
        return header_bytes(timestamp + ".") + body
    return header_bytes(f"{delivery_id}.{timestamp}.") + body


def signing_key(scheme: SignatureScheme, secret: bytes) -> bytes:
    """Return the key of a secret; empty, which never matches, if the secret cannot be decoded."""
    return decoded_secret(secret) if scheme.key == "decoded" else secret


def decoded_secret(secret: bytes) -> bytes:
    """Return a secret decoded from base64, `whsec_` and padding optional; empty if it is not base64.

    Before `whsec_` may stand the version of its signatures, `v1,`, as Supabase writes it.
    """
    text = secret.removeprefix(b"v1,").removeprefix(b"whsec_").rstrip(b"=")
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        return b""


def encode_digest(digest: bytes, encoding: Encoding) -> str:
    """Return a digest as text."""
    return digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()


def header_bytes(value: str) -> bytes:
    """Return the bytes that a header value had on the wire: servers decode them as Latin-1 (RFC 9110, section 5.5)."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")


def refuse_missing(header: str) -> Verdict:
    """Return the refusal for a request without its signature header."""
    return Refused("missing_signature", f"expected the header {header}; is signing switched on at the provider?")


def refuse_malformed(header: str, expected: str) -> Verdict:
    """Return the refusal for a signature header that does not have the scheme's form."""
    return Refused("malformed_signature", f"expected {header} to be {expected}")
