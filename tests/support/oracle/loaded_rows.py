"""What a warehouse must hold after all that happened to its loader: every change once, and their fold."""

import random
import time

from schemas.records import Document
from tests.support.processes.loaders import Loader


def kill_at_random(loading: Loader, kills: int, longest_s: float = 2.5, seed: int = 5) -> None:
    """Start and kill the loader, each time a random while after it has begun to read."""
    rng = random.Random(seed)  # noqa: S311 - reproducible
    for _ in range(kills):
        loading.start()
        time.sleep(rng.uniform(0.0, longest_s))  # what is tested is a random moment
        loading.kill()


def assert_rows_equal(loading: Loader, changes: list[Document]) -> None:
    """Compare both tables with the changes on the topic."""
    history = loading.rows('SELECT _event_id FROM "{s}".product_history')
    assert sorted(row["_event_id"] for row in history) == sorted(change["event_id"] for change in changes)
    last = {change["resource_key"]: change for change in changes}
    current = loading.rows('SELECT _key, _event_id, _penstock_deleted FROM "{s}".product')
    assert sorted(tuple(row.values()) for row in current) == [
        (key, change["event_id"], change["op"] == "d") for key, change in sorted(last.items())
    ]
