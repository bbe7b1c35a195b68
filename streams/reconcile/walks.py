"""What follows from each page of a list, from each read that it led to, and from its end. Pure: from values to values."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from providers.listing import Listed, Page
from schemas.fetches import NO_DELIVERY, FetchRequest
from schemas.reconciliation import Decided, Progress, Report, Status, Task, Walk, request_run, run_and_listing
from schemas.records import resource_key
from streams.reconcile.comparison import Stored, is_missed, shown_time_us

RECONCILIATION: Final = 2  # the priority of its requests: behind what deliveries wait for
READS_LIMIT_US: Final = 6 * 3_600 * 1_000_000  # a run ends although some of what it asked for is not read yet
MOST_QUEUED: Final = 10

Lookup = Callable[[str], Stored | None]
"""From a resource's key to what is stored."""


class Absent(Struct, frozen=True):
    """What a complete list lacks: how many of how many stored resources, and the ids unless a person has to decide."""

    count: int
    stored: int
    ids: Sequence[str] = ()
    question: str = ""


def after_page(
    walk: Walk, page: Page, lookup: Lookup, is_asked: Callable[[str], bool], now_us: int
) -> tuple[Walk, list[FetchRequest]]:
    """Return a walk behind one more page, and the reads that the page makes necessary; a backfill reads everything.

    `is_asked` says of a resource's key whether the walk has asked for it before: that read shows all that the list tells.
    """
    task = walk.task
    reads_all = task.asked.kind == "backfill"
    missed = [
        listed
        for listed in _newest(page.listed)
        if not is_asked(key := _key(task, listed))
        and ((reads_all and not listed.is_deleted) or is_missed(listed, lookup(key), is_logged=walk.is_logged))
    ]
    times = [time_us for listed in missed if (time_us := shown_time_us(listed)) is not None]
    is_read = walk.is_readable and not task.asked.is_dry
    requests = [_request(task, listed, now_us) for listed in missed if is_read]
    after = replace(
        walk,
        cursor=page.cursor,
        is_listed=page.cursor is None,
        pages=walk.pages + 1,
        total=walk.total if page.total is None else page.total,
        looked_at=walk.looked_at + len(page.listed),
        missed=walk.missed + len(missed),
        missed_from_us=_known(min, walk.missed_from_us, times),
        missed_to_us=_known(max, walk.missed_to_us, times),
        asks=walk.asks + len(requests),
    )
    return after, requests


def is_short(walk: Walk) -> bool:
    """Say whether a list of everything had fewer resources than the provider counts, so that it cannot have been whole.

    A window's pages leave out what has changed since, which the provider may count.
    """
    return walk.since_us is None and walk.total is not None and walk.looked_at < walk.total


def after_absences(walk: Walk, absent: Absent, now_us: int) -> tuple[Walk, list[FetchRequest]]:
    """Return a walk whose list lacks resources, and the reads that confirm it: what is found is not gone."""
    task = walk.task
    walk = replace(walk, absent=absent.count, question=absent.question)
    if task.asked.is_dry or absent.question or walk.resource_type is None:
        return walk, []
    requests = [_request(task, Listed(walk.resource_type, resource_id), now_us) for resource_id in absent.ids]
    return replace(walk, asks=walk.asks + len(requests)), requests


def after_decided(progress: Progress, decided: Decided) -> Progress:
    """Return the progress with what became of a read; one of an earlier run corrects its report."""
    run, _ = run_and_listing(decided.run)
    walk, last = progress.walk, progress.last
    is_repair = decided.op is not None and decided.op != "d"
    if walk is not None and walk.task.asked.run == run:
        counted = replace(
            walk,
            decided=walk.decided + 1,
            repaired=walk.repaired + is_repair,
            deleted=walk.deleted + (decided.op == "d"),
            unread=walk.unread + (not decided.is_read),
        )
        return replace(progress, walk=counted)
    if last is not None and last.run == run:
        told = replace(
            last,
            waiting=max(0, last.waiting - 1),
            repaired=last.repaired + is_repair,
            deleted=last.deleted + (decided.op == "d"),
            unread=last.unread + (not decided.is_read),
        )
        return replace(progress, last=told)
    return progress


def is_done(walk: Walk, now_us: int) -> bool:
    """Say whether a walk's report is due: all that it asked for is decided, or has had its time."""
    return walk.is_listed and (walk.decided >= walk.asks or now_us > walk.started_us + READS_LIMIT_US)


def moved_on(progress: Progress, walk: Walk) -> Progress:
    """Return the progress of a list whose last page is done: the next run begins where this one did, if nothing was left out.

    A backfill and a dry run move nothing: what they looked at is not where a run begins.
    """
    if walk.task.asked.kind != "reconcile" or walk.task.asked.is_dry or is_short(walk):
        return replace(progress, walk=walk)
    return replace(
        progress,
        walk=walk,
        watermark_us=walk.started_us if walk.is_gap_free else progress.watermark_us,
        complete_us=walk.started_us if walk.is_complete else progress.complete_us,
    )


def ended(progress: Progress, status: Status, detail: str, now_us: int) -> Progress:
    """Return the progress with the report of the walk that was under way."""
    walk = progress.walk
    if walk is None:
        return progress
    return replace(progress, walk=None, last=report_of(walk, status, detail or walk.detail, now_us))


def report_of(walk: Walk, status: Status, detail: str, now_us: int) -> Report:
    """Return what a walk found."""
    task = walk.task
    return Report(
        task.asked.run,
        task.asked.kind,
        task.provider,
        task.asked.source,
        task.tenant,
        task.listing,
        status,
        walk.resource_type,
        walk.started_us,
        now_us,
        walk.since_us,
        walk.until_us,
        walk.pages,
        walk.looked_at,
        walk.missed,
        walk.missed_from_us,
        walk.missed_to_us,
        walk.repaired,
        walk.deleted,
        walk.unread,
        max(0, walk.asks - walk.decided),
        walk.beyond_us,
        walk.absent,
        walk.absent if walk.question else 0,
        walk.question,
        detail,
        walk.is_first,
    )


def refusal(task: Task, detail: str, now_us: int) -> Report:
    """Return the report of a task that is not begun."""
    asked = task.asked
    return Report(
        asked.run,
        asked.kind,
        task.provider,
        asked.source,
        task.tenant,
        task.listing,
        "refused",
        started_us=now_us,
        ended_us=now_us,
        detail=detail,
    )


def is_alarming(report: Report) -> bool:
    """Say whether webhooks were missed: there was a change that no delivery told of. The first run compares nothing."""
    has_found = report.repaired + report.deleted > 0
    return report.kind == "reconcile" and report.status == "complete" and has_found and not report.is_first


def _newest(listed: Iterable[Listed]) -> list[Listed]:
    """Return each resource of a page once, as it is listed last in time: a log of events has a resource several times."""
    found: dict[tuple[str, str], Listed] = {}
    for one in listed:
        key = (one.resource_type, one.resource_id)
        known = found.get(key)
        if known is None or (shown_time_us(one) or 0) >= (shown_time_us(known) or 0):
            found[key] = one
    return list(found.values())


def _request(task: Task, listed: Listed, now_us: int) -> FetchRequest:
    asked = task.asked
    return FetchRequest(
        task.provider,
        asked.source,
        task.tenant,
        listed.resource_type,
        listed.resource_id,
        _key(task, listed),
        -1,  # the partition follows from the key, as that of a delivery does
        NO_DELIVERY,
        now_us,
        None if listed.is_deleted else shown_time_us(listed),
        listed.reference,
        listed.context,
        priority=RECONCILIATION,
        origin=asked.kind,
        run=request_run(asked.run, task.listing),
    )


def _key(task: Task, listed: Listed) -> str:
    return resource_key(task.provider, task.asked.source, task.tenant, listed.resource_type, listed.resource_id)


def _known(choose: Callable[[list[int]], int], known: int | None, times: list[int]) -> int | None:
    found = times if known is None else [known, *times]
    return choose(found) if found else None
