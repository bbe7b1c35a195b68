"""Makes the provider's document of a typed record, every value as the provider wrote it. Needs Python's standard library only.

`record` is `before`, `after` or `document` of a typed topic as confluent-kafka, fastavro or Faust decode it: a dict with aware
datetimes and Decimals. `kinds` comes from the schema that the record was written with, because a newer one has more columns.
"""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

Record = dict[str, Any]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def kinds(schema: Record) -> dict[str, str]:
    """Return the kind of each column from the schema of a topic's values, parsed JSON."""
    for field in schema["fields"]:
        branches = field["type"] if isinstance(field["type"], list) else [field["type"]]
        for branch in branches:
            if field["name"] in ("before", "document") and isinstance(branch, dict):
                return {column["name"]: column["kind"] for column in branch["fields"] if "kind" in column}
    return {}


def document(record: Record, kinds: dict[str, str]) -> Record:
    """Return the document; numbers that are no integers are Decimals."""
    extra = {name: json.loads(text, parse_float=Decimal) for name, text in record["_extra"].items()}
    shown = {name: record[name] for name in kinds if record[name] is not None and name not in extra}
    written = {name: as_written(value, kinds[name], record["_utc_offset"]) for name, value in shown.items()}
    return written | dict.fromkeys(record["_nulls"]) | extra


def as_written(value: Any, kind: str, utc_offset: int | None) -> Any:
    """Return a column's value as the provider wrote it."""
    if kind == "json":
        return json.loads(value, parse_float=Decimal)
    if kind == "time":
        return time_text(value, utc_offset)
    if kind == "seconds":
        return (value - EPOCH) // timedelta(seconds=1)
    if kind in ("decimal", "number"):
        return amount(value, kind)
    return value


def time_text(time: datetime, utc_offset: int | None) -> str:
    """Return a time in the record's offset, with as many digits of the second as it needs: none, three or six."""
    local = time.astimezone(UTC if utc_offset is None else timezone(utc_offset * MINUTE))
    digits = "seconds" if not time.microsecond else "microseconds" if time.microsecond % 1000 else "milliseconds"
    text = local.isoformat(timespec=digits)
    return text.replace("+00:00", "Z") if utc_offset is None else text


def amount(value: Decimal, kind: str) -> Any:
    """Return money as text with at least two decimals, and a number without zeros at its end."""
    whole, _, fraction = f"{value:f}".partition(".")
    fraction = fraction.rstrip("0")
    if kind == "decimal":
        return f"{whole}.{fraction.ljust(2, '0')}"
    return Decimal(f"{whole}.{fraction}") if fraction else int(whole)
