"""What the last owner of a partition has committed: how far each list is, the schedule, and what complete lists have shown."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from confluent_kafka import Consumer, Message
from msgspec import Struct
from msgspec.structs import replace

from broker import topic_reader
from broker.topic_reader import key_of, value_of
from schemas.reconciliation import SCHEDULE, Progress, decode_ids, decode_progress, decode_schedule, progress_key
from schemas.topics import listed_ids_topic, progress_topic
from streams.reconcile.places import Place, mark_of

Saw = Callable[[str, Iterable[str]], None]
"""Notes in the index what a walk has shown."""


class Kept(Struct, frozen=True):
    """The progress of a partition's lists, and when the daily run was asked for last, None if that is not kept here."""

    progress: dict[Place, Progress]
    scheduled_us: int | None


def kept(reader: Consumer, app: str, partition: int, saw: Saw) -> Kept:
    """Return what is kept of a partition, and note the ids of its complete lists."""
    newest = {key_of(message): value_of(message) for message in _records(reader, progress_topic(app), partition)}
    schedule = newest.pop(SCHEDULE, None)
    found = {(known.account, known.listing): known for known in map(decode_progress, newest.values())}
    walks = {
        progress_key(*place): place
        for place, known in found.items()
        if known.walk and known.walk.is_complete and known.walk.pages
    }
    if walks:
        found |= _with_ids(_records(reader, listed_ids_topic(app), partition), found, walks, saw)
    return Kept(found, None if schedule is None else decode_schedule(schedule).last_us)


def _with_ids(
    records: Iterable[Message], known: Mapping[Place, Progress], walks: Mapping[bytes, Place], saw: Saw
) -> dict[Place, Progress]:
    """Note what complete lists have shown so far, and return their progress.

    One of which pages are missing does not show what is absent any more.
    """
    pages: dict[Place, set[int]] = {place: set() for place in walks.values()}
    for message in records:
        place = walks.get(key_of(message))
        walk = None if place is None else known[place].walk
        if place is not None and walk is not None:
            page = decode_ids(value_of(message))
            if page.run == walk.task.asked.run:
                saw(mark_of(page.run, place), page.ids)
                pages[place].add(page.page)
    return {place: _checked(known[place], len(found)) for place, found in pages.items()}


def _checked(progress: Progress, pages: int) -> Progress:
    """Return the progress of a list of which so many pages are kept."""
    walk = progress.walk
    if walk is None or pages >= walk.pages or walk.task.asked.kind != "reconcile":
        return progress
    detail = "what was gone was not looked for: another worker had begun, and its pages are not kept any more"
    return replace(progress, walk=replace(walk, is_complete=False, detail=detail))


def _records(reader: Consumer, topic: str, partition: int) -> Iterator[Message]:
    return topic_reader.read(reader, [topic_reader.range_of(reader, topic, partition)])
