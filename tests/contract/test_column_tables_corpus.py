"""The kinds of columns fit the providers' own payloads: every document of the corpora, and every child that one lists."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from providers.base import Parsed
from providers.registry import provider
from schemas.records import Document, RawDelivery
from schemas.typed.columns import Kind, column_table
from tests.support.builders.corpora import corpora, read_corpus
from tests.support.builders.corpus_deliveries import github, shopify
from tests.support.builders.deliveries import real_delivery

# Measured: Shopify 0 of 2,394 values, GitHub 0 of 2,232, Stripe 9 of 1,197, all of them in fixtures that dj-stripe made from
# its models (amounts as text, a source in place of its id). A wrong kind misfits in every document that has the column.
MOST_MISFITS: Final = 0.01
MOST_MISFITS_OF_A_RESOURCE: Final = 0.04
# Measured: Shopify 4 and GitHub 14 (names that no column has), Stripe 26 (fields of API versions before 2020).
MOST_WITHOUT_A_COLUMN: Final = 0.03
PLAIN_DECIMAL: Final = re.compile(r"-?\d{1,29}(\.\d{1,9})?")
DECIMAL: Final = msgspec.json.Decoder(float_hook=Decimal).decode

Seen = Iterable[tuple[str, Document]]


def stripe() -> Iterator[RawDelivery]:
    """Yield the events and resources of dj-stripe, and the fixtures of Stripe's description."""
    files = sorted((corpora() / "stripe" / "dj-stripe" / "tests" / "fixtures").glob("*.json"))
    fixtures = read_corpus("stripe/openapi-fixtures/openapi/fixtures3.json")["resources"].values()
    for content in (*(DECIMAL(file.read_bytes()) for file in files), *fixtures):
        name = content.get("object") if isinstance(content, dict) else None
        if name == "event":
            yield real_delivery("stripe", msgspec.json.encode(content))
        elif name not in {None, "list"}:
            event = {
                "id": "evt_1",
                "object": "event",
                "type": "thing.updated",
                "created": 1,
                "data": {"object": content},
            }
            yield real_delivery("stripe", msgspec.json.encode(event))


def bigcommerce() -> Iterator[RawDelivery]:
    """Yield the notifications in tests/fixtures, which follow BigCommerce's documentation: it publishes no sample."""
    for file in sorted((Path(__file__).parents[1] / "fixtures" / "bigcommerce").glob("*.json")):
        yield real_delivery("bigcommerce", file.read_bytes())


CORPORA: Mapping[str, Callable[[], Iterator[RawDelivery]]] = {
    "shopify": shopify,
    "github": github,
    "stripe": stripe,
    "bigcommerce": bigcommerce,
}
LEAST_VALUES: Final = {"shopify": 2_000, "github": 2_000, "stripe": 1_000, "bigcommerce": 50}


def documents(delivery: RawDelivery) -> Iterator[tuple[str, Document]]:
    """Yield the resource type and document of everything that a delivery shows."""
    parsed = provider(delivery.provider).parse(delivery)
    for snapshot in parsed.snapshots if isinstance(parsed, Parsed) else ():
        if snapshot.document is None:
            continue
        yield snapshot.resource_type, snapshot.document
        for rule in snapshot.children:
            listed = snapshot.document.get(rule.field) or []
            for element in listed.get("data", []) if isinstance(listed, dict) else listed:
                yield rule.resource_type, element


def fits(kind: Kind, value: Any) -> bool:
    """Say whether a JSON value fits a kind, as docs/typed-values.md says."""
    match kind:
        case "json":
            return True
        case "boolean":
            return isinstance(value, bool)
        case "long" | "seconds":
            return type(value) is int and -(2**63) <= value < 2**63
        case "number":
            return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "decimal":
            return isinstance(value, str) and PLAIN_DECIMAL.fullmatch(value) is not None
        case "time":
            return isinstance(value, str) and is_time(value)


def is_time(text: str) -> bool:
    """Say whether a text is a date and time with an offset."""
    try:
        return "T" in text and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def counted(name: str) -> tuple[Counter[str], Counter[tuple[str, str]], Counter[tuple[str, str]]]:
    """Return the values by resource, and those that misfit and those without a column by resource and field."""
    values, misfits, without = Counter[str](), Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for delivery in CORPORA[name]():
        for resource, document in documents(delivery):
            table = column_table(name, resource)
            if table is None:
                continue
            kinds = {column.name: column.kind for column in table.columns}
            values[resource] += len(document)
            without.update((resource, field) for field in document if field not in kinds)
            misfits.update(
                (resource, field)
                for field, value in document.items()
                if field in kinds and value is not None and not fits(kinds[field], value)
            )
    return values, misfits, without


@pytest.mark.parametrize("name", CORPORA)
def test_kinds_fit_the_corpora(name: str) -> None:
    """Misfits are kept and marked, but a column of nothing else would be empty for everybody."""
    values, misfits, without = counted(name)

    assert values.total() > LEAST_VALUES[name], "the corpus shows too few resources that have tables"
    assert misfits.total() <= MOST_MISFITS * values.total(), misfits
    for resource, count in values.items():
        found = {field: number for (of, field), number in misfits.items() if of == resource}
        assert sum(found.values()) <= MOST_MISFITS_OF_A_RESOURCE * count, (resource, count, found)
    assert without.total() <= MOST_WITHOUT_A_COLUMN * values.total(), without
