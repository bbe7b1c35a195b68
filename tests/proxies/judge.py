"""Whether the result of a case is right, judged by the proxy's log, the tap's record, and Kafka's contents."""

from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import Struct

from tests.proxies.corpus.case import Case
from tests.proxies.http_answers import HttpAnswer
from tests.proxies.proxies import NO_ANSWER, TIMED_OUT, Taken

UNREACHABLE = ("guarded", "own", "hidden")
"""Sources to which no case may get anything: by their `allow`, by the proxy's filter."""

SHOWN_BYTES = 200
Kept = Sequence[tuple[str, bytes]]
"""What came onto the topic: of which source, and the body."""


class Outcome(Struct, frozen=True):
    """The result of one case.

    `taken` are the proxy's requests, `answers` all answers of the ingress. `nobody` is the name in the answer to the harness's
    own request after the case, `next_body` the body that the harness posted afterwards.
    """

    taken: Sequence[Taken]
    answers: Sequence[HttpAnswer]
    kept: Kept
    nobody: bytes
    next_body: bytes


def miscounts(taken: Sequence[Taken], answers: Sequence[HttpAnswer]) -> list[str]:
    """Return the difference in number between the ingress's and the proxy's requests; log lines may still be on their way."""
    passed_on = [status for request in taken for status in request.ingress]
    given = Counter(answer.status for answer in answers)
    believed = Counter(status for status in passed_on if status not in {NO_ANSWER, TIMED_OUT})
    found = []
    if len(answers) > len(passed_on):
        found.append(f"the proxy passed {len(passed_on)} requests on, the ingress answered {len(answers)}")
    if believed - given:
        found.append(f"the proxy had answers {dict(believed)}, the ingress gave {dict(given)}")
    return found


def complaints(case: Case, outcome: Outcome) -> list[str]:
    """Return all faults, in sentences."""
    own = [answer for answer in outcome.answers if outcome.nobody not in answer.body]
    found = [*miscounts(outcome.taken, outcome.answers), *_wrong_answers(case, own), *_wrongly_kept(case, outcome)]
    if not case.is_unfinished and any(TIMED_OUT in request.ingress for request in outcome.taken):
        found.append("the ingress waited for more than the proxy had to send")
    return found


def unsent(kept: Kept, names: Sequence[str], cases: Sequence[Case]) -> list[str]:
    """Return the kept bodies without a case's name, which all sent bodies have."""
    known = {body for case in cases for body in case.bodies}
    strange = [body for _, body in kept if body not in known and not any(name.encode() in body for name in names)]
    return [f"kept, although no case sent it: {body[:SHOWN_BYTES]!r}" for body in strange]


def _wrong_answers(case: Case, answers: Sequence[HttpAnswer]) -> Iterator[str]:
    statuses = {answer.status for answer in answers}
    if case.answers is not None and statuses - case.answers:
        yield f"expected the ingress to answer {sorted(case.answers)}, it answered {sorted(statuses)}"
    if any(answer.status == 200 and answer.headers.get(b"content-length") != b"0" for answer in answers):
        yield "the ingress showed a page, which is on no path that the proxy admits"
    if 500 in statuses:
        yield "the ingress answered 500"


def _wrongly_kept(case: Case, outcome: Outcome) -> Iterator[str]:
    name = outcome.nobody.rpartition(b"-")[2]
    kept = Counter((source, body) for source, body in outcome.kept if name in body or body in case.bodies)
    if ("shop", outcome.next_body) not in kept:
        yield "the delivery that came next was not kept"
    for (source, body), times in kept.items():
        shown = f"{body[:SHOWN_BYTES]!r}"
        if source in UNREACHABLE:
            yield f"kept for the source {source}, where nothing may get: {shown}"
        elif body not in {*case.bodies, outcome.next_body}:
            yield f"kept, although nobody signed and sent it as a body: {shown}"
        elif times > 1:
            yield f"kept {times} times: {shown}"
