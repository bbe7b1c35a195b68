"""The posts of `penstock send`: the choice of payloads, their number and order, and the duplicates."""

import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from simulator.errors import SimulatorError
from simulator.posting import Post
from simulator.senders import Sender
from simulator.variation import first_delivery_id, new_delivery_id, renewed, varied

DUPLICATE_DISTANCE = 50  # a duplicate follows its original within this many posts, like a provider's quick retry


@dataclass(frozen=True, slots=True)
class Payload:
    """One body and its origin."""

    name: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Load:
    """How payloads become posts; `duplicate` is a share of 1, `seed` repeats a shuffle."""

    topic: str
    repeat: int = 1
    is_varied: bool = False
    is_shuffled: bool = False
    duplicate: float = 0.0
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class _Turn:
    payload: int
    repetition: int
    number: int  # counts the deliveries without duplicates; a higher number is a newer version


def read_payloads(paths_or_dash: Sequence[str], stdin: bytes | None) -> list[Payload]:
    """Return the payloads at the given files, folders (every *.json below) and `-`, in that order."""
    payloads = [payload for path_or_dash in paths_or_dash for payload in _read(path_or_dash, stdin)]
    if not payloads:
        raise SimulatorError(f"no payload: found no *.json in {', '.join(paths_or_dash)}")
    return payloads


def posts(payloads: Sequence[Payload], sender: Sender, load: Load, now: datetime) -> Iterator[Post]:
    """Yield the posts of a load. Bodies are made one by one, so a million of them need only the memory of their numbers."""
    provider, run = sender.provider.name, uuid.uuid4().hex
    for turn in _turns(len(payloads), load):
        payload, unique = payloads[turn.payload], str(uuid.UUID(int=int(run, 16) ^ turn.number))
        if turn.repetition == 0 and not load.is_varied:  # byte for byte as in the file
            yield Post(sender, payload.body, load.topic, first_delivery_id(provider, payload.body, unique))
            continue
        delivery_id = new_delivery_id(provider, unique)
        body = varied(provider, payload.body, turn.number, now) if load.is_varied else payload.body
        yield Post(sender, renewed(provider, body, delivery_id), load.topic, delivery_id)


def _turns(payload_count: int, load: Load) -> list[_Turn]:
    chance = random.Random(load.seed)  # noqa: S311 - order of a load test, no secret
    turns = [
        _Turn(payload, repetition, repetition * payload_count + payload)
        for repetition in range(load.repeat)
        for payload in range(payload_count)
    ]
    if load.is_shuffled:
        chance.shuffle(turns)
    if not load.duplicate:
        return turns
    placed = [(float(index), turn) for index, turn in enumerate(turns)]
    again = [
        (index + chance.uniform(0, DUPLICATE_DISTANCE), turn)
        for index, turn in placed
        if chance.random() < load.duplicate
    ]
    return [turn for _, turn in sorted(placed + again, key=lambda pair: pair[0])]


def _read(path_or_dash: str, stdin: bytes | None) -> Iterator[Payload]:
    if path_or_dash == "-":
        yield Payload("-", stdin or b"")
        return
    path = Path(path_or_dash)
    files = sorted(path.rglob("*.json")) if path.is_dir() else [path]
    for file in files:
        try:
            yield Payload(str(file), file.read_bytes())
        except OSError as error:
            raise SimulatorError(f"{file}: {(error.strerror or 'cannot be read').lower()}") from error
