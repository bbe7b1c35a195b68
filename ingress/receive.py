"""Receives one delivery: checks limits, source, sender and signature, in that order, publishes it and answers.

Nothing is parsed before it is verified. No bytes that a stranger can send make this module raise.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from logging import DEBUG
from time import perf_counter
from typing import Protocol

import structlog
from starlette.types import Receive

from ingress import answers, declared_writes
from ingress.admission.body_limits import InFlightLimits, read_body, refused_unread
from ingress.admission.client_address import sender_address
from ingress.admission.rate_limits import Bucket
from ingress.answers import ACCEPTED, PROBED, Answer
from ingress.delivery.publisher import Headers, Published, Report, Spooled, Unpublished
from ingress.observability.log_sampling import Kind, SampledLog
from ingress.observability.metrics import Metrics
from ingress.settings import Settings
from ingress.sources import Source
from providers.base import Refused, SignedRequest, Verified
from providers.received import raw_delivery
from schemas.codec import raw_headers
from schemas.records import RawDelivery

WRITES = "/writes"
"""Stands after a source's name, which has no slash, in the path of declared writes."""

log = structlog.get_logger("ingress")


class RawTopic(Protocol):
    """The publisher of verified deliveries."""

    def publish(self, key: bytes, value: bytes, headers: Headers) -> Awaitable[Report]:
        """Return the report on one record, in bounded time."""


class Receiver:
    """Answers deliveries to the configured sources and publishes them. `now` returns aware UTC."""

    def __init__(
        self,
        settings: Settings,
        sources: Mapping[str, Source],
        raw_topic: RawTopic,
        metrics: Metrics,
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._sources = sources
        self._raw_topic = raw_topic
        self._now = now
        self._metrics = metrics
        self.log = SampledLog()
        self.in_flight = InFlightLimits(settings.max_concurrent, settings.bodies_limit_bytes)
        self._buckets: dict[str, Bucket] = {}  # by source name; kept here, so that they survive a reload

    async def receive(
        self, name: str, headers: Sequence[tuple[bytes, bytes]], receive: Receive, peer: str = ""
    ) -> Answer:
        """Return the answer to one post; 200 only once all in-sync replicas in Kafka, or the spool, have it.

        `peer` is the address at the other end of the connection, `""` if there is none.
        """
        texts, in_flight = text_headers(headers), self.in_flight
        if in_flight.requests >= in_flight.max_requests:
            answer = answers.too_busy(in_flight.max_requests)
        else:
            in_flight.requests += 1
            try:
                answer = await self._answer(name, texts, receive, peer)
            finally:
                in_flight.requests -= 1
        if answer is not ACCEPTED:
            self.record(name, answer, self._sender(texts, peer))
        return answer

    def use(self, sources: Mapping[str, Source]) -> None:
        """Serve these sources from now on; an in-flight delivery finishes with the old ones."""
        self._sources = sources

    def probe(self, name: str) -> Answer:
        """Return 200 if the source exists: providers and people check before they subscribe. Has no side effect."""
        answer = PROBED if name in self._sources else answers.unknown_source(name)
        self.record(name, answer)
        return answer

    def record(self, name: str, answer: Answer, sender: str = "") -> None:
        """Count and log an answer other than 200 to a delivery; `sender` is the address it came from."""
        tally = self._metrics.tallies.get(name.removesuffix(WRITES), self._metrics.unknown)
        tally.count(answer)
        self.log.info(
            Kind("answered", tally.source, answer.reason),
            source=name[: answers.SHOWN_CHARS],
            sender=sender[: answers.SHOWN_CHARS],
            status=answer.status,
            result=answer.result,
        )

    def aborted(self, answer: Answer) -> None:
        """Count and log an answer that a connection sent itself, to bytes that never became a request."""
        self._metrics.aborted[answer.reason] += 1
        self.log.info(Kind("connection_aborted", "", answer.reason), status=answer.status)

    async def _answer(self, name: str, headers: Mapping[str, str], receive: Receive, peer: str) -> Answer:
        if name.endswith(WRITES):
            return await self._answer_write(name.removesuffix(WRITES), headers, receive)
        refused = refused_unread(headers, self._settings.body_limit_bytes)
        if refused is not None:
            return refused
        source = self._sources.get(name)
        if source is None:
            return answers.unknown_source(name)
        refused = self._refused_sender(source, headers, peer)
        if refused is not None:
            return refused
        body = await read_body(receive, self._settings.body_limit_bytes, self.in_flight)
        if isinstance(body, Answer):
            return body
        delivery = self._verified(source, SignedRequest(headers, body))
        return delivery if isinstance(delivery, Answer) else await self._keep(delivery)

    async def _answer_write(self, name: str, headers: Mapping[str, str], receive: Receive) -> Answer:
        """Keep a declared write like a delivery. `allow` and `rate_limit` are about the provider and do not hold here."""
        source = self._sources.get(name)
        if source is None:
            return answers.unknown_source(name)
        delivery = await declared_writes.received(source, headers, receive, self.in_flight, self._now)
        return delivery if isinstance(delivery, Answer) else await self._keep(delivery)

    def _refused_sender(self, source: Source, headers: Mapping[str, str], peer: str) -> Answer | None:
        """Return 403 or 429 if the sender may not post to the source at all, or not yet; its body is not read."""
        if source.allow is not None:
            sender = self._sender(headers, peer)
            if sender not in source.allow:
                return answers.not_allowed(sender)
        if source.rate is None:
            return None
        bucket = self._buckets.get(source.name)
        if bucket is None or bucket.rate != source.rate:
            bucket = self._buckets[source.name] = Bucket(source.rate)
        wait_s = bucket.take()
        return answers.rate_limited(source.rate, wait_s) if wait_s else None

    def _sender(self, headers: Mapping[str, str], peer: str) -> str:
        return sender_address(peer, headers.get("x-forwarded-for", ""), self._settings.trusted_proxies)

    def _verified(self, source: Source, request: SignedRequest) -> RawDelivery | Answer:
        now = self._now()
        if source.is_verified:
            secrets = source.current_secrets(now.date())
            verdict = source.provider.verify(request, [secret.value for secret in secrets], now)
            if isinstance(verdict, Refused) and verdict.is_probe:
                return PROBED
            if isinstance(verdict, Refused):
                self._note_expired(source, request, now)
                return answers.unsigned(verdict)
            self._metrics.tally(source.name, source.provider.name).use_secret(secrets[verdict.secret_index])
        envelope = source.provider.identify(source.name, request)
        if envelope.has_unread_time:
            self._metrics.tally(source.name, source.provider.name).unread_times += 1
        if source.tenants and envelope.tenant not in source.tenants:
            return answers.unknown_tenant(envelope.tenant)
        return raw_delivery(source.provider, source.name, request, envelope, now)

    def _note_expired(self, source: Source, request: SignedRequest, now: datetime) -> None:
        """Tell the operator, but not the sender, that a refused delivery was signed with an expired secret."""
        expired = source.expired_secrets(now.date())
        verdict = source.provider.verify(request, [secret.value for secret in expired], now)
        if isinstance(verdict, Verified):
            secret = expired[verdict.secret_index]
            self._metrics.tally(source.name, source.provider.name).refuse_expired(secret)
            kind = Kind("expired_secret_used", source.name, "expired_secret")
            self.log.warning(kind, source=source.name, ref=secret.ref, until=str(secret.until))

    async def _keep(self, delivery: RawDelivery) -> Answer:
        """Return 200 once Kafka, or the spool instead, has the delivery."""
        began_s = perf_counter()
        report = await self._raw_topic.publish(delivery.key.encode(), delivery.body, raw_headers(delivery))
        waited_s = perf_counter() - began_s
        self._note(delivery, report, waited_s)
        if isinstance(report, Published):
            self._metrics.tally(delivery.source, delivery.provider).accept(len(delivery.body), waited_s)
            return ACCEPTED
        if isinstance(report, Spooled):
            self._metrics.tally(delivery.source, delivery.provider).spool(len(delivery.body))
            return ACCEPTED
        if report.reason == "record_too_large":
            return Answer(413, "refused", report.reason, report.detail)
        return answers.unavailable(report.reason, report.detail)

    def _note(self, delivery: RawDelivery, report: Report, waited_s: float) -> None:
        """Log a verified delivery that was not stored, and at level debug one that was. Ids are sent by strangers: cut short."""
        is_kept = not isinstance(report, Unpublished)
        if is_kept and not log.is_enabled_for(DEBUG):
            return
        known = {
            "source": delivery.source,
            "delivery_id": delivery.delivery_id[: answers.SHOWN_CHARS],
            "event_type": delivery.event_type[: answers.SHOWN_CHARS],
            "body_bytes": len(delivery.body),
            "waited_ms": round(1000 * waited_s, 1),
        }
        if isinstance(report, Unpublished):
            self.log.warning(Kind("not_kept", delivery.source, report.reason), **known)
        else:
            log.debug("accepted", kept_in="kafka" if isinstance(report, Published) else "spool", **known)


def text_headers(headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers as text, byte for byte (Latin-1), names in lower case as the server gives them.

    Repeated headers are joined with a comma (RFC 9110, section 5.3), so that a second signature cannot replace the
    first: the joined text is malformed unless the scheme allows lists.
    """
    texts = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
    if len(texts) == len(headers):
        return texts
    values: dict[str, list[bytes]] = {name: [] for name in texts}
    for name, value in headers:
        values[name.decode("latin-1")].append(value)
    return {name: b", ".join(sent).decode("latin-1") for name, sent in values.items()}
