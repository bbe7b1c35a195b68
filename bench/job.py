"""The pipeline's full job on a Shopify product in straight code: its cost without Penstock's layers.

`bare_loop.py` and `peers/quix.py` share it, so that only the code that moves the records differs. Same libraries, same tables,
same output records, byte for byte except for the decision time; `outcomes.py` checks that every decision is the same.
It handles one provider and one resource, without deletes, routes or dead letters.
"""

import hashlib
import io
import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import fastavro
import msgspec

_NAMESPACE = uuid.UUID("7d1e4f6c-4f0e-5d0b-9a53-70656e73746f")
_parse = msgspec.json.Decoder(float_hook=Decimal).decode
_canonical = msgspec.json.Encoder(decimal_format="number", order="deterministic").encode
_row = msgspec.msgpack.Encoder().encode
_columns = msgspec.msgpack.Decoder().decode
_ABSENT = object()

Get = Callable[[bytes], bytes | None]


class Decision(NamedTuple):
    """The results of one delivery; None for no result. The caller keeps track of the table keys."""

    outcome: bytes
    change: bytes | None
    state: bytes | None
    seen: bytes | None
    latest: bytes | None


class Shown(NamedTuple):
    """One delivery as parsed: its product, and its origin."""

    texts: Mapping[str, str]
    key: str
    position: tuple[str, int, int]
    now_us: int
    text: bytes
    product: dict[str, Any]
    fingerprint: bytes
    version_us: int


class Job:
    """The decision, ready to encode. `prefixes` are Confluent's five bytes for the schemas change, state and outcome."""

    def __init__(self, prefixes: Mapping[str, bytes]) -> None:
        self._prefixes = prefixes
        self._schemas = {name: _schema(name) for name in prefixes}

    def decide(self, shown: Shown, seen_row: bytes | None, latest_row: bytes | None) -> Decision:
        """Return the results of a delivery, given the rows stored under `seen_key(shown)` and its key."""
        delivery_id = shown.texts["penstock_delivery_id"]
        fingerprints, delivery_ids = ([], []) if seen_row is None else _columns(seen_row)
        if delivery_id in delivery_ids:
            return self._known(shown, "duplicate", "delivery_id", "this delivery id was decided before")
        seen = _row((
            [*fingerprints, shown.fingerprint] if fingerprints[-1:] != [shown.fingerprint] else fingerprints,
            [*delivery_ids, delivery_id],
        ))  # fmt: skip
        if fingerprints[-1:] == [shown.fingerprint]:
            detail = "another delivery showed this version with this content"
            return self._known(shown, "duplicate", "same_version_and_content", detail, seen)
        latest = (None, None, b"", None, False, "") if latest_row is None else _columns(latest_row)
        if latest[0] is not None and shown.version_us < latest[0]:
            detail = "a newer version of this resource was decided before"
            return self._known(shown, "stale", "older_than_stored", detail, seen)
        return self._news(shown, latest, seen, fingerprints.count(shown.fingerprint))

    def _known(self, shown: Shown, outcome: str, reason: str, detail: str, seen: bytes | None = None) -> Decision:
        return Decision(self._outcome(shown, outcome, reason, detail, []), None, None, seen, None)

    def _news(self, shown: Shown, latest: Any, seen: bytes, earlier: int) -> Decision:
        before = latest[3]
        changed = [] if before is None else list(pointers(_parse(before), shown.product))
        event_time_us = _us(shown.texts["ce_time"])
        if before is not None and not changed:
            row = _row((shown.version_us, event_time_us, shown.fingerprint, shown.text, False, latest[5]))
            detail = "the stored state says the same; its version was advanced"
            return Decision(self._outcome(shown, "unchanged", "no_difference", detail, []), None, None, seen, row)
        op = "c" if before is None else "u"
        named = f"{shown.key}\0v{shown.version_us}\0{shown.fingerprint.hex()}\0{op}\0{earlier}"
        event_id = str(uuid.uuid5(_NAMESPACE, named))
        row = _row((shown.version_us, event_time_us, shown.fingerprint, shown.text, False, event_id))
        outcome = self._outcome(shown, "changed", "created" if before is None else "updated", "", [event_id])
        change, state = self._change(shown, event_id, op, changed, before), self._state(shown, event_id)
        return Decision(outcome, change, state, seen, row)

    def _change(self, shown: Shown, event_id: str, op: str, changed: list[str], before: bytes | None) -> bytes:
        texts, (topic, partition, offset) = shown.texts, shown.position
        record = {
            "event_id": event_id,
            "op": op,
            "resource_key": shown.key,
            "resource_type": "product",
            "resource_id": str(shown.product["id"]),
            "parent_key": None,
            "changed": changed,
            "before": None if before is None else before.decode(),
            "after": shown.text.decode(),
            "version": shown.version_us,
            "event_time": _us(texts["ce_time"]),
            "received_at": _us(texts["penstock_received_at"]),
            "emitted_at": shown.now_us,
            "source": {
                "provider": texts["penstock_provider"],
                "source": texts["penstock_source"],
                "delivery_id": texts["penstock_delivery_id"],
                "event_type": texts["ce_type"],
                "api_version": texts["penstock_api_version"],
                "topic": topic,
                "partition": partition,
                "offset": offset,
            },
        }
        return self._encode("change", record)

    def _state(self, shown: Shown, event_id: str) -> bytes:
        record = {
            "resource_key": shown.key,
            "resource_type": "product",
            "resource_id": str(shown.product["id"]),
            "parent_key": None,
            "document": shown.text.decode(),
            "version": shown.version_us,
            "event_id": event_id,
            "emitted_at": shown.now_us,
        }
        return self._encode("state", record)

    def _outcome(self, shown: Shown, outcome: str, reason: str, detail: str, event_ids: list[str]) -> bytes:
        texts, (topic, partition, offset) = shown.texts, shown.position
        record = {
            "delivery_id": texts["penstock_delivery_id"],
            "source": texts["penstock_source"],
            "provider": texts["penstock_provider"],
            "event_type": texts["ce_type"],
            "outcome": outcome,
            "reason": reason,
            "detail": detail,
            "event_ids": event_ids,
            "received_at": _us(texts["penstock_received_at"]),
            "decided_at": shown.now_us,
            "topic": topic,
            "partition": partition,
            "offset": offset,
        }
        return self._encode("outcome", record)

    def _encode(self, name: str, record: Mapping[str, object]) -> bytes:
        buffer = io.BytesIO()
        buffer.write(self._prefixes[name])
        fastavro.schemaless_writer(buffer, self._schemas[name], record)
        return buffer.getvalue()


def read(
    key: bytes, body: bytes, headers: Iterable[tuple[str, bytes]], position: tuple[str, int, int], now_us: int
) -> Shown:
    """Return a delivery as read; its key is that of its resource."""
    texts = {name: value.decode() for name, value in headers}
    product = _parse(body)
    text = _canonical(product)
    fingerprint = hashlib.sha256(text).digest()[:16]
    return Shown(texts, key.decode(), position, now_us, text, product, fingerprint, _us(product["updated_at"]))


def seen_key(shown: Shown) -> bytes:
    """Return the key of the table *seen*: the resource and its version."""
    return f"{shown.key}\0v{shown.version_us}".encode()


def pointers(old: Any, new: Any, at: str = "") -> Iterator[str]:
    """Yield a JSON Pointer for each value that differs; objects in arrays are matched by their id."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in {**old, **new}:
            if name == "updated_at" and not at:
                continue
            before, after = old.get(name, _ABSENT), new.get(name, _ABSENT)
            if before != after:
                yield from pointers(before, after, f"{at}/{name}")
    elif isinstance(old, list) and isinstance(new, list):
        yield from _array_pointers(old, new, at)
    elif old != new:
        yield at


def _array_pointers(old: list[Any], new: list[Any], at: str) -> Iterator[str]:
    if not all(isinstance(element, dict) and "id" in element for element in (*old, *new)):
        if old != new:
            yield at
        return
    by_id = {element["id"]: element for element in old}
    for position, element in enumerate(new):
        yield from pointers(by_id.get(element["id"], _ABSENT), element, f"{at}/{position}")
    if [element["id"] for element in old] != [element["id"] for element in new]:
        yield at


def _us(text: str) -> int:
    time = datetime.fromisoformat(text)
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1_000_000)


def _schema(name: str) -> Any:
    path = Path(__file__).parent.parent / "schemas" / f"{name}.avsc"
    return fastavro.parse_schema(json.loads(path.read_bytes(), object_hook=_plain))


def _plain(node: dict[str, Any]) -> Any:
    """Return a schema's node without its logical type: the same bytes for numbers, in less time."""
    return node["type"] if "logicalType" in node else node
