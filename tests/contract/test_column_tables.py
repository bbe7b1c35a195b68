"""The committed column tables: complete, legal in Avro, described, and equal to what their script would write."""

import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from providers.registry import provider
from schemas.generate.tables import text, unwritten
from schemas.typed.columns import KINDS, ColumnTable, column_table, column_tables

TABLES = column_tables()
FOLDER = Path(__file__).parents[2] / "schemas" / "typed"

# What analysts ask for first, by our names of resource types.
REQUIRED: Mapping[str, str] = {
    "shopify": """
        product variant product_image order order_line_item order_shipping_line customer customer_address inventory_item
        inventory_level location fulfillment refund order_transaction collection draft_order checkout discount
    """,
    "github": """
        push commit issue pull_request issue_comment commit_comment pull_request_review pull_request_review_comment
        release repository workflow_run workflow_job check_run label
    """,
    "stripe": """
        customer invoice invoice_line_item subscription subscription_item charge payment_intent refund product price
        payout dispute checkout_session event
    """,
    "bigcommerce": "product sku order customer category cart",
}
# Tables of objects that have no topic: the elements of a push, and the envelope around every object of Stripe.
WITHOUT_TOPIC = {("github", "commit"), ("stripe", "event")}
PLACEHOLDER = re.compile(r"(?i)\b(todo|tbd|fixme|placeholder|lorem|xxx)\b|[{}…]|\.\.")


def named(table: ColumnTable) -> str:
    """Name a case."""
    return f"{table.provider}/{table.resource}"


@pytest.mark.parametrize("name", REQUIRED)
def test_required_resources_have_tables(name: str) -> None:
    """A missing one would fall back to the generic document without a word."""
    assert [resource for resource in REQUIRED[name].split() if column_table(name, resource) is None] == []


@pytest.mark.parametrize("table", TABLES, ids=named)
def test_table_is_of_a_resource_type(table: ColumnTable) -> None:
    """A table under a name that no delivery gets would never be used."""
    own = provider(table.provider).resource_types

    assert table.resource in own or (table.provider, table.resource) in WITHOUT_TOPIC


@pytest.mark.parametrize("table", TABLES, ids=named)
def test_columns_are_legal_and_named_once(table: ColumnTable) -> None:
    """Avro names without an underscore in front, which is for our own fields.

    Unique without regard to case, because most warehouses disregard it.
    """
    names = [column.name for column in table.columns]

    assert [name for name in names if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name)] == []
    assert [name for name, count in Counter(map(str.lower, names)).items() if count > 1] == []
    assert {column.kind for column in table.columns} <= set(KINDS)


@pytest.mark.parametrize("table", TABLES, ids=named)
def test_every_column_is_described(table: ColumnTable) -> None:
    """A sentence of at least three words, and no placeholder; the resource has one too."""
    assert unwritten(table) == []
    docs = {column.name: column.doc for column in table.columns} | {"": table.doc}
    assert {name: doc for name, doc in docs.items() if len(doc.split()) < 3 or PLACEHOLDER.search(doc)} == {}
    assert table.source


@pytest.mark.parametrize("table", TABLES, ids=named)
def test_file_is_as_the_script_writes_it(table: ColumnTable) -> None:
    """An edit by hand changes a sentence or a kind; the script writes all the rest."""
    file = FOLDER / table.provider / f"{table.resource}.toml"

    assert file.read_text(encoding="utf-8") == text(table)


def test_tables_are_in_the_wheel() -> None:
    """Without the files, every resource would fall back to the generic document."""
    project = tomllib.loads((FOLDER.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    setuptools = project["tool"]["setuptools"]

    assert "schemas.typed" in setuptools["packages"]
    assert "schemas.generate" not in setuptools["packages"]
    assert "*/*.toml" in setuptools["package-data"]["schemas.typed"]
