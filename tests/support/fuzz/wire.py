"""Bytes for a socket of the ingress: HTTP/1.1 as proxies, attackers and broken clients write it."""

import re
from collections.abc import Callable
from datetime import datetime
from random import Random

from msgspec import Struct

from providers.base import Sample
from tests.support.builders.provider_requests import SENDERS
from tests.support.fuzz.requests import mutated_bytes

LIMIT_BYTES = 64 * 1024
Lines = list[bytes]


class WireCase(Struct, frozen=True):
    """The bytes of one connection, piece by piece.

    `statuses` are the answers in order, None where several are right. `bodies` are those that may reach the topic, each
    once; they must if every status is 200. With `is_half_closed` the sender closes its side before it reads.
    """

    kind: str
    pieces: tuple[bytes, ...]
    statuses: tuple[int, ...] | None = None
    bodies: tuple[bytes, ...] = ()
    is_half_closed: bool = False


class Written(Struct, frozen=True):
    """One acceptable request in its parts; the lines are without their ends."""

    request_line: bytes
    headers: Lines
    body: bytes

    def plain(self, *more: bytes) -> bytes:
        """Return the bytes with a Content-Length and these additional header lines."""
        return self.with_payload(self.body, b"content-length: %d" % len(self.body), *more)

    def chunked(self, random: Random) -> bytes:
        """Return the bytes with the body in chunks, with extensions and a trailer now and then."""
        return self.with_payload(chunks(random, self.body), b"Transfer-Encoding: chunked")

    def with_payload(self, payload: bytes, *more: bytes) -> bytes:
        """Return the bytes with arbitrary content after the headers."""
        return b"\r\n".join([self.request_line, *self.headers, *more, b"", payload])


def written(random: Random, run: str, number: int, now: datetime) -> Written:
    """Return a correctly signed request to the run's source of any provider; its body has a unique number."""
    sender = random.choice(SENDERS)
    body = sender.body[:-1] + b',"fuzz":"%d-%d"}' % (number, random.getrandbits(40))
    signed = sender.provider.sign(Sample(body, sender.topic, f"fuzz-{number}", now), sender.secret)
    lines = [f"{name}: {value}".encode("latin-1") for name, value in signed.items()]
    return Written(f"POST /v1/{sender.name}-{run} HTTP/1.1".encode(), [b"Host: ingress", *lines], body)


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
    """Return a request that stops half-way on a connection that stays open: the ingress must end it with 408."""
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


def _trailers(random: Random, first: Written, second: Written) -> WireCase:
    """Fields after the body do not count: not as an address, a length, or the second request's signature."""
    trailers = [
        random.choice((b"X-Forwarded-For: 203.0.113.9", b"Content-Length: 5", b"Host: other", b"t:", *second.headers))
    ]
    trailers *= random.choice((1, 3, 50))
    payload = chunks(random, first.body).rpartition(b"0\r\n")[0] + b"0\r\n" + b"\r\n".join([*trailers, b"", b""])
    sent = first.with_payload(payload, b"Transfer-Encoding: chunked") + second.plain()
    return WireCase("trailers", cut(random, sent), (200, 200), (first.body, second.body))


def _signed_in_trailers(random: Random, first: Written, _second: Written) -> WireCase:
    """A signature after the body does not count."""
    host, *signed = first.headers
    payload = b"%x\r\n%b\r\n0\r\n" % (len(first.body), first.body) + b"\r\n".join([*signed, b"", b""])
    sent = Written(first.request_line, [host, b"Transfer-Encoding: chunked"], first.body).with_payload(payload)
    return WireCase("signed in trailers", cut(random, sent), (401,))


def _endless(random: Random, first: Written, _second: Written) -> WireCase:
    """Endless bytes that are not a body, before, in or after it: refused at 64 kB."""
    opened = first.with_payload(b"", b"Transfer-Encoding: chunked")
    unending = random.choice((
        opened + b"0\r\n" + b"t: %b\r\n" % (b"a" * 999) * 99,
        opened + b"0\r\nt: " + b"a" * 99_999,
        opened + b"1;" + b"a" * 99_999,
        opened + b"1\r\na\r\n" * 9999,
        opened[:-4] + b"\r\nx:" * 999 + b"\r\n\r\n",
    ))  # fmt: skip
    return WireCase("endless", cut(random, unending), (400,))


def _upgrade(random: Random, first: Written, second: Written) -> WireCase:
    """Upgrade is ignored, and the body read, in whichever packet it comes."""
    protocol = random.choice((b"h2c", b"websocket", b"TLS/1.0", b"HTTP/2.0, h2c"))
    sent = first.plain(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: " + protocol, b"HTTP2-Settings: AAMAAABk")
    return WireCase("upgrade", cut(random, sent + second.plain()), (200, 200), (first.body, second.body))


def _hidden(random: Random, first: Written, second: Written) -> WireCase:
    """A request inside the body of an unsigned one is never parsed, late or not, upgraded or not."""
    more = random.choice(((), (b"Connection: upgrade", b"Upgrade: h2c"), (b"Expect: 200-ok",)))
    outer = Written(first.request_line, first.headers[:1], second.plain())
    is_test = b"/v1/shopery" in first.request_line
    return WireCase("hidden", cut(random, outer.plain(*more)), None if is_test else (401,))


def _expects(random: Random, first: Written, _second: Written) -> WireCase:
    return WireCase("expects", cut(random, first.plain(b"Expect: 100-continue")), (100, 200), (first.body,))


def _half_closed(random: Random, first: Written, second: Written) -> WireCase:
    """A sender that closes its side after the requests still gets its answers."""
    sent = random.choice((first.plain(), first.chunked(random)))
    return WireCase("half-closed", cut(random, sent + second.plain()), (200, 200), (first.body, second.body), True)


def _half_closed_early(random: Random, first: Written, second: Written) -> WireCase:
    whole = second.plain()
    sent = first.plain() + whole[: random.randint(1, len(whole) - 1)]
    return WireCase("half-closed early", cut(random, sent), (200, 400), (first.body,), True)


def _padded(random: Random, first: Written, second: Written) -> WireCase:
    length = b"Content-Length: %b%d" % (b"0" * random.randint(1, 40), len(first.body))
    sent = first.with_payload(first.body, length) + second.plain()
    return WireCase("padded", cut(random, sent), (200, 200), (first.body, second.body))


def _odd_path(random: Random, first: Written, _second: Written) -> WireCase:
    """Only the exact path is served: another spelling could bypass a proxy's filter."""
    path = first.request_line.split(b" ")[1]
    odd = random.choice((
        path.replace(b"/v1/", b"/v1%2f"), path.replace(b"/v1", b"/%76%31"), b"/" + path, path + b"/..", b"/x/.." + path,
        path.replace(b"/v1/", b"/v1//"), path[:-1] + b"%%%02x" % path[-1], path.replace(b"/v1/", b"/v1;/"), path.upper(),
        path + b"//", path + b"%2f", path + b"/%2F", path + b"/.",
    ))  # fmt: skip
    return WireCase(
        "odd path", cut(random, Written(b"POST %b HTTP/1.1" % odd, first.headers, first.body).plain()), (404,)
    )


def _other_path(random: Random, first: Written, _second: Written) -> WireCase:
    path = first.request_line.split(b" ")[1]
    same = random.choice((path + b"/", path + b"?x=/metrics", b"http://elsewhere" + path))
    sent = Written(b"POST %b HTTP/1.1" % same, first.headers, first.body).plain()
    return WireCase("other path", cut(random, sent), (200,), (first.body,))


def _odd_head(random: Random, first: Written, second: Written) -> WireCase:
    """Hosts, versions and blanks that parsers read differently end the connection; nothing after them is read."""
    host, *signed = first.headers
    line, hosts = random.choice((
        (first.request_line, []),
        (first.request_line, [host, host]),
        (first.request_line, [b"Host: a b"]),
        (first.request_line, [b"Host : ingress"]),
        (first.request_line.replace(b"1.1", b"2.0"), [host]),
        (first.request_line.replace(b"1.1", b"0.9"), [host]),
        (first.request_line.replace(b" HTTP/1.1", b""), [host]),
        (b"CONNECT ingress:80 HTTP/1.1", [host]),
    ))  # fmt: skip
    return WireCase(
        "odd head", cut(random, Written(line, [*hosts, *signed], first.body).plain() + second.plain()), (400,)
    )


def _blanks(random: Random, first: Written, _second: Written) -> WireCase:
    """Blanks and tabs around a value are not part of it."""

    def spread(line: bytes) -> bytes:
        name, _, value = line.partition(b":")
        return (
            name
            + b":"
            + random.choice((b"", b" ", b"\t", b" \t "))
            + value.strip()
            + random.choice((b"", b" ", b"\t \t"))
        )

    sent = Written(first.request_line, [spread(line) for line in first.headers], first.body).plain()
    return WireCase("blanks", cut(random, sent), (200,), (first.body,))


def cut(random: Random, sent: bytes) -> tuple[bytes, ...]:
    """Return the bytes as they may arrive: at once, or in packets that end anywhere, also between a head and its body."""
    heads = [found.end() for found in re.finditer(rb"\r\n\r\n", sent)]
    ends = random.choice(([], heads, [random.randint(0, len(sent)) for _ in range(random.randint(1, 4))]))
    return tuple(
        sent[start:end]
        for start, end in zip((0, *sorted(ends)), (*sorted(ends), len(sent)), strict=True)
        if start < end
    )


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
    _garbage_behind, _bad_chunk, _truncated, _mutated, _mutated, _mutated, _noise, _trailers, _signed_in_trailers, _endless,
    _upgrade, _hidden, _expects, _half_closed, _half_closed_early, _padded, _odd_path, _other_path, _odd_head, _blanks,
)  # fmt: skip
