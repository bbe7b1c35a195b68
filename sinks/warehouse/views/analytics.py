"""The views that answer an analyst's first questions, in a schema of their own beside each source: `my_shop_analytics`.

Their SQL is in `sql/`, one file each, in the words that DuckDB and PostgreSQL share. A view is made as soon as the tables that it
needs are there, and again when its query has changed: by a table or column that came, or by an upgrade.
"""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Final

from msgspec import Struct

from sinks.warehouse.rows.shape import TableName
from sinks.warehouse.views.relations import Known, Relation, columns

ANALYTICS: Final = "_analytics"


class AnalyticsView(Struct, frozen=True):
    """One view: `sql/<name>.sql` over its relations."""

    name: str
    relations: tuple[Relation, ...]


_PULL_REQUESTS: Final = Relation(
    "pull_requests",
    "pull_request",
    columns(number="bigint", created_at="timestamp", merged_at="timestamp"),
    columns(title="text", base="json", user="json", additions="bigint", deletions="bigint"),
)

VIEWS: Final = (
    AnalyticsView(
        "orders_per_day",
        (
            Relation(
                "orders",
                "order",
                columns(created_at="timestamp", total_price="decimal"),
                columns(
                    processed_at="timestamp",
                    cancelled_at="timestamp",
                    currency="text",
                    current_total_price="decimal",
                    test="boolean",
                ),
            ),
        ),
    ),
    AnalyticsView(
        "product_price_history",
        (
            Relation(
                "variants",
                "product_variant",
                columns(id="bigint", price="decimal"),
                columns(product_id="bigint", title="text", sku="text", compare_at_price="decimal"),
                is_history=True,
            ),
            Relation("products", "product", used=columns(id="bigint", title="text")),
        ),
    ),
    AnalyticsView(
        "inventory_over_time",
        (
            Relation(
                "levels",
                "inventory_level",
                columns(inventory_item_id="bigint", location_id="bigint", available="bigint"),
                is_history=True,
            ),
            Relation("locations", "location", used=columns(id="bigint", name="text")),
            Relation("items", "inventory_item", used=columns(id="bigint", sku="text")),
            Relation(
                "variants",
                "product_variant",
                used=columns(inventory_item_id="bigint", product_id="bigint", title="text", sku="text"),
            ),
            Relation("products", "product", used=columns(id="bigint", title="text")),
        ),
    ),
    AnalyticsView(
        "monthly_recurring_revenue",
        (
            Relation(
                "subscriptions",
                "subscription",
                columns(id="text", status="text"),
                columns(currency="text"),
                is_history=True,
            ),
            Relation(
                "items",
                "subscription_item",
                columns(id="text", price="json"),
                columns(subscription="text", subscription_id="text", quantity="bigint", plan="json"),
                is_history=True,
            ),
        ),
    ),
    AnalyticsView("time_to_merge", (_PULL_REQUESTS,)),
    AnalyticsView("time_to_merge_per_week", (_PULL_REQUESTS,)),
)


def analytics_schema(schema: str) -> str:
    """Return the schema of the views beside a source's."""
    return f"{schema}{ANALYTICS}"


def analytics_views(name: TableName, known: Known) -> dict[TableName, str]:
    """Return the queries of the views on a table, by their names, as far as the other tables of its schema, `known`, allow."""
    return {
        TableName(analytics_schema(name.schema), view.name): _query(view, name.schema, known)
        for view in VIEWS
        if any(relation.table == name.table for relation in view.relations)
        and all(relation.exists(known) for relation in view.relations)
    }


def _query(view: AnalyticsView, schema: str, known: Known) -> str:
    defined = ", ".join(f"{relation.name} AS ({relation.sql(schema, known)})" for relation in view.relations)
    return f"WITH RECURSIVE {defined} {query_text(view.name)}"


@cache
def query_text(name: str) -> str:
    """Return the SQL of a view behind its relations: `, more AS (…) SELECT …` or `SELECT …`, without comments."""
    return "\n".join(_code(files(__package__).joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")))


def _code(text: str) -> Iterator[str]:
    return (line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("--"))
