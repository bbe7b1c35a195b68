"""The decision table: every situation of one resource that the pipeline distinguishes, and the required decision.

tests/unit/streams/steps/test_decisions.py runs it; docs/semantics.md shows it. After an edit, regenerate the page with
`.venv/bin/python -m tests.support.builders.decision_cases`.
"""

from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from schemas.records import Document, Snapshot
from tests.support.builders.deliveries import snapshot

DOCUMENT = Path(__file__).parents[3] / "docs" / "semantics.md"
BEGIN = "<!-- from tests/support/builders/decision_cases.py: begin -->"
END = "<!-- from tests/support/builders/decision_cases.py: end -->"
REMAKE = ".venv/bin/python -m tests.support.builders.decision_cases"


class Arrival(Struct, frozen=True):
    """One delivery of the resource: a content (a letter), or its deletion (""), with the provider's times in seconds.

    `by` is the delivery id; without it every arrival has its own. `touched` is a volatile field. `state_rank` grows with
    states that are never left again.
    """

    content: str
    version: float | None = None
    at: float | None = None
    by: str = ""
    touched: int = 0
    state_rank: int = 0

    def snapshot(self) -> Snapshot:
        """Return the snapshot of the delivery."""
        document: Document = {"id": 7, "title": self.content, "updated_at": self.touched}
        return snapshot(
            document if self.content else None,
            self.version,
            self.at,
            volatile=["updated_at"],
            state_rank=self.state_rank,
        )

    def __str__(self) -> str:
        times = [f"v{self.version:g}"] if self.version is not None else []
        times += [f"at {self.at:g} s"] if self.at is not None else []
        rank = f"rank {self.state_rank}" if self.state_rank else ""
        words = [self.content or "deleted", *times, rank, f"id {self.by}" if self.by else ""]
        return " ".join(filter(None, words)) + (" (touched)" if self.touched else "")


class Situation(Struct, frozen=True):
    """Deliveries in order of arrival, the `outcome reason` of each, and the reason for it."""

    name: str
    arrivals: tuple[Arrival, ...]
    decided: tuple[str, ...]
    why: str


CREATED, UPDATED, DELETED = "changed created", "changed updated", "changed deleted"
REUSED = "dead reused_delivery_id"
REPEATED, SAME = "duplicate delivery_id", "duplicate same_version_and_content"
STALE, UNCHANGED, GONE = "stale older_than_stored", "unchanged no_difference", "unchanged already_deleted"

SITUATIONS = (
    Situation(
        "A newer version",
        (Arrival("A", 1), Arrival("B", 2)),
        (CREATED, UPDATED),
        "The operation follows from what is stored, not from the event's name.",
    ),
    Situation(
        "A retry",
        (Arrival("A", 1, by="x"), Arrival("A", 1, by="x")),
        (CREATED, REPEATED),
        "The provider did not see our answer and sends the same delivery again.",
    ),
    Situation(
        "A retry after newer versions",
        (Arrival("A", 1, by="x"), Arrival("B", 2), Arrival("A", 1, by="x")),
        (CREATED, UPDATED, REPEATED),
        "Retries come up to days later; the delivery id is remembered per version.",
    ),
    Situation(
        "Two subscriptions",
        (Arrival("A", 1), Arrival("A", 1)),
        (CREATED, SAME),
        "Two subscriptions to one topic send two ids for one change.",
    ),
    Situation(
        "A tie: two contents in one second",
        (Arrival("A", 1), Arrival("B", 1)),
        (CREATED, UPDATED),
        "Providers stamp whole seconds. The later arrival wins; dropping it would lose a state.",
    ),
    Situation(
        "A flip back within one second",
        (Arrival("A", 1), Arrival("B", 1), Arrival("A", 1)),
        (CREATED, UPDATED, UPDATED),
        "A under a new id after B is new, and its event id differs from the first A's.",
    ),
    Situation(
        "A retry that looks like a flip",
        (Arrival("A", 1, by="x"), Arrival("B", 1), Arrival("A", 1, by="x")),
        (CREATED, UPDATED, REPEATED),
        "The delivery id tells a late retry from a flip back.",
    ),
    Situation(
        "A second subscription after a tie",
        (Arrival("A", 1), Arrival("B", 1), Arrival("B", 1)),
        (CREATED, UPDATED, SAME),
        "Compared with the last content of the version, not with the first.",
    ),
    Situation(
        "A delivery id with another content",
        (Arrival("A", 1, by="x"), Arrival("B", 1, by="x"), Arrival("B", 1), Arrival("B", 1, by="x")),
        (CREATED, REUSED, UPDATED, REPEATED),
        "No provider sends that: neither applied nor dropped, but dead-lettered. The content itself may come under its own id.",
    ),
    Situation(
        "A delivery id with another version",
        (Arrival("A", 1, by="x"), Arrival("B", 2, by="x"), Arrival("A", 1, by="x")),
        (CREATED, UPDATED, REPEATED),
        "Ids are remembered per version; a version tells by itself whether it is new.",
    ),
    Situation(
        "Captured and sent again under another id",
        (Arrival("A", 1), Arrival("B", 2), Arrival("A", 1, by="x"), Arrival("B", 2, by="y")),
        (CREATED, UPDATED, "duplicate same_version_and_content", "duplicate same_version_and_content"),
        "Unsigned headers can be altered; version and content, which are signed, decide.",
    ),
    Situation(
        "No version: a delivery id with another content",
        (Arrival("A", at=1, by="x"), Arrival("B", at=2, by="x")),
        (CREATED, REUSED),
        "As above: dropping it as a duplicate would lose a change without a trace.",
    ),
    Situation(
        "Overtaken",
        (Arrival("B", 2), Arrival("A", 1)),
        (CREATED, STALE),
        "No provider guarantees order; an older version never replaces a newer one.",
    ),
    Situation(
        "Overtaken, then sent again",
        (Arrival("B", 2), Arrival("A", 1, by="x"), Arrival("A", 1, by="x"), Arrival("A", 1)),
        (CREATED, STALE, REPEATED, SAME),
        "A stale delivery is remembered like any other.",
    ),
    Situation(
        "Touched without a change",
        (Arrival("A", 1), Arrival("A", 2, touched=1), Arrival("B", 1)),
        (CREATED, UNCHANGED, STALE),
        "Volatile fields alone are no change, but the stored version advances.",
    ),
    Situation(
        "Deleted",
        (Arrival("A", 1), Arrival("", at=2)),
        (CREATED, DELETED),
        "A deletion carries no version; the provider's event time orders it.",
    ),
    Situation(
        "Deleted, never seen before",
        (Arrival("", at=2),),
        (DELETED,),
        "Someone downstream may know it from a backfill; `before` is null.",
    ),
    Situation(
        "Deleted twice",
        (Arrival("A", 1), Arrival("", at=2), Arrival("", at=3)),
        (CREATED, DELETED, GONE),
        "Two subscriptions again: a deletion of what is gone is no change.",
    ),
    Situation(
        "The deletion's retry",
        (Arrival("A", 1), Arrival("", at=2, by="x"), Arrival("B", 3), Arrival("", at=2, by="x")),
        (CREATED, DELETED, CREATED, REPEATED),
        "A late retry does not delete what was created again.",
    ),
    Situation(
        "An update older than the deletion",
        (Arrival("A", 1), Arrival("", at=3), Arrival("B", 2)),
        (CREATED, DELETED, STALE),
        "Otherwise a late update would raise the dead.",
    ),
    Situation(
        "A tie with the deletion",
        (Arrival("A", 1), Arrival("", at=2), Arrival("B", 2)),
        (CREATED, DELETED, STALE),
        "An update stamped with the second of the deletion came before it.",
    ),
    Situation(
        "The deletion in the second of the update",
        (Arrival("A", 2), Arrival("", at=2)),
        (CREATED, DELETED),
        "The other order of the same tie: the deletion is not older.",
    ),
    Situation(
        "A deletion older than the stored version",
        (Arrival("A", 3), Arrival("", at=2)),
        (CREATED, STALE),
        "It was deleted and created again; the deletion arrives last.",
    ),
    Situation(
        "A deletion with a version",
        (Arrival("A", 1), Arrival("", 1), Arrival("A", 1), Arrival("", 1)),
        (CREATED, DELETED, STALE, GONE),
        "Some senders stamp the deletion with the version that it deleted.",
    ),
    Situation(
        "A deletion without any time",
        (Arrival("A", 2), Arrival(""), Arrival("B", 2), Arrival("C", 1)),
        (CREATED, DELETED, STALE, STALE),
        "The stored version stays, so that what was before the deletion stays stale.",
    ),
    Situation(
        "Created again after the deletion",
        (Arrival("A", 1), Arrival("", at=2), Arrival("A", 3)),
        (CREATED, DELETED, CREATED),
        "The same content is a creation again: nothing was there.",
    ),
    Situation(
        "No version: event times",
        (Arrival("A", at=1), Arrival("B", at=2), Arrival("C", at=1)),
        (CREATED, UPDATED, STALE),
        "Without a version (GitHub push, most of Stripe) the event's time orders.",
    ),
    Situation(
        "No version: a tie of event times",
        (Arrival("A", at=1), Arrival("B", at=1), Arrival("A", at=1)),
        (CREATED, UPDATED, UPDATED),
        "Arrival decides; event times are whole seconds too.",
    ),
    Situation(
        "A tie in which the last state arrives first",
        (Arrival("paid", at=1, state_rank=3), Arrival("open", at=1, state_rank=1)),
        (CREATED, STALE),
        "One action sends several events of one second in any order; what is paid is not open again.",
    ),
    Situation(
        "A tie in which the last state arrives last",
        (Arrival("open", at=1, state_rank=1), Arrival("paid", at=1, state_rank=3)),
        (CREATED, UPDATED),
        "The later state is new whether or not its second is newer.",
    ),
    Situation(
        "No version: two events for one change",
        (Arrival("A", at=1, by="x"), Arrival("A", at=1, by="y"), Arrival("A", at=2, by="z")),
        (CREATED, UNCHANGED, UNCHANGED),
        "Only the delivery id makes a duplicate; the rest has to differ to be a change.",
    ),
    Situation(
        "No version: a retry stamped anew",
        (Arrival("A", at=1, by="x"), Arrival("B", at=2), Arrival("A", at=3, by="x")),
        (CREATED, UPDATED, REPEATED),
        "Some senders stamp the attempt, not the event; the delivery id is the same.",
    ),
    Situation(
        "No time at all",
        (Arrival("A", by="x"), Arrival("B"), Arrival("A"), Arrival("A", by="x")),
        (CREATED, UPDATED, UPDATED, REPEATED),
        "Arrival is all there is to go by.",
    ),
    Situation(
        "A delivery without time after a version",
        (Arrival("A", 2), Arrival("B"), Arrival("C", 1)),
        (CREATED, UPDATED, STALE),
        "It counts as news, and the stored version stays to judge the next one.",
    ),
    Situation(
        "A version of the year 1970",
        (Arrival("A", -1769860800), Arrival("B", -1769860801)),
        (CREATED, STALE),
        "Zero microseconds is a time like any other.",
    ),
)


def table() -> str:
    """Return the situations as a Markdown table."""
    rows = ["| Situation | Deliveries as they arrive | Decided | Why |", "|---|---|---|---|"]
    rows += [
        f"| {case.name} | {steps(map(str, case.arrivals))} | {steps(case.decided)} | {case.why} |"
        for case in SITUATIONS
    ]
    return "\n".join(rows)


def with_table(text: str) -> str:
    """Return the text of docs/semantics.md with the current table between its two marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def steps(texts: Iterable[str]) -> str:
    """Return texts as the numbered lines of one cell."""
    return "<br>".join(f"{number}. {text}" for number, text in enumerate(texts, 1))


if __name__ == "__main__":
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
