"""The figures of a load generator's run: percentiles, coordinated omission, the generator's own delays."""

from array import array

import pytest

from simulator.load_figures import OK, Phase, Posts, back_after_s, by_second, curve, due_offsets_s, percentile, verdict
from simulator.load_generator import OpenLoop

ANSWER_S = 0.0001  # a hundred posts that waited for one connection are answered within one post's interval
STALL_S = 1.0
RATE = 100


class Server:
    """A server on a clock of its own: answers at once, and is blocked for a second from `stalls_at_s` on."""

    def __init__(self, stalls_at_s: float, connections: int) -> None:
        self.now_s = 0.0
        self.loop = OpenLoop(lambda _number: b"", lambda: self.now_s)
        self._stall = (stalls_at_s, stalls_at_s + STALL_S)
        self._answers: list[tuple[float, Line]] = []
        self.loop.free.extend(Line(self) for _ in range(connections))

    def take(self, line: "Line") -> None:
        """Answer a post a tenth of a millisecond later, or after the stall."""
        begin_s, end_s = self._stall
        answer_s = self.now_s + ANSWER_S
        self._answers.append((end_s + ANSWER_S if begin_s <= answer_s < end_s else answer_s, line))

    def run(self, posts: int) -> Posts:
        """Post at a constant rate from second 0 on and return the books."""
        for number in range(posts):
            self._answer_until(number / RATE)
            self.loop.due(self.now_s)
        self._answer_until(float("inf"))
        return self.loop.posts

    def _answer_until(self, until_s: float) -> None:
        while self._answers and (first := min(self._answers, key=lambda answer: answer[0]))[0] <= until_s:
            self._answers.remove(first)
            self.now_s = first[0]
            self.loop.answered(first[1], OK)
        self.now_s = until_s


class Line:
    """A connection to the server."""

    def __init__(self, server: Server) -> None:
        self.number = -1
        self.is_open = True
        self._server = server

    def send(self, number: int, request: bytes) -> None:
        """Post; this server ignores the content."""
        assert request == b""
        self.number = number
        self._server.take(self)


@pytest.mark.parametrize("connections", [1, 8, 1000])
def test_stall_is_charged_to_every_post_that_it_delayed(connections: int) -> None:
    """A second without answers makes a second's worth of posts late, however few connections there are."""
    posts = Server(stalls_at_s=2.0, connections=connections).run(10 * RATE)

    latencies = posts.latencies_ms()
    late = [latency for latency in latencies if latency > 1000 / RATE]
    assert len(latencies) == 10 * RATE
    assert len(late) == pytest.approx(STALL_S * RATE, abs=2)
    assert late == pytest.approx([1000 * number / RATE for number in range(1, len(late) + 1)], abs=12)


def test_timed_from_sending_the_stall_would_vanish() -> None:
    """A generator that counts from sending sees one slow post on one connection (the flaw that this prevents)."""
    posts = Server(stalls_at_s=2.0, connections=1).run(10 * RATE)

    from_sending_ms = sorted(1000 * (end - begin) for begin, end in zip(posts.sent_s, posts.answered_s, strict=True))
    assert percentile(from_sending_ms, 99.8) == pytest.approx(1000 * ANSWER_S)
    assert percentile(posts.latencies_ms(), 99.8) == pytest.approx(1000 * STALL_S, abs=20)
    assert percentile(posts.latencies_ms(), 85) == pytest.approx(1000 * ANSWER_S)
    assert percentile(posts.lateness_ms(), 100) == 0.0  # the generator came in time: the wait was the server's
    assert percentile(posts.waits_ms(), 100) == pytest.approx(1000 * STALL_S, abs=20)


def test_closed_connection_is_not_posted_to() -> None:
    """A post skips connections that the server has closed."""
    server = Server(stalls_at_s=99.0, connections=2)
    closed = server.loop.free[0]
    closed.is_open = False

    posts = server.run(5)

    assert posts.statuses() == {"200": 5}
    assert closed.number == -1


def test_posts_are_due_at_the_rates_of_their_phases() -> None:
    """Phases follow each other without a gap."""
    offsets_s = list(due_offsets_s([Phase(2, 1.0), Phase(4, 0.5), Phase(1, 2.0)]))

    assert offsets_s == [0.0, 0.5, 1.0, 1.25, 1.5, 2.5]


@pytest.mark.parametrize(
    ("percent", "expected"), [(0, 1), (50, 500), (99, 990), (99.9, 999), (99.91, 1000), (100, 1000)]
)
def test_percentile_is_the_nearest_rank(percent: float, expected: float) -> None:
    """A percentile is the smallest figure that the given per cent do not exceed."""
    assert percentile(range(1, 1001), percent) == expected


def test_percentile_of_nothing() -> None:
    """No figures, no percentile."""
    assert percentile([], 99) is None


def test_curve_ends_where_the_posts_end() -> None:
    """A thousand posts show 99.9 % and no further."""
    points = curve([float(number) for number in range(1, 1001)])

    assert points[0] == (0.0, 1.0)
    assert points[10] == (90.0, 900.0)
    assert points[-1] == (99.9, 999.0)


@pytest.mark.parametrize(
    ("late_p99_ms", "cpu_share", "machine_cpu_share", "expected"),
    [
        (1.2, 0.3, 0.99, "kept up"),
        (50.0, 0.95, 0.99, "generator is the limit"),
        (1.2, 0.95, 0.99, "generator is the limit"),
        (50.0, 0.5, 0.99, "machine is full"),
        (50.0, 0.5, 0.5, "late"),
    ],
)
def test_generator_says_whether_it_was_the_limit(
    late_p99_ms: float, cpu_share: float, machine_cpu_share: float, expected: str
) -> None:
    """A full core, a full machine and other lateness are distinguished."""
    assert verdict(late_p99_ms, cpu_share, machine_cpu_share) == expected


def kept(pairs: list[tuple[float, float]], began_s: float = 100.0) -> Posts:
    """Return the books of posts (due, latency in s), begun at second 100."""
    posts = Posts(began_s=began_s)
    for due_s, latency_s in pairs:
        number = posts.enter(began_s + due_s, began_s + due_s)
        posts.sent_s[number] = began_s + due_s
        posts.answered_s[number] = began_s + due_s + latency_s
        posts.status[number] = OK
    return posts


def test_posts_are_counted_in_the_second_in_which_they_are_due_and_answered() -> None:
    """A post due in one second and answered in the next counts in both, its latency in the first."""
    posts = kept([(0.0, 0.01), (0.9, 1.2)])
    posts.enter(100.5, 100.5)  # never sent

    assert by_second(posts) == {0: (3, 1, 10.0, 1200.0), 1: (0, 0, None, None), 2: (0, 1, None, None)}
    assert posts.statuses() == {"none": 1, "200": 2}


def test_latency_is_back_when_a_whole_window_is() -> None:
    """One quick post among slow ones is no recovery."""
    slow = [(10 + number / 10, 0.5) for number in range(20)]
    quick = [(12 + number / 10, 0.005) for number in range(20)]
    posts = kept([(9.0, 0.005), *slow[:5], (10.55, 0.005), *slow[5:], *quick])

    assert back_after_s(posts, 10.0, 10.0) == pytest.approx(2.0, abs=0.11)


def test_latency_that_stays_high_is_never_back() -> None:
    """The result is None, not the end of the run."""
    posts = kept([(10 + number / 10, 0.5) for number in range(50)])

    assert back_after_s(posts, 10.0, 10.0) is None


def test_books_hold_numbers_only() -> None:
    """Ten minutes at 1,000/s are 600,000 posts: 34 bytes each, no objects."""
    posts = Posts()
    posts.enter(1.0, 1.0)

    assert all(isinstance(column, array) for column in (posts.due_s, posts.taken_s, posts.sent_s, posts.status))
