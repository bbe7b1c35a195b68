"""`penstock up --sample`: post sample deliveries to the ingress, then account for every accepted one."""

import asyncio
import contextlib
import os
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from broker import topic_reader
from config import loading
from console.errors import expected_faults, explanation
from console.queries.changes import Deployment, deployment_of
from console.sample_question import ORDERS, PRODUCTS, ask
from console.screen import Screen, messages, progress
from local.stack import Ready
from providers.registry import PROVIDERS
from schemas.records import Document
from schemas.topics import OUTCOMES
from simulator.demo_store.address import store_address
from simulator.demo_store.client import StoreClient
from simulator.posting import Answered, Pace, Post, Tally, post_all
from simulator.sample_payloads import posts
from simulator.senders import Sender, sender
from sinks.warehouse.settings import WarehouseSettings

CONCURRENCY = 8
STALL_TIMEOUT_S = 60.0  # without any new outcome; then missing outcomes are reported as pending
OUTCOME_ORDER = ("changed", "duplicate", "stale", "unchanged", "filtered", "dead")


@dataclass(slots=True)
class Account:
    """The accepted deliveries, and their outcomes."""

    accepted: Counter[tuple[str, str]] = field(default_factory=Counter)  # by (source, delivery id)
    refused: Counter[str] = field(default_factory=Counter)
    outcomes: list[Document] = field(default_factory=list)

    def answer(self, post: Post, answered: Answered) -> None:
        """Record one answer."""
        if answered.is_accepted:
            self.accepted[post.sender.source, answered.delivery_id] += 1
        else:
            kind = "forged" if post.is_forged and answered.status == 401 else "unexpected"
            self.refused[f"{kind}: {answered.status} {answered.detail}"] += 1

    def enter(self, outcome: Document) -> bool:
        """Record an outcome and return True if it belongs to this run."""
        is_ours = (outcome["source"], outcome["delivery_id"]) in self.accepted
        if is_ours:
            self.outcomes.append(outcome)
        return is_ours

    @property
    def reads(self) -> Counter[str]:
        """Return by its delivery id, for each read at a provider, how many of these deliveries it has answered."""
        return Counter(outcome["cause"] for outcome in self.outcomes if outcome["cause"] is not None)

    @property
    def pending(self) -> int:
        """Return the number of accepted deliveries without an outcome."""
        return self.accepted.total() - len(self.outcomes)


def send_sample(ready: Ready, warehouse: WarehouseSettings | None = None) -> None:
    """Post the sample to a running `penstock up`, wait for the outcomes and print the account on stderr.

    Where there is a warehouse, its answer to a first question follows.
    """
    screen = messages()
    try:
        account = _run(ready)
        _report(account, ready, screen)
        if warehouse is not None:
            # Without a read the warehouse has no products, but notifications that name them.
            questions = (ORDERS, PRODUCTS) if account.reads else (ORDERS,)
            ask(warehouse, questions, account.outcomes, screen)
    except expected_faults() as fault:
        screen.line(f"sample: {explanation(fault)}", style="red")


def sample_account(
    deployment: Deployment, url: str, senders: Mapping[str, Sender], store: StoreClient | None = None
) -> Account:
    """Return the account of the sample, after the last outcome or a minute without one.

    The store, if there is one, shows what each delivery tells of before it is posted.
    """
    now, account = datetime.now(UTC), Account()
    story = posts(senders, int(now.timestamp() * 1000) * 1000, now)
    with topic_reader.consumer(deployment.kafka) as reader:
        followed = topic_reader.follow(reader, lambda topic: topic == OUTCOMES, is_from_beginning=False)
        next(followed)  # from here on every outcome is seen, so older records need not be read
        with progress("posting the sample", len(story)) as advance:

            def enter(post: Post, answered: Answered) -> None:
                account.answer(post, answered)
                advance(1)

            told = story if store is None else store.told_first(story)
            asyncio.run(post_all(told, url, Pace(CONCURRENCY), Tally(), enter))
        with progress("waiting for outcomes", account.pending) as advance:
            deadline_s = time.monotonic() + STALL_TIMEOUT_S
            while account.pending and time.monotonic() < deadline_s:
                message = next(followed)
                if message is not None and account.enter(deployment.registry.decode(topic_reader.value_of(message))):
                    advance(1)
                    deadline_s = time.monotonic() + STALL_TIMEOUT_S
    return account


def _run(ready: Ready) -> Account:
    environ = {
        **os.environ,
        "PENSTOCK_KAFKA_BOOTSTRAP_SERVERS": ready.bootstrap_servers,
        "PENSTOCK_REGISTRY_URL": ready.registry_url,
    }
    loaded = loading.load(ready.config, environ)
    today = datetime.now(UTC).date()
    demo_sources = [source for source in loaded.sources if source.name in PROVIDERS]
    senders: dict[str, Sender] = {source.provider: sender(source, environ, today) for source in demo_sources}
    address = None if ready.store_url is None else store_address(loaded)
    with contextlib.ExitStack() as opened:
        deployment = opened.enter_context(deployment_of(loaded, environ))
        store = None if address is None else opened.enter_context(StoreClient(address, environ))
        return sample_account(deployment, ready.ingress_url, senders, store)


def _report(account: Account, ready: Ready, screen: Screen) -> None:
    names = [name for name in OUTCOME_ORDER if any(outcome["outcome"] == name for outcome in account.outcomes)]
    _print_table(account, names, screen)
    totals = Counter(outcome["outcome"] for outcome in account.outcomes)
    parts = [f"{name} {totals[name]}" for name in names]
    if account.pending:
        parts.append(f"still pending {account.pending}")
    screen.line(
        f"accepted {account.accepted.total()} = {' + '.join(parts)}", style="red" if account.pending else "green"
    )
    if account.reads:
        screen.line(
            f"{account.reads.total()} of bigcommerce's deliveries only name a product: {len(account.reads)} reads at "
            f"{ready.store_url} decided them, counted apart (origin fetch)"
        )
    elif ready.store_url is None:
        screen.line(
            f"bigcommerce's deliveries only name a product, and nothing reads it: no store is served for {ready.config}"
        )
    if account.pending:
        screen.line(
            f"no more came for {STALL_TIMEOUT_S:.0f} s; worker.log and store.log in {ready.data_dir / 'logs'} may tell why",
            style="red",
        )
    for refusal, count in account.refused.items():
        screen.line(f"not accepted: {count} x {refusal}")
    _print_where_next(account, screen)


def _print_table(account: Account, names: list[str], screen: Screen) -> None:
    counts = Counter((outcome["provider"], outcome["outcome"]) for outcome in account.outcomes)
    numbers = {provider: [counts[provider, name] for name in names] for provider in PROVIDERS}
    sums = [sum(column) for column in zip(*numbers.values(), strict=True)]
    screen.table(
        ("provider", *names, "sum"),
        [(provider, *map(str, row), str(sum(row))) for provider, row in numbers.items()],
        ("sum", *map(str, sums), str(sum(sums))),
        "Outcomes of the sample deliveries",
    )


def _print_where_next(account: Account, screen: Screen) -> None:
    changed = next((outcome for outcome in account.outcomes if outcome["outcome"] == "changed"), None)
    screen.line("")
    screen.line("look at the changes:   penstock tail --from-beginning")
    if changed is not None:
        screen.line(f"one delivery's story:  penstock explain {changed['delivery_id']}")
    screen.line("send one of your own:  penstock send shopify --topic products/update product.json")
