"""Single values as Avro writes them, and caches that end."""

import io

import fastavro
from hypothesis import given
from hypothesis import strategies as st

from schemas.typed import primitives
from schemas.typed.primitives import COUNTS, MAX_CACHED, MAX_CACHED_CHARACTERS, TEXTS, long, time

LONG = fastavro.parse_schema({"type": "record", "name": "R", "fields": [{"name": "a", "type": "long"}]})


def written(number: int) -> bytes:
    """Return a long as fastavro writes it."""
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, LONG, {"a": number})
    return buffer.getvalue()


@given(st.integers(0, 63), st.integers(-(2**63), 2**63 - 1))
def test_long_is_fastavros(bits: int, number: int) -> None:
    """For numbers of every size."""
    assert long(number >> bits) == written(number >> bits)


def test_long_is_fastavros_at_every_power_of_two() -> None:
    """The number of bytes changes at powers of two, on both sides of zero."""
    edges = [sign * (1 << bits) + step for bits in range(63) for sign in (1, -1) for step in (-1, 0, 1)]
    for number in [*edges, 2**63 - 1, -(2**63)]:
        assert long(number) == written(number), number


def test_length_of_a_text_is_that_of_its_bytes() -> None:
    """In UTF-8 a letter may have several bytes."""
    assert primitives.framed("Grüße") == b"\x0eGr\xc3\xbc\xc3\x9fe"


def test_head_of_a_long_text_is_computed() -> None:
    """A length beyond the table is not added to it."""
    size = len(COUNTS)

    assert COUNTS[10**9] == long(10**9)
    assert len(COUNTS) == size


def test_caches_are_bounded() -> None:
    """However many texts come, and however long they are."""
    for number in range(3 * MAX_CACHED):
        assert TEXTS[f"text {number}"] == long(len(f"text {number}")) + f"text {number}".encode()
        time(number << 30)
    long_text = "x" * (MAX_CACHED_CHARACTERS + 1)

    assert TEXTS[long_text] == primitives.framed(long_text)
    assert long_text not in TEXTS
    assert len(TEXTS) <= MAX_CACHED
    assert (time.cache_info().maxsize, primitives._upper.cache_info().maxsize) == (64, MAX_CACHED)
