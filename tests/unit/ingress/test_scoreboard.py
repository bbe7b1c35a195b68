"""What processes on one port know about each other, and what a death in the middle of writing leaves."""

import mmap

import pytest

from ingress import scoreboard
from ingress.scoreboard import BUFFER_BYTES, Scoreboard


def test_places_are_apart() -> None:
    """What one process posts is at its place, nothing at the others."""
    board = Scoreboard(3)

    board.post(1, b"one")

    assert [board.posted(place) for place in range(3)] == [b"", b"one", b""]


def test_latest_counts(capsys: pytest.CaptureFixture[str]) -> None:
    """Shorter and longer posts replace each other."""
    board = Scoreboard(1)
    for numbers in (b"long and longer", b"short", b"", b"x" * 100_000):
        board.post(0, numbers)

        assert board.posted(0) == numbers


def test_killed_while_writing_leaves_what_was_posted_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last post is seen whole or not at all."""
    board = Scoreboard(1)
    board.post(0, b"whole")

    class Killed(mmap.mmap):
        def __setitem__(self, *_: object) -> None:
            raise SystemExit

    killed = Killed(-1, len(board._memory))
    memoryview(killed)[:] = memoryview(board._memory)
    board._memory = killed
    with pytest.raises(SystemExit):
        board.post(0, b"never finished")

    assert board.posted(0) == b"whole"


def test_what_is_too_much_is_not_posted() -> None:
    """A process with more metrics than there is room for keeps what it posted before, and is alive."""
    board = Scoreboard(1)
    board.post(0, b"before")

    board.post(0, b"x" * BUFFER_BYTES)

    assert board.posted(0) == b"before"


def test_alive_and_dead() -> None:
    """A place is alive from the first sign of life until its death was seen; what it counted stays."""
    board = Scoreboard(2)
    assert board.alive_at(0) == 0

    board.note_alive(0)
    board.post(0, b"mine")

    assert board.alive_at(0) > 0
    assert board.exchange(1, b"theirs") == [(b"mine", True), (b"theirs", False)]
    board.note_dead(0)
    assert board.exchange(1, b"theirs") == [(b"mine", False), (b"theirs", False)]


def test_memory_that_nobody_used_is_not_there() -> None:
    """64 places are addresses, not memory: the tests' machine has less."""
    Scoreboard(64)

    assert 64 * 2 * scoreboard.BUFFER_BYTES == 1 << 30
