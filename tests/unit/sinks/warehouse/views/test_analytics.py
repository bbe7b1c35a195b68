"""The analysts' views on the sample, on both engines; each figure is worked out by hand."""

from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from providers.registry import PROVIDERS, provider
from schemas.typed.columns import column_table
from sinks.warehouse import opening
from sinks.warehouse.query import result
from sinks.warehouse.rows.batch import batch_of
from sinks.warehouse.rows.records import LoadedChange, Place
from sinks.warehouse.rows.shape import Layouts
from sinks.warehouse.settings import WarehouseSettings
from sinks.warehouse.views.analytics import VIEWS
from tests.support.builders.analysts_sample import load_sample, sample_changes
from tests.support.builders.loaded_changes import SYNCED, change

SHOP, OTHER_SHOP = "my-shop.myshopify.com", "other.myshopify.com"
OWN = {name: frozenset(provider(name).resource_types) for name in PROVIDERS}


@pytest.fixture(scope="module", params=["ducklake", "duckdb"])
def warehouse(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> WarehouseSettings:
    """Give a warehouse of each engine that holds the sample."""
    settings = WarehouseSettings(request.param, tmp_path_factory.mktemp("views") / "warehouse", False)
    with closing(opening.writer(settings)) as opened:
        load_sample(opened)
    return settings


def rows(settings: WarehouseSettings, sql: str) -> list[tuple[Any, ...]]:
    """Return the result of a statement."""
    found = result(settings, sql)
    return list(zip(*(column.to_pylist() for column in found.columns), strict=True))


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """Return a moment in November 2026."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def test_orders_per_day(warehouse: WarehouseSettings) -> None:
    """By day in UTC, shop and currency; a refund and a cancellation lower the revenue, tests and deleted orders do not count."""
    found = rows(
        warehouse,
        "SELECT day, _tenant, currency, orders, cancelled, ordered, revenue, average "
        "FROM my_shop_analytics.orders_per_day ORDER BY 1, 2, 3",
    )

    assert found == [
        # 79 + 158 + 20; of these 79 were refunded and 20 cancelled
        (date(2026, 11, 2), SHOP, "EUR", 3, 1, Decimal(257), Decimal(158), Decimal(79)),
        (date(2026, 11, 2), SHOP, "JPY", 1, 0, Decimal(9000), Decimal(9000), Decimal(9000)),
        (date(2026, 11, 3), SHOP, "EUR", 1, 0, Decimal("11.5"), Decimal("11.5"), Decimal("11.5")),  # the 4th in Tokyo
        (date(2026, 11, 3), OTHER_SHOP, "EUR", 1, 0, Decimal(33), Decimal(33), Decimal(33)),
    ]


def test_product_price_history(warehouse: WarehouseSettings) -> None:
    """A row for each price, not for each change; a deletion ends one, and what comes back begins anew."""
    found = rows(
        warehouse,
        "SELECT variant_id, product, price, previous_price, change, valid_from, valid_to, is_current "
        "FROM my_shop_analytics.product_price_history ORDER BY variant_id, valid_from",
    )

    assert found == [
        (71, "Track jacket", Decimal(79), None, None, at(1, 9), at(4, 12), False),
        (71, "Track jacket", Decimal(69), Decimal(79), Decimal(-10), at(4, 12), at(9, 12), False),
        (72, "Track jacket", Decimal(79), None, None, at(1, 9), at(6, 12), False),
        (72, "Track jacket", Decimal(75), None, None, at(8, 12), None, True),
    ]


def test_inventory_over_time(warehouse: WarehouseSettings) -> None:
    """A row for each number; names are there as far as they are known, and a deleted level ends."""
    found = rows(
        warehouse,
        "SELECT location_id, location, sku, product, available, change, valid_from, valid_to, is_current "
        "FROM my_shop_analytics.inventory_over_time ORDER BY location_id, valid_from",
    )

    assert found == [
        (1, "Main Street", "TJ-S", "Track jacket", 10, None, at(1, 9), at(2, 10), False),
        (1, "Main Street", "TJ-S", "Track jacket", 9, -1, at(2, 10), None, True),
        (2, None, "TJ-S", "Track jacket", 4, None, at(1, 9), at(3, 10), False),
    ]


def test_monthly_recurring_revenue(warehouse: WarehouseSettings) -> None:
    """Quantities, intervals and minor units at the end of each month; trials and cancelled subscriptions do not count."""
    found = rows(
        warehouse,
        "SELECT month, currency, mrr, subscriptions, items_without_amount "
        "FROM billing_analytics.monthly_recurring_revenue WHERE month < DATE '2026-12-01' ORDER BY 1, 2, 3",
    )

    september, october, november = (date(2026, month, 1) for month in (9, 10, 11))
    assert found[:4] == [
        (september, "eur", Decimal("43.00"), 2, 0),  # 3 x 10.00 and 3.00 x 52 / 12; the yearly one is a trial
        (september, "jpy", Decimal(1000), 1, 0),  # 3000 yen in three months
        (october, "eur", Decimal("70.83"), 3, 1),  # 5 x 10.00 and 250.00 / 12; the metered one has no amount
        (october, "jpy", Decimal(1000), 1, 0),
    ]
    assert [row[1:] for row in found[4:] if row[0] == november] == [row[1:] for row in found[2:4]]


def test_time_to_merge(warehouse: WarehouseSettings) -> None:
    """Merged pull requests alone, each and by week."""
    found = rows(
        warehouse, "SELECT repository, number, author, lines, hours FROM code_analytics.time_to_merge ORDER BY number"
    )
    by_week = rows(
        warehouse,
        "SELECT week, repository, merged, median_hours, ninety_percent_within_hours FROM code_analytics.time_to_merge_per_week",
    )

    assert found == [
        ("acme/pipes", 1, "octavia", 11, Decimal(2)),
        ("acme/pipes", 2, "octavia", 22, Decimal("24.5")),
    ]
    # the middle of 2 and 24.5, and nine tenths of the way between them
    assert by_week == [(date(2026, 11, 2), "acme/pipes", 2, Decimal("13.25"), Decimal("22.25"))]


@pytest.mark.parametrize("missing", ["product", "location", "inventory_item"])
def test_views_do_without_a_table(missing: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A view appears when its own table does; names of others are null until those come, and are there afterwards."""
    settings = WarehouseSettings("duckdb", tmp_path_factory.mktemp("missing") / "warehouse", False)
    layouts = Layouts(column_table, OWN)
    own, other = (
        [one for one in sample_changes() if (one.resource_type == missing) is is_missing]
        for is_missing in (False, True)
    )
    with closing(opening.writer(settings)) as opened:
        opened.apply(batch_of(own, {}, layouts, SYNCED))
        before = rows(settings, "SELECT product, location FROM my_shop_analytics.inventory_over_time ORDER BY location")
        if other:
            opened.apply(batch_of(other, {}, layouts, SYNCED))
    after = rows(settings, "SELECT product, location FROM my_shop_analytics.inventory_over_time ORDER BY location")

    assert len(before) == len(after) == 3
    assert {row[0] for row in before} == {None if missing == "product" else "Track jacket"}
    assert {row[0] for row in after} == {"Track jacket"}
    assert {row[1] for row in before} == ({None} if missing == "location" else {"Main Street", None})
    assert {row[1] for row in after} == {"Main Street", None}


def test_older_tables_without_a_column_have_the_view() -> None:
    """A table that lacks a column that a view only uses reads as null there; without one that it needs, no view."""
    relation = next(view for view in VIEWS if view.name == "orders_per_day").relations[0]
    older = {"order": {name: name for name in ("created_at", "total_price")}}

    assert relation.exists(older)
    assert 'CAST(NULL AS BOOLEAN) AS "test"' in relation.sql("my_shop", older)
    assert not relation.exists({"order": {"created_at": "created_at"}})
    assert not relation.exists({})


def test_every_view_is_made_for_its_provider_alone(tmp_path_factory: pytest.TempPathFactory) -> None:
    """With all column tables of all providers, and no field in any document, each view can be read, and only where it belongs."""
    settings = WarehouseSettings("duckdb", tmp_path_factory.mktemp("all") / "warehouse", False)
    with closing(opening.writer(settings)) as opened:
        for name in PROVIDERS:
            typed = [one for one in sorted(OWN[name]) if column_table(name, one) is not None]
            records = [_empty(offset, name, one) for offset, one in enumerate(typed)]
            opened.apply(batch_of(records, {}, Layouts(column_table, OWN), SYNCED))
    made = rows(
        settings,
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema LIKE '%\\_analytics' ESCAPE '\\'",
    )

    assert {view for _, view in made} == {view.name for view in VIEWS}
    assert len(made) == len(VIEWS)
    assert {schema for schema, _ in made} == {f"{name}_analytics" for name in ("shopify", "stripe", "github")}
    for schema, view in made:
        rows(settings, f"FROM {schema}.{view}")


def _empty(offset: int, name: str, resource_type: str) -> LoadedChange:
    made = change(offset, "1", document={}, resource_type=resource_type, source=name)
    key = f"{name}|{name}||{resource_type}|1"
    return replace(made, provider=name, key=key, place=Place(f"changes.{name}.{resource_type}", 0, 0))
