"""Syntax errors of filters: the position of the error and what was expected there."""

import re
from typing import Final
from unicodedata import combining, east_asian_width

from lark import Token
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

SHOWN_CHARS = 60  # on each side of the caret


_TERM = "a term such as vendor:Nike"
_EXPECTED: Final = tuple(
    (state, re.compile(pattern, re.DOTALL), expected)
    for state, pattern, expected in (
        # After a comparator.
        ("WORD", r"[\"'].*", "a closing quote"),
        ("WORD", r"\\", "a character after the backslash"),
        ("WORD", r":.*", r"a value; a colon in it is written \:, or the value is quoted"),
        ("WORD", r"[()].*", r"a value; a parenthesis in it is written \( or \), or the value is quoted"),
        ("WORD", r".*", "a value right after the comparator, without a space"),
        # Where a term may begin.
        ("FIELD", r"(?:AND|OR)(?:\s.*)?", f"{_TERM} on both sides of AND and OR"),
        ("FIELD", r"NOT(?:\(.*)?", f"a space after NOT, and then {_TERM} or a group"),
        ("FIELD", r"(?:and|or|not)(?:[\s(].*)?", "AND, OR and NOT in capital letters"),
        ("FIELD", r"(?:-|NOT\s).*", f"{_TERM}; there is only one - or NOT before it"),
        ("FIELD", r"\s.*", f"{_TERM} or a group right after -, without a space"),
        ("FIELD", r":.*", "the name of a field before the colon"),
        ("FIELD", r"\).*", f"{_TERM} before the closing parenthesis"),
        ("FIELD", r".+", "field:value; a bare word does not say in which field to look"),
        ("FIELD", r"", _TERM),
        # After a term.
        ("_SPACE", r":.*", r"a space or the end; a colon in a value is written \:, or the value is quoted"),
        ("_SPACE", r"\\", "a character after the backslash"),
        ("_SPACE", r"\(.*", "a space before the opening parenthesis"),
        ("$END", r"\s*\).*", "no closing parenthesis: none is open"),
        ("_RPAR", r"", "a closing parenthesis"),
    )
)
"""A token that the parser would have accepted, a pattern of what it found, and the message; the first match wins."""


class FilterSyntaxError(ValueError):
    """The text is not a valid filter. The message says what was expected and shows the text with a caret at the position."""

    def __init__(self, text: str, position: int, expected: str) -> None:
        self.text, self.position, self.expected = text, position, expected
        super().__init__(f"expected {expected}\n{_pointed(text, position)}")


def position(token: Token) -> int:
    """Return the position of a token in the text."""
    return token.start_pos or 0  # None only for tokens that do not come from a lexer


def complaint(text: str, error: UnexpectedCharacters | UnexpectedToken) -> tuple[int, str]:
    """Return the position of the error and what was expected there."""
    position, allowed = _stopped(text, error)
    rest = text[position:]
    for state, pattern, expected in _EXPECTED:
        if state in allowed and pattern.fullmatch(rest):
            return position, expected
    return position, "a space or the end of the filter"


def _stopped(text: str, error: UnexpectedCharacters | UnexpectedToken) -> tuple[int, frozenset[str]]:
    """Return where the parser stopped, and the names of the tokens that it would have accepted there."""
    if isinstance(error, UnexpectedCharacters):
        return error.pos_in_stream or 0, frozenset(error.allowed)
    return len(text) if error.token.type == "$END" else position(error.token), frozenset(error.accepts)


def _pointed(text: str, position: int) -> str:
    """Return the text around a position, with a caret below it."""
    start = max(0, position - SHOWN_CHARS)
    shown = re.sub(r"\s", " ", text[start : position + SHOWN_CHARS])
    lead = "  …" if start else "  "
    trail = "…" if position + SHOWN_CHARS < len(text) else ""
    return f"{lead}{shown}{trail}\n{' ' * (len(lead) + _columns(shown[: position - start]))}^"


def _columns(text: str) -> int:
    """Return the width of a text in terminal columns: wide characters take two, combining accents none."""
    return sum(0 if combining(character) else 1 + (east_asian_width(character) in "WF") for character in text)
