"""What the log says of a list that has ended."""

import structlog

from schemas.codec import us_time
from schemas.reconciliation import Report
from streams.reconcile.walks import is_alarming

log = structlog.get_logger()


def log_report(report: Report) -> None:
    """Log the end of a list, and the alert that webhooks were missed."""
    where = {"source": report.source, "tenant": report.tenant, "listing": report.listing, "run": report.run}
    counts = {"looked_at": report.looked_at, "repaired": report.repaired, "deleted": report.deleted}
    log.info("list_compared", **where, status=report.status, **counts, detail=report.detail)
    if is_alarming(report):
        first, last = _text(report.missed_from_us), _text(report.missed_to_us)
        log.warning("webhooks_missed", **where, **counts, first=first, last=last)
    if report.question:
        log.warning("absent_resources", **where, absent=report.absent, question=report.question)


def _text(time_us: int | None) -> str | None:
    time = us_time(time_us)
    return None if time is None else time.isoformat()
