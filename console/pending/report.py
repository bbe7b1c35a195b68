"""Shows what waits, and what became of it, for people and as JSON."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from console.abridged import cut
from console.pending.waiting import Waiting, WaitingDelivery
from console.screen import Screen, messages, results
from local.screen import output_json

CELL_CHARS: Final = 60
WHY_CHARS: Final = 90
LEFT_SHOWN: Final = 10
TIME: Final = "%Y-%m-%d %H:%M:%S"
HELD: Final = "waits for its account's quota (`penstock check --online`)"


def print_resources(found: Sequence[Waiting], limit: int, now: datetime, *, as_json: bool) -> None:
    """Print a line for each resource, the longest wait first; `limit` 0 shows all."""
    shown = found[: limit or None]
    if as_json:
        for one in shown:
            output_json(msgspec.json.encode(_fields(one)).decode())
    elif shown:
        headers = ("since", "source", "tenant", "resource", "deliveries", "tries", "why", "next try")
        numeric = [header in {"deliveries", "tries"} for header in headers]
        results().grid(headers, [_row(one, now) for one in shown], numeric)
    _print_counts(found, len(shown), len(found), "resources", as_json=as_json)


def print_deliveries(found: Sequence[Waiting], limit: int, *, as_json: bool) -> None:
    """Print a line for each delivery, the longest wait first; `limit` 0 shows all."""
    every = sorted(_each(found), key=lambda pair: (pair[1].since, pair[1].offset))
    shown = every[: limit or None]
    if as_json:
        for one, each in shown:
            output_json(msgspec.json.encode(_delivery_fields(one, each)).decode())
    elif shown:
        headers = ("since", "source", "tenant", "event type", "delivery id", "position", "resource")
        results().grid(headers, [_delivery_row(one, each) for one, each in shown], [False] * len(headers))
    _print_counts(found, len(shown), len(every), "deliveries", as_json=as_json)


def print_ended(waiting: Sequence[Waiting], ended: Collection[str], skipped: int, *, as_json: bool) -> None:
    """Print what became of resources: in JSON one by one, for people as counts, with what is left."""
    if as_json:
        for one in waiting:
            fields = {"resource_key": one.resource_key, "ended": one.resource_key in ended}
            output_json(msgspec.json.encode(fields).decode())
        return
    screen = results()
    left = [one for one in waiting if one.resource_key not in ended]
    screen.line(f"{len(waiting) - len(left):>8,}  resources: what waited has ended")
    if left:
        screen.line(f"{len(left):>8,}  still wait: `penstock pending list`", style="yellow")
    if skipped:
        text = "were not asked for: the configuration does not read them, or webhooks.raw no longer has their delivery"
        screen.line(f"{skipped:>8,}  {text}", style="yellow")
    _print_first(screen, left)


def why_text(one: Waiting, now: datetime) -> str:
    """Return why a resource waits, in words."""
    return HELD if one.is_held(now) else one.why


def next_text(one: Waiting, now: datetime) -> str:
    """Return when it is tried next, in words."""
    due = one.next_try
    if due is None or due <= now:
        return "with its account" if one.is_held(now) else "now"
    return f"{due:{TIME}}"


def _print_counts(found: Sequence[Waiting], shown: int, count: int, what: str, *, as_json: bool) -> None:
    screen = messages() if as_json else results()
    if shown < count:
        screen.line(f"… and {count - shown:,} more {what}; --limit 0 shows all", style="dim")
    for (source, resource_type), number in _counted(found).most_common(20):
        screen.line(f"{number:>8,}  {resource_type} of {source}")
    deliveries = sum(len(one.deliveries) for one in found)
    screen.line(f"{deliveries:>8,}  deliveries wait for {len(found):,} resources")


def _counted(found: Sequence[Waiting]) -> Counter[tuple[str, str]]:
    counts = Counter[tuple[str, str]]()
    for one in found:
        counts[one.source, one.resource_type] += len(one.deliveries)
    return counts


def _print_first(screen: Screen, left: Sequence[Waiting]) -> None:
    now = datetime.now(UTC)
    for one in left[:LEFT_SHOWN]:
        screen.line(f"          {cut(one.resource_key)}: {cut(why_text(one, now), WHY_CHARS)}", style="dim")


def _each(found: Sequence[Waiting]) -> Iterator[tuple[Waiting, WaitingDelivery]]:
    return ((one, each) for one in found for each in one.deliveries)


def _row(one: Waiting, now: datetime) -> list[str]:
    return [
        f"{one.since:{TIME}}",
        one.source,
        cut(one.tenant, CELL_CHARS),
        cut(f"{one.resource_type} {one.resource_id}", CELL_CHARS),
        f"{len(one.deliveries):,}",
        f"{one.tries:,}",
        cut(why_text(one, now), WHY_CHARS),
        next_text(one, now),
    ]


def _delivery_row(one: Waiting, each: WaitingDelivery) -> list[str]:
    texts = (one.source, one.tenant, each.event_type, each.delivery_id, each.position)
    return [f"{each.since:{TIME}}", *(cut(text, CELL_CHARS) for text in texts), cut(one.resource_key)]


def _fields(one: Waiting) -> dict[str, Any]:
    return {
        "resource_key": one.resource_key,
        "provider": one.provider,
        "source": one.source,
        "tenant": one.tenant,
        "resource": one.resource_type,
        "resource_id": one.resource_id,
        "since": one.since,
        "deliveries": len(one.deliveries),
        "reason": one.reason,
        "why": one.why,
        "tries": one.tries,
        "next_try": one.next_try,
    }


def _delivery_fields(one: Waiting, each: WaitingDelivery) -> dict[str, Any]:
    own = {
        "delivery_id": each.delivery_id,
        "event_type": each.event_type,
        "position": each.position,
        "since": each.since,
    }
    return {**_fields(one), "deliveries": 1, **own}
