"""Problems in a configuration, reported so that a person can find and fix the line. Never shows a secret."""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import ErrorDetails, PydanticCustomError

from config.escaping import harmless
from config.toml_lines import Location

PRIVATE_KEYS = frozenset(
    {
        "bearer_token",
        "headers",
        "options",
        "password",
        "secrets",
        "tls_key_password",
        "username",
        "access_key",
        "credentials",
        "secret_key",
    }
)  # below these, messages never repeat the input


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem: its location (`penstock.toml:12`, or a variable), its key, and what was expected."""

    location: str
    key: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.location, self.key, self.message) if part)


class ConfigurationError(Exception):
    """The configuration cannot be used; the text has one line per problem."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: Sequence[Problem] = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def key_text(location: Location) -> str:
    """Return a location as people write it: `sources[1].provider`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return harmless(text.removeprefix("."))  # a quoted key may contain anything, even a line break


def fault(key: str | int, message: str) -> PydanticCustomError:
    """Return the error for a validator to raise about one key of its table, or one element of its array."""
    return PydanticCustomError("fault", "{message}", {"key": key, "message": message})


def suggestion(given: object, known: Iterable[str]) -> str:
    """Return `; did you mean 'shopify'?` if a known word is close to the given one, else an empty text."""
    close = difflib.get_close_matches(str(given), list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def explain(error: ErrorDetails, known_keys: Callable[[Location], Sequence[str]]) -> tuple[Location, str]:
    """Return the key that a pydantic error is about and what was expected; `known_keys` lists the keys of a table."""
    location: Location = tuple(error["loc"])
    context: Mapping[str, Any] = error.get("ctx", {})
    if error["type"] == "fault":
        return (*location, context["key"]), context["message"]
    if error["type"] == "extra_forbidden":
        known = known_keys(location[:-1])
        return location, "unknown key" + (suggestion(location[-1], known) or f"; known are {', '.join(known)}")
    if error["type"] == "missing":
        return location, "is required"
    if error["type"] == "value_error":
        return location, str(context["error"])
    if error["type"] == "tuple_type" and location in {("sources",), ("routes",)}:
        return location, f"expected an array of tables; write [[{location[0]}]] with two brackets"
    return location, _expected(error, location, context)


def _expected(error: ErrorDetails, location: Location, context: Mapping[str, Any]) -> str:
    given = error["input"]
    shown = not PRIVATE_KEYS.intersection(location) and isinstance(given, str | int | float)
    got = f", got {given!r}" if shown else ""
    if error["type"] == "literal_error":
        words = re.findall(r"'([^']*)'", context["expected"])
        return f"expected one of {', '.join(words)}{got}{suggestion(given, words) if shown else ''}"
    return (
        error["msg"].replace("Input should be", "expected").replace("tuple", "array").replace("dictionary", "table")
        + got
    )
