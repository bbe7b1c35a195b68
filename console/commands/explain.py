"""`penstock explain`: the story of one delivery, from the post to its changes."""

from typing import TYPE_CHECKING, Annotated

import typer

from console.options import DATA_DIR, ConfigOption, DataDirOption, JsonOption

if TYPE_CHECKING:
    from console.queries.changes import Attempt
    from schemas.records import Document, RawDelivery

NEWEST = 1_000_000  # outcomes, about 20 s of reading
ATTEMPTS_SHOWN = 20  # of one delivery
CHANGES_SHOWN = 20  # of one attempt: a product with all its variants makes 2,000
MEANINGS = {
    "changed": "made the changes below",
    "duplicate": "had been decided before, so it changed nothing",
    "stale": "shows an older state than the one stored",
    "unchanged": "shows what is stored already",
    "filtered": "nothing went out: no route takes it, or its resource is paused",
    "dead": "became a dead letter: `penstock dead show`",
}
DROPPED = "a person gave the dead letter up"
ORIGINS = {"edited": "edited copy"}
STYLES = {"changed": "green", "dead": "red"}


def explain(
    delivery_id: Annotated[str, typer.Argument(help="The provider's delivery id; for GitHub its GUID.")],
    everything: Annotated[
        bool, typer.Option("--all", help=f"Search all outcomes kept, not only the newest {NEWEST:,}.")
    ] = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
    as_json: JsonOption = False,
) -> None:
    """Show the story of one delivery: what arrived, what was decided and why, what changed.

    Exits with 1 when there is no such delivery.
    """
    import os

    from console.abridged import others
    from console.options import load_configuration
    from console.queries.changes import deployment_of, story
    from console.screen import counting, results
    from local.screen import output_json, say

    loaded, limit = load_configuration(config, data_dir), None if everything else NEWEST
    with deployment_of(loaded, os.environ) as deployment, counting("records looked at") as advance:
        attempts = story(deployment, delivery_id, limit, advance)
    if not attempts:
        say(_not_found(delivery_id, everything))
        raise typer.Exit(1)
    if as_json:
        for attempt in attempts:
            output_json(_as_json(attempt))
        return
    screen = results()
    for line, style in (shown for attempt in attempts[:ATTEMPTS_SHOWN] for shown in _lines(attempt)):
        screen.line(line, style=style)
    if more := others(len(attempts), ATTEMPTS_SHOWN, "attempts"):
        screen.line(more, style="dim")


def _not_found(delivery_id: str, everything: bool) -> str:
    searched = "all outcomes kept" if everything else f"the newest {NEWEST:,} outcomes (--all looks at all)"
    return (
        f"no delivery {delivery_id!r} among {searched} and those that wait; "
        "if the provider says it was sent, it was refused (see the ingress's log) or never arrived"
    )


def _lines(attempt: "Attempt") -> list[tuple[str, str]]:
    from console.abridged import listed, others

    shown = [*_received(attempt.delivery, attempt.outcome), *_origin(attempt), *_decided(attempt.outcome)]
    for topic, change in attempt.changes[:CHANGES_SHOWN]:
        changed = listed(change["changed"]) or "everything"
        shown.append((f"  change    {change['event_id']} on {topic}", "green"))
        shown.append((f"            {change['op']} {change['resource_key']}: {changed}", ""))
    if more := others(len(attempt.changes), CHANGES_SHOWN, "changes"):
        shown.append((f"  {more}", "dim"))
    return [*shown, ("", "")]


def _received(delivery: "RawDelivery | None", outcome: "Document | None") -> list[tuple[str, str]]:
    if delivery is None:
        position = "" if outcome is None else f"{outcome['topic']}/{outcome['partition']}/{outcome['offset']}"
        return [(f"  received  the record {position} is no longer kept", "dim")]
    return [
        (f"delivery {delivery.delivery_id}", "bold"),
        (f"  received  {delivery.received_at:%Y-%m-%d %H:%M:%S.%f} UTC, {len(delivery.body)} bytes", ""),
        (
            f"  from      {delivery.provider} as {delivery.source}{_of_tenant(delivery.tenant)}: {delivery.event_type}",
            "",
        ),
        (f"  about     {delivery.key}", ""),
        (f"  record    {delivery.topic}/{delivery.partition}/{delivery.offset}", ""),
    ]


def _origin(attempt: "Attempt") -> list[tuple[str, str]]:
    """Return what a delivery of Penstock's own answers: a dead letter that was retried, edited or dropped, or a replay."""
    from streams.steps.origin import lineage_of

    if attempt.delivery is not None:
        lineage = lineage_of(attempt.delivery)
        origin, cause = lineage.origin, lineage.cause
    else:
        outcome = attempt.outcome or {}
        origin, cause = outcome.get("origin", "webhook"), outcome.get("cause")
    if origin == "webhook":
        return []
    return [(f"  origin    {ORIGINS.get(origin, origin)}{'' if cause is None else f' of {cause}'}", "cyan")]


def _of_tenant(tenant: str) -> str:
    return f", tenant {tenant}" if tenant else ""


def _decided(outcome: "Document | None") -> list[tuple[str, str]]:
    if outcome is None:
        return [("  outcome   none yet: it waits for a worker (is one running?)", "yellow")]
    name = outcome["outcome"]
    meaning = DROPPED if outcome["reason"] == "dropped" else MEANINGS.get(name, "")
    shown = [
        (f"  decided   {outcome['decided_at']:%Y-%m-%d %H:%M:%S.%f} UTC", ""),
        (f"  outcome   {name} ({outcome['reason']}): {meaning}", STYLES.get(name, "yellow")),
    ]
    return [*shown, (f"            {outcome['detail']}", "")] if outcome["detail"] else shown


def _as_json(attempt: "Attempt") -> str:
    import msgspec

    from console.queries.change_lines import as_json

    delivery = None
    if attempt.delivery is not None:
        delivery = {name: value for name, value in msgspec.structs.asdict(attempt.delivery).items() if name != "body"}
        delivery["body_bytes"] = len(attempt.delivery.body)
    changes = [{"topic": topic, "change": msgspec.Raw(as_json(change).encode())} for topic, change in attempt.changes]
    return msgspec.json.encode({"delivery": delivery, "outcome": attempt.outcome, "changes": changes}).decode()
