"""What commands share that select from many: options, and checks of what a person said."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from console.errors import Misused

if TYPE_CHECKING:
    from schemas.records import OutcomeName

SourcesOption = Annotated[
    list[str] | None, typer.Option("--source", "-s", help="Only of this source; may be repeated.", show_default=False)
]
TenantsOption = Annotated[
    list[str] | None, typer.Option("--tenant", help="Only of this tenant; may be repeated.", show_default=False)
]
ReasonsOption = Annotated[
    list[str] | None, typer.Option("--reason", help="Only of this reason; may be repeated.", show_default=False)
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
ByOption = Annotated[
    str | None, typer.Option("--by", help="Who does it; default the user of this system.", show_default=False)
]


def known_reasons(given: Iterable[str] | None, outcome: "OutcomeName", none_has: str) -> frozenset[str]:
    """Return reasons of an outcome; raise `Misused` for another one, which `none_has` says in words."""
    from console.abridged import listed
    from schemas.reasons import REASONS

    known = [reason.name for reason in REASONS if reason.outcome == outcome]
    wanted = list(given or ())
    for name in wanted:
        if name not in known:
            raise Misused(f"--reason: {none_has} the reason {name!r}; there are {listed(known)}")
    return frozenset(wanted)


def check_because(text: str) -> None:
    """Raise `Misused` for a --because that says nothing."""
    if not text.strip():
        raise Misused("--because: expected a sentence that says why")


def is_one_of(wanted: frozenset[str], value: str) -> bool:
    """Say whether a value is selected: one of the wanted ones, or any if none is named."""
    return not wanted or value in wanted
