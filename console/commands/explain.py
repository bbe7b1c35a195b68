"""`penstock explain`: the story of one delivery, from the post to its changes."""

from typing import TYPE_CHECKING, Annotated

import typer

from console.options import DATA_DIR, ConfigOption, DataDirOption, JsonOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.pending.story import Held
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
    """Show the story of one delivery: what arrived, what was decided and why, what changed; of one that waits, what it waits for.

    A delivery that only names its resource ends through a read at the provider, whose id is read-…: both sides are shown.
    Exits with 1 when there is no such delivery.
    """
    import os

    from console.options import load_configuration
    from console.pending.story import held_deliveries
    from console.queries.changes import deployment_of, matcher, story
    from console.queries.reads import with_reads
    from console.screen import counting
    from local.screen import output_json, say

    loaded, limit = load_configuration(config, data_dir), None if everything else NEWEST
    with deployment_of(loaded, os.environ) as deployment, counting("records looked at") as advance:
        # What waits first: if it ends in between it is shown twice, the other way round it would be missed.
        held = held_deliveries(deployment, loaded.worker.app, matcher(delivery_id), advance)
        attempts = story(deployment, delivery_id, limit, advance)
        shown = with_reads(deployment, attempts if as_json else attempts[:ATTEMPTS_SHOWN])
    if not attempts and not held:
        say(_not_found(delivery_id, everything))
        raise typer.Exit(1)
    if as_json:
        for record in (*map(_as_json, shown), *map(_held_json, held)):
            output_json(record)
    else:
        _print(shown, held, len(attempts))


def _print(attempts: "Sequence[Attempt]", held: "Sequence[Held]", count: int) -> None:
    from datetime import UTC, datetime

    from console.abridged import others
    from console.pending.story import waiting_lines
    from console.screen import results

    screen, now = results(), datetime.now(UTC)
    stories = [_lines(attempt) for attempt in attempts]
    stories += [[*_received(one.delivery, None), *waiting_lines(one, now), ("", "")] for one in held[:ATTEMPTS_SHOWN]]
    for line, style in (line for lines in stories for line in lines):
        screen.line(line, style=style)
    if more := others(count, ATTEMPTS_SHOWN, "attempts"):
        screen.line(more, style="dim")
    if more := others(len(held), ATTEMPTS_SHOWN, "that wait"):
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
    shown += _read(attempt)
    changes = attempt.changes or (() if attempt.read is None else attempt.read.changes)
    for topic, change in changes[:CHANGES_SHOWN]:
        changed = listed(change["changed"]) or "everything"
        shown.append((f"  change    {change['event_id']} on {topic}", "green"))
        shown.append((f"            {change['op']} {change['resource_key']}: {changed}", ""))
    if more := others(len(changes), CHANGES_SHOWN, "changes"):
        shown.append((f"  {more}", "dim"))
    return [*shown, ("", "")]


def _read(attempt: "Attempt") -> list[tuple[str, str]]:
    """Return the other side: the read that answered a delivery, or the deliveries that a read answered."""
    from console.abridged import others

    shown = []
    if attempt.delivery is not None and (told := _result(attempt.delivery)):
        shown.append((f"  brought   {told}", ""))
    if attempt.read is not None and attempt.read.outcome is not None:
        outcome = attempt.read.outcome
        shown.append((f"  read by   {outcome['delivery_id']}: {outcome['outcome']} ({outcome['reason']})", "cyan"))
        if attempt.read.delivery is not None:
            shown.append((f"            {_result(attempt.read.delivery)}", ""))
    answers = [f"{one['delivery_id']}: {one['outcome']} ({one['reason']})" for one in attempt.answers[:CHANGES_SHOWN]]
    shown += [(f"  answers   {answer}", "cyan") for answer in answers]
    if more := others(len(attempt.answers), CHANGES_SHOWN, "deliveries"):
        shown.append((f"  {more}", "dim"))
    return shown


def _result(delivery: "RawDelivery") -> str:
    """Return what a read brought, in words; "" for a delivery that is none."""
    from schemas.codec import us_time
    from streams.steps.hydration import is_fetch, result_of

    read = result_of(delivery) if is_fetch(delivery) else None
    if read is None:
        return ""
    started = us_time(read.read_at_us)
    detail = f": {read.detail}" if read.detail else ""
    tries = f", attempt {read.attempts:,}" if read.attempts > 1 else ""
    return f"{read.status} {read.resource_type} {read.resource_id}, read at {started:%Y-%m-%d %H:%M:%S.%f} UTC{tries}{detail}"


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

    fields = _fields(attempt)
    if attempt.read is not None:
        fields["read"] = _fields(attempt.read)
    if attempt.answers:
        fields["answers"] = attempt.answers
    return msgspec.json.encode(fields).decode()


def _held_json(held: "Held") -> str:
    import msgspec

    from console.pending.story import waiting_fields

    fields = {"delivery": _delivery_fields(held.delivery), "outcome": None, "waits": waiting_fields(held)}
    return msgspec.json.encode({**fields, "changes": []}).decode()


def _fields(attempt: "Attempt") -> "dict[str, object]":
    import msgspec

    from console.queries.change_lines import as_json

    changes = [{"topic": topic, "change": msgspec.Raw(as_json(change).encode())} for topic, change in attempt.changes]
    return {"delivery": _delivery_fields(attempt.delivery), "outcome": attempt.outcome, "changes": changes}


def _delivery_fields(delivery: "RawDelivery | None") -> "dict[str, object] | None":
    import msgspec

    if delivery is None:
        return None
    fields = {name: value for name, value in msgspec.structs.asdict(delivery).items() if name != "body"}
    return {**fields, "body_bytes": len(delivery.body)}
