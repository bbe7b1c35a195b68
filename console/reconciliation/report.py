"""Shows reports of reconciliations and backfills, for people and as JSON, and how far a run is."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from console.screen import notice, results
from local.screen import output_json
from schemas.codec import us_time
from schemas.reconciliation import Begun, Progress, Report, Walk

TIME: Final = "%Y-%m-%d %H:%M:%S"
SHOWN: Final = 200  # lists: a source may have thousands of tenants


def print_reports(reports: Sequence[Report], *, as_json: bool) -> None:
    """Print a paragraph for each report; those that found nothing in one line together."""
    if as_json:
        for report in reports:
            output_json(msgspec.json.encode(fields(report)).decode())
        return
    screen = results()
    telling = [report for report in reports if not _is_quiet(report)]
    quiet = [report for report in reports if _is_quiet(report)]
    for report in telling[:SHOWN]:
        for line in lines(report):
            screen.line(line, style="yellow" if report.question or report.status in {"failed", "refused"} else "")
    if len(telling) > SHOWN:
        screen.line(f"and {len(telling) - SHOWN:,} more: --json shows all", style="dim")
    if quiet:
        looked_at = sum(report.looked_at for report in quiet)
        screen.line(f"{looked_at:,} resources of {len(quiet):,} lists are as stored: nothing was missed")


def print_refusals(begun: Begun, *, as_json: bool) -> None:
    """Print what a run does not go through, and why."""
    for reason in begun.refused:
        if as_json:
            told = {"run": begun.run, "kind": begun.kind, "source": begun.source, "status": "refused", "detail": reason}
            output_json(msgspec.json.encode(told).decode())
        else:
            results().line(f"refused: {reason}", style="yellow")


def show_progress(walking: Sequence[Progress], done: int, total: int, now_us: int) -> None:
    """Print, beside the results, how far a run is, and for how long it may go on."""
    parts = [_progress_text(known, known.walk, now_us) for known in walking[:3] if known.walk is not None]
    notice(f"{done:,} of {total:,} lists done{''.join(f'; {part}' for part in parts)}")


def fields(report: Report) -> dict[str, Any]:
    """Return a report as `--json` shows it: times in ISO 8601."""
    shown: dict[str, Any] = msgspec.to_builtins(report)
    shown.pop("type", None)
    defaults = {name: getattr(report, name) for name in report.__struct_fields__}
    whole = {**defaults, **shown}
    return {
        name.removesuffix("_us") if name.endswith("_us") else name: us_time(value) if name.endswith("_us") else value
        for name, value in whole.items()
    }


def lines(report: Report) -> Iterator[str]:
    """Yield the lines of a report."""
    where = " ".join(part for part in (report.source, report.tenant, report.listing) if part)
    yield f"{where}: {report.status}, {report.kind} of {_time(report.started_us)}"
    if report.detail:
        yield f"    {report.detail}"
    if report.status == "refused":
        return
    since = "everything" if report.since_us is None else f"since {_time(report.since_us)}"
    yield f"    looked at {report.looked_at:,} on {report.pages:,} pages, {since}"
    if report.missed:
        times = (
            ""
            if report.missed_from_us is None
            else f", from {_time(report.missed_from_us)} to {_time(report.missed_to_us)}"
        )
        yield f"    newer or unknown {report.missed:,}{times}"
    made = f"    repaired {report.repaired:,}, deleted {report.deleted:,}"
    yield made + "".join(
        f", {word} {number:,}" for word, number in (("unread", report.unread), ("waiting", report.waiting)) if number
    )
    if report.beyond_us is not None:
        yield f"    beyond the provider's window: what changed before {_time(report.beyond_us)}"
    if report.absent and not report.question:
        yield f"    not in the list {report.absent:,}: looked for by id"
    if report.question:
        yield f"    question: {report.question}"


def _is_quiet(report: Report) -> bool:
    has_found = report.missed or report.absent or report.waiting or report.question or report.detail
    return report.status in {"complete", "dry"} and not has_found and report.beyond_us is None


def _progress_text(known: Progress, walk: Walk, now_us: int) -> str:
    tenant = walk.task.tenant
    where = f"{tenant} {known.listing}" if tenant else known.listing
    if walk.is_listed:
        return f"{where}: {walk.asks - walk.decided:,} reads left of {walk.asks:,}"
    whole = "" if walk.total is None else f" of {walk.total:,}"
    return f"{where}: {walk.looked_at:,}{whole} looked at, {walk.missed:,} to read{_left(walk, now_us)}"


def _left(walk: Walk, now_us: int) -> str:
    """Return an estimate of the time that the pages of a list take yet, "" if there is none."""
    if not walk.total or not walk.looked_at or walk.looked_at >= walk.total:
        return ""
    passed_s = (now_us - walk.started_us) / 1e6
    left_s = passed_s / walk.looked_at * (walk.total - walk.looked_at)
    return f", about {max(1, math.ceil(left_s / 60)):,} min left"


def _time(time_us: int | None) -> str:
    time = us_time(time_us)
    return "unknown" if time is None else f"{time:{TIME}} UTC"
