"""A worker with bugs, whose results a replay corrects: `faust -A tests.support.processes.buggy_app worker`.

The last digit of a product's id selects the bug:
1 the vendor is lost; 2 it is taken for another product; 3 it is unreadable; 4 an update is taken for a deletion;
5 a change of the title goes unnoticed; others are correct.
"""

from msgspec.structs import replace

from providers.base import Handshake, Parsed, Provider, TestDelivery, Unparsed
from schemas.records import RawDelivery, Snapshot
from streams import pipeline
from streams.app import app
from streams.pipeline import parse
from streams.steps.diff import diff

__all__ = ["app"]


def buggy_parse(delivery: RawDelivery, provider: Provider | None) -> Parsed | Unparsed | Handshake | TestDelivery:
    """Return what a delivery shows, wrongly."""
    parsed = parse(delivery, provider)
    if not isinstance(parsed, Parsed):
        return parsed
    if parsed.snapshots[0].resource_id.endswith("3"):
        return Unparsed("unknown_shape", "a bug")
    return Parsed(tuple(buggy(snapshot) for snapshot in parsed.snapshots))


def buggy(snapshot: Snapshot) -> Snapshot:
    """Return a snapshot with the bugs applied."""
    document = snapshot.document
    match snapshot.resource_id[-1]:
        case "1" if document is not None:
            return replace(snapshot, document={**document, "vendor": None})
        case "2":
            return replace(snapshot, resource_id=f"{snapshot.resource_id}0")
        case "4":
            return replace(snapshot, document=None, is_deleted=True, event_time=snapshot.version, version=None)
        case _:
            return snapshot


def buggy_diff(before: bytes, after: bytes, volatile: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Return the differences of two documents, without the title of products whose id ends with 5."""
    pointers = diff(before, after, volatile)
    return tuple(pointer for pointer in pointers if pointer != "/title") if b'5,"title"' in after else pointers


vars(pipeline).update(parse=buggy_parse, diff=buggy_diff)
