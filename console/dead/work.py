"""What the commands of `penstock dead` share: finding letters, sending answers to them, and reporting what became of those."""

import os
import pwd
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from config.model import Configuration
from console.abridged import listed
from console.dead import deliveries, editing, report
from console.dead.deliveries import Sender
from console.dead.letters import Letter, Standing
from console.dead.reading import Found, found_letters, in_chunks, records_of
from console.dead.selection import Selection
from console.dead.sending import NewOutcomes, Sending
from console.errors import Failed, Misused
from console.options import load_configuration
from console.queries.changes import Deployment, deployment_of
from console.queries.corrections import workers
from console.screen import counting, notice, progress_unless
from providers.base import Provider
from schemas.records import Document, RawDelivery
from schemas.topics import DEAD
from streams.worker.settings import compiled_routes

BY_CHARS: Final = 100
Answer = Callable[[Sequence[Letter]], Iterator[RawDelivery]]
"""Returns the deliveries that answer a chunk of letters."""


@contextmanager
def working(config: Path | None, data_dir: Path, by: str | None) -> Iterator["Work"]:
    """Yield the work of one command; `by` is who does it, None for the user of this system."""
    loaded, sender = load_configuration(config, data_dir), Sender(person(by), datetime.now(UTC))
    with deployment_of(loaded, os.environ) as deployment:
        yield Work(loaded, deployment, sender)


class Work:
    """One command's view of the letters, and its answers to them."""

    def __init__(self, configuration: Configuration, deployment: Deployment, sender: Sender) -> None:
        self.deployment = deployment
        self._sender = sender
        self._routes = compiled_routes(configuration)

    def found(self, selection: Selection) -> Found:
        """Return the selected letters with what became of them; deliveries that were not looked at are said."""
        with counting("records looked at") as advance:
            found = found_letters(self.deployment, selection, advance)
        if found.unread:
            notice(
                f"{found.unread:,} deliveries wait for a worker and were not looked at: "
                "a letter whose retry is among them is shown as waiting"
            )
        return found

    def named(self, name: str) -> list[Standing]:
        """Return the letters of an id or position; raise `Failed` if there is none."""
        standings = self.found(Selection(frozenset((name,)))).standings
        if not standings:
            raise Failed(
                f"no dead letter {name!r}; `penstock dead list --all` lists them, `penstock explain` all deliveries"
            )
        return standings

    def only(self, standings: list[Standing], name: str) -> list[Standing]:
        """Return the one letter of a name; raise `Misused` if there are more."""
        if len(standings) > 1:
            positions = listed([one.letter.position for one in standings])
            raise Misused(f"{len(standings)} letters have the id {name!r}; name one by its position: {positions}")
        return standings

    def to_send(self, selection: Selection, action: str) -> list[Letter]:
        """Return the letters that wait. One that was dropped is retried only if it is named; the others are said."""
        standings = self.found(selection).standings
        wanted = [one for one in standings if one.name == "waiting" or _is_revived(one, selection, action)]
        if len(wanted) < len(standings) and (selection.ids or not wanted):
            report.say_skipped([one for one in standings if one not in wanted])
        if not standings:
            raise Failed("no dead letter is selected; `penstock dead list --all` lists them")
        return [one.letter for one in wanted]

    def warn_without_workers(self) -> None:
        """Say that nothing will be decided until a worker runs."""
        if not workers(self.deployment):
            notice(
                f"no worker of {self.deployment.group} is running: what is sent waits on webhooks.raw until one does"
            )

    def retries(self, letters: Sequence[Letter]) -> Iterator[RawDelivery]:
        """Yield the same payloads again."""
        records = records_of(self.deployment, letters)
        for letter in letters:
            record = self._record(letter, records)
            yield deliveries.retried(letter, record, self._provider(letter), self._sender)

    def drops(self, reason: str) -> Answer:
        """Return an answer that gives letters up."""
        return lambda letters: (deliveries.dropped(letter, reason, self._sender) for letter in letters)

    def edit(
        self, standing: Standing, body: Path | None, values: Sequence[str], wait_s: float, *, as_json: bool
    ) -> None:
        """Send a copy with another body, if it can be read."""
        letter = standing.letter
        if standing.name == "retried" and standing.attempt is not None:
            report.say_skipped([standing])
            raise Failed("nothing was published: an attempt after its death made it good, or is on its way")
        record = self._record(letter, records_of(self.deployment, [letter]))
        made = _edited_body(record["body"], body, values)
        if made is None:
            notice("nothing was changed, so nothing was published")
            return
        content_type = record["content_type"] if body is not None else "application/json"
        provider = self._provider(letter)
        copy = deliveries.edited(letter, record, made, content_type, provider, self._sender)
        unreadable = deliveries.unreadable(copy, provider)
        if unreadable is not None:
            raise Failed(f"nothing was published: the copy would be dead too, {unreadable.reason}: {unreadable.detail}")
        self.warn_without_workers()
        self.send([letter], lambda _letters: iter([copy]), wait_s, as_json=as_json)

    def send(self, letters: Sequence[Letter], answer: Answer, wait_s: float, *, as_json: bool) -> None:
        """Publish the answers to letters, wait for their outcomes, and report them."""
        sending, outcomes = Sending(self.deployment), NewOutcomes(self.deployment)
        with progress_unless("published", len(letters), as_json=as_json) as advance:
            for chunk in in_chunks(letters):
                sending.publish(answer(chunk), advance)
        with progress_unless("decided", len(letters), as_json=as_json) as advance:
            decided = outcomes.of(sending.positions, wait_s, advance)
        report.print_sent(sending.positions, decided, as_json=as_json)
        dead = sum(outcome["outcome"] == "dead" for outcome in decided.values())
        if dead or (wait_s and len(decided) < len(sending.positions)):
            raise Failed(report.failure(dead, len(sending.positions) - len(decided)))

    def _provider(self, letter: Letter) -> Provider | None:
        """Return the provider of a letter's source as it is configured now; that of the letter if the source is gone."""
        return self._routes.providers.get(letter.source) or self._routes.provider(letter.provider, letter.source)

    def _record(self, letter: Letter, records: dict[str, Document]) -> Document:
        record = records.get(letter.position)
        if record is None:
            raise Failed(f"the record of {letter.position} is no longer on {DEAD}: its payload is gone")
        return record


def _is_revived(standing: Standing, selection: Selection, action: str) -> bool:
    is_decided = standing.attempt is not None and standing.attempt.is_decided
    return action == "retry" and standing.name == "dropped" and is_decided and bool(selection.ids)


def _edited_body(former: bytes, body: Path | None, values: Sequence[str]) -> bytes | None:
    if values:
        return editing.with_values(former, values)
    if body is None:
        return editing.from_editor(former, os.environ)
    if os.fspath(body) == "-":
        return sys.stdin.buffer.read()
    try:
        return body.read_bytes()
    except OSError as error:
        raise Misused(f"--body: cannot read {os.fspath(body)!r}: {error.strerror}") from error


def person(by: str | None) -> str:
    """Return who does something: `by`, or the user of this system."""
    name = _user() if by is None else by.strip()
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise Misused("--by: expected a name in UTF-8") from error
    if not name or len(name) > BY_CHARS:
        raise Misused(f"--by: expected a name of 1 to {BY_CHARS} characters, got {len(name)}")
    return name


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user may have no name
        return f"user {os.getuid()}"
