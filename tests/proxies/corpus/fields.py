"""Header contents: forged addresses, ambiguous names and values, Host, Connection, sizes."""

from collections.abc import Callable
from functools import partial

from tests.proxies.corpus.case import ACCEPTED, FORGED, NOT_ALLOWED, Author, Case, any_answer, refused

ADDRESS = b"X-Forwarded-For: " + FORGED
FORGERIES: dict[str, tuple[bytes, ...]] = {
    "plain": (ADDRESS,),
    "twice": (ADDRESS, ADDRESS),
    "lower case": (ADDRESS.lower(),),
    "comma behind": (ADDRESS + b",",),
    "trusted behind": (ADDRESS + b", 127.0.0.1",),
    "trusted behind, often": (ADDRESS + b", 127.0.0.1" * 300,),
    "empty behind": (ADDRESS, b"X-Forwarded-For:"),
    "underscores": (b"X_Forwarded_For: " + FORGED,),
    "underscore and hyphen": (b"X-Forwarded_For: " + FORGED,),
    "space before the colon": (b"X-Forwarded-For : " + FORGED,),
    "tab before the colon": (b"X-Forwarded-For\t: " + FORGED,),
    "space before the name": (b" X-Forwarded-For: " + FORGED,),
    "NUL in the name": (b"X-Forwarded-For\0: " + FORGED,),
    "folded": (b"X-Forwarded-For:\r\n " + FORGED,),
    "folded behind": (ADDRESS + b"\r\n , 127.0.0.1",),
    "tab": (b"X-Forwarded-For:\t" + FORGED,),
    "behind a bare LF": (b"X-Odd: 1\n" + ADDRESS,),
    "behind a bare CR": (b"X-Odd: 1\r" + ADDRESS,),
    "bare CR behind": (ADDRESS + b"\r",),
    "named by Connection": (ADDRESS, b"Connection: X-Forwarded-For"),
    "named by Connection, closing": (ADDRESS, b"Connection: close, X-Forwarded-For"),
    "named by Proxy-Connection": (ADDRESS, b"Proxy-Connection: X-Forwarded-For"),
    "named by Trailer": (ADDRESS, b"Trailer: X-Forwarded-For"),
    "Forwarded": (b"Forwarded: for=" + FORGED,),
    "X-Real-IP": (b"X-Real-IP: " + FORGED, b"X-Client-IP: " + FORGED, b"True-Client-IP: " + FORGED),
    "port": (ADDRESS + b":443",),
    "PROXY": (b"PROXY: TCP4 203.0.113.7 127.0.0.1 1 80",),
    "absent": (),
}
STRIPPED = ("X-Forwarded-For", "close, X-Forwarded-For", "x-forwarded-for", "keep-alive, X-Forwarded-For, Host")
CONNECTION: tuple[bytes, ...] = (
    b"Host",
    b"Content-Length",
    b"Content-Type",
    b"X-Shopify-Hmac-Sha256",
    b"close, keep-alive",
    b"keep-alive",
    b"",
    b",,,",
    b"x" * 300,
    b"Transfer-Encoding",
    b"TE, trailers",
    b"Upgrade, Upgrade",
    b"Connection",
    b"\0",
    b"close\tx",
)
ODD_LINES: dict[str, bytes] = {
    "no colon": b"X-Odd",
    "no name": b": 1",
    "no value": b"X-Odd:",
    "space in the name": b"X Odd: 1",
    "space before the colon": b"X-Odd : 1",
    "tab before the name": b"\tX-Odd: 1",
    "underscore": b"X_Odd: 1",
    "bare LF": b"X-Odd: 1\nX-Other: 2",
    "bare CR": b"X-Odd: 1\rX-Other: 2",
    "CR before CRLF": b"X-Odd: 1\r",
    "folded": b"X-Odd: 1\r\n 2",
    "folded to nothing": b"X-Odd: 1\r\n ",
    "NUL": b"X-Odd: \0",
    "NUL in the name": b"X-\0dd: 1",
    "escape": b"X-Odd: \x1b[31m",
    "bell": b"X-Odd: \x07",
    "DEL": b"X-Odd: \x7f",
    "C1": b"X-Odd: \x9b31m",
    "Latin-1": b"X-Odd: caf\xe9",
    "Latin-1 in the name": b"X-\xe9: 1",
    "UTF-8": b"X-Odd: \xe2\x80\xae\xc3\xbc",
    "quote": b'X-Odd: "1\\',
    "brackets in the name": b"X[Odd]: 1",
    "at in the name": b"X@Odd: 1",
    "length with a space": b"Content-Length : 5",
    "length with an underscore": b"Content_Length: 5",
    "length behind a bare LF": b"X-Odd: 1\nContent-Length: 0",
    "length behind a bare CR": b"X-Odd: 1\rContent-Length: 0",
    "length with a NUL": b"Content-Length\0: 0",
    "length folded away": b"X-Odd: 1\r\n Content-Length: 0",
    "encoded body": b"Content-Encoding: identity",
    "request line": b"GET /metrics HTTP/1.1",
    "secret of ours": b"penstock_source: other",
}
HOSTS: dict[str, tuple[bytes, ...]] = {
    "missing": (),
    "empty": (b"Host:",),
    "two": (b"Host: ingress", b"Host: other"),
    "two equal": (b"Host: ingress", b"Host: ingress"),
    "port": (b"Host: ingress:80",),
    "odd port": (b"Host: ingress:x",),
    "list": (b"Host: ingress, other",),
    "space": (b"Host: ingress other",),
    "path": (b"Host: ingress/metrics?",),
    "user": (b"Host: x@ingress",),
    "address": (b"Host: [::1]:80",),
    "NUL": (b"Host: ingress\0",),
    "underscore": (b"Host_: ingress",),
    "space before the colon": (b"Host : ingress",),
    "folded": (b"Host:\r\n ingress",),
    "forwarded": (
        b"Host: ingress",
        b"X-Forwarded-Host: other",
        b"X-Original-URL: /metrics",
        b"X-Rewrite-URL: /metrics",
    ),
}
REQUEST_LINES: dict[str, bytes] = {
    "two spaces": b"POST  %b HTTP/1.1",
    "tab": b"POST\t%b HTTP/1.1",
    "tab before the version": b"POST %b\tHTTP/1.1",
    "space behind": b"POST %b HTTP/1.1 ",
    "space before": b" POST %b HTTP/1.1",
    "empty lines before": b"\r\n\r\nPOST %b HTTP/1.1",
    "bare LF before": b"\nPOST %b HTTP/1.1",
    "bare CR behind": b"POST %b HTTP/1.1\r",
    "NUL": b"POST %b\0 HTTP/1.1",
    "vertical tab": b"POST %b\x0bHTTP/1.1",
    "two versions": b"POST %b HTTP/1.1 HTTP/1.1",
    "two targets": b"POST %b /metrics HTTP/1.1",
}
HEADER_BYTES = (7_000, 9_000, 15_000, 17_000, 60_000, 64_000, 66_000, 120_000, 300_000)
FIELD_COUNTS = (90, 110, 900, 3000)
TARGET_BYTES = (4_000, 9_000, 60_000, 70_000)


def _forged(lines: tuple[bytes, ...], author: Author) -> Case:
    return Case((author.post("guarded").sized(*lines),), (), NOT_ALLOWED | {400})


def _forged_first(author: Author) -> Case:
    post = author.post("guarded")
    first = post.sized().replace(b"\r\nHost:", b"\r\n" + ADDRESS + b"\r\nHost:", 1)
    return Case((first,), (), NOT_ALLOWED)


def _stripped(value: str, more: tuple[bytes, ...], author: Author) -> Case:
    """To a source that allows the proxies' own address: a client whose address was removed must not count as the proxy."""
    return Case((author.post("own").sized(b"Connection: " + value.encode(), *more),), (), NOT_ALLOWED)


def _connection(value: bytes, author: Author) -> Case:
    post = author.post()
    return any_answer(post, post.sized(b"Connection: " + value))


def _odd_line(line: bytes, author: Author) -> Case:
    post = author.post()
    return any_answer(post, post.sized(line))


def _odd_line_first(line: bytes, author: Author) -> Case:
    """As the first header, with a body that is a request."""
    post = author.post(body=author.smuggled()["forged post"])
    return any_answer(post, post.sized().replace(b"\r\n", b"\r\n" + line + b"\r\n", 1))


def _bare_line_ends(author: Author) -> Case:
    post = author.post()
    head, body = post.sized().split(b"\r\n\r\n", 1)
    return any_answer(post, head.replace(b"\r\n", b"\n") + b"\n\n" + body)


def _bare_end_of_headers(author: Author) -> Case:
    post = author.post(body=author.smuggled()["forged post"])
    head, body = post.sized().split(b"\r\n\r\n", 1)
    return any_answer(post, head + b"\n\r\n" + body)


def _host(lines: tuple[bytes, ...], author: Author) -> Case:
    post = author.post()
    return any_answer(post, post.without(b"host:").sized(*lines))


def _request_line(line: bytes, author: Author) -> Case:
    post = author.post()
    length = b"Content-Length: %d" % len(post.body)
    return any_answer(post, post.raw(length, line=line % author.path(), payload=post.body))


def _header_bytes(count: int, author: Author) -> Case:
    post = author.post()
    return any_answer(post, post.sized(*[b"X-Odd: " + b"a" * 993] * (count // 1000)))


def _long_header(count: int, author: Author) -> Case:
    post = author.post(body=author.smuggled()["forged post"])
    return any_answer(post, post.sized(b"X-Odd: " + b"a" * count))


def _field_count(count: int, author: Author) -> Case:
    post = author.post()
    return any_answer(post, post.sized(*[b"X-Odd-%d: 1" % number for number in range(count)]))


def _long_target(count: int, author: Author) -> Case:
    post = author.post()
    return any_answer(post, post.at(author.path() + b"?" + b"a" * count).sized())


def _never_ending(author: Author) -> Case:
    return refused(b"POST %b HTTP/1.1\r\nX-Odd: " % author.path() + b"a" * 500_000)


def _two_signatures(author: Author) -> Case:
    """Joined with a comma they are malformed, in either order."""
    post, other = author.post(), author.post()
    (wrong,) = (field for field in other.fields if field.lower().startswith(b"x-shopify-hmac"))
    return any_answer(post, post.sized(wrong))


def _same_twice(author: Author) -> Case:
    post, second = author.post(), author.post()
    return Case((post.sized(b"X-Odd: 1", b"x-odd: 2"), second.sized()), (post.body, second.body), ACCEPTED)


FIELDS: dict[str, Callable[[Author], Case]] = {
    **{f"forged: {name}": partial(_forged, lines) for name, lines in FORGERIES.items()},
    "forged: before Host": _forged_first,
    **{f"stripped by Connection: {value}": partial(_stripped, value, ()) for value in STRIPPED},
    "stripped by Connection, and forged": partial(_stripped, "X-Forwarded-For", (b"X-Forwarded-For: 127.0.0.1",)),
    **{f"connection: {value[:30]!r}": partial(_connection, value) for value in CONNECTION},
    **{f"line: {name}": partial(_odd_line, line) for name, line in ODD_LINES.items()},
    **{f"first line: {name}": partial(_odd_line_first, line) for name, line in ODD_LINES.items()},
    "line: bare LF all over": _bare_line_ends,
    "line: bare LF at the end of the headers": _bare_end_of_headers,
    **{f"host: {name}": partial(_host, lines) for name, lines in HOSTS.items()},
    **{f"request line: {name}": partial(_request_line, line) for name, line in REQUEST_LINES.items()},
    **{f"size: headers of {count}": partial(_header_bytes, count) for count in HEADER_BYTES},
    **{f"size: one header of {count}": partial(_long_header, count) for count in HEADER_BYTES},
    **{f"size: {count} headers": partial(_field_count, count) for count in FIELD_COUNTS},
    **{f"size: target of {count}": partial(_long_target, count) for count in TARGET_BYTES},
    "size: header without an end": _never_ending,
    "two signatures": _two_signatures,
    "one header twice": _same_twice,
}
