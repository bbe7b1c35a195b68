"""The course of a connection: Upgrade, Expect, late and half-closed senders, pipelining, methods, versions."""

from collections.abc import Callable
from functools import partial

from tests.proxies.corpus.case import ACCEPTED, Author, Case, Post, accepted, any_answer, in_chunks, refused

SMUGGLED = ("metrics", "forged post", "hidden post")
TOO_MANY_BYTES = 300_000  # more than the ingress takes here, less than nginx's 1 MB
SWITCH = (b"Connection: Upgrade",)
UPGRADES: dict[str, tuple[bytes, ...]] = {
    "h2c": (b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA", b"Connection: Upgrade, HTTP2-Settings"),
    "websocket": (
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ),
    "TLS": (b"Upgrade: TLS/1.0", *SWITCH),
    "unknown": (b"Upgrade: x", *SWITCH),
}
ODD_UPGRADES: dict[str, tuple[bytes, ...]] = {
    "without Connection": (b"Upgrade: h2c",),
    "Connection alone": SWITCH,
    "empty": (b"Upgrade: ", *SWITCH),
    "list": (b"Upgrade: h2c, websocket", *SWITCH),
    "twice": (b"Upgrade: h2c", b"Upgrade: websocket", *SWITCH),
    "keep-alive, upgrade": (b"Upgrade: h2c", b"Connection: keep-alive, upgrade"),
    "close, upgrade": (b"Upgrade: h2c", b"Connection: close, upgrade"),
    "two Connections": (b"Upgrade: h2c", b"Connection: upgrade", b"Connection: keep-alive"),
    "HTTP/2.0": (b"Upgrade: HTTP/2.0", *SWITCH),
}
METHODS = (b"CONNECT", b"TRACE", b"DELETE", b"PUT", b"PATCH", b"post", b"PRI", b"POSTX", b"X" * 300, b"P\0ST", b"")
VERSIONS = (
    b"HTTP/1.2",
    b"HTTP/2.0",
    b"HTTP/0.9",
    b"HTTP/1.10",
    b"HTTP/01.1",
    b"http/1.1",
    b"HTTP/1.1 ",
    b"HTTP/1",
    b"HTTPS/1.1",
    b"",
)


def _upgrade(lines: tuple[bytes, ...], smuggled: str, is_chunked: bool, is_late: bool, author: Author) -> Case:
    """The signed body is a request for any parser that takes the body of an Upgrade for the next request."""
    post = author.post(body=author.smuggled()[smuggled])
    whole = post.chunked(*lines) if is_chunked else post.sized(*lines)
    body = whole.index(b"\r\n\r\n") + 4
    return accepted(post, whole[:body], whole[body:]) if is_late else accepted(post, whole)


def _odd_upgrade(lines: tuple[bytes, ...], author: Author) -> Case:
    post = author.post(body=author.smuggled()["metrics"])
    whole = post.sized(*lines)
    body = whole.index(b"\r\n\r\n") + 4
    return accepted(post, whole[:body], whole[body:])


def _upgrade_without_body(method: bytes, smuggled: str, author: Author) -> Case:
    """A request without a body is followed by one of the client's own: the proxy's filter must check it."""
    lines = (b"Host: ingress", author.case_field, *UPGRADES["websocket"], b"", b"")
    head = b"\r\n".join((b"%b %b HTTP/1.1" % (method, author.path()), *lines))
    return refused(head, author.smuggled()[smuggled])


def _upgrade_in_two_bodies(author: Author) -> Case:
    first, second = author.post(), author.post()
    pieces = (first.sized(*UPGRADES["h2c"]), second.chunked(*UPGRADES["websocket"]))
    return Case(pieces, (first.body, second.body), ACCEPTED)


def _prior_knowledge(author: Author) -> Case:
    return refused(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", author.smuggled()["metrics"])


def _expect(value: bytes, is_late: bool, is_chunked: bool, author: Author) -> Case:
    post = author.post()
    line = b"Expect: " + value
    whole = post.chunked(line) if is_chunked else post.sized(line)
    body = whole.index(b"\r\n\r\n") + 4
    pieces = (whole[:body], whole[body:]) if is_late else (whole,)
    return accepted(post, *pieces) if value.lower() == b"100-continue" else any_answer(post, *pieces)


def _expect_refused(author: Author) -> Case:
    """Refused before its body: bytes that come then are still the body."""
    post = author.post("guarded", body=author.smuggled()["hidden post"])
    return refused(post.raw(b"Content-Length: %d" % len(post.body), b"Expect: 100-continue"), post.body)


def _expect_without_body(author: Author) -> Case:
    return refused(author.get(author.path(), b"Expect: 100-continue"), author.smuggled()["metrics"])


def _late(places: tuple[float, ...], is_chunked: bool, author: Author) -> Case:
    post = author.post()
    whole = post.chunked() if is_chunked else post.sized()
    ends = [round(place * len(whole)) for place in places]
    starts = [0, *ends]
    return accepted(post, *[whole[start:end] for start, end in zip(starts, [*ends, len(whole)], strict=True)])


def _late_at(mark: bytes, is_chunked: bool, author: Author) -> Case:
    """Cut in the middle of these bytes, at their last occurrence."""
    post = author.post()
    whole = post.chunked() if is_chunked else post.sized()
    cut = whole.rindex(mark) + len(mark) // 2
    return accepted(post, whole[:cut], whole[cut:])


def _half_closed(share: float, is_chunked: bool, author: Author) -> Case:
    """A proxy may abandon a client that has ended its half, but every request that reaches the ingress is answered."""
    post = author.post()
    whole = post.chunked() if is_chunked else post.sized()
    return Case((whole[: round(share * len(whole))],), (post.body,), is_half_closed=True)


def _half_closed_behind_two(author: Author) -> Case:
    first, second = author.post(), author.post()
    return Case((first.sized() + second.chunked(),), (first.body, second.body), is_half_closed=True)


def _pipelined(author: Author) -> Case:
    posts = [author.post() for _ in range(5)]
    written = [post.chunked() if number % 2 else post.sized() for number, post in enumerate(posts)]
    return Case((b"".join(written),), tuple(post.body for post in posts), ACCEPTED)


def _behind_a_post(rest: bytes, author: Author) -> Case:
    post = author.post()
    return any_answer(post, post.sized() + rest)


def _behind_a_closing_post(smuggled: str, author: Author) -> Case:
    post = author.post()
    return accepted(post, post.sized(b"Connection: close") + author.smuggled()[smuggled])


def _refused_with_a_body(author: Author) -> Case:
    """Refused by its header alone: the body that comes then is no request."""
    post = author.post("guarded", body=author.smuggled()["hidden post"])
    return Case((post.raw(b"Content-Length: %d" % len(post.body)), post.body), (), frozenset({403}))


def _too_large(smuggled: str, is_chunked: bool, author: Author) -> Case:
    """A body over the limit is refused before it ends: the rest of it is no request."""
    unit = author.smuggled()[smuggled]
    post = author.post(body=unit * (TOO_MANY_BYTES // len(unit)))
    whole = post.chunked() if is_chunked else post.sized()
    return Case((whole[:500], whole[500:]), (), frozenset({413}))


def _get_with_body(method: bytes, is_chunked: bool, author: Author) -> Case:
    body = author.smuggled()["hidden post"]
    post = Post(b"%b %b HTTP/1.1" % (method, author.path()), (b"Host: ingress", author.case_field), body)
    return refused(post.chunked() if is_chunked else post.sized())


def _method(method: bytes, author: Author) -> Case:
    post = author.post()
    line = method + post.line.removeprefix(b"POST")
    return refused(post.raw(b"Content-Length: %d" % len(post.body), line=line, payload=post.body))


def _overridden(author: Author) -> Case:
    post = author.post()
    return refused(post.sized(b"X-HTTP-Method-Override: GET").replace(b"POST", b"PUT", 1))


def _connect(author: Author) -> Case:
    return refused(b"CONNECT ingress:80 HTTP/1.1\r\nHost: ingress:80\r\n\r\n", author.smuggled()["metrics"])


def _options(author: Author) -> Case:
    return refused(b"OPTIONS * HTTP/1.1\r\nHost: ingress\r\n" + author.case_field + b"\r\n\r\n")


def _version(version: bytes, author: Author) -> Case:
    post = author.post()
    return any_answer(post, post.sized().replace(b"HTTP/1.1", version, 1))


def _one_dot_zero(lines: tuple[bytes, ...], author: Author) -> Case:
    post, second = author.post(), author.post()
    old = [sent.sized(*lines).replace(b"HTTP/1.1", b"HTTP/1.0", 1) for sent in (post, second)]
    return Case(tuple(old), (post.body, second.body))


def _chunked_one_dot_zero(author: Author) -> Case:
    post = author.post(body=author.smuggled()["forged post"])
    return any_answer(post, post.chunked(b"Connection: keep-alive").replace(b"HTTP/1.1", b"HTTP/1.0", 1))


def _without_a_length(author: Author) -> Case:
    """Without a length there is no body (RFC 9112, section 6.3), and the next bytes are a request that the filter must check."""
    return refused(author.post().raw(payload=author.smuggled()["hidden post"]))


def _zero_point_nine(author: Author) -> Case:
    return refused(b"GET " + author.path() + b"\r\n")


def _pieces_of_a_chunk(author: Author) -> Case:
    post = author.post(body=b'{"id":7,"case":"' + author.name.encode() + b'"}')
    head = post.raw(b"Transfer-Encoding: chunked")
    framed = in_chunks(post.body)
    return accepted(post, head, framed[:1], framed[1:2], framed[2:3], framed[3:-6], framed[-6:-3], framed[-3:])


CONNECTIONS: dict[str, Callable[[Author], Case]] = {
    **{
        f"upgrade {name}: {smuggled} in {'chunks' if is_chunked else 'a length'}, {'late' if is_late else 'at once'}": partial(
            _upgrade, lines, smuggled, is_chunked, is_late
        )
        for name, lines in UPGRADES.items()
        for smuggled in SMUGGLED
        for is_chunked in (False, True)
        for is_late in (False, True)
    },
    **{f"upgrade: {name}": partial(_odd_upgrade, lines) for name, lines in ODD_UPGRADES.items()},
    **{
        f"upgrade: {method.decode()} without body, then {smuggled}": partial(_upgrade_without_body, method, smuggled)
        for method in (b"GET", b"POST")
        for smuggled in SMUGGLED
    },
    "upgrade: two posts": _upgrade_in_two_bodies,
    "upgrade: HTTP/2 by prior knowledge": _prior_knowledge,
    **{
        f"expect {value.decode()}: {'chunks' if is_chunked else 'length'}, {'late' if is_late else 'at once'}": partial(
            _expect, value, is_late, is_chunked
        )
        for value in (b"100-continue", b"100-Continue", b"200-ok", b"100-continue, x")
        for is_chunked in (False, True)
        for is_late in (False, True)
    },
    "expect: refused before the body": _expect_refused,
    "expect: without body": _expect_without_body,
    **{
        f"late: {places}, {'chunks' if is_chunked else 'length'}": partial(_late, places, is_chunked)
        for places in ((0.05,), (0.5,), (0.9,), (0.02, 0.3, 0.6, 0.98))
        for is_chunked in (False, True)
    },
    "late: in the last line end": partial(_late_at, b"\r\n", True),
    "late: before the body": partial(_late_at, b"\r\n\r\n", False),
    "late: in a chunk's frame": _pieces_of_a_chunk,
    **{
        f"half-closed: {share:.0%}, {'chunks' if is_chunked else 'length'}": partial(_half_closed, share, is_chunked)
        for share in (1.0, 0.97, 0.3)
        for is_chunked in (False, True)
    },
    "half-closed: behind two": _half_closed_behind_two,
    "pipelined: five": _pipelined,
    "pipelined: NUL": partial(_behind_a_post, b"\0"),
    "pipelined: line ends": partial(_behind_a_post, b"\r\n\r\n\r\n"),
    "pipelined: bare line ends": partial(_behind_a_post, b"\n\n"),
    "pipelined: no HTTP": partial(_behind_a_post, b"no HTTP\r\n\r\n"),
    "pipelined: TLS": partial(_behind_a_post, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    **{f"pipelined behind close: {name}": partial(_behind_a_closing_post, name) for name in SMUGGLED},
    "refused by its header: hidden post in the body": _refused_with_a_body,
    **{
        f"too large: {smuggled}, {'chunks' if is_chunked else 'length'}": partial(_too_large, smuggled, is_chunked)
        for smuggled in SMUGGLED
        for is_chunked in (False, True)
    },
    **{
        f"body of {method.decode()}: {'chunks' if is_chunked else 'length'}": partial(
            _get_with_body, method, is_chunked
        )
        for method in (b"GET", b"HEAD", b"OPTIONS", b"DELETE")
        for is_chunked in (False, True)
    },
    **{f"method: {method[:10]!r}": partial(_method, method) for method in METHODS},
    "method: overridden": _overridden,
    "method: CONNECT with an authority": _connect,
    "method: OPTIONS *": _options,
    **{f"version: {version!r}": partial(_version, version) for version in VERSIONS},
    "version: HTTP/1.0": partial(_one_dot_zero, ()),
    "version: HTTP/1.0 keep-alive": partial(_one_dot_zero, (b"Connection: keep-alive",)),
    "version: HTTP/1.0 in chunks": _chunked_one_dot_zero,
    "version: HTTP/0.9": _zero_point_nine,
    "no length: hidden post behind it": _without_a_length,
}
