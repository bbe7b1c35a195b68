"""What became of a dead letter, folded from the two topics that tell it."""

import pytest
from msgspec.structs import replace

from console.dead.deliveries import Sender, dropped, edited, retried
from console.dead.letters import Letter, Letters, Standing
from schemas import codec
from schemas.records import Document, Outcome, RawDelivery
from streams.steps.origin import lineage_of
from tests.support.builders.dead_letters import PREFIX, death, decided, received
from tests.support.builders.deliveries import second

ANN = Sender("ann", second(100))
CHANGED = Outcome("changed", "created", "", ("e",))
DEAD = Outcome("dead", "unreadable", "no JSON")
FIRST = received(4)


def dead_letters(*deaths: Document) -> Letters:
    """Return a fold of deaths, each at the next offset of `deliveries.dead`."""
    letters = Letters()
    for offset, record in enumerate(deaths):
        letters.add_death(record, (0, offset), is_selected=True)
    assert not letters.concerns(b"unknown", b"")
    return letters


def only(letters: Letters) -> Standing:
    """Return the one letter."""
    (standing,) = letters.standings()
    return standing


def letter() -> tuple[Letter, Document]:
    """Return the letter of the first delivery and its record."""
    record = death(FIRST, 10)
    return only(dead_letters(record)).letter, record


def at(made: RawDelivery, offset: int) -> RawDelivery:
    """Return a delivery as read from its offset."""
    return codec.raw_delivery(made.key.encode(), made.body, codec.raw_headers(made), ("webhooks.raw", 0, offset))


RETRY = at(retried(*letter(), None, ANN), 20)
EDITED = at(edited(*letter(), b"{}", "application/json", None, ANN), 21)
DROP = at(dropped(letter()[0], "a test shop", ANN), 22)


def test_letter_waits() -> None:
    """Its position is that of the delivery, and the last death's record holds its body."""
    standing = only(dead_letters(death(FIRST, 10)))

    assert (standing.name, standing.attempt) == ("waiting", None)
    assert (standing.letter.position, standing.letter.place) == ("webhooks.raw-0-4", (0, 0))
    assert (standing.letter.attempts, standing.letter.first_at) == (1, second(10))


@pytest.mark.parametrize("answer", [RETRY, EDITED])
@pytest.mark.parametrize("outcome", ["changed", "duplicate", "stale", "unchanged", "filtered"])
def test_attempt_that_is_decided_mends(answer: RawDelivery, outcome: str) -> None:
    """Whatever came of it, its payload could be read."""
    letters = dead_letters(death(FIRST, 10))

    letters.add_outcome(decided(answer, 30, Outcome(outcome, "why")))  # type: ignore[arg-type]  # a name

    standing = only(letters)
    assert standing.name == "retried"
    assert standing.attempt is not None
    assert (standing.attempt.outcome, standing.attempt.at) == (outcome, second(30))


@pytest.mark.parametrize("again", [RETRY, EDITED])
def test_second_death_is_the_same_letter(again: RawDelivery) -> None:
    """Attempts are counted, the first time is kept, and it waits."""
    letters = dead_letters(death(FIRST, 10), death(again, 30, "internal_error", "KeyError in parse (x.py:7)"))
    letters.add_outcome(decided(again, 30, DEAD))

    standing = only(letters)

    assert standing.name == "waiting"
    assert (standing.letter.attempts, standing.letter.first_at, standing.letter.last_at) == (2, second(10), second(30))
    assert (standing.letter.reason, standing.letter.place) == ("internal_error", (0, 1))


def test_record_of_an_earlier_version_is_a_letter() -> None:
    """It has neither origin nor first time."""
    record = {
        name: value
        for name, value in death(FIRST, 10).items()
        if name not in {"origin", "cause", "first_at", "edited_by"}
    }

    assert only(dead_letters(record)) == only(dead_letters(death(FIRST, 10)))


def test_undecided_attempt_is_on_its_way() -> None:
    """Until its outcome is there, in whatever order the two are read."""
    letters = dead_letters(death(FIRST, 10))
    letters.add_undecided(RETRY)
    assert (only(letters).name, only(letters).attempt.outcome) == ("retried", None)  # type: ignore[union-attr]  # on its way

    letters.add_outcome(decided(RETRY, 30, DEAD))
    letters.add_undecided(RETRY)

    assert only(letters).name == "waiting"


def test_pending_attempt_is_on_its_way() -> None:
    """It waits for a read of the provider's API; its last outcome counts."""
    letters = dead_letters(death(FIRST, 10))
    letters.add_outcome(decided(RETRY, 30, Outcome("pending", "hydration")))
    first = only(letters)

    letters.add_outcome(decided(RETRY, 31, DEAD))

    assert (first.name, first.attempt.is_decided) == ("retried", False)  # type: ignore[union-attr]  # on its way
    assert only(letters).name == "waiting"


def test_dropped_letter_no_longer_waits() -> None:
    """The attempt says who dropped it, and why."""
    letters = dead_letters(death(FIRST, 10))

    letters.add_outcome(decided(DROP, 40, Outcome("filtered", "dropped", "a test shop")))

    assert only(letters).name == "dropped"
    assert only(letters).attempt.detail == "a test shop"  # type: ignore[union-attr]  # dropped


def test_death_after_a_drop_waits_again() -> None:
    """It was retried once more."""
    letters = dead_letters(death(FIRST, 10), death(at(RETRY, 50), 60))
    letters.add_outcome(decided(DROP, 40, Outcome("filtered", "dropped")))

    assert only(letters).name == "waiting"


def test_mended_letter_that_is_dropped_stays_mended() -> None:
    """Two people at once: its change went out."""
    letters = dead_letters(death(FIRST, 10))
    letters.add_outcome(decided(RETRY, 30, CHANGED))
    letters.add_outcome(decided(DROP, 40, Outcome("filtered", "dropped")))

    assert only(letters).name == "retried"


def test_provider_that_delivers_again_mends() -> None:
    """Its own second try under the same id was read; one of another source is another delivery."""
    again, other = replace(FIRST, offset=9), replace(FIRST, offset=10, source="other")
    letters = dead_letters(death(FIRST, 10))

    assert letters.concerns(b"id-4", b"")
    letters.add_outcome(decided(other, 20, CHANGED))
    assert only(letters).name == "waiting"
    letters.add_outcome(decided(again, 20, CHANGED))
    assert only(letters).attempt.origin == "webhook"  # type: ignore[union-attr]  # mended


def test_outcome_from_before_the_death_mends_nothing() -> None:
    """An id that was used before."""
    letters = dead_letters(death(FIRST, 10))
    letters.add_outcome(decided(replace(FIRST, offset=1), 5, CHANGED))

    assert only(letters).name == "waiting"


def test_reused_id_is_not_mended_by_the_other_content() -> None:
    """A retry of the other delivery says nothing about this one."""
    letters = dead_letters(death(FIRST, 10, "reused_delivery_id"))
    letters.add_outcome(decided(replace(FIRST, offset=9), 20, Outcome("duplicate", "delivery_id")))

    assert only(letters).name == "waiting"


def test_outcomes_that_may_concern_a_letter_are_known_unread() -> None:
    """By the id that is their key, or by a cause in the value; any other is never decoded."""
    letters = dead_letters(death(FIRST, 10))
    outcome = codec.encode_outcome(PREFIX, CHANGED, EDITED, 1, lineage_of(EDITED))
    foreign = codec.encode_outcome(PREFIX, CHANGED, received(7), 1)

    assert letters.concerns(EDITED.delivery_id.encode(), outcome)
    assert not letters.concerns(b"id-7", foreign)


def test_last_death_says_whether_a_letter_is_selected() -> None:
    """A letter that died for another reason since is no longer among those of the first."""
    letters = Letters()
    letters.add_death(death(FIRST, 10), (0, 0), is_selected=True)
    letters.add_death(death(RETRY, 30, "too_large"), (0, 1), is_selected=False)

    assert (len(letters), letters.standings(), letters.since()) == (0, [], None)


def test_letters_that_died_last_come_first() -> None:
    """Outcomes are needed from the first death of any of them."""
    letters = dead_letters(death(received(1), 10), death(received(2), 12), death(received(3), 11))

    assert [standing.letter.delivery_id for standing in letters.standings()] == ["id-2", "id-3", "id-1"]
    assert letters.since() == second(10)
