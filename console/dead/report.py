"""Shows letters, and what became of those that were sent, for people and as JSON."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from console.abridged import cut, others
from console.dead.letters import Attempt, Standing
from console.dead.sending import Position
from console.screen import Screen, messages, results
from local.screen import output_json, say
from providers.received import OUR_OWN
from schemas.records import Document
from schemas.topics import RAW
from streams.steps.origin import position_text

CELL_CHARS: Final = 60
BODY_LINES: Final = 200
BODY_CHARS: Final = 1_000  # of one line, or of a payload that is no JSON
HEADERS_SHOWN: Final = 50
SKIPPED_SHOWN: Final = 10
SENT_SHOWN: Final = 20
COLUMNS: Final = ("died", "source", "event type", "delivery id", "reason", "attempts")
TIME: Final = "%Y-%m-%d %H:%M:%S"


def print_list(standings: Sequence[Standing], limit: int, *, as_json: bool, has_standing: bool) -> None:
    """Print letters, and how many of each reason are selected; `limit` 0 shows all."""
    shown = standings[: limit or None]
    if as_json:
        for standing in shown:
            output_json(msgspec.json.encode(_fields(standing)).decode())
    elif shown:
        headers = (*COLUMNS, "standing") if has_standing else COLUMNS
        numeric = [header == "attempts" for header in headers]
        results().grid(headers, [_row(one, has_standing=has_standing) for one in shown], numeric)
    screen = messages() if as_json else results()
    if len(shown) < len(standings):
        screen.line(f"… and {len(standings) - len(shown):,} more; --limit 0 shows all", style="dim")
    for reason, count in Counter(one.letter.reason for one in standings).most_common():
        screen.line(f"{count:>8,}  {reason}")
    screen.line(f"{len(standings):>8,}  {'letters' if has_standing else 'letters wait'}")


def print_letter(standing: Standing, records: Mapping[str, Document], *, as_json: bool) -> None:
    """Print one letter with its payload, if that is kept."""
    record = records.get(standing.letter.position)
    if as_json:
        output_json(msgspec.json.encode({**_fields(standing), **_payload_fields(record)}).decode())
        return
    screen = results()
    for line, style in _lines(standing, record):
        screen.line(line, style=style)
    if record is None:
        screen.line("  payload   no longer kept", style="dim")
    else:
        _print_body(screen, record["body"])
    _print_next(screen, standing)


def say_skipped(standings: Sequence[Standing]) -> None:
    """Say which letters are not sent, and why."""
    for standing in standings[:SKIPPED_SHOWN]:
        say(f"skipped {cut(standing.letter.delivery_id)} ({standing.letter.position}): {_standing_text(standing)}")
    if len(standings) > SKIPPED_SHOWN:
        say(f"… and {len(standings) - SKIPPED_SHOWN:,} more were skipped")


def print_sent(sent: Mapping[Position, str], decided: Mapping[Position, Document], *, as_json: bool) -> None:
    """Print what became of each delivery that was sent: in JSON one by one, for people as counts with what is dead again."""
    if as_json:
        for position, delivery_id in sent.items():
            output_json(msgspec.json.encode(_sent_fields(position, delivery_id, decided.get(position))).decode())
        return
    screen = results()
    dead = [outcome for outcome in decided.values() if outcome["outcome"] == "dead"]
    for outcome in dead[:SENT_SHOWN]:
        text = f"dead again  {cut(outcome['delivery_id'])}: {outcome['reason']}: {cut(outcome['detail'], 200)}"
        screen.line(text, style="red")
    if len(dead) > SENT_SHOWN:
        screen.line(f"… and {len(dead) - SENT_SHOWN:,} more are dead again; `penstock dead list` has them", style="dim")
    for name, count in Counter(_outcome_text(outcome) for outcome in decided.values()).most_common():
        screen.line(f"{count:>8,}  {name}")
    if len(decided) < len(sent):
        screen.line(f"{len(sent) - len(decided):>8,}  still on their way")


def failure(dead: int, undecided: int) -> str:
    """Return the message of a command after which letters are dead again, or not decided yet."""
    parts = [f"{dead:,} are dead again: `penstock dead list`"] if dead else []
    if undecided:
        parts.append(f"{undecided:,} wait for a worker on {RAW} and will be decided; they are not sent again meanwhile")
    return "; ".join(parts)


def _row(standing: Standing, *, has_standing: bool) -> list[str]:
    letter = standing.letter
    cells = [
        f"{letter.last_at:{TIME}}",
        letter.source,
        cut(letter.event_type, CELL_CHARS),
        cut(letter.delivery_id, CELL_CHARS),
        letter.reason,
        f"{letter.attempts:,}",
    ]
    return [*cells, _standing_text(standing)] if has_standing else cells


def _standing_text(standing: Standing) -> str:
    attempt = standing.attempt
    if attempt is None:
        return "waiting"
    if not attempt.is_decided:
        return f"{standing.name}, on its way"
    if standing.name == "dropped":
        return f"dropped at {attempt.at:{TIME}}"
    verb = "delivered again" if attempt.origin == "webhook" else attempt.origin.replace("retry", "retried")
    return f"{verb}: {attempt.outcome} at {attempt.at:{TIME}}"


def _outcome_text(outcome: Document) -> str:
    name: str = outcome["outcome"]
    return {"dead": "dead again", "filtered": f"filtered ({outcome['reason']})"}.get(name, name)


def _lines(standing: Standing, record: Document | None) -> Iterator[tuple[str, str]]:
    letter = standing.letter
    tenant = f", tenant {letter.tenant}" if letter.tenant else ""
    yield f"letter {letter.delivery_id}", "bold"
    yield f"  standing  {_standing_text(standing)}", "" if standing.name == "waiting" else "green"
    yield f"  reason    {letter.reason}", "red"
    if record is not None:
        yield f"  error     {cut(record['error'], BODY_CHARS)}", ""
    yield f"  attempts  {letter.attempts:,}, first {letter.first_at:{TIME}}, last {letter.last_at:{TIME}} UTC", ""
    yield f"  received  {letter.received_at:{TIME}} UTC, {letter.body_bytes:,} bytes", ""
    yield f"  from      {letter.provider} as {letter.source}{tenant}: {letter.event_type}", ""
    yield f"  about     {letter.key}", ""
    yield f"  record    {letter.position}", ""
    if letter.edited_by is not None:
        yield f"  edited    by {letter.edited_by}", ""
    if standing.attempt is not None and standing.attempt.detail:
        yield f"            {cut(standing.attempt.detail, BODY_CHARS)}", ""
    stored = (record or {}).get("headers", {}).items()
    headers = sorted((name, value) for name, value in stored if not name.startswith(OUR_OWN))
    for name, value in headers[:HEADERS_SHOWN]:
        yield f"  header    {cut(name)}: {cut(value, BODY_CHARS)}", "dim"
    if more := others(len(headers), HEADERS_SHOWN, "headers"):
        yield f"  {more}", "dim"


def _print_body(screen: Screen, body: bytes) -> None:
    try:
        rows = msgspec.json.format(body, indent=2).decode().split("\n")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        screen.line(
            f"  payload   no JSON, {len(body):,} bytes, which begin as follows; --raw > FILE writes all of them"
        )
        screen.line(cut(body[: BODY_CHARS * 4].decode(errors="replace"), BODY_CHARS))
        return
    screen.line(f"  payload   {len(body):,} bytes, shown indented; --raw > FILE writes them exactly")
    screen.document("\n".join(cut(row, BODY_CHARS) for row in rows[:BODY_LINES]))
    if len(rows) > BODY_LINES:
        screen.line(f"… and {len(rows) - BODY_LINES:,} more lines; --raw > FILE writes the exact bytes", style="dim")


def _print_next(screen: Screen, standing: Standing) -> None:
    if standing.name == "retried":
        screen.line(f"next: penstock explain {standing.letter.delivery_id}", style="dim")
        return
    letter = standing.letter
    if letter.reason == "reused_delivery_id":
        screen.line("a retry under the same id is dead again; an edited copy has an id of its own", style="dim")
    else:
        screen.line(f"next: penstock dead retry {letter.position}", style="dim")
    screen.line(f"      penstock dead edit {letter.position}", style="dim")
    screen.line(f"      penstock dead drop {letter.position} --because '…'", style="dim")


def _fields(standing: Standing) -> dict[str, Any]:
    letter = msgspec.structs.asdict(standing.letter)
    del letter["place"]
    return {**letter, "standing": standing.name, "attempt": _attempt_fields(standing.attempt)}


def _attempt_fields(attempt: Attempt | None) -> dict[str, Any] | None:
    return None if attempt is None else msgspec.structs.asdict(attempt)


def _payload_fields(record: Document | None) -> dict[str, Any]:
    """Return the payload as text, or in Base64 if it is none in UTF-8."""
    if record is None:
        return {"headers": None, "body": None, "body_base64": None}
    fields: dict[str, Any] = {
        "error": record["error"],
        "headers": record["headers"],
        "content_type": record["content_type"],
    }
    try:
        return {**fields, "body": record["body"].decode(), "body_base64": None}
    except UnicodeDecodeError:
        return {**fields, "body": None, "body_base64": record["body"]}


def _sent_fields(position: Position, delivery_id: str, outcome: Document | None) -> dict[str, Any]:
    keys = ("outcome", "reason", "detail", "event_ids", "decided_at", "origin", "cause")
    return {
        "delivery_id": delivery_id,
        "record": position_text(RAW, *position),
        **{key: None if outcome is None else outcome.get(key) for key in keys},
    }
