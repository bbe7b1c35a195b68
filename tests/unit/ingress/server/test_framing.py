"""The bytes of a connection are cut at the ends of requests, bodies, chunks and trailers, in any packets."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingress.server.framing import (
    FREE_CHUNKS,
    LEAST_CHUNK_BYTES,
    SIZE_LINE_BYTES,
    Framing,
    FramingError,
    FramingTooLarge,
)

LIMIT = 2000
HEAD = b"POST /v1/x HTTP/1.1\r\nhost: x\r\n\r\n"


def framing(*data: bytes, limit: int = LIMIT) -> Framing:
    """Return a connection's framing that has got these bytes."""
    cut = Framing(limit)
    for piece in data:
        cut.add(piece)
    return cut


def in_chunks(data: bytes) -> Framing:
    """Return the framing of a request whose head is done, and whose body comes in chunks."""
    cut = framing(HEAD, data)
    assert cut.piece() == HEAD
    cut.expect_chunks()
    return cut


def pieces(cut: Framing) -> Iterator[bytes]:
    """Give all available pieces."""
    while piece := cut.piece():
        yield piece


def test_head_is_one_piece_when_it_is_whole() -> None:
    """No part of a head reaches the parser before its end has arrived."""
    cut = framing(HEAD[:-1])

    assert cut.piece() == b""
    cut.add(HEAD[-1:] + b"POST")
    assert cut.piece() == HEAD
    assert (cut.piece(), len(cut)) == (b"", 4)


def test_body_ends_where_its_length_says() -> None:
    """Bytes after the body belong to the next request."""
    cut = framing(HEAD + b"abc" + HEAD)
    assert cut.piece() == HEAD
    cut.expect_body(3)

    assert cut.piece() == b"abc"
    assert cut.is_between_requests
    assert cut.piece() == HEAD


def test_trailers_are_dropped() -> None:
    """The parser gets the empty line after the trailers and none of them; the next request is not touched."""
    cut = in_chunks(b"2;a=b\r\nab\r\n0\r\nx-forwarded-for: 1.2.3.4\r\nx-signature:\r\n\r\n" + HEAD)

    assert list(pieces(cut)) == [b"2;a=b\r\nab\r\n0\r\n", b"\r\n", HEAD]
    assert len(cut) == 0


@given(cuts=st.lists(st.integers(1, 20), min_size=1), sizes=st.lists(st.integers(1, 9), max_size=5))
def test_cuts_do_not_depend_on_packets(cuts: list[int], sizes: list[int]) -> None:
    """For any packets the parser gets the same bytes, and the request ends at the same one."""
    chunks = b"".join(b"%x\r\n%b\r\n" % (size, b"x" * size) for size in sizes)
    sent, cut, got = chunks + b"0\r\nt: 1\r\n\r\n" + HEAD, in_chunks(b""), b""
    start = 0
    while start < len(sent):
        size = cuts[start % len(cuts)]
        cut.add(sent[start : start + size])
        got += b"".join(pieces(cut))
        start += size

    assert got == chunks + b"0\r\n\r\n" + HEAD
    assert cut.is_between_requests


@pytest.mark.parametrize("size", [LIMIT, LIMIT + 1])
@pytest.mark.parametrize("packet", [1, 7, LIMIT + 1])
def test_head_limit_is_exact(size: int, packet: int) -> None:
    """A head of the limit passes and one byte more does not, in one read or in many."""
    head = HEAD[:-2] + b"x: " + b"a" * (size - len(HEAD) - 5) + b"\r\n\r\n"
    cut = framing(*[head[start : start + packet] for start in range(0, size, packet)])
    assert len(head) == size

    if size > LIMIT:
        with pytest.raises(FramingTooLarge):
            cut.piece()
    else:
        assert cut.piece() == head


@pytest.mark.parametrize("data", [
    b"0\r\n" + b"t: " + b"a" * LIMIT,                           # one trailer without end
    b"0\r\n" + b"t: a\r\n" * LIMIT,                             # trailers without end
    b"1;" + b"e" * SIZE_LINE_BYTES,                             # an extension without end
    b"1" * 600,                                                 # a number without end
    (b"1;" + b"e" * 300 + b"\r\na\r\n") * 20,                   # extensions without end
    b"1\r\na\r\n" * (FREE_CHUNKS + 100),                       # chunks without end that carry nothing
])  # fmt: skip
def test_what_is_no_body_is_bounded(data: bytes) -> None:
    """All bytes of a request other than its body count against one limit."""
    with pytest.raises(FramingTooLarge):
        list(pieces(in_chunks(data)))


def test_usual_chunks_are_not_bounded() -> None:
    """A body in many chunks passes as long as they carry something."""
    sent = b"%x\r\n%b\r\n" % (LEAST_CHUNK_BYTES, b"a" * LEAST_CHUNK_BYTES) * FREE_CHUNKS * 3

    assert b"".join(pieces(in_chunks(sent))) == sent


@pytest.mark.parametrize("data", [
    b"zz\r\n", b"\r\n", b"-1\r\n", b"0x5\r\n", b"5 5\r\n", b" 5\r\n", b"5 \r\n", b"1_0\r\n", b"f" * 17 + b"\r\n", b"\x00\r\n",
    b"0\r\nGET /metrics HTTP/1.1\r\n", b"0\r\n folded\r\n", b"0\r\nname : v\r\n", b"0\r\na: \x00\r\n", b"0\r\na: 1\n\nb\r\n",
])  # fmt: skip
def test_other_grammar_is_refused(data: bytes) -> None:
    """An invalid size and an invalid trailer end the connection: a proxy may read them differently."""
    with pytest.raises(FramingError):
        list(pieces(in_chunks(data)))


@pytest.mark.parametrize("data", [b"\x16\x03\x01", b"post / HTTP/1.1", b"\0", b"\r\n \r\n"])
def test_noise_is_refused_at_once(data: bytes) -> None:
    """Bytes that cannot become a request are refused at once: a client that expects TLS would wait, too."""
    with pytest.raises(FramingError):
        framing(data).piece()


@pytest.mark.parametrize("name", [b"Upgrade", b"upgrade", b"UPGRADE"])
def test_upgrade_is_hidden_from_the_parser(name: bytes) -> None:
    """Two Upgrade fields are both hidden, and no other field is touched."""
    fields = b"\r\n%b: h2c\r\nconnection: upgrade\r\nx-upgrade: 1\r\n%b: websocket\r\n\r\n" % (name, name)

    head = framing(b"GET /upgrade: HTTP/1.1" + fields).piece()

    assert head == b"GET /upgrade: HTTP/1.1" + fields.replace(b"\r\n" + name, b"\r\nx-ignored")


def test_empty_lines_before_a_request_are_skipped() -> None:
    """RFC 9112 requires a server to ignore at least one."""
    assert framing(b"\r\n\r\n\n" + HEAD).piece() == HEAD
