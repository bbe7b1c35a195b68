"""The records of a session's transaction: progress, tasks, requests for reads, ids of complete lists, and reports."""

from collections.abc import Sequence

from broker.outgoing import Record
from schemas.reconciliation import Begun, Ids, Progress, Report, Task, encode, progress_key
from schemas.topics import listed_ids_topic, progress_topic, reconciliation_topic, reports_topic


def progress_record(app: str, partition: int, progress: Progress) -> Record:
    """Return the record of a list's progress, on the partition whose owner has the account."""
    key = progress_key(progress.account, progress.listing)
    return Record(progress_topic(app), key, encode(progress), partition=partition)


def task_record(app: str, task: Task) -> Record:
    """Return the record of a task; its partition follows from the account."""
    return Record(reconciliation_topic(app), task.account.encode(), encode(task))


def told_record(app: str, told: Begun | Report) -> Record:
    """Return the record of what is told of a run."""
    return Record(reports_topic(app), told.run.encode(), encode(told))


def ids_record(app: str, partition: int, progress: Progress, run: str, page: int, keys: Sequence[str]) -> Record:
    """Return the record of the resources that one page of a complete list shows."""
    key = progress_key(progress.account, progress.listing)
    return Record(listed_ids_topic(app), key, encode(Ids(run, page, tuple(keys))), partition=partition)
