"""The arithmetic that all signature schemes share: decode, compare in constant time, judge a timestamp.

Nothing here knows a header name. Every comparison looks at every current secret and every given signature, so the time
taken tells nothing about which of them matched.
"""

import base64
import binascii
import hmac
from collections.abc import Callable, Sequence
from datetime import datetime

from providers.base import Refused, Verdict, Verified

TOLERANCE_S = 300  # Standard Webhooks 1.0 and Stripe's libraries: five minutes, both ways.
DIGEST_BYTES = {"sha1": 20, "sha256": 32, "sha512": 64}


def decode_hex(text: str, algorithm: str) -> bytes | None:
    """Return the digest that hexadecimal text spells, None unless it has exactly the algorithm's length."""
    expected_digits = 2 * DIGEST_BYTES[algorithm]
    if len(text) != expected_digits or not text.isascii() or not text.isalnum():
        return None
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None


def decode_base64(text: str, algorithm: str) -> bytes | None:
    """Return the digest that base64 text spells, padding optional, None unless of exactly the algorithm's length."""
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
    """Check every given value against what each current secret, empty ones excepted, makes of the request."""
    usable = [(index, secret) for index, secret in enumerate(secrets) if secret]
    matches = [index for index, secret in usable if _is_any(expected(secret), given)]
    if not matches:
        return Refused(
            "wrong_signature", f"none of {len(usable)} current secrets makes this signature of the body received"
        )
    return Verified(matches[0])


def _is_any(expected: bytes, given: Sequence[bytes]) -> bool:
    # A list, not a generator: every given value is compared, whichever matches. `expected` is made once per secret, so
    # a header full of signatures costs no more HMACs than one.
    return any([hmac.compare_digest(expected, value) for value in given])  # noqa: C419 - see above


def judge_timestamp(text: str, now: datetime, tolerance_s: int = TOLERANCE_S) -> Refused | None:
    """Return why a Unix timestamp in seconds is not fresh, None when it is within the tolerance, both ways.

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
    """Return the refusal for a signature header that is not of the scheme's form."""
    return Refused("malformed_signature", f"expected {header} to be {expected}")
