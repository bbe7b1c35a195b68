"""Reads letters, and the records that hold their bodies, from Kafka; changes nothing."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from confluent_kafka import Consumer, Message
from msgspec import Struct

from broker import topic_reader
from broker.schema_registry import NOT_AVRO
from broker.topic_reader import Advance, Range, delivery_of, key_of, offset_of, partition_of, value_of
from console.dead.letters import Letter, Letters, Standing
from console.dead.selection import Selection
from console.queries.changes import Deployment
from schemas.records import Document
from schemas.topics import DEAD, OUTCOMES, RAW

UNDECIDED_READ = 50_000  # of the newest deliveries that wait for a worker: a retry is among the last ones written
CLOCKS_DIFFER = timedelta(minutes=1)  # between a worker, which stamps a death, and the brokers, which stamp its record
CHUNK_LETTERS = 1_000  # whose bodies are in memory at once, together with CHUNK_BYTES
CHUNK_BYTES = 32 * 1024 * 1024


class Found(Struct, frozen=True):
    """The selected letters, those that died last first, and how many undecided deliveries were not looked at."""

    standings: list[Standing]
    unread: int = 0


def found_letters(deployment: Deployment, selection: Selection, advance: Advance) -> Found:
    """Return what became of the selected letters, as of now; `advance` receives the number of records read."""
    letters = Letters()
    with topic_reader.consumer(deployment.kafka, deployment.group) as reader:
        # Before the outcomes: what is decided in between is read twice, the other way round it would be missed.
        undecided = topic_reader.waiting_ranges(reader, RAW)
        _add_deaths(letters, deployment, reader, selection, advance)
        since = letters.since()
        if since is None:
            return Found([])
        for message in topic_reader.read(reader, _since(reader, OUTCOMES, since), advance):
            if letters.concerns(key_of(message), value_of(message)):
                with suppress(*NOT_AVRO):  # another program's record is no outcome
                    letters.add_outcome(deployment.registry.decode(value_of(message)))
        unread = _add_undecided(letters, reader, undecided, advance)
    return Found(letters.standings(), unread)


def in_chunks(letters: Sequence[Letter]) -> Iterator[list[Letter]]:
    """Yield letters, the delivery received first at the front, so many at a time that their bodies fit into memory.

    That order is the one in which a resource's deliveries arrived, so a retry does not put an older state over a newer one.
    """
    chunk: list[Letter] = []
    size = 0
    for letter in sorted(letters, key=lambda letter: (letter.received_at, letter.position)):
        if chunk and (len(chunk) == CHUNK_LETTERS or size + letter.body_bytes > CHUNK_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(letter)
        size += letter.body_bytes
    if chunk:
        yield chunk


def records_of(deployment: Deployment, letters: Sequence[Letter]) -> dict[str, Document]:
    """Return the records of letters, bodies included, by the letters' positions; one that is no longer kept is missing."""
    by_place = {letter.place: letter.position for letter in letters}
    found = {}
    with topic_reader.consumer(deployment.kafka) as reader:
        kept = {part.partition: part.low for part in topic_reader.ranges(reader, DEAD)}
        for message in topic_reader.read(reader, _covering(by_place, kept)):
            position = by_place.get((partition_of(message), offset_of(message)))
            if position is not None:
                found[position] = deployment.registry.decode(value_of(message))
    return found


def _add_deaths(
    letters: Letters, deployment: Deployment, reader: Consumer, selection: Selection, advance: Advance
) -> None:
    wanted = topic_reader.ranges(reader, DEAD) if selection.since is None else _since(reader, DEAD, selection.since)
    for message in topic_reader.read(reader, wanted, advance):
        record = _decoded(deployment, message)
        if record is not None:
            place = (partition_of(message), offset_of(message))
            letters.add_death(record, place, is_selected=selection.matches(record))


def _decoded(deployment: Deployment, message: Message) -> Document | None:
    try:
        return deployment.registry.decode(value_of(message))
    except NOT_AVRO:
        return None  # another program's record is no letter


def _add_undecided(letters: Letters, reader: Consumer, undecided: Sequence[Range], advance: Advance) -> int:
    count = sum(map(len, undecided))
    read = 0
    for block in topic_reader.newest_blocks(undecided, UNDECIDED_READ):
        read += sum(map(len, block))
        for message in topic_reader.read(reader, block, advance):
            letters.add_undecided(delivery_of(message))
    return count - read


def _since(reader: Consumer, topic: str, start: datetime) -> list[Range]:
    never = datetime.now(UTC) + timedelta(days=1)
    return topic_reader.ranges_between(reader, topic, start - CLOCKS_DIFFER, never)


def _covering(places: "dict[tuple[int, int], str]", kept: dict[int, int]) -> list[Range]:
    """Return one range for each partition, from the first wanted record in it to the last."""
    offsets: dict[int, list[int]] = {}
    for partition, offset in places:
        if offset >= kept.get(partition, offset):
            offsets.setdefault(partition, []).append(offset)
    return [Range(DEAD, partition, min(found), max(found) + 1) for partition, found in offsets.items()]
