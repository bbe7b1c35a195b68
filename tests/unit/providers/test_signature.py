"""The arithmetic of signatures: decoding, comparing, judging a timestamp."""

import base64
import hmac
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.base import Refused, Verified
from providers.signature import (
    decode_base64,
    decode_hex,
    header_bytes,
    match_hmac,
    match_secret,
    timestamp_refusal,
)

DIGEST = bytes(range(32))
NOW = datetime.fromtimestamp(1_700_000_000.9, UTC)


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        (DIGEST.hex(), DIGEST),
        (DIGEST.hex().upper(), DIGEST),
        (DIGEST.hex()[:-2], None),  # one byte short
        (DIGEST.hex() + "00", None),  # one byte long
        (DIGEST.hex()[:-1] + "g", None),
        (DIGEST.hex()[:-2] + " 0", None),  # bytes.fromhex would skip the space
        ("\u0660" * 64, None),  # digits, but not ASCII ones
        ("", None),
    ],
)
def test_hex_is_decoded_only_at_exactly_its_length(text: str, digest: bytes | None) -> None:
    """Only 64 hexadecimal digits are a SHA-256 digest."""
    assert decode_hex(text, "sha256") == digest


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        (base64.b64encode(DIGEST).decode(), DIGEST),
        (base64.b64encode(DIGEST).decode().rstrip("="), DIGEST),  # padding is optional
        (base64.b64encode(DIGEST[:-1]).decode(), None),
        (base64.b64encode(DIGEST + b"x").decode(), None),
        ("*" * 44, None),
        ("\u00e9" * 44, None),
        ("A" * 1_000_000, None),
        ("", None),
    ],
)
def test_base64_is_decoded_only_at_exactly_its_length(text: str, digest: bytes | None) -> None:
    """Only the base64 of 32 bytes is a SHA-256 digest."""
    assert decode_base64(text, "sha256") == digest


@given(st.text())
def test_decoding_never_raises(text: str) -> None:
    """For any header the result is a digest or None."""
    assert decode_hex(text, "sha256") is None or len(text) == 64
    assert decode_base64(text, "sha256") is None or len(text) >= 43


def test_match_tells_which_secret_made_the_signature() -> None:
    """Several secrets are current while one is being replaced; empty ones keep their place but never match."""
    given_digest = hmac.digest(b"new", b"body", "sha256")

    assert match_hmac(b"body", [given_digest], [b"", b"old", b"new"]) == Verified(secret_index=2)


@pytest.mark.parametrize("index", range(32))
def test_every_byte_of_a_signature_counts(index: int) -> None:
    """A signature that is right but for one bit, wherever it is, is wrong: none of it can be found by trying."""
    right = hmac.digest(b"secret", b"body", "sha256")
    forged = bytes([*right[:index], right[index] ^ 1, *right[index + 1 :]])

    assert isinstance(match_hmac(b"body", [forged], [b"secret"]), Refused)


def test_empty_secret_never_matches() -> None:
    """This includes a signature made with the empty secret."""
    forged = hmac.digest(b"", b"body", "sha256")

    assert match_hmac(b"body", [forged], [b""]) == Refused(
        "wrong_signature", "none of 1 current secrets makes this signature of the body received"
    )


def test_expected_value_is_made_once_per_secret() -> None:
    """A header with a thousand signatures must not cost a thousand HMACs of a large body."""
    made: list[bytes] = []

    def expected(secret: bytes) -> bytes:
        made.append(secret)
        return b"expected"

    verdict = match_secret(expected, [b"wrong"] * 1000, [b"one", b"two"])

    assert isinstance(verdict, Refused)
    assert made == [b"one", b"two"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1700000000", None),
        ("1699999701", None),  # 299.9 s ago
        ("1699999700", "too_old"),  # 300.9 s ago
        ("1700000300", None),
        ("1700000301", "in_future"),  # 300.1 s ahead
        ("0", "too_old"),
        ("999999999999", "in_future"),
        ("", "malformed_signature"),
        ("-1700000000", "malformed_signature"),
        ("1700000000.5", "malformed_signature"),
        (" 1700000000", "malformed_signature"),
        ("9" * 5000, "malformed_signature"),
        ("\u0661" * 10, "malformed_signature"),  # digits, but not ASCII ones
    ],
)
def test_timestamp_is_judged_both_ways(text: str, reason: str | None) -> None:
    """Five minutes either way; what is not whole Unix seconds is malformed, not old."""
    refusal = timestamp_refusal(text, NOW)

    assert (refusal.reason if refusal else None) == reason


@given(st.binary())
def test_header_bytes_are_those_of_the_wire(wire: bytes) -> None:
    """Servers decode headers as Latin-1, whatever encoding their sender meant."""
    assert header_bytes(wire.decode("latin-1")) == wire
