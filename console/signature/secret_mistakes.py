"""The usual mistakes with a secret, each repaired: the keys that it may stand for.

A signature that fits one of the keys proves that mistake, so many attempts cost time but never give a wrong answer.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from providers.scheme import KeyKind
from providers.signature import decoded_secret

PREFIX = b"whsec_"
_QUOTES = (b'"', b"'", b"`")


@dataclass(frozen=True, slots=True)
class Cause:
    """What is wrong: a fixed word for machines, and a sentence for people."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Key:
    """One key that a secret may stand for. `kind` says how the secret was read, `causes` the repairs before that."""

    value: bytes = field(repr=False)
    kind: KeyKind
    causes: tuple[Cause, ...] = ()


def keys(secret: bytes) -> list[Key]:
    """Return the keys that a secret may stand for: first unchanged, then with each usual mistake repaired, without repetition."""
    found: dict[tuple[bytes, KeyKind], Key] = {}
    for slip, text in _cleaned(secret):
        for key in _meanings(text):
            repaired = Key(key.value, key.kind, (*slip, *key.causes))
            if repaired.value:
                found.setdefault((repaired.value, repaired.kind), repaired)
    return list(found.values())


def _cleaned(secret: bytes) -> Iterator[tuple[tuple[Cause, ...], bytes]]:
    """Yield the secret unchanged, and without the characters that copying usually adds."""
    yield (), secret
    bare = secret.strip()
    yield (Cause("secret_white_space", "your secret has white space or a newline round it: take it away"),), bare
    for quote in _QUOTES:
        if len(bare) > 1 and bare.startswith(quote) and bare.endswith(quote):
            yield (Cause("secret_quotes", "your secret has quotes round it: take them away"),), bare[1:-1]
    yield (
        (Cause("secret_newline", "the sender's secret ends in a newline, yours does not (echo instead of printf?)"),),
        secret + b"\n",
    )


def _meanings(text: bytes) -> Iterator[Key]:
    yield Key(text, "text")
    yield Key(decoded_secret(text), "decoded")
    if text.startswith(PREFIX):
        cut = Cause("secret_prefix_extra", "the signature fits the secret without its whsec_, taken as text")
        yield Key(text.removeprefix(PREFIX), "text", (cut,))
    else:
        missing = Cause("secret_prefix_missing", "your secret lacks its whsec_, which belongs to it")
        yield Key(PREFIX + text, "text", (missing,))
    with contextlib.suppress(ValueError):
        yield Key(bytes.fromhex(text.decode()), "text", (Cause("secret_hex", "the key is the secret read as hex"),))
