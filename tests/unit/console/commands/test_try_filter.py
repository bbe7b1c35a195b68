"""`penstock try-filter`: the verdict term by term, for people and programs, with grep's exit codes."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from console import cli
from console.queries.document_fields import field_names, meant
from console.queries.filter_trial import tried
from tests.support.builders.corpora import corpora

PRODUCT: dict[str, Any] = {
    "id": 7,
    "vendor": "Nike",
    "tags": "sale, VIP",
    "variants": [{"id": 1, "price": "79.00"}, {"id": 2, "price": "69.00"}],
}


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a Nike and a Puma product as files of the current directory."""
    monkeypatch.chdir(tmp_path)
    Path("nike.json").write_text(json.dumps(PRODUCT))
    Path("puma.json").write_text(json.dumps(PRODUCT | {"vendor": "Puma"}))


@pytest.fixture
def try_filter(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return a function that runs the command and returns its exit code, its output and its error message."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["penstock", "try-filter", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return run


def test_match_ends_with_0_and_shows_what_was_found(try_filter: Any) -> None:
    """Each term is shown beside the document's value."""
    code, printed, _ = try_filter("vendor:Nike variants.price:<70", "nike.json")

    assert code == 0
    assert [line.split() for line in printed.splitlines()] == [
        ["match"],
        ["true", "all", "of"],
        ["true", "vendor:Nike", '"Nike"'],
        ["true", "variants.price:<70", '"79.00",', '"69.00"'],
    ]


def test_tree_has_the_shape_of_the_filter(try_filter: Any) -> None:
    """OR binds tighter than AND, and the output shows it."""
    code, printed, _ = try_filter("vendor:Puma OR vendor:Nike NOT (tags:VIP id:7)", "nike.json")

    assert code == 1
    assert [line.rstrip()[:34].rstrip() for line in printed.splitlines()] == [
        "no match",
        "  false     all of",
        "  true        any of",
        "  false         vendor:Puma",
        "  true          vendor:Nike",
        "  false       not",
        "  true          all of",
        "  true            tags:VIP",
        "  true            id:7",
    ]


def test_undecided_term_says_why_and_what_may_be_meant(try_filter: Any) -> None:
    """A misspelt field is the usual reason for a topic without records."""
    code, printed, _ = try_filter("-vender:Nike", "nike.json")

    assert code == 1
    assert "no match: undecided, which takes nothing" in printed
    assert "undecided -vender:Nike" in printed
    assert "the document has no field vender; did you mean vendor?" in printed


def test_document_that_no_longer_matches_is_taken_because_of_the_one_before(try_filter: Any) -> None:
    """A route does the same."""
    code, printed, _ = try_filter("vendor:Nike", "puma.json", "--before", "nike.json")

    assert code == 0
    assert "match: the document before does" in printed
    assert printed.index("before\n") < printed.index('"Nike"') < printed.index("after\n") < printed.index('"Puma"')


def test_json_is_one_line_with_every_verdict(try_filter: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard input is read whole; numbers keep their digits."""
    stdin = io.TextIOWrapper(io.BytesIO(b'{"price": 0.10000000000000000001}'))
    monkeypatch.setattr(sys, "stdin", stdin)

    code, printed, _ = try_filter("price:>0.1 OR note:*", "-", "--json")

    assert code == 0
    assert "0.10000000000000000001" in printed
    told = json.loads(printed)
    assert (told["filter"], told["takes"]) == ("price:>0.1 OR note:*", True)
    (resource,) = told["resources"]
    assert (resource["before"], resource["after"]["kind"]) == (None, "any")
    assert [(part["term"], part["field"], part["holds"]) for part in resource["after"]["parts"]] == [
        ("price:>0.1", "price", True),
        ("note:*", "note", False),
    ]


def test_delivery_is_read_as_its_provider_wraps_it(try_filter: Any) -> None:
    """A filter sees the resource, not the envelope around it."""
    place = next(str(path) for path in sorted((corpora() / "github" / "issues").glob("*.json")))
    bare, bare_text, _ = try_filter("user.login:*", place)
    wrapped, text, _ = try_filter("user.login:*", place, "--provider", "github", "--topic", "issues")

    assert (bare, wrapped) == (1, 0)
    assert "no match" in bare_text
    assert text.startswith("issue ")


def test_delivery_shows_the_children_that_it_lists(try_filter: Any) -> None:
    """Children become resources as in a worker; `--resource` selects, as in a route."""
    delivery = ("nike.json", "--provider", "shopify", "--topic", "products/update")

    code, printed, _ = try_filter("price:<70", *delivery)
    only_code, only, _ = try_filter("price:<70", *delivery, "--resource", "variant")
    none_code, none, said = try_filter("price:<70", *delivery, "--resource", "varient")

    assert [line.partition(":")[0] for line in printed.splitlines() if "match" in line] == [
        "product 7", "variant 1", "variant 2",
    ]  # fmt: skip
    assert [line for line in only.splitlines() if "match" in line] == ["variant 1: no match", "variant 2: match"]
    assert (code, only_code, none_code, none) == (0, 0, 1, "")
    assert "no varient in the payload" in said


def test_whole_delivery_without_its_provider_is_suspected(try_filter: Any) -> None:
    """The hint comes where no field of the filter exists at all."""
    Path("delivery.json").write_text(json.dumps({"issue": {"state": "open"}}))

    assert "name its --provider" in try_filter("state:open", "delivery.json")[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("vendor:Nike and a:1", "nike.json"), "expected AND, OR and NOT in capital letters\n  vendor:Nike and a:1\n"),
        (("vendor:Nike and a:1", "nike.json"), f"\n{' ' * 14}^"),
        (("a:1", "gone.json"), "gone.json: no such file or directory"),
        (("a:1", "list.json"), "list.json: expected a JSON object, got an array"),
        (("a:1", "broken.json"), "broken.json: expected a JSON object: "),
        (("a:1", "nike.json", "--provider", "githb"), "--provider: expected a provider, one of shopify,"),
        (("a:1", "list.json", "--provider", "shopify"), "as a delivery of shopify it is dead (unknown_shape)"),
        (("a:<now", "nike.json", "--now", "soon"), "--now: expected a time"),
        (("a:1", "nike.json", "--nope"), "unexpected extra argument"),
    ],
)
def test_mistake_ends_with_2_and_its_explanation(try_filter: Any, arguments: tuple[str, ...], message: str) -> None:
    """The exit codes are grep's: 1 is a valid answer, 2 is an error."""
    Path("list.json").write_text("[]")
    Path("broken.json").write_text("{")

    code, printed, said = try_filter(*arguments)

    assert (code, printed) == (2, "")
    assert message in said


def test_filter_may_begin_with_a_minus_sign_and_look_like_an_option(try_filter: Any) -> None:
    """Its letters are never taken for -h or -c."""
    assert try_filter("-hectic:*", "nike.json")[0] == 0
    assert try_filter("-vendor:Nike", "nike.json")[0] == 1


def test_now_is_as_told(try_filter: Any) -> None:
    """A filter on time can be tried for another day."""
    Path("at.json").write_text('{"at": "2026-01-02T00:00:00Z"}')

    assert try_filter("at:<now", "at.json", "--now", "2026-01-01T00:00:00Z")[0] == 1
    assert try_filter("at:<now", "at.json", "--now", "2026-01-03T00:00:00Z")[0] == 0


def test_help_names_the_exit_codes(try_filter: Any) -> None:
    """The help text is sufficient without the source code."""
    assert "1 when it does not" in " ".join(try_filter("--help")[1].split())


def test_no_resource_at_all_is_no_match() -> None:
    """Nothing can match."""
    from datetime import UTC, datetime

    from streams.steps.filter import compile_filter

    assert tried(compile_filter("a:1"), [], [], datetime.now(UTC)) == []


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("vender", "; did you mean vendor?"),
        ("price", "; did you mean variants.price?"),
        ("variant.price", "; did you mean variants.price?"),
        ("zzz", ""),
    ],
)
def test_what_may_be_meant(name: str, hint: str) -> None:
    """The suggestion is a close name, or the same name deeper down; nothing else."""
    assert meant(name, field_names([PRODUCT])) == hint


def test_field_names_lead_through_arrays() -> None:
    """Each field once, from all documents."""
    assert field_names([PRODUCT, {"note": None}]) == {
        "id", "vendor", "tags", "variants", "variants.id", "variants.price", "note",
    }  # fmt: skip
