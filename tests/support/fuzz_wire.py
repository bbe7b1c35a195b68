"""Bytes for a socket of the ingress: HTTP/1.1 as proxies, attackers and broken clients write it."""

from collections.abc import Callable
from datetime import datetime
from random import Random

from msgspec import Struct

from providers.base import Sample
from tests.support.fuzz_requests import mutated_bytes
from tests.support.requests import SENDERS

LIMIT_BYTES = 64 * 1024
Lines = list[bytes]


class WireCase(Struct, frozen=True):
    """What one connection sends, piece by piece.

    `statuses` are the answers in their order, None where several are right. `bodies` are those that may come onto the
    topic, each once; they must if every status is 200.
    """

    kind: str
    pieces: tuple[bytes, ...]
    statuses: tuple[int, ...] | None = None
    bodies: tuple[bytes, ...] = ()


class Written(Struct, frozen=True):
    """One request that would be accepted, in its parts; the lines are without their ends."""

    request_line: bytes
    headers: Lines
    body: bytes

    def plain(self, *more: bytes) -> bytes:
        """Return the bytes with a Content-Length and these header lines besides."""
        return self.with_payload(self.body, b"content-length: %d" % len(self.body), *more)

    def chunked(self, random: Random) -> bytes:
        """Return the bytes with the body in chunks, with extensions and a trailer now and then."""
        return self.with_payload(chunks(random, self.body), b"Transfer-Encoding: chunked")

    def with_payload(self, payload: bytes, *more: bytes) -> bytes:
        """Return the bytes with that behind the headers, whatever it is."""
        return b"\r\n".join([self.request_line, *self.headers, *more, b"", payload])


def written(random: Random, run: str, number: int, now: datetime) -> Written:
    """Return a rightly signed request to the run's source of any provider; its body names its number, as no other does."""
    sender = random.choice(SENDERS)
    body = sender.body[:-1] + b',"fuzz":"%d-%d"}' % (number, random.getrandbits(40))
    signed = sender.provider.sign(Sample(body, sender.topic, f"fuzz-{number}", now), sender.secret)
    lines = [f"{name}: {value}".encode("latin-1") for name, value in signed.items()]
    return Written(f"POST /v1/{sender.name}-{run} HTTP/1.1".encode(), [b"Host: door", *lines], body)


def chunks(random: Random, body: bytes) -> bytes:
    """Return the body in HTTP's chunks."""
    framed, rest = b"", body
    while rest:
        size = random.randint(1, len(rest))
        extension = random.choice((b"", b"", b";a=b", b";x"))
        framed += b"%x%b\r\n%b\r\n" % (size, extension, rest[:size])
        rest = rest[size:]
    return framed + random.choice((b"0\r\n\r\n", b"0\r\nx-trailer: 1\r\n\r\n", b"000\r\n\r\n"))


def wire_case(random: Random, run: str, number: int, now: datetime) -> WireCase:
    """Return one connection's bytes of a random kind."""
    return random.choice(_KINDS)(random, written(random, run, number, now), written(random, run, -number, now))


def stalled_case(random: Random, run: str, number: int, now: datetime) -> WireCase:
    """Return a request that stops half-way on a connection that stays open: the door has to end it with 408."""
    whole = written(random, run, number, now).plain()
    return WireCase("stalled", (whole[: random.randint(0, len(whole) - 1)],), (408,))


def _plain(_random: Random, first: Written, _second: Written) -> WireCase:
    return WireCase("plain", (first.plain(),), (200,), (first.body,))


def _chunked(random: Random, first: Written, _second: Written) -> WireCase:
    return WireCase("chunked", (first.chunked(random),), (200,), (first.body,))


def _pipelined(random: Random, first: Written, second: Written) -> WireCase:
    forged = Written(first.request_line, first.headers[:1], b"{}")
    everything = first.plain() + forged.plain() + second.chunked(random) + b"GET /v1/nobody HTTP/1.1\r\nHost: d\r\n\r\n"
    statuses = (200, 401, 200, 404)
    return WireCase("pipelined", (everything,), statuses, (first.body, second.body))


def _slow(random: Random, first: Written, _second: Written) -> WireCase:
    whole = random.choice((first.plain(), first.chunked(random)))
    start = random.randint(0, len(whole))
    single = [whole[place : place + 1] for place in range(start, min(len(whole), start + 20))]
    pieces = (whole[:start], *single, whole[start + 20 :])
    return WireCase("slow", tuple(filter(None, pieces)), (200,), (first.body,))


def _compressed(random: Random, first: Written, _second: Written) -> WireCase:
    encoding = random.choice((b"gzip", b"br", b"deflate", b"gzip, gzip"))
    return WireCase("compressed", (first.plain(b"Content-Encoding: " + encoding),), (415,))


def _too_long(random: Random, first: Written, _second: Written) -> WireCase:
    said = random.choice((LIMIT_BYTES + 1, 2**31, 2**63 - 1))
    return WireCase("too long", (first.with_payload(b"x" * 99, b"Content-Length: %d" % said),), (413,))


def _smuggled(random: Random, first: Written, second: Written) -> WireCase:
    lines = [b"Content-Length: %d" % random.choice((0, 4, len(first.body))), b"Transfer-Encoding: chunked"]
    random.shuffle(lines)
    return WireCase("smuggled", (first.with_payload(b"0\r\n\r\n" + second.plain(), *lines),), (400,))


def _odd_encoding(random: Random, first: Written, second: Written) -> WireCase:
    spelled = random.choice((b"xchunked", b"chunked, identity", b"\x0bchunked", b"chunked\r\n , x", b""))
    payload = b"0\r\n\r\n" + second.plain()
    return WireCase("odd encoding", (first.with_payload(payload, b"Transfer-Encoding: " + spelled),), (400,))


def _two_encodings(_random: Random, first: Written, second: Written) -> WireCase:
    """Chunked comes last, so the first body is empty and the second request is one (RFC 9112, section 6.3)."""
    payload = b"0\r\n\r\n" + second.plain()
    everything = first.with_payload(payload, b"Transfer-Encoding: gzip, chunked")
    return WireCase("two encodings", (everything,), (501, 200), (second.body,))


def _garbage_behind(random: Random, first: Written, _second: Written) -> WireCase:
    garbage = random.choice((b"\0", b"no HTTP\r\n\r\n", b"\x16\x03\x01\x02", b"POST / HTTP/9.9\r\n\r\n"))
    return WireCase("garbage behind", (first.plain() + garbage,), (200, 400), (first.body,))


def _two_lengths(random: Random, first: Written, second: Written) -> WireCase:
    other = random.choice((b"0", b"+4", b"4, 4", b"0x4", b"-1", b"9" * 30, b" 4 4"))
    return WireCase("two lengths", (first.plain(b"Content-Length: " + other) + second.plain(),), (400,))


def _folded(random: Random, first: Written, _second: Written) -> WireCase:
    folded = [line.replace(b": ", random.choice((b":\r\n ", b":\r\n\t", b": \r\n  ")), 1) for line in first.headers]
    return WireCase("folded", (Written(first.request_line, folded, first.body).plain(),), None, (first.body,))


def _bad_chunk(random: Random, first: Written, _second: Written) -> WireCase:
    size = random.choice((b"zz", b"-1", b"", b"0x5", b"f" * 17, b"ffffffffffffffff", b"5 5", b"\x00"))
    return WireCase("bad chunk", (first.with_payload(size + b"\r\nabcde\r\n0\r\n\r\n", b"Transfer-Encoding: chunked"),))


def _truncated(random: Random, first: Written, _second: Written) -> WireCase:
    whole = random.choice((first.plain(), first.chunked(random)))
    return WireCase("truncated", (whole[: random.randint(0, len(whole) - 1)],))


def _mutated(random: Random, first: Written, second: Written) -> WireCase:
    noisy = random.choice((first.plain(), first.chunked(random))) + second.plain()
    for _ in range(random.choice((1, 1, 2, 5))):
        noisy = mutated_bytes(random, noisy)
    return WireCase("mutated", (noisy,), None, (first.body, second.body))


def _noise(random: Random, first: Written, _second: Written) -> WireCase:
    line = random.choice(
        (b"GET /metrics\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02", b"\r\n" * 50, b"")
    )
    endless = b"POST /v1/x HTTP/1.1\r\nx: " + b"a" * random.choice((100, 70_000))
    return WireCase("noise", (random.choice((line + random.randbytes(random.randint(0, 99)), endless, first.body)),))


_KINDS: tuple[Callable[[Random, Written, Written], WireCase], ...] = (
    _plain, _chunked, _pipelined, _slow, _compressed, _too_long, _smuggled, _odd_encoding, _two_encodings, _two_lengths, _folded,
    _garbage_behind, _bad_chunk, _truncated, _mutated, _mutated, _mutated, _noise,
)  # fmt: skip
