"""Folds `deliveries.dead` and `deliveries.outcomes` into letters: what is dead, and what became of it since.

Pure. A letter is one delivery of the provider that became a dead letter. The position of that delivery on `webhooks.raw`
identifies it: its retries and edited copies name that position as their cause, wherever they die again. Bodies are not kept.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from schemas.records import Document, OriginName, RawDelivery
from schemas.topics import RAW
from streams.steps.origin import cause_of, origin_of, position_text

StandingName = Literal["waiting", "retried", "dropped"]
ERROR_CHARS: Final = 500  # kept of a letter's error; the record has all of it
NEVER_MENDED_BY_ITS_ID: Final = "reused_delivery_id"
"""Under the id of such a letter another content was decided, so an outcome of that id is not about it."""

_OF_A_CAUSE = f"{RAW}-".encode()
_ANSWERS: Final = frozenset({"retry", "edited", "drop"})
NOT_FINAL: Final = frozenset({"pending"})
"""Outcomes that another one follows."""


class Attempt(Struct, frozen=True):
    """A delivery that answers a letter, or the provider's own second try. `outcome` is None until a worker decides it."""

    position: str
    origin: OriginName
    outcome: str | None = None
    reason: str = ""
    detail: str = ""
    at: datetime | None = None

    @property
    def is_decided(self) -> bool:
        """Say whether the outcome is final."""
        return self.outcome is not None and self.outcome not in NOT_FINAL


class Letter(Struct, frozen=True):
    """One letter as its last death shows it. `place` is that record's partition and offset on `deliveries.dead`."""

    position: str
    delivery_id: str
    provider: str
    source: str
    tenant: str
    event_type: str
    key: str
    reason: str
    error: str
    attempts: int
    first_at: datetime
    last_at: datetime
    received_at: datetime
    body_bytes: int
    place: tuple[int, int]
    origin: OriginName = "webhook"
    edited_by: str | None = None


class Standing(Struct, frozen=True):
    """What became of a letter, and the attempt that shows it, None while it waits."""

    letter: Letter
    name: StandingName
    attempt: Attempt | None = None


class Letters:
    """The fold. Deaths come first, then outcomes, then what no worker has decided yet; each partition in order."""

    def __init__(self) -> None:
        self._letters: dict[str, Letter] = {}
        self._selected: set[str] = set()
        self._attempts: dict[str, dict[str, Attempt]] = {}
        self._by_id: dict[bytes, list[str]] = {}

    def __len__(self) -> int:
        return len(self._selected)

    def add_death(self, record: Document, place: tuple[int, int], *, is_selected: bool) -> None:
        """Add a record of `deliveries.dead`. The last death of a letter says what it is, and whether it is selected."""
        letter = _letter(record, place)
        known = self._letters.get(letter.position)
        if known is not None:
            first_at, attempts = min(known.first_at, letter.first_at), max(known.attempts, letter.attempts)
            latest = letter if letter.last_at >= known.last_at else known
            is_selected = is_selected if latest is letter else letter.position in self._selected
            letter = replace(latest, first_at=first_at, attempts=attempts)
        self._letters[letter.position] = letter
        self._selected.add(letter.position) if is_selected else self._selected.discard(letter.position)

    def since(self) -> datetime | None:
        """Return the time of the first death of the selected letters: no earlier outcome is about them."""
        return min((self._letters[position].first_at for position in self._selected), default=None)

    def concerns(self, key: bytes, value: bytes) -> bool:
        """Say whether an outcome may be about a selected letter, from the record alone: decoding takes ten times as long."""
        if not self._by_id:
            for position in self._selected:
                self._by_id.setdefault(self._letters[position].delivery_id.encode(), []).append(position)
        return key in self._by_id or _OF_A_CAUSE in value

    def add_outcome(self, outcome: Document) -> None:
        """Add a record of `deliveries.outcomes`: the outcome of an answer to a letter, or of the provider's own second try."""
        position = position_text(outcome["topic"], outcome["partition"], outcome["offset"])
        origin: OriginName = outcome.get("origin", "webhook")
        attempt = Attempt(
            position, origin, outcome["outcome"], outcome["reason"], outcome["detail"], outcome["decided_at"]
        )
        if origin in _ANSWERS:
            self._add(outcome.get("cause") or "", attempt)
        elif attempt.outcome != "dead":
            for mended in self._sent_again(outcome):
                self._add(mended, attempt)

    def add_undecided(self, delivery: RawDelivery) -> None:
        """Add a delivery that no worker has decided yet."""
        if origin_of(delivery) in _ANSWERS:
            position = position_text(delivery.topic, delivery.partition, delivery.offset)
            known = self._attempts.get(cause_of(delivery) or "", {})
            if position not in known:  # decided while this was read
                self._add(cause_of(delivery) or "", Attempt(position, origin_of(delivery)))

    def standings(self) -> list[Standing]:
        """Return the selected letters, those that died last first."""
        letters = [self._letters[position] for position in self._selected]
        letters.sort(key=lambda letter: (letter.last_at, letter.position), reverse=True)
        return [_standing(letter, list(self._attempts.get(letter.position, {}).values())) for letter in letters]

    def _add(self, letter: str, attempt: Attempt) -> None:
        if letter in self._selected:
            self._attempts.setdefault(letter, {})[attempt.position] = attempt

    def _sent_again(self, outcome: Document) -> Iterator[str]:
        """Yield the letters of the provider's delivery that an outcome is about, if it came again after they had died."""
        for position in self._by_id.get(outcome["delivery_id"].encode(), ()):
            letter = self._letters[position]
            is_same = (letter.source, letter.tenant) == (outcome["source"], outcome["tenant"])
            is_later = outcome["decided_at"] > letter.first_at
            if is_same and is_later and letter.reason != NEVER_MENDED_BY_ITS_ID:
                yield position


def _letter(record: Document, place: tuple[int, int]) -> Letter:
    """Return the letter of one death. Records of earlier versions lack the fields about its origin."""
    origin: OriginName = record.get("origin", "webhook")
    own = position_text(record["topic"], record["partition"], record["offset"])
    return Letter(
        (record.get("cause") or own) if origin in _ANSWERS else own,
        record["delivery_id"],
        record["provider"],
        record["source"],
        record.get("tenant", ""),
        record["event_type"],
        record["key"],
        record["reason"],
        record["error"][:ERROR_CHARS],
        record["attempts"],
        record.get("first_at") or record["decided_at"],
        record["decided_at"],
        record["received_at"],
        len(record["body"]),
        place,
        origin,
        record.get("edited_by"),
    )


def _standing(letter: Letter, attempts: list[Attempt]) -> Standing:
    """Return what became of a letter: mended once is mended, else what is on its way, else a drop that no later death undoes."""
    mended = [one for one in attempts if one.is_decided and one.outcome != "dead" and one.origin != "drop"]
    if mended:
        return Standing(letter, "retried", mended[0])
    on_its_way = [one for one in attempts if not one.is_decided]
    if on_its_way:
        last = on_its_way[-1]
        return Standing(letter, "dropped" if last.origin == "drop" else "retried", last)
    dropped = [one for one in attempts if one.origin == "drop" and one.at is not None and one.at >= letter.last_at]
    return Standing(letter, "dropped", dropped[-1]) if dropped else Standing(letter, "waiting")
