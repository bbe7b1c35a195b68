"""`penstock try-filter`: say whether a filter matches a payload, term by term."""

from typing import TYPE_CHECKING, Annotated

import typer

from console.options import JsonOption

if TYPE_CHECKING:
    from datetime import datetime

    from console.queries.filter_trial import Shown, Trial
    from console.screen import Screen
    from streams.steps.filter import Filter, Verdict

STYLES = {True: "green", False: "red", None: "yellow"}
DELIVERY = " (is the payload a whole delivery? Then name its --provider)"
TRIALS_SHOWN = 20  # resources of one payload
TERM_CHARS = 32  # width of the column with the terms; a longer term shifts its values to the right


def try_filter(
    text: Annotated[str, typer.Argument(metavar="FILTER", help="As in a route: 'vendor:Nike variants.price:>=10'.")],
    payload: Annotated[str, typer.Argument(help="A file with one JSON document; - for standard input.")],
    before: Annotated[
        str | None, typer.Option(help="The document before the change; a route also takes what matched before.")
    ] = None,
    provider: Annotated[
        str | None, typer.Option(help="Read the payload as a delivery of this provider: shopify, github, …")
    ] = None,
    topic: Annotated[str, typer.Option(help="The event type, if the provider sends it in a header: issues, …")] = "",
    resource: Annotated[str | None, typer.Option(help="Of a delivery only this resource type, as in a route.")] = None,
    now: Annotated[
        str | None, typer.Option(help="The meaning of the word now (2026-11-21T10:00:00Z or Unix seconds).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether a filter matches a document, with the verdict on each term and the document's value.

    Exits with 0 when it does, 1 when it does not, 2 when filter or payload cannot be read.
    """
    from datetime import UTC, datetime

    from console.queries.filter_trial import as_json as trials_json
    from console.queries.filter_trial import tried
    from console.signature.clock import clock
    from local.screen import output_json, say

    criterion, moment = _filter(text), clock(now, {}, datetime.now(UTC)).time
    read = _Reader(provider, topic, resource, moment)
    trials = tried(criterion, read.shown(payload), read.shown(before) if before else [], moment)
    if not trials:
        say(f"no {resource} in the payload")
    if as_json:
        output_json(trials_json(trials, criterion))
    else:
        for trial in trials[:TRIALS_SHOWN]:
            _print(trial)
        _print_others(trials[TRIALS_SHOWN:])
    if not any(trial.takes for trial in trials):
        raise typer.Exit(1)


class _Reader:
    """Reads payloads as documents or, with a provider, as deliveries of that provider."""

    def __init__(self, provider: str | None, topic: str, resource: str | None, now: "datetime") -> None:
        self._provider, self._topic, self._resource, self._now = provider, topic, resource, now

    def shown(self, path_or_dash: str) -> "list[Shown]":
        """Return the resources in a file or on standard input."""
        from console.errors import Misused
        from console.queries.filter_trial import shown_by_delivery, shown_by_document
        from providers.registry import provider

        body, name = _body(path_or_dash), "standard input" if path_or_dash == "-" else path_or_dash
        if self._provider is None:
            return shown_by_document(body, name)
        try:
            rules = provider(self._provider)
        except ValueError as error:
            raise Misused(f"--provider: {error}") from error
        found = shown_by_delivery(body, name, rules, self._topic, self._now)
        return [shown for shown in found if self._resource in (None, shown.name.partition(" ")[0])]


def _filter(text: str) -> "Filter":
    from console.errors import Misused
    from streams.steps.filter import FilterSyntaxError, compile_filter

    try:
        return compile_filter(text)
    except FilterSyntaxError as error:
        raise Misused(f"no filter: {error}") from error


def _body(path_or_dash: str) -> bytes:
    import sys
    from pathlib import Path

    from console.errors import Misused

    if path_or_dash == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(path_or_dash).read_bytes()
    except OSError as error:
        raise Misused(f"{path_or_dash}: {(error.strerror or 'cannot be read').lower()}") from error


def _print(trial: "Trial") -> None:
    from console.screen import results

    screen = results()
    screen.line(_summary(trial), style=f"bold {STYLES[trial.takes]}")
    for side, verdict in (("before", trial.before), ("after", trial.after)):
        if verdict is not None:
            if trial.before is not None:
                screen.line(side, style="bold")
            _print_verdict(screen, verdict, trial.missing)


def _print_others(trials: "list[Trial]") -> None:
    from console.screen import results

    if trials:
        taken = sum(trial.takes for trial in trials)
        results().line(
            f"… and {len(trials):,} more resources, of which {taken:,} match; --json shows them all", style="dim"
        )


def _print_verdict(screen: "Screen", verdict: "Verdict", missing: dict[str, str]) -> None:
    from console.queries.filter_trial import WORDS, lines

    for holds, depth, text, found in lines(verdict, missing):
        term = f"{'  ' * depth}{text}"
        word = (f"  {WORDS[holds]:<9} ", STYLES[holds])
        if found:
            screen.line(word, term.ljust(TERM_CHARS), (f"  {found}", "dim"))
        else:
            screen.line(word, term)


def _summary(trial: "Trial") -> str:
    name = f"{trial.name}: " if trial.name else ""
    if trial.after is None and trial.before is None:
        return f"{name}match: a deletion, and the document may have matched (--before decides)"
    if trial.after is not None and trial.after.holds is True:
        return f"{name}match"
    if trial.takes:
        return f"{name}match: the document before does, so a route sends the change"
    if trial.after is None or trial.after.holds is False:
        return f"{name}no match"
    return f"{name}no match: undecided, which takes nothing{DELIVERY if trial.is_foreign else ''}"
