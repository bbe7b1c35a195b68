"""Requests that no provider would send, derived from valid ones; the seeded random source makes every choice."""

import gzip
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import quote_from_bytes

from msgspec import Struct

from providers.base import Sample
from tests.support.builders.provider_requests import SENDERS, Sender

HeaderList = list[tuple[bytes, bytes]]

_PATHS = (
    "/v1/nobody",
    "/v1/",
    "/v1",
    "/",
    "",
    "/v1/{}/",
    "/v1/{}//",
    "/v1/{}/.",
    "/v1/../{}",
    "/v1/{}\x00",
    "/v1/\ufffd\x85",
    "/healthz",
    "//v1/{}",
)
_METHODS = ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "post", "TRACE", "\x7f")
_TOPICS = ("", "push", "issues", "ping", "products/delete", "refunds/create", "a.b.c", "/", "\xe9\xff", "x" * 300)
_DELIVERY_IDS = ("delivery-1", "", "a.b", "\xff\xfe", "\x00", "|", " ", "x" * 600)
_AGES_S = (0, 0, 0, 0, 299, -299, 301, -301, 10**8)
_NAMES = (
    b"content-length",
    b"transfer-encoding",
    b"x-shopify-topic",
    b"cookie",
    b"expect",
    b"",
    b"\xff",
    b"webhook-id",
)
_VALUES = (
    b"",
    b" ",
    b"\x00",
    b"\xff\xfe",
    b"1",
    b"-1",
    b"\xb2",
    b"t=1,v1=",
    b"sha256=",
    b"v1,",
    b"=",
    b"," * 500,
    b"\r\n x",
)
_ENCODINGS = (b"identity", b"IDENTITY", b"gzip", b"", b"br", b"identity, gzip", b"\xff")
_LENGTHS = (b"99999999", b"9" * 5000, b"4096", b"4097", b"0", b"abc", b"-1", b"\xb2")
_NODES: tuple[Any, ...] = (
    None,
    True,
    -1,
    2**70,
    1e300,
    "",
    "\ud800",
    "\x00",
    "é" * 300,
    [],
    {},
    [[]],
    {"id": {}},
    10**17,
)
_BODIES = (
    b"",
    b"null",
    b"[]",
    b'{"id":NaN}',
    b"\xff\xfe",
    b'{"id":"\\ud800"}',
    b'{"id":1,"id":2}',
    b"payload=",
    b"&=" * 99,
)


class FuzzRequest(Struct, frozen=True):
    """One request as the server would pass it on; `is_forged` when its body is not the signed one."""

    sender: Sender
    method: str
    path: str
    headers: HeaderList
    chunks: tuple[bytes, ...]
    is_cut_off: bool
    is_forged: bool

    @property
    def body(self) -> bytes:
        """Return the body bytes that arrive."""
        return b"".join(self.chunks)


def seeded(seed: int) -> Random:
    """Return a random source that repeats its choices for the same seed."""
    return Random(seed)  # noqa: S311 - repeatable, which is the point


def fuzz_request(random: Random, now: datetime) -> FuzzRequest:
    """Return a request of any provider, strange in body, headers, path, method or pieces, or in none of them."""
    sender = random.choice(SENDERS)
    signed = fuzz_body(random, sender)
    headers = _signed_headers(random, sender, signed, now)
    body = mutated_bytes(random, signed) if random.random() < 0.25 else signed
    for _ in range(random.choice((0, 0, 0, 1, 1, 2))):
        random.choice(_HEADER_CHANGES)(random, headers)
    return FuzzRequest(
        sender=sender,
        method="POST" if random.random() < 0.97 else random.choice(_METHODS),
        path=f"/v1/{sender.name}" if random.random() < 0.97 else random.choice(_PATHS).format(sender.name),
        headers=headers,
        chunks=pieces(random, body),
        is_cut_off=random.random() < 0.02,
        is_forged=body != signed and sender.signs_body,
    )


def fuzz_body(random: Random, sender: Sender) -> bytes:
    """Return a body: the provider's own, broken JSON, another encoding, or noise."""
    return random.choice(_BODY_CHANGES)(random, sender.body)


def mutated_bytes(random: Random, original: bytes) -> bytes:
    """Return the bytes with some replaced, inserted, removed or repeated."""
    start = random.randint(0, len(original))
    end = min(len(original), start + random.choice((0, 1, 1, 2, 8)))
    noise = random.choice((b"", random.randbytes(1), random.randbytes(3), original[start : end + 4], b"\r\n", b"\x00"))
    return original[:start] + noise + original[end:]


def pieces(random: Random, body: bytes) -> tuple[bytes, ...]:
    """Return the body cut into one to five pieces, empty ones among them."""
    if random.random() < 0.7:
        return (body,)
    cuts = sorted(random.randint(0, len(body)) for _ in range(random.randint(1, 4)))
    return tuple(body[start:end] for start, end in zip((0, *cuts), (*cuts, len(body)), strict=True))


def _signed_headers(random: Random, sender: Sender, body: bytes, now: datetime) -> HeaderList:
    topic = sender.topic if random.random() < 0.8 else random.choice(_TOPICS)
    delivery_id = _DELIVERY_IDS[0] if random.random() < 0.8 else random.choice(_DELIVERY_IDS)
    signed_at = now - timedelta(seconds=random.choice(_AGES_S))
    secret = sender.secret if random.random() < 0.95 else sender.wrong_secret
    signed = sender.provider.sign(Sample(body, topic, delivery_id, signed_at), secret)
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in signed.items()]


def _node_replaced(random: Random, original: bytes) -> bytes:
    document = json.loads(original)
    node = document
    while True:
        name = random.choice(sorted(node))
        if not isinstance(node[name], dict) or not node[name] or random.random() < 0.3:
            break
        node = node[name]
    node[name] = random.choice(_NODES)
    return json.dumps(document).encode()


def _nested(random: Random, _original: bytes) -> bytes:
    return random.choice((b"[", b'{"id":', b'{"data":')) * random.choice((10, 300, 600))


def _form(random: Random, original: bytes) -> bytes:
    return b"payload=" + quote_from_bytes(original, safe=random.choice(("", '{}":'))).encode()


def _oversized(random: Random, original: bytes) -> bytes:
    return original + b" " * random.choice((4096 - len(original), 4097 - len(original), 9000))


_BODY_CHANGES: tuple[Callable[[Random, bytes], bytes], ...] = (
    *[lambda _random, original: original] * 6,
    *[_node_replaced] * 5,
    *[mutated_bytes] * 3,
    lambda random, _original: random.choice(_BODIES),
    lambda random, _original: random.randbytes(random.randint(0, 64)),
    lambda _random, original: gzip.compress(original, mtime=0),
    _nested,
    _form,
    _oversized,
)


def _change_value(random: Random, headers: HeaderList) -> None:
    if headers:
        place = random.randrange(len(headers))
        name, value = headers[place]
        headers[place] = (name, mutated_bytes(random, value))


def _replace_value(random: Random, headers: HeaderList) -> None:
    if headers:
        place = random.randrange(len(headers))
        headers[place] = (headers[place][0], random.choice(_VALUES))


def _repeat(random: Random, headers: HeaderList) -> None:
    if headers:
        name, value = random.choice(headers)
        headers.insert(random.randint(0, len(headers)), (name, random.choice((value, *_VALUES))))


def _remove(random: Random, headers: HeaderList) -> None:
    if headers:
        del headers[random.randrange(len(headers))]


def _add(random: Random, headers: HeaderList) -> None:
    headers.append((random.choice(_NAMES), random.choice((*_VALUES, random.randbytes(20)))))


def _say_length(random: Random, headers: HeaderList) -> None:
    headers.append((b"content-length", random.choice(_LENGTHS)))


def _say_encoding(random: Random, headers: HeaderList) -> None:
    headers.append((b"content-encoding", random.choice(_ENCODINGS)))


def _say_form(_random: Random, headers: HeaderList) -> None:
    headers[:] = [header for header in headers if header[0] != b"content-type"]
    headers.append((b"content-type", b"application/x-www-form-urlencoded"))


_HEADER_CHANGES = (
    _change_value, _change_value, _replace_value, _repeat, _remove, _add, _say_length, _say_encoding, _say_form
)  # fmt: skip
