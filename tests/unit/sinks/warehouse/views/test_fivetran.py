"""The compatibility views have the names that fivetran/dbt_shopify and fivetran/dbt_stripe read, with the right values."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from providers.registry import PROVIDERS, provider
from schemas.records import Document
from schemas.typed.columns import column_table
from sinks.warehouse import opening
from sinks.warehouse.query import result
from sinks.warehouse.rows.batch import batch_of
from sinks.warehouse.rows.names import table_name
from sinks.warehouse.rows.records import LoadedChange, Place
from sinks.warehouse.rows.shape import Layouts
from sinks.warehouse.settings import WarehouseSettings
from sinks.warehouse.views.fivetran import mapping
from tests.support.builders.fivetran_columns import PACKAGES, expected, offered
from tests.support.builders.loaded_changes import SYNCED, change

OWN = {name: frozenset(provider(name).resource_types) for name in PROVIDERS}
ORDER = {
    "id": 1, "landing_site": "/sale", "customer": {"id": 7}, "billing_address": {"address1": "Main Street 1", "city": "Bonn"},
    "client_details": {"user_agent": "Firefox"},
}  # fmt: skip
STRANGE = {"id": 2, "customer": {"id": "seven"}, "billing_address": "none", "client_details": [1]}
INVOICE = {
    "id": "in_1",
    "customer": "cus_1",
    "created": 1_760_000_000,
    "status_transitions": {"paid_at": 1_760_000_000, "voided_at": None},
}
CHARGE = {
    "id": "ch_1",
    "outcome": {"risk_score": 12, "type": "authorized"},
    "shipping": {"address": {"line1": "Main Street 1"}},
}
PAID = datetime.fromtimestamp(1_760_000_000, UTC)


def test_every_named_table_exists() -> None:
    """A table that a package reads is one of the warehouse's."""
    for name in PACKAGES:
        for table in expected(name):
            assert offered(name, table), f"{name}.{table}"


@pytest.mark.parametrize(
    ("name", "table"), [("shopify", "order"), ("shopify", "product"), ("shopify", "refund"), ("stripe", "price"),
                        ("stripe", "subscription_item"), ("stripe", "payment_intent"), ("stripe", "refund")]
)  # fmt: skip
def test_view_has_every_column(name: str, table: str) -> None:
    """These tables are complete; docs/analysts.md lists what others lack."""
    assert set(expected(name)[table]["columns"]) - set(offered(name, table)) == set()


def test_fields_are_taken_from_json_columns_alone() -> None:
    """A path into a column that is no JSON, of any provider, would fail each query of the view."""
    for name in PROVIDERS:
        for resource_type in OWN[name]:
            typed = column_table(name, resource_type)
            kinds = {} if typed is None else {column.name: column.kind for column in typed.columns}
            for source in mapping().get(table_name(name, resource_type, OWN[name]), {}).values():
                for place in source.partition(": ")[0].split(" | "):
                    column, *fields = place.split(".")
                    assert kinds.get(column) in ({None, "json"} if fields else set(kinds.values()) | {None}), place


@pytest.mark.parametrize("engine", ["ducklake", "duckdb"])
def test_values_are_those_of_the_document(engine: Any, tmp_path: Path) -> None:
    """Renamed columns and fields of JSON, as their types; what has another shape is null and fails no query."""
    settings = WarehouseSettings(engine, tmp_path / "warehouse", False)
    records = [
        _change(0, "shopify", "order", "1", ORDER),
        _change(1, "shopify", "order", "2", STRANGE, op="d"),
        _change(0, "stripe", "invoice", "in_1", INVOICE),
        _change(0, "stripe", "charge", "ch_1", CHARGE),
    ]
    with closing(opening.writer(settings)) as opened:
        opened.apply(batch_of(records, {}, Layouts(column_table, OWN), SYNCED))

    assert _rows(
        settings,
        "SELECT id, landing_site_base_url, customer_id, billing_address_address_1, billing_address_city, "
        "client_details_user_agent, _fivetran_synced, _fivetran_deleted FROM shopify_fivetran.order ORDER BY id",
    ) == [
        (1, "/sale", 7, "Main Street 1", "Bonn", "Firefox", SYNCED, False),
        (2, None, None, None, None, None, SYNCED, True),
    ]
    assert _rows(
        settings,
        'SELECT customer_id, "date", status_transitions_paid_at, status_transitions_voided_at, is_deleted, _fivetran_active '
        "FROM stripe_fivetran.invoice",
    ) == [("cus_1", PAID, PAID, None, False, True)]
    assert _rows(
        settings, "SELECT outcome_risk_score, outcome_type, shipping_address_line_1 FROM stripe_fivetran.charge"
    ) == [(12, "authorized", "Main Street 1")]


def _change(
    offset: int, name: str, resource_type: str, resource_id: str, document: Document, op: str = "c"
) -> LoadedChange:
    made = change(offset, "1", document=document, resource_type=resource_type, source=name, op=op)
    place = Place(f"changes.{name}.{resource_type}", 0, offset)
    key = f"{name}|{name}||{resource_type}|{resource_id}"
    event_id = f"{made.event_id[:-4]}{offset:04d}"
    return replace(made, provider=name, key=key, resource_id=resource_id, place=place, event_id=event_id)


def _rows(settings: WarehouseSettings, sql: str) -> list[tuple[Any, ...]]:
    found = result(settings, sql)
    return list(zip(*(column.to_pylist() for column in found.columns), strict=True))
