"""What a reconciliation or backfill is asked for, how far it is, and what it found: values on private topics, as JSON.

The inbox (`penstock.<app>.reconcile`) has what the owner of an account reads: tasks, and what became of the reads that it asked
for. The progress, compacted, has one record for each list of each account. A page is committed with its cursor, its requests
and its counts in one transaction, so a kill at any page neither loses nor doubles.
"""

from typing import Final, Literal

import msgspec
from msgspec import Struct

from schemas.fetches import account_key
from schemas.records import Operation

Kind = Literal["reconcile", "backfill"]
SCHEDULE: Final = b"schedule"
"""The key, on the inbox's first partition of the progress, of the last daily run."""


class Asked(Struct, frozen=True, omit_defaults=True, tag="asked"):
    """A run over a source, as a person or the daily schedule wants it: on the inbox's first partition.

    `resources` selects lists by resource type, none for those that the configuration says. `since_us` is for lists without the
    time of their last complete run, or before it. `is_complete`: everything is listed, which alone shows what is gone.
    `is_dry`: nothing is read, and nothing remembered. `deletes_absent`: a person has seen how many are absent, and each is
    looked for by id. Times are microseconds since 1970, UTC.
    """

    run: str
    kind: Kind
    source: str
    asked_at_us: int
    by: str
    resources: tuple[str, ...] = ()
    since_us: int | None = None
    is_complete: bool = False
    is_dry: bool = False
    deletes_absent: bool = False


class Task(Struct, frozen=True, omit_defaults=True, tag="task"):
    """One list of one account to go through, keyed by account."""

    asked: Asked
    provider: str
    tenant: str
    listing: str

    @property
    def account(self) -> str:
        """Return the key of the account, as `FetchRequest.account`."""
        return account_key(self.provider, self.asked.source, self.tenant)


class Decided(Struct, frozen=True, omit_defaults=True, tag="decided"):
    """What became of a read that a run asked for; written by the worker in the transaction that decides it, keyed by account.

    `run` is that of the request (`request_run`). `op` is that of the resource's change, None if nothing has changed. `at_us` is
    the time of the state that was missed. `is_read`: there was an answer.
    """

    run: str
    resource_key: str
    op: Operation | None = None
    at_us: int | None = None
    is_read: bool = True


Inbox = Asked | Task | Decided

Status = Literal["complete", "failed", "refused", "dry"]


class Report(Struct, frozen=True, omit_defaults=True, tag="report"):
    """What a run found in one list of one account.

    `looked_at` were listed, `missed` of them were newer than stored or unknown; `missed_from_us` and `missed_to_us` are the
    first and last time that these tell of. `repaired` and `deleted` made a change; `unread` could not be read, and `waiting`
    are not read yet. `beyond_us`: what changed before that time the provider's list does not show. `absent` are stored and were
    not listed; so many that a person is asked (`question`) are not deleted. `is_first`: nothing was compared before, so what
    was stored late is no miss.
    """

    run: str
    kind: Kind
    provider: str
    source: str
    tenant: str
    listing: str
    status: Status
    resource_type: str | None = None
    started_us: int = 0
    ended_us: int = 0
    since_us: int | None = None
    until_us: int | None = None
    pages: int = 0
    looked_at: int = 0
    missed: int = 0
    missed_from_us: int | None = None
    missed_to_us: int | None = None
    repaired: int = 0
    deleted: int = 0
    unread: int = 0
    waiting: int = 0
    beyond_us: int | None = None
    absent: int = 0
    asked: int = 0
    question: str = ""
    detail: str = ""
    is_first: bool = False


class Begun(Struct, frozen=True, omit_defaults=True, tag="begun"):
    """The lists that a run goes through, as (account, listing), and what it does not, with the reason."""

    run: str
    kind: Kind
    source: str
    lists: tuple[tuple[str, str], ...]
    refused: tuple[str, ...] = ()


class Walk(Struct, frozen=True, omit_defaults=True):
    """One list that is gone through: from `since_us` (None: everything) to `until_us`, both fixed before the first page.

    `cursor` leads to the next page. `is_listed`: all pages are done, and reads are waited for. `asks` counts the requests that
    were made, `decided` those that ended. `is_readable` is the list's. `is_gap_free`: nothing before `since_us` is left out, so
    the next run may begin where this did.
    """

    task: Task
    resource_type: str | None
    started_us: int
    since_us: int | None
    until_us: int
    is_complete: bool = False
    is_gap_free: bool = False
    is_first: bool = False
    is_readable: bool = True
    is_logged: bool = False
    cursor: str | None = None
    is_listed: bool = False
    pages: int = 0
    total: int | None = None
    looked_at: int = 0
    missed: int = 0
    missed_from_us: int | None = None
    missed_to_us: int | None = None
    asks: int = 0
    decided: int = 0
    repaired: int = 0
    deleted: int = 0
    unread: int = 0
    beyond_us: int | None = None
    absent: int = 0
    question: str = ""
    detail: str = ""


class Progress(Struct, frozen=True, omit_defaults=True):
    """One list of one account. `watermark_us` is the start of the last run that left nothing out, `complete_us` that of the last
    one that listed everything. `walk` is under way, `queued` come after it; `last` is the newest report.
    """

    account: str
    listing: str
    watermark_us: int | None = None
    complete_us: int | None = None
    walk: Walk | None = None
    queued: tuple[Task, ...] = ()
    last: Report | None = None


class Schedule(Struct, frozen=True):
    """When the last daily run was due."""

    last_us: int


class Ids(Struct, frozen=True, omit_defaults=True):
    """The ids of one page of a list that shows everything: what is stored and on none of its pages may be gone."""

    run: str
    page: int
    ids: tuple[str, ...]


def progress_key(account: str, listing: str) -> bytes:
    """Return the key of a list's progress."""
    return f"{account}|{listing}".encode()


def request_run(run: str, listing: str) -> str:
    """Return what a request of a run is marked with, from which its list can be told."""
    return f"{run}/{listing}"


def run_and_listing(marked: str) -> tuple[str, str]:
    """Return the run and the list that `request_run` joined."""
    run, _, listing = marked.partition("/")
    return run, listing


encode = msgspec.json.Encoder().encode
decode_inbox = msgspec.json.Decoder(Inbox).decode
decode_progress = msgspec.json.Decoder(Progress).decode
decode_schedule = msgspec.json.Decoder(Schedule).decode
decode_ids = msgspec.json.Decoder(Ids).decode
decode_told = msgspec.json.Decoder(Begun | Report).decode
