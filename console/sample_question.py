"""The end of `penstock up --sample`: what an analyst would ask the warehouse first, with the answers."""

import time
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from console.screen import Screen, progress
from schemas.records import Document

if TYPE_CHECKING:
    from sinks.warehouse.settings import WarehouseSettings


class Question(Struct, frozen=True):
    """A query, and the changes that it needs: of which provider and resource type, and the tables where they arrive.

    With `is_of_roots` the changes of children are not needed.
    """

    text: str
    provider: str
    resource: str
    tables: tuple[str, ...]
    is_of_roots: bool = False


ORDERS: Final = Question(
    "from shopify_analytics.orders_per_day select day, orders, cancelled, ordered, revenue, average, currency order by day",
    "shopify",
    "order",
    ("shopify.order_history", "shopify.order_line_history"),
)
PRODUCTS: Final = Question(
    "from bigcommerce.product select name, sku, price, date_modified where not _penstock_deleted order by name limit 4",
    "bigcommerce",
    "product",
    ("bigcommerce.product_history",),
    is_of_roots=True,
)
LOADED_TIMEOUT_S = (
    150.0  # a new warehouse makes its tables first: seconds, but more than a minute beside 25 busy processes
)
POLL_S = 0.3


def ask(
    settings: "WarehouseSettings", questions: Sequence[Question], outcomes: Sequence[Document], screen: Screen
) -> None:
    """Print each question and its answer as soon as what it needs of the sample is in the warehouse; else how to look."""
    from console.commands.query import is_number, shown_rows
    from sinks.warehouse.query import result

    for question in questions:
        if not _is_loaded(settings, question, events(question, outcomes)):
            screen.line(
                f"the warehouse lacks {question.provider}'s {question.resource}s of the sample after "
                f"{LOADED_TIMEOUT_S:.0f} s; look: penstock warehouse status, and the loader's log",
                style="red",
            )
            return
        screen.line("")
        found = result(settings, question.text)
        screen.line(f"ask the warehouse:     penstock query '{question.text}'")
        screen.grid(found.column_names, shown_rows(found), [is_number(field.type) for field in found.schema])


def events(question: Question, outcomes: Sequence[Document]) -> set[str]:
    """Return the ids of all changes that a question needs; another provider has resources of the same type."""
    of_provider = (outcome for outcome in outcomes if outcome["provider"] == question.provider)
    named = (outcome for outcome in of_provider if f"|{question.resource}|" in (outcome.get("key") or ""))
    counted = 1 if question.is_of_roots else None  # the root's change is the first
    return {event_id for outcome in named for event_id in outcome["event_ids"][:counted]}


def _loaded(settings: "WarehouseSettings", tables: Sequence[str], wanted: Collection[str]) -> int:
    """Return how many of these changes are in the warehouse; 0 until it has their tables."""
    from sinks.warehouse.errors import WarehouseError
    from sinks.warehouse.query import result

    listed = ", ".join(f"'{event_id}'" for event_id in wanted)
    selects = (f"SELECT _event_id FROM {table} WHERE _event_id IN ({listed})" for table in tables)  # noqa: S608 - our ids
    try:
        return int(result(settings, " UNION ALL ".join(selects)).num_rows)
    except WarehouseError:
        return 0


def _is_loaded(settings: "WarehouseSettings", question: Question, wanted: Collection[str]) -> bool:
    """Wait until all of these changes are in the warehouse; False if they do not come in time."""
    deadline_s = time.monotonic() + LOADED_TIMEOUT_S
    loaded = 0
    with progress("waiting for the warehouse", len(wanted)) as advance:
        while loaded < len(wanted):
            if time.monotonic() > deadline_s:
                return False
            found = _loaded(settings, question.tables, wanted)
            advance(found - loaded)
            loaded = found
            time.sleep(POLL_S)
    return True
