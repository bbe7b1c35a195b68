"""Outside the steps: a correction, with which a replay corrects the document of one resource at consumers (decision 0012).

Penstock writes it as a delivery, so that the worker's transaction emits it in the resource's order. Only the header
distinguishes it from a provider's delivery, and the ingress drops that header; a sender can choose event type and body. It
applies only while the stored state is the one that the replay saw, whatever its times: any later state is newer and wins.
"""

import uuid
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct

from schemas import codec
from schemas.records import Change, Correction, LatestState, Operation, Outcome, RawDelivery, Snapshot, resource_key
from streams.steps.diff import diff

HEADER: Final = "penstock_correction"
EVENT_TYPE: Final = "penstock/correction"
_NAMESPACE: Final = uuid.UUID("3f0c2a5e-6f0d-5b7e-8a41-636f72726563")  # persisted in delivery ids: never change it


class Refused(Struct, frozen=True):
    """The body is not a correction; `detail` says what was expected."""

    detail: str


class Applicable(Struct, frozen=True):
    """A correction in the form that the pipeline decides; `snapshot` is the resource as it should be."""

    correction: Correction
    snapshot: Snapshot

    @property
    def event_type(self) -> str:
        """Return the event type by which routes select."""
        return self.correction.event_type

    def outcome(self, delivery: RawDelivery, latest: LatestState | None, *, is_paused: bool) -> Outcome | None:
        """Return why the correction changes nothing, None if it applies."""
        correction = self.correction
        if is_paused:
            return Outcome("filtered", "paused", f"{correction.resource_type} is paused for this source")
        stored = "" if latest is None else latest.event_id
        if stored == delivery.delivery_id:
            return Outcome("duplicate", "delivery_id", "this correction was carried out before")
        if stored != correction.replaces:
            detail = f"expected the state of change {correction.replaces or 'none'}, found that of {stored or 'none'}"
            return Outcome("stale", "changed_since_replay", detail)
        if correction.before == correction.after:
            return Outcome("unchanged", "no_difference", "consumers have what is right")
        return None

    def change(self, event_id: str, key: str, text: bytes | None, parent_key: str | None) -> Change:
        """Return the change from the document that consumers have to the right one."""
        correction = self.correction
        before = None if correction.before is None else correction.before.encode()
        op: Operation = "d" if text is None else "c" if before is None else "u"
        return Change(
            event_id,
            op,
            key,
            correction.resource_type,
            correction.resource_id,
            () if before is None or text is None else diff(before, text, self.snapshot.volatile),
            before,
            text,
            correction.version,
            correction.event_time,
            parent_key,
        )


def is_correction(delivery: RawDelivery) -> bool:
    """Say whether a delivery is a correction."""
    return HEADER in delivery.headers


def read_correction(body: bytes) -> Applicable | Refused:
    """Return the correction in a body."""
    try:
        correction = codec.decode_correction(body)
        document = None if correction.after is None else codec.document(correction.after.encode())
    except (msgspec.DecodeError, RecursionError):
        return Refused("expected the body of a correction, as this version of `penstock replay` writes it")
    snapshot = Snapshot(
        correction.resource_type,
        correction.resource_id,
        document,
        correction.version,
        correction.event_time,
        is_deleted=document is None,
        parent=correction.parent,
        state_rank=correction.state_rank,
        volatile=frozenset(correction.volatile),
    )
    return Applicable(correction, snapshot)


def correction_delivery(provider: str, source: str, tenant: str, correction: Correction, now: datetime) -> RawDelivery:
    """Return the delivery of a correction; the same correction always has the same delivery id.

    Only `received_at` differs from run to run.
    """
    key = resource_key(provider, source, tenant, correction.resource_type, correction.resource_id)
    name = f"{key}\0{correction.replaces}\0{codec.time_us(correction.version)}\0{correction.after}"
    return RawDelivery(
        str(uuid.uuid5(_NAMESPACE, name)),
        provider,
        source,
        EVENT_TYPE,
        now,
        key,
        codec.encode_correction(correction),
        headers={HEADER: "1"},
        tenant=tenant,
    )
