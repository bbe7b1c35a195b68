"""Writes that the user's own program declares before it makes them at the provider: the body of `POST /v1/{source}/writes`, and
the value of the record on `webhooks.raw` that it becomes (decision 0025).

`{"resource_type": "order", "resource_id": "7", "values": {"/note": "packed"}}`
"""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

EVENT_TYPE: Final = "penstock/write"
MAX_BYTES: Final = 64 * 1024
"""Of the body of a declaration: what programs write is a few fields; a product's whole description is 64 kB."""

LIFETIME: Final = timedelta(minutes=10)
"""How long a declaration waits for its change: providers send within seconds, and a late retry is rather not recognised than
another program's change taken for this one.
"""

ID = Annotated[str, Meta(min_length=1, max_length=200)]
TYPE = Annotated[str, Meta(pattern="^[^|]{1,200}$")]  # `|` separates the parts of a resource's key
TENANT = Annotated[str, Meta(pattern="^[^|]{0,200}$")]
POINTER = Annotated[str, Meta(pattern="^/")]


class Resource(Struct, frozen=True, forbid_unknown_fields=True):
    """A resource as changes name it."""

    resource_type: TYPE
    resource_id: ID


class DeclaredWrite(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One write to one resource, declared before it is made.

    `values` are what is written, by JSON Pointer (RFC 6901) into the resource's document as changes show it. `derived` are
    pointers to fields that the provider computes from them. `is_deletion` declares a deletion instead. On Stripe,
    `idempotency_key` or `request_id` of the writing request may stand instead of values. `part_of` is the resource on whose
    deliveries this one comes, if it has none of its own (a variant on its product's). `write_id` makes a repeated declaration
    count once.
    """

    resource_type: TYPE
    resource_id: ID
    tenant: TENANT = ""
    values: dict[POINTER, Any] = {}
    derived: tuple[POINTER, ...] = ()
    is_deletion: bool = False
    idempotency_key: str = ""
    request_id: str = ""
    part_of: Resource | None = None
    write_id: Annotated[str, Meta(max_length=200)] = ""

    @property
    def root(self) -> Resource:
        """Return the resource by whose key its deliveries are partitioned."""
        return self.part_of or Resource(self.resource_type, self.resource_id)


class Malformed(Struct, frozen=True):
    """The text is no declaration; `detail` says what was expected, without any value."""

    detail: str


encode_write = msgspec.json.Encoder(decimal_format="number", order="deterministic").encode
_decode = msgspec.json.Decoder(DeclaredWrite, float_hook=Decimal).decode


def write_of(body: bytes) -> DeclaredWrite | Malformed:
    """Return the declaration in a body; numbers are exact."""
    try:
        write = _decode(body)
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors; they show no value
        return Malformed(f"expected a declared write as a JSON object: {str(error)[:300]}")
    ways = [bool(write.values), write.is_deletion, bool(write.idempotency_key or write.request_id)]
    if sum(ways) != 1:
        return Malformed(
            "expected exactly one of values, is_deletion = true, or idempotency_key and request_id (Stripe's)"
        )
    if write.derived and not write.values:
        return Malformed("expected values beside derived, from which the provider computes those fields")
    return write


def value_at(document: Mapping[str, Any], pointer: str) -> Any:
    """Return the value at a JSON Pointer; raise LookupError if there is none."""
    value: Any = document
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping):
            value = value[name]
        elif isinstance(value, list) and name.isascii() and name.isdecimal() and len(name) < 10:
            value = value[int(name)]
        else:
            raise LookupError(pointer)
    return value
