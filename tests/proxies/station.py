"""One proxy with a tap behind it and a client in front: sends cases, and gathers their results."""

import contextlib
import socket
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from msgspec import Struct

from tests.proxies.corpus.case import CLIENT, Author, Case
from tests.proxies.http_answers import HttpAnswer, http_answers
from tests.proxies.judge import UNREACHABLE, Kept, Outcome, complaints, miscounts, unsent
from tests.proxies.proxies import PROXIES, LeftOut, Missing, Proxy, Taken
from tests.proxies.tap import Heard, Moment, Tap, tap
from tests.support.kafka.raw_topic import RawReader
from tests.support.processes.ingress import IngressProcess
from tests.support.waiting import until

PAUSE_S = 0.02  # between the pieces of a case, so that they come as several packets
DEADLINE_S = 15.0  # The proxies end a silent client after 2 s.
LOG_S = 3.0  # for log lines about past requests
LOG_POLL_S = 0.001  # There are thousands of cases, and the line comes within a few of these.
SHOWN_BYTES = 1500


class Trial(Struct, frozen=True):
    """One sent case, and its observations; `faults` are those of the connections."""

    case: Case
    author: Author
    faults: tuple[str, ...]
    taken: tuple[Taken, ...]
    heard: tuple[Heard, ...]

    def complaints(self, kept: Kept) -> list[str]:
        """Return the case's faults, given the kept deliveries, and with them the bytes sent and heard."""
        outcome = Outcome(self.taken, _answers(self.heard), kept, self.author.nobody(), self.author.next_body())
        found = [*self.faults, *complaints(self.case, outcome)]
        return [*found, *self._record()] if found else []

    def _record(self) -> Iterator[str]:
        yield from (f"  client sent {piece[:SHOWN_BYTES]!r}" for piece in self.case.pieces)
        yield f"  proxy took {list(self.taken)}"
        for part in self.heard:
            yield f"  proxy sent {part.sent[:SHOWN_BYTES]!r}"
            yield f"  ingress answered {part.answered[:SHOWN_BYTES]!r}"


class Station:
    """A place to try cases. Every connection comes from `CLIENT`."""

    def __init__(self, proxy: Proxy, tap: Tap, raw: RawReader, run: str) -> None:
        self._proxy = proxy
        self._tap = tap
        self._raw = raw
        self._run = run
        self._sources = {f"{source}-{run}": source for source in ("shop", *UNREACHABLE)}
        self._read = len(raw.deliveries(*self._sources))

    def try_all(self, builds: Mapping[str, Callable[[Author], Case]]) -> list[str]:
        """Send cases one after the other, each followed by an ordinary delivery; return the faults, case by case."""
        trials = {name: self._try(build) for name, build in builds.items()}
        kept = self._kept()
        found = unsent(
            kept, [trial.author.name for trial in trials.values()], [trial.case for trial in trials.values()]
        )
        for name, trial in trials.items():
            wrong = trial.complaints(kept)
            found += [f"{name}:", *wrong] if wrong else []
        return found

    def sums(self) -> list[str]:
        """Return the difference between the counts of requests since the proxy began, late ones included."""
        return miscounts(self._proxy.taken(None, 0), _answers(self._tap.since([])))

    def _try(self, build: Callable[[Author], Case]) -> Trial:
        author = Author(uuid.uuid4().hex[:12], self._run)
        case = build(author)
        moment, log_bytes = self._tap.now(), self._proxy.log_bytes()

        faults = self._send(case, author)
        taken, heard = self._settled(author.name, moment, log_bytes)
        faults += self._send_next(author)

        return Trial(case, author, tuple(faults), tuple(taken), tuple(heard))

    def _send(self, case: Case, author: Author) -> list[str]:
        """Send all pieces, and a request to close; return once the proxy has closed the connection."""
        with self._connection() as client:
            with contextlib.suppress(ConnectionError):  # The proxy may close in the middle.
                for number, piece in enumerate(case.pieces):
                    time.sleep(PAUSE_S if number else 0)
                    client.sendall(piece)
                if case.is_half_closed:
                    client.shutdown(socket.SHUT_WR)
                else:
                    client.sendall(author.last_request())
            try:
                with contextlib.suppress(ConnectionError):
                    _received(client)
            except TimeoutError:
                return [f"the proxy has neither answered nor hung up within {DEADLINE_S:g} s"]
        return []

    def _settled(self, case: str, moment: Moment, log_bytes: int) -> tuple[list[Taken], list[Heard]]:
        """Return the proxy's log and the tap's record, once both agree, or after a while."""

        def agree() -> bool:
            counts_differ = miscounts(self._proxy.taken(case, log_bytes), _answers(self._tap.since(moment)))
            return self._tap.has_settled() and not counts_differ

        with contextlib.suppress(AssertionError):  # then the judge reports the difference
            until(agree, LOG_S, "what the proxy took is in its log", LOG_POLL_S)
        return self._proxy.taken(case, log_bytes), self._tap.since(moment)

    def _send_next(self, author: Author) -> list[str]:
        """Send an ordinary delivery and a request with a unique answer; return the faults of the answers."""
        try:
            with self._connection() as client:
                client.sendall(author.next_post().sized())
                answers = _received(client, enough=1)
                client.sendall(author.last_request())
                answers += _received(client)
        except (ConnectionError, TimeoutError) as error:
            return [f"the delivery that came next was not answered: {error!r}"]
        if [answer.status for answer in answers] != [200, 404] or author.nobody() not in answers[-1].body:
            return [f"the delivery that came next had another's answers: {answers}"]
        return []

    def _kept(self) -> Kept:
        """Return the topic's new records: source and body."""
        deliveries = self._raw.deliveries(*self._sources)
        kept = [(self._sources[delivery.source], delivery.body) for delivery in deliveries[self._read :]]
        self._read = len(deliveries)
        return kept

    @contextlib.contextmanager
    def _connection(self) -> Iterator[socket.socket]:
        address = ("127.0.0.1", self._proxy.port)
        with socket.create_connection(address, DEADLINE_S, source_address=(CLIENT, 0)) as client:
            yield client


@contextlib.contextmanager
def station_of(name: str, ingress: IngressProcess, kafka: str, run: str, directory: Path) -> Iterator[Station]:
    """Give one proxy in front of an ingress; fail where its program is missing, skip where it is optional."""
    with RawReader(kafka) as raw, tap(ingress.port) as tapped, contextlib.ExitStack() as running:
        started: Proxy | Missing | LeftOut
        try:
            started = running.enter_context(PROXIES[name](directory, tapped.port))
        except (Missing, LeftOut) as absent:
            started = absent
        if isinstance(started, Missing):
            pytest.fail(str(started), pytrace=False)
        if isinstance(started, LeftOut):
            pytest.skip(str(started))
        yield Station(started, tapped, raw, run)


def _received(client: socket.socket, enough: int = 1000) -> list[HttpAnswer]:
    """Return the answers until there are enough, or to the end of the stream."""
    stream, deadline = b"", time.monotonic() + DEADLINE_S
    while len(http_answers(stream)) < enough and (chunk := client.recv(65536)):
        stream += chunk
        if time.monotonic() > deadline:
            raise TimeoutError
    return http_answers(stream)


def _answers(heard: Sequence[Heard]) -> tuple[HttpAnswer, ...]:
    return tuple(answer for part in heard for answer in part.answers())
