"""docs/configuration.md: generated from the model, complete, current, and correct about readers and reloads."""

import re
from pathlib import Path

import pytest

from config import loading, reference
from config.attribute_docs import attribute_docs
from config.reference import TABLES, VARIABLES, Table, configuration_page, undescribed
from ingress import config_reload

ROOT = Path(__file__).parents[3]
PACKAGES = (
    "broker",
    "config",
    "console",
    "ingress",
    "local",
    "providers",
    "schemas",
    "simulator",
    "sinks",
    "streams",
    "subscriptions",
)
REMAKE = "the page is not what the model says: run `make docs`"


EXAMPLE = """
class Example(BaseModel):
    limit_bytes: int = 1024
    '''How many
    bytes.'''
    names: tuple[str, ...] = ()
"""


def row(page: str, key: str) -> list[str]:
    """Return the cells of the first row of a key."""
    found = re.search(rf"^\| `{key}` \| (.*) \|$", page, re.MULTILINE)
    assert found
    return found[1].split(" | ")


def test_page_is_up_to_date() -> None:
    """The committed page matches the current model."""
    assert (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8") == configuration_page(), REMAKE


def test_changed_default_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A default that changes in the model makes the committed page stale."""
    changed = loading.json_schema()
    changed["$defs"]["Worker"]["properties"]["seen_days"]["default"] = 8
    monkeypatch.setattr(reference, "json_schema", lambda: changed)

    assert row(configuration_page(), "seen_days")[1] == "`8`"
    assert configuration_page() != (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")


def test_every_key_has_its_row_and_its_meaning() -> None:
    """The page has each key of each table, and the model gives the meaning of each."""
    page = configuration_page()
    keys = {key for table in TABLES for key in table.model.model_fields}

    assert undescribed() == []
    assert keys <= set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))


def test_every_table_of_the_model_has_its_section() -> None:
    """A table added to the model fails here until the page explains it."""
    assert {table.model.__name__ for table in TABLES} == set(loading.json_schema()["$defs"])


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("body_limit_bytes", ["integer", "`26214400` (25 MiB)", "bytes", "1 to 1,073,741,824"]),
        ("rate_limit", ["number", "not set", "deliveries per second", "0.01 to 1,000,000"]),
        ("spool", ["boolean or string", "`true`", "", "`on`, `off`"]),
        ("secrets", ["list of strings or tables", "`[]`", "", ""]),
        ("name", ["string", "required", "", "lower-case letters, digits and hyphens, no hyphen first, 63 at most"]),
        ("until", ["date", "not set", "", ""]),
        ("options", ["table of strings", "`{}`", "", ""]),
        ("operations", ["list of strings", '`["c", "u", "d", "r"]`', "", "`c`, `u`, `d`, `r`"]),
    ],
)
def test_row_says_type_default_unit_and_limits(key: str, expected: list[str]) -> None:
    """Each kind of key is shown in the file's notation."""
    assert row(configuration_page(), key)[:4] == expected


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.title)
def test_example_is_a_valid_configuration(table: Table, tmp_path: Path) -> None:
    """The examples on the page can be copied."""
    path = tmp_path / "penstock.toml"
    path.write_text(table.example)

    loading.load(path, {})


def test_what_is_followed_is_said() -> None:
    """The page marks the tables that the ingress reloads, and names for all others the process to restart."""
    followed = {table.title for table in TABLES if "The ingress follows" in table.reload}

    assert followed == {
        title for title in (table.title for table in TABLES) if f"[[{config_reload.FOLLOWED}]]" in title
    }
    assert all("restart" in table.reload for table in TABLES if table.title not in followed)


def test_every_variable_that_is_read_is_named() -> None:
    """Each PENSTOCK_ variable in the code is on the page, and no other."""
    sources = [file.read_text(encoding="utf-8") for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    read = {name for text in sources for name in re.findall(r"\"(PENSTOCK_[A-Z_]+)\"", text)}

    assert {variable.name for variable in VARIABLES if variable.name.startswith("PENSTOCK_")} == read


def test_text_below_an_attribute_is_its_meaning() -> None:
    """A text of several lines becomes one; an attribute without one has none."""
    assert attribute_docs(EXAMPLE) == {"Example": {"limit_bytes": "How many bytes."}}
