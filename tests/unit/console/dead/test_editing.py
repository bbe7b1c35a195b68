"""A letter's body, changed by values or in an editor."""

import shlex
import sys

import pytest

from console.dead.editing import from_editor, with_values
from console.errors import Misused

BODY = b'{"b": 1.50, "a": {"x/y": [1, 2], "~": null}}'


@pytest.mark.parametrize(("assignments", "changed"), [
    (["/b=2"], b'{"b":2,"a":{"x/y":[1,2],"~":null}}'),
    (["/b=two words"], b'{"b":"two words","a":{"x/y":[1,2],"~":null}}'),
    (['/b="2"'], b'{"b":"2","a":{"x/y":[1,2],"~":null}}'),
    (["/new=a=b"], b'{"b":1.50,"a":{"x/y":[1,2],"~":null},"new":"a=b"}'),
    (["/a/x~1y/1=9", "/a/~0=true"], b'{"b":1.50,"a":{"x/y":[1,9],"~":true}}'),
    (["/a/x~1y/-=3"], b'{"b":1.50,"a":{"x/y":[1,2,3],"~":null}}'),
])  # fmt: skip
def test_value_is_set_and_all_else_stays(assignments: list[str], changed: bytes) -> None:
    """The order of members and the digits of numbers too."""
    assert with_values(BODY, assignments) == changed


@pytest.mark.parametrize("assignment", ["/b", "b=1", "=1", "/no/where=1", "/a/x~1y/2=1", "/a/x~1y/²=1", "/b/c=1"])
def test_mistaken_pointer_changes_nothing(assignment: str) -> None:
    """The message quotes it."""
    with pytest.raises(Misused, match="--set"):
        with_values(BODY, [assignment])


def test_body_that_is_no_json_is_given_whole() -> None:
    """A single value cannot be set in it."""
    with pytest.raises(Misused, match="--body FILE"):
        with_values(b"{broken", ["/a=1"])


def editor(code: str) -> dict[str, str]:
    """Return an environment whose editor runs Python with the file's path as its argument."""
    return {
        "EDITOR": shlex.join([sys.executable, "-c", f"import pathlib, sys\nfile = pathlib.Path(sys.argv[1])\n{code}"])
    }


def test_editor_shows_json_indented() -> None:
    """What is saved becomes a body without the spaces again."""
    code = "text = file.read_text(); assert '  \"b\": 1.50' in text; file.write_text(text.replace('1.50', '1.60'))"

    assert from_editor(BODY, editor(code)) == b'{"b":1.60,"a":{"x/y":[1,2],"~":null}}'


def test_editor_shows_other_bytes_exactly() -> None:
    """A body that is no JSON is what it is."""
    assert from_editor(b"a=1&b=\xff", editor("file.write_bytes(file.read_bytes() + b'!')")) == b"a=1&b=\xff!"


def test_unchanged_body_is_none() -> None:
    """The person has thought better of it."""
    assert from_editor(BODY, editor("")) is None


@pytest.mark.parametrize(("environ", "said"), [
    (editor("sys.exit(3)"), "ended with 3"),
    (editor("file.write_text('{broken')"), "expected a body of JSON"),
    ({"VISUAL": "/no/such/editor"}, "cannot start the editor"),
])  # fmt: skip
def test_editor_that_fails_publishes_nothing(environ: dict[str, str], said: str) -> None:
    """The message says what happened."""
    with pytest.raises(Misused, match=said):
        from_editor(BODY, environ)
