"""The decision table of children: the results of a parent's list, its cuts, its deletion and a child's own events.

tests/unit/streams/steps/test_decisions.py runs it; docs/semantics.md shows it. After an edit, regenerate the page with
`.venv/bin/python -m tests.support.builders.child_cases`.
"""

from msgspec import Struct
from msgspec.structs import replace

from schemas.records import ChildRule, Snapshot
from tests.support.builders.decision_cases import DOCUMENT, steps
from tests.support.builders.deliveries import snapshot

BEGIN = "<!-- from tests/support/builders/child_cases.py: begin -->"
END = "<!-- from tests/support/builders/child_cases.py: end -->"
REMAKE = ".venv/bin/python -m tests.support.builders.child_cases"
RULES = (ChildRule("child", "children", is_shared=True, version="at"),)
SECOND = "2026-01-31T12:00:{:02}Z"


class Family(Struct, frozen=True):
    """One delivery about a parent, or about a child by a topic of its own.

    `shown` are children, each a letter and a content: `a1 b1`. None: the parent is deleted. `is_cut`: the list may be truncated.
    `own`: the delivery is about this one child. `child_version` is the children's own update time, if they have one.
    """

    shown: str | None
    version: float | None = None
    at: float | None = None
    by: str = ""
    is_cut: bool = False
    is_own: bool = False
    child_version: int | None = None

    def snapshot(self) -> Snapshot:
        """Return the snapshots of the delivery."""
        if self.shown is None:
            return snapshot(None, event_time=self.at)
        children = [
            {"id": word[0], "title": word[1:]}
            | ({} if self.child_version is None else {"at": SECOND.format(self.child_version)})
            for word in self.shown.split()
        ]
        if self.is_own:
            own = snapshot(children[0], self.child_version, resource_id=self.shown[0], volatile=["at"])
            return replace(own, resource_type="child", parent=("product", "7"), is_shared=True)
        page = {"data": children, "has_more": self.is_cut}
        return replace(snapshot({"id": 7, "children": page}, self.version, self.at, volatile=["at"]), children=RULES)

    def __str__(self) -> str:
        times = [f"v{self.version:g}"] if self.version is not None else []
        times += [f"at {self.at:g} s"] if self.at is not None else []
        shown = "deleted" if self.shown is None else f"[{self.shown}{' …' if self.is_cut else ''}]"
        if self.is_own:
            shown = f"{self.shown} by its own event"
        own = [f"children v{self.child_version}" if not self.is_own else f"v{self.child_version}"]
        words = [shown, *times, *(own if self.child_version is not None else []), f"id {self.by}" if self.by else ""]
        return " ".join(filter(None, words))


class FamilySituation(Struct, frozen=True):
    """Deliveries in order of arrival; the outcome of each, then the children's events; and the reason."""

    name: str
    arrivals: tuple[Family, ...]
    decided: tuple[str, ...]
    why: str


FAMILIES = (
    FamilySituation(
        "Created, changed, gone",
        (Family("a1 b1", 1), Family("a2 c1", 2)),
        ("changed: c a, c b", "changed: u a, c c, d b"),
        "What a whole list does not name any more is gone.",
    ),
    FamilySituation(
        "Nothing new in the list",
        (Family("a1", 1), Family("a1", 2)),
        ("changed: c a", "unchanged"),
        "A child that is stored as shown makes no event.",
    ),
    FamilySituation(
        "A list that is cut",
        (Family("a1 b1", 1), Family("c1", 2, is_cut=True), Family("a1 c1", 3)),
        ("changed: c a, c b", "changed: c c", "changed: d b"),
        "What a cut list does not name may be on its next page; the first whole list after it tells.",
    ),
    FamilySituation(
        "An overtaken parent",
        (Family("b1", 2), Family("a1 b2", 1)),
        ("changed: c b", "stale"),
        "An old list must neither bring back, nor take away, nor change.",
    ),
    FamilySituation(
        "The parent's retry",
        (Family("a1", 1, by="x"), Family("", 2), Family("a1", 1, by="x")),
        ("changed: c a", "changed: d a", "duplicate"),
        "A repeated list is as old as it was the first time.",
    ),
    FamilySituation(
        "A flip back within one second",
        (Family("a1", 1), Family("a2", 1), Family("a1", 1)),
        ("changed: c a", "changed: u a", "changed: u a"),
        "The parent's flips make the ids of its children's events.",
    ),
    FamilySituation(
        "The parent is deleted",
        (Family("a1 b1", 1), Family("b1", 2, is_cut=True), Family(None, at=3)),
        ("changed: c a, c b", "changed", "changed: d a, d b"),
        "Every child that was ever seen, also those that a cut list does not name.",
    ),
    FamilySituation(
        "The parent is created again",
        (Family("a1", 1, child_version=1), Family(None, at=3), Family("a1", 4, child_version=1)),
        ("changed: c a", "changed: d a", "changed: c a"),
        "Although the child's own update time is older than the deletion.",
    ),
    FamilySituation(
        "The child's own event before the list",
        (
            Family("a1", 1, child_version=1),
            Family("a2", is_own=True, child_version=2),
            Family("a2", 2, child_version=2),
        ),
        ("changed: c a", "changed: u a", "changed"),
        "The list shows what is known: the parent's document changed, the child not once more.",
    ),
    FamilySituation(
        "The list before the child's own event",
        (
            Family("a1", 1, child_version=1),
            Family("a2", 2, child_version=2),
            Family("a2", is_own=True, child_version=2),
        ),
        ("changed: c a", "changed: u a", "unchanged"),
        "The other way round.",
    ),
    FamilySituation(
        "A list older than the child's own event",
        (
            Family("a1", 1, child_version=1),
            Family("a3", is_own=True, child_version=5),
            Family("a2", 4, child_version=2),
        ),
        ("changed: c a", "changed: u a", "changed"),
        "The parent is newer than what is stored, the child in its list is not.",
    ),
    FamilySituation(
        "A list made before the child's own event",
        (Family("b1", 1), Family("a1", is_own=True, child_version=5), Family("b1", 4), Family("b1", 6)),
        ("changed: c b", "changed: c a", "unchanged", "changed: d a"),
        "It cannot know the child yet; the next list decides.",
    ),
    FamilySituation(
        "The child's own event after the parent's deletion",
        (Family("a1", 1, child_version=1), Family(None, at=5), Family("a2", is_own=True, child_version=4)),
        ("changed: c a", "changed: d a", "stale"),
        "Otherwise a late delivery would leave a child without its parent.",
    ),
    FamilySituation(
        "A child shown by its own event alone",
        (Family("a1", is_own=True, child_version=1), Family(None, at=5)),
        ("changed: c a", "changed: d a"),
        "A child does not outlive its parent, listed or not.",
    ),
)


def table() -> str:
    """Return the situations as a Markdown table."""
    rows = ["| Situation | Deliveries as they arrive | Decided | Why |", "|---|---|---|---|"]
    rows += [
        f"| {case.name} | {steps(map(str, case.arrivals))} | {steps(case.decided)} | {case.why} |" for case in FAMILIES
    ]
    return "\n".join(rows)


def with_table(text: str) -> str:
    """Return the text of docs/semantics.md with the current table between its two marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
