"""What is wrong with the text of a filter, where, and what belongs there instead."""

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
"""What the parser would have taken, what it found, and what to say; the first row that fits."""


class FilterSyntaxError(ValueError):
    """The text is no filter. Its message says what was expected and shows the text with a caret under the place."""

    def __init__(self, text: str, position: int, expected: str) -> None:
        self.text, self.position, self.expected = text, position, expected
        super().__init__(f"expected {expected}\n{_pointed(text, position)}")


def place(token: Token) -> int:
    """Return where a token begins in the text."""
    return token.start_pos or 0  # None only for tokens that no lexer made


def complaint(text: str, error: UnexpectedCharacters | UnexpectedToken) -> tuple[int, str]:
    """Return where the text goes wrong and what belongs there."""
    position, allowed = _stopped(text, error)
    rest = text[position:]
    for state, pattern, expected in _EXPECTED:
        if state in allowed and pattern.fullmatch(rest):
            return position, expected
    return position, "a space or the end of the filter"


def _stopped(text: str, error: UnexpectedCharacters | UnexpectedToken) -> tuple[int, frozenset[str]]:
    """Return where the parser stopped, and the names of what it would have taken there."""
    if isinstance(error, UnexpectedCharacters):
        return error.pos_in_stream or 0, frozenset(error.allowed)
    return len(text) if error.token.type == "$END" else place(error.token), frozenset(error.accepts)


def _pointed(text: str, position: int) -> str:
    """Return the text round a position, and under it a caret."""
    start = max(0, position - SHOWN_CHARS)
    shown = re.sub(r"\s", " ", text[start : position + SHOWN_CHARS])
    lead = "  …" if start else "  "
    trail = "…" if position + SHOWN_CHARS < len(text) else ""
    return f"{lead}{shown}{trail}\n{' ' * (len(lead) + _columns(shown[: position - start]))}^"


def _columns(text: str) -> int:
    """Return how many columns of a terminal a text takes: wide characters two, accents of their own none."""
    return sum(0 if combining(character) else 1 + (east_asian_width(character) in "WF") for character in text)
