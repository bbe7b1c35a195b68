"""Fields that leave their columns: which are told, once, and by which delivery."""

from typing import Any

import msgspec
import pytest

from schemas import codec
from schemas.records import Document, LatestState, RawDelivery, Snapshot
from schemas.typed.encode import Encoded
from streams.pipeline import Tables, process
from streams.steps import drift
from streams.steps.drift import DRIFT, MAX_FIELDS, Drift, entries
from streams.steps.routing import Routes
from tests.support.builders.deliveries import second

ISSUE: Document = {"id": 7, "number": 1, "title": "Lamp", "state": "open", "updated_at": "2026-01-01T00:00:00Z"}


class Repository:
    """A GitHub source whose deliveries of one issue are decided with tables in memory."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[bytes, bytes]] = {"seen": {}, "latest": {}}
        self._count = 0

    def show(self, fields: Document | None = None, api_version: str | None = None) -> tuple[Drift, ...]:
        """Decide a delivery that shows the issue with these fields, absent ones as `...`; return what it drifted."""
        self._count += 1
        issue = {**ISSUE, "updated_at": f"2026-01-01T00:00:{self._count:02}Z", **(fields or {})}
        body: Document = {
            "action": "edited",
            "issue": {name: value for name, value in issue.items() if value is not ...},
            "repository": {"id": 5, "full_name": "a/b"},
        }
        key = "github|repo||issue|7"
        delivery = RawDelivery(
            f"d-{self._count}",
            "github",
            "repo",
            "issues",
            second(self._count),
            key,
            msgspec.json.encode(body),
            api_version=api_version,
        )
        result = process(delivery, Tables(self.tables["seen"], self.tables["latest"]), Routes({}))
        self.tables["seen"].update(result.writes.seen)
        self.tables["latest"].update(result.writes.latest)
        return tuple(each for each in result.drifts if each.resource_type == "issue")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"mood": "good"}, Drift("issue", "new", "mood")),
        ({"mood": None}, Drift("issue", "new", "mood")),
        ({"title": 5}, Drift("issue", "retyped", "title")),
        ({"title": ...}, Drift("issue", "vanished", "title")),
    ],
)
def test_field_that_leaves_its_column_is_told_once(fields: dict[str, Any], told: Drift) -> None:
    """By the first delivery that shows it; the later ones say nothing, whatever the resource."""
    repository = Repository()
    assert repository.show() == ()

    assert repository.show(fields) == (told,)
    assert repository.show() == ()
    assert repository.show(fields) == ()


def test_each_api_version_is_told_apart() -> None:
    """A field that vanishes with a version is the sign of a subscription to be looked at, PostHog's among them."""
    repository = Repository()
    repository.show({"mood": "good"}, "2022-11-28")

    assert repository.show({"mood": "good", "title": "Desk"}, "2026-03-10") == (Drift("issue", "new", "mood"),)
    assert repository.show({"title": ...}) == (Drift("issue", "vanished", "title"),)


def test_first_delivery_is_remembered_with_its_resource() -> None:
    """In a row of *latest*, under the source, the resource type and the version."""
    repository = Repository()
    repository.show()
    repository.show({"mood": "good"})
    repository.show({"mood": "bad"})

    (row,) = [row for key, row in repository.tables["latest"].items() if key == DRIFT + b"github|repo||issue|"]
    ((kind, field, first),) = entries(row)
    assert (kind, field, first.delivery_id, first.resource_key) == ("new", "mood", "d-2", "github|repo||issue|7")
    assert codec.us_time(first.received_us) == second(2)


@pytest.mark.parametrize("name", ["_links", "b2b?", ""])
def test_name_that_can_be_no_column_is_not_new(name: str) -> None:
    """It is known to be in `_extra`; nobody can give it a column."""
    assert Repository().show({name: 1}) == ()


@pytest.mark.parametrize("is_partial", [True, False])
def test_partial_rendering_shows_nothing_about_what_it_leaves_out(is_partial: bool) -> None:
    """Of a subscription with chosen fields, or an element of a parent's list that has fields of its own."""
    shown = Snapshot("issue", "7", {"id": 7}, is_partial=is_partial, is_shared=not is_partial)
    latest = LatestState(None, None, b"", codec.document_json(ISSUE))

    found = drift.drifts(shown, Encoded(b""), (), latest, {"title"}, is_merged=True)

    assert found == []
    assert drift.drifts(Snapshot("issue", "7", {"id": 7}), Encoded(b""), (), latest, {"title"}, is_merged=True) == [
        Drift("issue", "vanished", "title")
    ]


def test_row_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document that is keyed by ids does not fill the table."""
    monkeypatch.setattr(drift, "MAX_FIELDS", 3)
    repository = Repository()

    told = repository.show({f"field_{number}": number for number in range(9)})

    assert len(told) == 3
    assert MAX_FIELDS > 100
