"""Abridged text for people: a payload can make a list or a name of any length. `--json` has everything."""

from collections.abc import Sequence

SHOWN = 10  # elements of a list within a line
SHOWN_CHARS = 120  # of one element; JSON Pointers of real payloads have about 30


def listed(texts: Sequence[str], most: int = SHOWN) -> str:
    """Return the first texts with commas between, each cut, and the number of the others: `/a, /b and 9,812 more`."""
    shown = ", ".join(cut(text) for text in texts[:most])
    return f"{shown} and {len(texts) - most:,} more" if len(texts) > most else shown


def cut(text: str, most: int = SHOWN_CHARS) -> str:
    """Return a text of at most `most` characters, an ellipsis at its end if there were more."""
    return text if len(text) <= most else text[: most - 1] + "…"


def others(count: int, most: int, what: str) -> str:
    """Return the line below the first `most` of `count` things that says how many others there are; empty if there are none."""
    return f"… and {count - most:,} more {what}; --json shows them all" if count > most else ""
