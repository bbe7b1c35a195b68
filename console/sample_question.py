"""The end of `penstock up --sample`: what an analyst would ask the warehouse first, with the answer."""

import time
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from console.screen import Screen, progress
from schemas.records import Document

if TYPE_CHECKING:
    from sinks.warehouse.settings import WarehouseSettings

QUESTION = "from shopify_analytics.orders_per_day select day, orders, cancelled, ordered, revenue, average, currency order by day"
LOADED_TIMEOUT_S = (
    150.0  # a new warehouse makes its tables first: seconds, but more than a minute beside 25 busy processes
)
POLL_S = 0.3


def ask(settings: "WarehouseSettings", outcomes: Sequence[Document], screen: Screen) -> None:
    """Print the question and its answer as soon as the orders of the sample are in the warehouse; else how to look."""
    from console.commands.query import is_number, shown_rows
    from sinks.warehouse.query import result

    wanted = order_events(outcomes)
    if not _is_loaded(settings, wanted):
        screen.line(
            f"the warehouse lacks orders of the sample after {LOADED_TIMEOUT_S:.0f} s; look: penstock warehouse status, "
            "and the loader's log",
            style="red",
        )
        return
    screen.line("")
    found = result(settings, QUESTION)
    screen.line(f"ask the warehouse:     penstock query '{QUESTION}'")
    screen.grid(found.column_names, shown_rows(found), [is_number(field.type) for field in found.schema])


def order_events(outcomes: Sequence[Document]) -> set[str]:
    """Return the ids of all changes that the shop's orders made; Shopery has orders too, which are others."""
    shop = (outcome for outcome in outcomes if outcome["provider"] == "shopify")
    orders = (outcome for outcome in shop if "|order|" in (outcome.get("key") or ""))
    return {event_id for outcome in orders for event_id in outcome["event_ids"]}


def _loaded(settings: "WarehouseSettings", wanted: Collection[str]) -> int:
    """Return how many of these changes are in the warehouse; 0 until it has their tables."""
    from sinks.warehouse.errors import WarehouseError
    from sinks.warehouse.query import result

    listed = ", ".join(f"'{event_id}'" for event_id in wanted)
    try:
        found = result(
            settings,
            f"SELECT _event_id FROM shopify.order_history WHERE _event_id IN ({listed}) "  # noqa: S608 - ids that Penstock made
            f"UNION ALL SELECT _event_id FROM shopify.order_line_history WHERE _event_id IN ({listed})",
        )
    except WarehouseError:
        return 0
    return int(found.num_rows)


def _is_loaded(settings: "WarehouseSettings", wanted: Collection[str]) -> bool:
    """Wait until all of these changes are in the warehouse; False if they do not come in time."""
    deadline_s = time.monotonic() + LOADED_TIMEOUT_S
    loaded = 0
    with progress("waiting for the warehouse", len(wanted)) as advance:
        while loaded < len(wanted):
            if time.monotonic() > deadline_s:
                return False
            found = _loaded(settings, wanted)
            advance(found - loaded)
            loaded = found
            time.sleep(POLL_S)
    return True
