"""Posts deliveries over HTTP like a provider: signed at the last moment, with bounded concurrency, at a given rate."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
import msgspec

from providers.base import Sample, SignedRequest
from schemas.records import Document
from simulator.errors import SimulatorError
from simulator.senders import Sender
from simulator.signing import FORGER, signed

TIMEOUT_S = 30.0  # longer than the ingress ever takes; a provider's own, shorter limit is not measured here
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Post:
    """One delivery to post. `is_forged`: signed with a secret that is not configured.

    `shown` is for providers that only name a resource: what their API shows of it from now on, beyond what the body tells.
    None if the delivery tells nothing new: it comes late, or again, or is refused.
    """

    sender: Sender
    body: bytes
    topic: str
    delivery_id: str
    is_forged: bool = False
    shown: Document | None = field(default_factory=dict)

    def request(self, now: datetime) -> SignedRequest:
        """Return the post as its provider sends it at a time."""
        sample = Sample(self.body, self.topic, self.delivery_id, now)
        return signed(self.sender.provider, sample, FORGER if self.is_forged else self.sender.secret)


@dataclass(frozen=True, slots=True)
class Answered:
    """The result of a post. `status` is None without an answer; `delivery_id` is the id that Penstock will record."""

    status: int | None
    detail: str
    latency_s: float
    delivery_id: str

    @property
    def is_accepted(self) -> bool:
        """Say whether the receiver has taken responsibility for the delivery."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Pace:
    """The pace: at most `rate` posts a second (None: no limit), `concurrency` at once; only with 1 is the order kept."""

    concurrency: int = 1
    rate: float | None = None


@dataclass(slots=True)
class Tally:
    """Counts answers."""

    statuses: Counter[str] = field(default_factory=Counter)
    details: Counter[str] = field(default_factory=Counter)
    latencies_s: list[float] = field(default_factory=list)
    accepted: int = 0

    def add(self, answered: Answered) -> None:
        """Count one answer."""
        self.statuses["no answer" if answered.status is None else str(answered.status)] += 1
        if answered.is_accepted:
            self.accepted += 1
        else:
            self.details[f"{answered.status or 'no answer'}: {answered.detail}"] += 1
        if answered.status is not None:
            self.latencies_s.append(answered.latency_s)

    @property
    def posted(self) -> int:
        """Return the number of posts, answered or not."""
        return self.statuses.total()

    @property
    def is_hopeless(self) -> bool:
        """Say whether none of the posts has got an answer."""
        return self.posted > 0 and not self.latencies_s

    def percentile_ms(self, percent: float) -> float | None:
        """Return the latency that this percentage of the answered posts stayed within."""
        if not self.latencies_s:
            return None
        in_order = sorted(self.latencies_s)
        return 1000 * in_order[min(len(in_order) - 1, int(len(in_order) * percent / 100))]


async def post_all(
    posts: Iterable[Post], url: str, pace: Pace, tally: Tally, on_answer: Callable[[Post, Answered], None]
) -> None:
    """Post everything; stop early when the first posts, as many as run at once, all find no server at the address.

    What raises while a post is made or its answer noted ends the others, and is raised.
    """
    due = _schedule(pace.rate)
    waiting = iter(posts)

    async def work(client: httpx.AsyncClient) -> None:
        for post in waiting:
            await asyncio.sleep(next(due))
            answered = await _post(client, post)
            tally.add(answered)
            on_answer(post, answered)
            if tally.is_hopeless and tally.posted >= pace.concurrency:
                return

    try:
        async with _client(url, pace.concurrency) as client, asyncio.TaskGroup() as group:
            for _ in range(pace.concurrency):
                group.create_task(work(client))
    except ExceptionGroup as several:
        fault = several.exceptions[0]
        raise fault from fault.__cause__


def _schedule(rate: float | None) -> Iterator[float]:
    """Yield the wait before each post: the schedule is fixed at the start, so a slow answer does not delay the other posts."""
    if rate is None:
        while True:
            yield 0.0
    turn_s = time.monotonic()
    while True:
        yield max(0.0, turn_s - time.monotonic())
        turn_s += 1 / rate


def _client(url: str, concurrency: int) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    try:
        is_here = urlsplit(url).hostname in LOOPBACK  # a proxy from the environment could not reach it
        return httpx.AsyncClient(base_url=url, timeout=TIMEOUT_S, limits=limits, trust_env=not is_here)
    except (httpx.InvalidURL, ValueError) as error:
        raise SimulatorError(f"no URL: {url!r}: {error}; expected http://127.0.0.1:8080") from error


async def _post(client: httpx.AsyncClient, post: Post) -> Answered:
    sender, request = post.sender, post.request(datetime.now(UTC))
    delivery_id = sender.provider.identify(sender.source, request).delivery_id
    started_s = time.perf_counter()
    try:
        response = await client.post(f"/v1/{sender.source}", content=request.body, headers=request.headers)
    except httpx.TransportError as error:
        return Answered(None, str(error) or type(error).__name__, time.perf_counter() - started_s, delivery_id)
    return Answered(response.status_code, _detail(response), time.perf_counter() - started_s, delivery_id)


def _detail(response: httpx.Response) -> str:
    try:
        body = msgspec.json.decode(response.content)
    except msgspec.DecodeError:
        return response.reason_phrase
    if not isinstance(body, dict):
        return response.reason_phrase
    return ": ".join(str(body[key]) for key in ("error", "detail") if body.get(key))
