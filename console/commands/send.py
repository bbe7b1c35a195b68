"""`penstock send`: sign payloads as their provider would and post them, singly or as a load test."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.options import DATA_DIR, ConfigOption, DataDirOption, JsonOption

if TYPE_CHECKING:
    from simulator.load import Load, Payload
    from simulator.posting import Answered, Pace, Post, Tally
    from simulator.senders import Sender, Wish

    ToldFirst = Callable[[Iterable[Post]], Iterable[Post]]

NEEDS_TOPIC = frozenset({"shopify", "github", "generic"})  # the other providers name the event type in the body
URL = "http://127.0.0.1:8080"
ANSWERS_SHOWN = 5  # after a handful of posts people look up each result; a load is only counted
FAULTS_SHOWN = 5
"""Different refusals shown in the summary; a failing load has one or two reasons, thousands of times."""


def send(
    source: Annotated[str, typer.Argument(help="A source of the configuration, or a provider that has only one.")],
    payloads: Annotated[list[str], typer.Argument(help="Files, folders of *.json, or - for standard input.")],
    topic: Annotated[
        str,
        typer.Option("--topic", "-t", help="Event type: products/update, issues, … Not needed if the body has it."),
    ] = "",
    repeat: Annotated[int, typer.Option(min=1, help="Send everything N times, each time with new delivery ids.")] = 1,
    vary: Annotated[bool, typer.Option("--vary", help="Make every delivery a new version of its resource.")] = False,
    shuffle: Annotated[bool, typer.Option("--shuffle", help="Send in random order.")] = False,
    duplicate: Annotated[float, typer.Option(min=0, max=1, help="Share to send twice, same delivery id.")] = 0.0,
    rate: Annotated[
        float | None, typer.Option(min=0.001, help="At most this many a second.", show_default=False)
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=256, help="This many at once; only 1 keeps the order.")] = 1,
    seed: Annotated[int | None, typer.Option(help="Repeat the same random order.", show_default=False)] = None,
    url: Annotated[
        str | None,
        typer.Option(
            envvar="PENSTOCK_URL", help=f"The ingress; default that of `penstock up`, else {URL}.", show_default=False
        ),
    ] = None,
    secret: Annotated[
        str | None, typer.Option(help="Sign with this secret: env:NAME, file:PATH or text:SECRET.", show_default=False)
    ] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
    as_json: JsonOption = False,
) -> None:
    """Sign payloads as their provider would, and post them to the ingress; with options, as a load test.

    The demo's BigCommerce store is changed first, as each delivery says, so that Penstock reads there what it was told of.
    Exits with 1 when any delivery was not answered with 2xx.
    """
    from console.errors import Failed
    from simulator.load import Load
    from simulator.posting import Pace
    from simulator.senders import Wish

    sender = _sender(Wish(source, secret), config, data_dir)
    if sender.provider.name in NEEDS_TOPIC and not topic:
        raise typer.BadParameter(
            f"{sender.provider.name} sends the event type in a header: give it as --topic products/update"
        )
    if not (topic.isascii() and topic.isprintable()):
        raise typer.BadParameter(f"--topic {topic!r}: expected printable ASCII, because it is sent in a header")
    to_url = url or _url(config, data_dir)
    load = Load(topic, repeat, vary, shuffle, duplicate, seed)
    answers: list[Answered] = []
    with _told_first(sender, to_url, config, data_dir) as told_first:
        tally = _post(sender, _payloads(payloads), load, to_url, Pace(concurrency, rate), answers, told_first)
    if tally.is_hopeless:
        raise Failed(f"{to_url}: {next(iter(tally.details))}; is penstock running? (`penstock up`, `penstock ingress`)")
    _print_json(tally, answers) if as_json else _print(tally, answers)
    if tally.accepted < tally.posted:
        raise typer.Exit(1)


def _sender(wish: "Wish", config: Path | None, data_dir: Path) -> "Sender":
    import os
    from datetime import UTC, datetime

    from config.loading import load
    from console.options import found_configuration
    from simulator.senders import wished_sender

    path = found_configuration(config, data_dir)
    configuration = None if path is None else load(path, os.environ)
    return wished_sender(wish, configuration, os.environ, datetime.now(UTC).date())


def _url(config: Path | None, data_dir: Path) -> str:
    from console.options import found_configuration
    from console.running import found

    path = found_configuration(config, data_dir)
    running = None if path is None else found(data_dir, path)
    return URL if running is None else running.ingress_url


@contextmanager
def _told_first(sender: "Sender", url: str, config: Path | None, data_dir: Path) -> "Iterator[ToldFirst]":
    """Give a function that shows each post to the demo's store before it is yielded; for other sources it only yields them."""
    import os

    from config.loading import load
    from console.options import found_configuration
    from console.running import found
    from simulator.demo_store.address import store_address
    from simulator.demo_store.client import StoreClient

    path = found_configuration(config, data_dir)
    running = None if path is None else found(data_dir, path)
    if path is None or running is None or url != running.ingress_url:
        yield lambda posts: posts
        return
    address = store_address(load(path, os.environ))
    if address is None or (address.source, address.url) != (sender.source, running.store_url):
        yield lambda posts: posts
        return
    with StoreClient(address, os.environ) as store:
        yield store.told_first


def _payloads(paths_or_dash: list[str]) -> "list[Payload]":
    import sys

    from simulator.load import read_payloads

    return read_payloads(paths_or_dash, sys.stdin.buffer.read() if "-" in paths_or_dash else None)


def _post(
    sender: "Sender",
    payloads: "list[Payload]",
    load: "Load",
    url: str,
    pace: "Pace",
    answers: "list[Answered]",
    told_first: "ToldFirst",
) -> "Tally":
    """Post all payloads; keep the first few answers, so that the summary can name them for `penstock explain`."""
    import asyncio
    from datetime import UTC, datetime

    from console.screen import progress
    from simulator.load import posts
    from simulator.posting import Tally, post_all

    tally = Tally()
    with progress("posting", len(payloads) * load.repeat) as advance:

        def note(_post: "Post", answered: "Answered") -> None:
            advance(1)
            if len(answers) < ANSWERS_SHOWN:
                answers.append(answered)

        planned = told_first(posts(payloads, sender, load, datetime.now(UTC)))
        asyncio.run(post_all(planned, url, pace, tally, note))
    return tally


def _print(tally: "Tally", answers: "list[Answered]") -> None:
    from console.screen import results

    latencies = ", ".join(
        f"{name} {latency:.1f} ms"
        for name, latency in (("p50", tally.percentile_ms(50)), ("p99", tally.percentile_ms(99)))
        if latency is not None
    )
    statuses = ", ".join(f"{count} x {status}" for status, count in sorted(tally.statuses.items()))
    screen = results()
    screen.line(f"posted {tally.posted}: {statuses}; {latencies}")
    for answered in answers:
        if answered.is_accepted:
            screen.line(f"  penstock explain {answered.delivery_id}", style="dim")
    for detail, count in tally.details.most_common(FAULTS_SHOWN):
        screen.line(f"  {count} x {detail}", style="red")


def _print_json(tally: "Tally", answers: "list[Answered]") -> None:
    import json

    from local.screen import output_json

    summary = {
        "posted": tally.posted,
        "accepted": tally.accepted,
        "statuses": dict(tally.statuses),
        "delivery_ids": [answered.delivery_id for answered in answers if answered.is_accepted],
        "refusals": dict(tally.details.most_common(FAULTS_SHOWN)),
        "p50_ms": tally.percentile_ms(50),
        "p99_ms": tally.percentile_ms(99),
    }
    output_json(json.dumps(summary))
