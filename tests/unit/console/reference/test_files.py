"""docs/reference.md, docs/asyncapi.yaml and docs/schemas/ are what the code says."""

from pathlib import Path

import pytest

from console.reference import fields, files, headers
from console.reference.fields import UndocumentedField, fields_section
from console.reference.files import generated, present_schemas, write
from console.reference.headers import headers_section
from console.reference.topics import FAMILIES, policy, topics_section
from schemas import topics
from schemas.codec import schema_text
from schemas.topics import RAW, Topic

DOCS = Path(__file__).parents[4] / "docs"
REMAKE = "it is not what the code says: run `make docs`"


def test_files_are_up_to_date() -> None:
    """The committed files match the current code, and no schema is left of a resource without a table."""
    texts = generated()

    stale = [str(path) for path, text in texts.items() if (DOCS / path).read_text(encoding="utf-8") != text]
    assert stale == [], REMAKE
    assert present_schemas(DOCS) <= set(texts), REMAKE


def test_new_retention_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy that changes in the code makes the committed page stale."""
    monkeypatch.setattr(topics, "described", lambda name, **_options: Topic(name, {"max.message.bytes": "1048576"}))

    assert generated()[Path("reference.md")] != (DOCS / "reference.md").read_text(encoding="utf-8")


def test_field_without_documentation_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A field added to a schema without `doc` cannot be published unexplained; the error names it."""
    undocumented = schema_text("state").replace(', "doc": "JSON text."', "")
    monkeypatch.setattr(fields, "schema_text", lambda _name: undocumented)

    with pytest.raises(UndocumentedField, match=r"State\.document"):
        list(fields_section())


def test_header_without_meaning_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A header added to the codec cannot be published unexplained."""
    monkeypatch.setattr(headers, "MEANINGS", {})

    with pytest.raises(KeyError):
        list(headers_section())


def test_users_of_a_topic_follow_from_their_rights() -> None:
    """The worker reads what the ingress writes, and adds what it reads at providers; a replay does both."""
    rows = {row.split(" | ")[0]: row for row in topics_section()}

    written, read = rows[f"| `{RAW}`"].split(" | ")[-2:]
    assert written == "ingress, worker, `penstock replay`, `penstock dead`, `penstock pending`"
    assert read.startswith("worker, ")
    assert rows["| `penstock.<app>.seen-changelog`"].endswith(" | worker | worker, `penstock state` |")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (RAW, "kept 14 days; records up to 26 MiB"),
        ("state.<provider>.<resource>", "compacted; records up to 60 MiB"),
        ("penstock.<app>.seen-changelog", "compacted, kept 7 days; records up to 60 MiB"),
        ("deliveries.dead", "kept without limit; records up to 60 MiB"),
    ],
)
def test_policy_is_said_in_words(name: str, expected: str) -> None:
    """As the topic is created."""
    (family,) = [family for family in FAMILIES if family.name == name]

    assert policy(family) == expected


def test_schema_of_a_removed_table_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make docs` leaves no schema of a resource that has no column table any more."""
    monkeypatch.setattr(files, "generated", lambda: {Path("reference.md"): "text"})
    left = tmp_path / "schemas" / "shopify" / "gone.json"
    left.parent.mkdir(parents=True)
    left.write_text("{}")

    write(tmp_path)

    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == ["reference.md"]
