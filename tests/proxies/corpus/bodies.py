"""Where a body ends: lengths, transfer codings, chunks, trailers."""

from collections.abc import Callable
from functools import partial

from tests.proxies.corpus.case import (
    ACCEPTED,
    FORGED,
    NOT_ALLOWED,
    Author,
    Case,
    Post,
    accepted,
    any_answer,
    in_chunks,
    refused,
)

CHUNKED = b"Transfer-Encoding: chunked"
LENGTHS: dict[str, tuple[bytes, ...]] = {
    "plain": (b"%d",),
    "padded": (b"000000000000%d",),
    "padded beyond 64 bits": (b"0" * 40 + b"%d",),
    "plus": (b"+%d",),
    "minus": (b"-%d",),
    "spaces": (b"   %d   ",),
    "tabs": (b"\t%d\t",),
    "hexadecimal": (b"0x%x",),
    "fraction": (b"%d.0",),
    "exponent": (b"%de0",),
    "letter behind": (b"%da",),
    "two numbers": (b"%d 5",),
    "list of equals": (b"%d, %d",),
    "list of others": (b"%d, 0",),
    "list with a gap": (b", %d",),
    "folded": (b"\r\n %d",),
    "empty": (b"",),
    "huge": (b"9" * 30,),
    "beyond 64 bits": (b"%w",),
    "twice the same": (b"%d", b"%d"),
    "twice, 0 first": (b"0", b"%d"),
    "twice, 0 last": (b"%d", b"0"),
    "NUL": (b"%d\0",),
    "vertical tab": (b"\x0b%d",),
    "quoted": (b'"%d"',),
    "Arabic digits": ("٤٤".encode(),),
    "0": (b"0",),
}
CODINGS: dict[str, tuple[bytes, ...]] = {
    "chunked": (CHUNKED,),
    "upper case": (b"TRANSFER-ENCODING: CHUNKED",),
    "tab before": (b"Transfer-Encoding:\tchunked",),
    "tab behind": (b"Transfer-Encoding: chunked\t",),
    "vertical tab": (b"Transfer-Encoding: \x0bchunked",),
    "form feed": (b"Transfer-Encoding: \x0cchunked",),
    "NUL": (b"Transfer-Encoding: chunked\0",),
    "no-break space": (b"Transfer-Encoding: \xa0chunked",),
    "quoted": (b'Transfer-Encoding: "chunked"',),
    "parameter": (b"Transfer-Encoding: chunked;q=1",),
    "comma behind": (b"Transfer-Encoding: chunked,",),
    "comma before": (b"Transfer-Encoding: ,chunked",),
    "folded": (b"Transfer-Encoding:\r\n chunked",),
    "folded behind": (b"Transfer-Encoding: chunked\r\n\t",),
    "folded in the middle": (b"Transfer-Encoding: chun\r\n ked",),
    "identity": (b"Transfer-Encoding: identity",),
    "identity, chunked": (b"Transfer-Encoding: identity, chunked",),
    "chunked, identity": (b"Transfer-Encoding: chunked, identity",),
    "gzip, chunked": (b"Transfer-Encoding: gzip, chunked",),
    "chunked twice": (b"Transfer-Encoding: chunked, chunked",),
    "two lines": (CHUNKED, b"Transfer-Encoding: identity"),
    "two lines, chunked last": (b"Transfer-Encoding: x", CHUNKED),
    "unknown": (b"Transfer-Encoding: xchunked",),
    "empty": (b"Transfer-Encoding:",),
    "space before the colon": (b"Transfer-Encoding : chunked",),
    "tab before the colon": (b"Transfer-Encoding\t: chunked",),
    "space before the name": (b" Transfer-Encoding: chunked",),
    "underscore": (b"Transfer_Encoding: chunked",),
    "behind a bare LF": (b"X-Odd: x\nTransfer-Encoding: chunked",),
    "behind a bare CR": (b"X-Odd: x\rTransfer-Encoding: chunked",),
    "named by Connection": (CHUNKED, b"Connection: Transfer-Encoding"),
}
CHUNKS: dict[str, Callable[[bytes], bytes]] = {
    "extension": lambda body: b"%x;a=b\r\n%b\r\n0\r\n\r\n" % (len(body), body),
    "quoted extension": lambda body: b'%x;a="b;c\t"\r\n%b\r\n0\r\n\r\n' % (len(body), body),
    "line end in a quoted extension": lambda body: b'%x;a="b\r\n%b\r\n0\r\n\r\n' % (len(body), body),
    "bare LF in an extension": lambda body: b"%x;a\n%b\r\n0\r\n\r\n" % (len(body), body),
    "bare CR in an extension": lambda body: b"%x;a\rb\r\n%b\r\n0\r\n\r\n" % (len(body), body),
    "NUL in an extension": lambda body: b"%x;a\0\r\n%b\r\n0\r\n\r\n" % (len(body), body),
    "long extension": lambda body: b"%x;%b\r\n%b\r\n0\r\n\r\n" % (len(body), b"a" * 3000, body),
    "endless extension": lambda body: b"%x;%b\r\n%b\r\n0\r\n\r\n" % (len(body), b"a" * 200_000, body),
    "extension of the last": lambda body: b"%x\r\n%b\r\n0;a=b\r\n\r\n" % (len(body), body),
    "upper case": lambda body: b"%X\r\n%b\r\n0\r\n\r\n" % (len(body), body),
    "padded": lambda body: b"%08x\r\n%b\r\n0000\r\n\r\n" % (len(body), body),
    "padded beyond 64 bits": lambda body: b"0" * 40 + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body),
    "overflow": lambda body: b"1%016x\r\n%b\r\n0\r\n\r\n" % (len(body), body),
    "0x": lambda body: b"0x%x\r\n%b\r\n0\r\n\r\n" % (len(body), body),
    "minus": lambda body: b"-%x\r\n%b\r\n0\r\n\r\n" % (len(body), body),
    "plus": lambda body: b"+%x\r\n%b\r\n0\r\n\r\n" % (len(body), body),
    "space behind": lambda body: b"%x \r\n%b\r\n0\r\n\r\n" % (len(body), body),
    "space before": lambda body: b" %x\r\n%b\r\n0\r\n\r\n" % (len(body), body),
    "underscore": lambda body: b"0_%x\r\n%b\r\n0\r\n\r\n" % (len(body), body),
    "no size": lambda body: b"\r\n%b\r\n0\r\n\r\n" % body,
    "bare LF behind the size": lambda body: b"%x\n%b\r\n0\r\n\r\n" % (len(body), body),
    "bare LF behind the chunk": lambda body: b"%x\r\n%b\n0\r\n\r\n" % (len(body), body),
    "bare CR behind the size": lambda body: b"%x\r%b\r\n0\r\n\r\n" % (len(body), body),
    "nothing behind the chunk": lambda body: b"%x\r\n%b0\r\n\r\n" % (len(body), body),
    "two bytes instead of CRLF": lambda body: b"%x\r\n%bXX0\r\n\r\n" % (len(body), body),
    "bare LF at the end": lambda body: b"%x\r\n%b\r\n0\r\n\n" % (len(body), body),
    "bare LF all over": lambda body: b"%x\n%b\n0\n\n" % (len(body), body),
    "one byte a chunk": lambda body: b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n",
}
TRAILERS: dict[str, bytes] = {
    "harmless": b"X-Odd: 1\r\n",
    "content length": b"Content-Length: 5\r\n",
    "host": b"Host: other\r\n",
    "transfer coding": CHUNKED + b"\r\n",
    "upgrade": b"Connection: Upgrade\r\nUpgrade: h2c\r\n",
    "topic": b"X-Shopify-Topic: orders/create\r\n",
    "name without a value": b"X-Odd\r\n",
    "space before the colon": b"X-Odd : 1\r\n",
    "folded": b"X-Odd: 1\r\n 2\r\n",
    "NUL": b"X-Odd: \0\r\n",
    "bare LF": b"X-Odd: 1\nX-Other: 2\r\n",
    "bare CR": b"X-Odd: 1\rX-Other: 2\r\n",
    "request line": b"GET /metrics HTTP/1.1\r\nHost: ingress\r\n",
    "a thousand": b"X-Odd: 1\r\n" * 1000,
    "ten thousand": b"X-Odd: 1\r\n" * 10_000,
    "one of 30 kB": b"X-Odd: " + b"a" * 30_000 + b"\r\n",
    "one of 300 kB": b"X-Odd: " + b"a" * 300_000 + b"\r\n",
}
HARMLESS_TRAILERS = ("harmless", "host", "topic")


def _length(values: tuple[bytes, ...], author: Author) -> Case:
    post = author.post()
    number = len(post.body)
    marks = {b"%d": b"%d" % number, b"%x": b"%x" % number, b"%w": b"%d" % (2**64 + number)}
    for mark, written in marks.items():
        values = tuple(value.replace(mark, written) for value in values)
    return any_answer(post, post.raw(*[b"Content-Length: " + value for value in values], payload=post.body))


def _padded(author: Author) -> Case:
    post = author.post()
    return accepted(post, post.raw(b"Content-Length: %012d" % len(post.body), payload=post.body))


def _too_short(smuggled: str, author: Author) -> Case:
    """The length ends before a second request, which is the client's own: the proxy's filter must check it."""
    post = author.post()
    return Case((post.sized() + author.smuggled()[smuggled],), (post.body,), ACCEPTED | NOT_ALLOWED)


def _too_long(author: Author) -> Case:
    post = author.post()
    return Case((post.raw(b"Content-Length: %d" % (len(post.body) + 5000), payload=post.body),), is_unfinished=True)


def _two_lengths(smuggled: str, first: bool, author: Author) -> Case:
    payload = author.smuggled()[smuggled]
    lines = [b"Content-Length: 0", b"Content-Length: %d" % len(payload)]
    return refused(author.post().raw(*(lines if first else reversed(lines)), payload=payload))


def _coding(lines: tuple[bytes, ...], author: Author) -> Case:
    post = author.post()
    return any_answer(post, post.raw(*lines, payload=in_chunks(post.body)))


def _coding_and_length(lines: tuple[bytes, ...], is_length_first: bool, author: Author) -> Case:
    """A parser of chunks sees an empty body and a second request; a parser of the length sees one body."""
    payload = b"0\r\n\r\n" + author.smuggled()["forged post"]
    length = b"Content-Length: %d" % len(payload)
    return refused(author.post().raw(*((length, *lines) if is_length_first else (*lines, length)), payload=payload))


def _short_length_and_coding(lines: tuple[bytes, ...], author: Author) -> Case:
    """A parser of the length sees a chunk's size as the body, then a second request; a parser of chunks sees one body."""
    smuggled = author.smuggled()["forged post"]
    size = b"%x\r\n" % len(smuggled)
    return refused(
        author.post().raw(b"Content-Length: %d" % len(size), *lines, payload=size + smuggled + b"\r\n0\r\n\r\n")
    )


def _chunks(written: Callable[[bytes], bytes], author: Author) -> Case:
    post = author.post()
    return any_answer(post, post.raw(CHUNKED, payload=written(post.body)))


def _chunks_around(written: Callable[[bytes], bytes], author: Author) -> Case:
    """The chunk is a request for any parser that finds the chunk's beginning elsewhere."""
    post = author.post(body=author.smuggled()["forged post"])
    return any_answer(post, post.raw(CHUNKED, payload=written(post.body)))


def _trailer(trailers: bytes, is_declared: bool, is_accepted: bool, author: Author) -> Case:
    post = author.post()
    written = post.chunked(*_declaration(trailers, is_declared), trailers=trailers)
    return accepted(post, written) if is_accepted else any_answer(post, written)


def _late_trailer(trailers: bytes, author: Author) -> Case:
    post = author.post()
    whole = post.chunked(b"Trailer: X-Odd", trailers=trailers)
    end = whole.rindex(trailers)
    return accepted(post, whole[: end + 3], whole[end + 3 : -2], whole[-2:])


def _forged_trailer(is_declared: bool, more: tuple[bytes, ...], author: Author) -> Case:
    trailer = b"X-Forwarded-For: " + FORGED + b"\r\n"
    declaration = _declaration(trailer, is_declared)
    return Case((author.post("guarded").chunked(*declaration, *more, trailers=trailer),), (), NOT_ALLOWED)


def _signature_in_a_trailer(is_declared: bool, author: Author) -> Case:
    post = author.post()
    (signature,) = (field for field in post.fields if field.lower().startswith(b"x-shopify-hmac"))
    trailer = signature + b"\r\n"
    unsigned = post.without(b"x-shopify-hmac")
    return Case((unsigned.chunked(*_declaration(trailer, is_declared), trailers=trailer),), (), frozenset({401}))


def _second_signature_in_a_trailer(author: Author) -> Case:
    post = author.post()
    trailer = b"X-Shopify-Hmac-Sha256: AAAA\r\n"
    return accepted(post, post.chunked(*_declaration(trailer, True), trailers=trailer))


def _two_with_trailers(author: Author) -> Case:
    first, second = author.post(), author.post()
    pieces = [post.chunked(b"Trailer: X-Odd", trailers=b"X-Odd: 1\r\n") for post in (first, second)]
    return Case(tuple(pieces), (first.body, second.body), ACCEPTED)


def _declaration(trailers: bytes, is_declared: bool) -> tuple[bytes, ...]:
    return (b"Trailer: " + trailers.partition(b":")[0].strip(),) if is_declared else ()


def _empty_chunked(author: Author) -> Case:
    post: Post = author.post(body=b"")
    return accepted(post, post.raw(CHUNKED, payload=b"0\r\n\r\n"))


BODIES: dict[str, Callable[[Author], Case]] = {
    **{f"length: {name}": partial(_length, values) for name, values in LENGTHS.items()},
    "length: padded and right": _padded,
    **{f"length: ends before {name}": partial(_too_short, name) for name in ("metrics", "forged post", "hidden post")},
    "length: too long": _too_long,
    "two lengths: 0 first": partial(_two_lengths, "forged post", True),
    "two lengths: 0 last": partial(_two_lengths, "forged post", False),
    **{f"coding: {name}": partial(_coding, lines) for name, lines in CODINGS.items()},
    **{f"coding and length: {name}": partial(_coding_and_length, lines, False) for name, lines in CODINGS.items()},
    **{f"length and coding: {name}": partial(_coding_and_length, lines, True) for name, lines in CODINGS.items()},
    **{f"short length and coding: {name}": partial(_short_length_and_coding, lines) for name, lines in CODINGS.items()},
    **{f"chunk: {name}": partial(_chunks, written) for name, written in CHUNKS.items()},
    **{f"chunk round a request: {name}": partial(_chunks_around, written) for name, written in CHUNKS.items()},
    "chunk: none but the last": _empty_chunked,
    **{
        f"trailer: {name}, {'declared' if is_declared else 'undeclared'}": partial(
            _trailer, trailers, is_declared, name in HARMLESS_TRAILERS
        )
        for name, trailers in TRAILERS.items()
        for is_declared in (False, True)
    },
    "trailer: late": partial(_late_trailer, b"X-Odd: 1\r\n"),
    "trailer: forged address": partial(_forged_trailer, False, ()),
    "trailer: forged address, declared": partial(_forged_trailer, True, ()),
    "trailer: forged address, TE": partial(_forged_trailer, True, (b"TE: trailers", b"Connection: TE")),
    "trailer: signature": partial(_signature_in_a_trailer, False),
    "trailer: signature, declared": partial(_signature_in_a_trailer, True),
    "trailer: second signature": _second_signature_in_a_trailer,
    "trailer: two posts": _two_with_trailers,
}
