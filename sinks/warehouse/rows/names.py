"""Names of schemas and tables, as analysts know them from Fivetran: a schema per source, singular nouns in snake_case.

A table is made only for a resource type of the provider's finite set, for the same reason as a topic: other type names come from
unsigned headers. All of these share the table `other` (decision 0015).
Source: the ERDs of Fivetran's Shopify, Stripe and GitHub connectors; fivetran/dbt_shopify and dbt_stripe (Apache-2.0).
"""

import re
from collections.abc import Collection, Mapping
from typing import Final

from schemas.topics import OTHER, topic_part

HISTORY: Final = "_history"
VERSIONS: Final = "_versions"
COMPATIBLE: Final = "_fivetran"

_RENAMED: Final[Mapping[str, Mapping[str, str]]] = {
    "shopify": {
        "checkout": "abandoned_checkout",
        "order_line_item": "order_line",
        "order_transaction": "transaction",
        "variant": "product_variant",
    },
    "stripe": {"invoiceitem": "invoice_item"},
}
_TAKEN: Final = re.compile(r"(source_)*(main|public|temp|system|information_schema|pg_.*)")
_DERIVED_SCHEMA: Final = re.compile(rf".*{COMPATIBLE}(_source)*")
_DERIVED_TABLE: Final = re.compile(rf".*({HISTORY}|{VERSIONS})(_resource)*")


def schema_name(source: str) -> str:
    """Return the schema of a source.

    No two share one: sources have hyphens and no underscores, and a name that would be a database's own, or that of another
    source's compatible views, gets a word more, as does every name that could be the result of that.
    """
    name = source.replace("-", "_")
    if _TAKEN.fullmatch(name):
        name = f"source_{name}"
    return f"{name}_source" if _DERIVED_SCHEMA.fullmatch(name) else name


def compatible_schema(schema: str) -> str:
    """Return the schema of the views with Fivetran's column names."""
    return f"{schema}{COMPATIBLE}"


def table_name(provider: str, resource_type: str, own: Collection[str]) -> str:
    """Return the table of a resource type; `own` are the provider's types with topics of their own.

    A type `product_history` of a generic source would be the history of its type `product`, so it gets a word more.
    """
    part = topic_part(resource_type, own)
    name = _RENAMED.get(provider, {}).get(part, part)
    return f"{name}_resource" if _DERIVED_TABLE.fullmatch(name) else name


def parent_column(provider: str, parent_type: str, own: Collection[str]) -> str:
    """Return the column that holds the id of the resource that a row belongs to."""
    return f"{table_name(provider, parent_type, own)}_id" if parent_type in own else f"{OTHER}_id"
