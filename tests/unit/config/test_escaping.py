"""Unsafe characters for a terminal are escaped, a line stays one line, JSON keeps its value, legible text is unchanged."""

import json
import sys
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.escaping import harmless, harmless_json, harmless_lines, indented, json_line
from tests.support.faults.hostile_text import HOSTILE, LEGIBLE, assert_harmless, is_unsafe

EVERYTHING = "".join(map(chr, range(sys.maxunicode + 1)))
ANY_TEXT = st.text(st.characters(exclude_categories=[]))


@pytest.mark.parametrize(("text", "shown"), [
    ("a\x1b[2Jb\r\x9b", r"a\x1b[2Jb\x0d\x9b"),
    ("\x00\x7f\x80\x85\x9f", r"\x00\x7f\x80\x85\x9f"),
    ("evil\u202egnp.exe", r"evil\u202egnp.exe"),
    ("\u061c\u200e\u200f\u2066\u2069", r"\u061c\u200e\u200f\u2066\u2069"),
    ("a\nb\u2028c", r"a\x0ab\u2028c"),
    ("acme\u200b \ufeff\u2060", r"acme\u200b \ufeff\u2060"),   # two names must not look the same
    ("\udc80", r"\udc80"),                                     # a file's name that is no UTF-8
    (LEGIBLE, LEGIBLE),
    ("می‌خواهم", "می‌خواهم"),                                   # Persian needs its zero-width non-joiner
])  # fmt: skip
def test_unsafe_characters_are_shown_as_escapes(text: str, shown: str) -> None:
    """Escapes are visible, and a terminal does not act on them."""
    assert harmless(text) == shown


def test_every_unsafe_character_is_escaped() -> None:
    """All of Unicode, judged by its own categories: nothing unsafe remains, in a line, in lines or in JSON."""
    assert len(_unsafe()) > 2048 + 65 + 12
    assert_harmless(harmless(_unsafe()))
    assert_harmless(harmless_lines(_unsafe().replace("\n", "")))
    assert_harmless(harmless_json(json.dumps(_unsafe(), ensure_ascii=False)))


def test_letters_stay_as_they_are() -> None:
    """Among characters that are no control, separator or surrogate, only zero-width ones change: 17 characters."""
    safe = set(EVERYTHING).difference(_unsafe())

    changed = safe.difference(harmless("".join(safe)))
    assert len(changed) == 17
    assert not [character for character in changed if character.isprintable()]


def test_lines_stay_lines() -> None:
    """Messages of several lines keep them, with tabs as spaces; any other line break is escaped."""
    assert harmless_lines("a\n\tat b\r\x0b\u2029") == "a\n    at b\\x0d\\x0b\\u2029"
    assert indented("one\ntwo\n  three\n\nfour\n") == "one\n  two\n  three\n\n  four\n"


@given(ANY_TEXT)
def test_escaping_twice_is_escaping_once(text: str) -> None:
    """Escaping in two layers gives the same text as in one."""
    assert harmless(harmless(text)) == harmless(text)
    assert harmless_lines(harmless(text)) == harmless(text)


@given(st.recursive(ANY_TEXT | st.integers(), lambda values: st.lists(values) | st.dictionaries(ANY_TEXT, values)))
def test_json_keeps_its_value(value: object) -> None:
    """A parser gets the original value, in every case."""
    for text in (json.dumps(value, ensure_ascii=False), json.dumps(value, ensure_ascii=False, indent=2)):
        assert json.loads(harmless_json(text)) == value


def test_log_line_is_one_harmless_line() -> None:
    """`json.dumps` leaves DEL as it is."""
    line = json_line({"detail": HOSTILE})

    assert_harmless(line)
    assert "\n" not in line
    assert json.loads(line) == {"detail": HOSTILE}


@cache
def _unsafe() -> str:
    # Not when the module is imported: each of pytest's processes imports it, and this takes a second.
    return "".join(filter(is_unsafe, EVERYTHING))
