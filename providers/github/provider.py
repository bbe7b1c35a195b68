"""GitHub: an HMAC of the exact bytes, JSON or form-encoded; the event's name is in a header and its action in the body.

The signature has no timestamp, and GitHub does not retry: a refused delivery is lost until someone redelivers it.
Source: GitHub's "Validating webhook deliveries" and "Webhook events and payloads".
"""

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar
from urllib.parse import parse_qs

from msgspec import Struct

from providers.base import Envelope, Handshake, Parsed, Sample, SignedRequest, Unparsed, Verdict
from providers.github.events import CHILDREN, REMOVALS, RESOURCE_TYPES, RULES
from providers.github.evidence import contradiction
from providers.github.ranks import state_rank
from providers.github.resources import Occasion, main_objects, named, resources, rule_of, todays_name
from providers.github.rule import Rule
from providers.outline import DecodeOutline, at, outline_decoder, read_outline
from providers.reading import ResourceNames, body_digest, instant, read_noted, root_key, text_id
from providers.scheme import SignatureScheme, first_header
from providers.secret_forms import explained
from providers.signature import match_hmac, read_digest, refuse_malformed, refuse_missing, signing_headers
from schemas.records import Document, RawDelivery, Snapshot

LEGACY_SIGNATURE = "x-hub-signature"
SCHEME = SignatureScheme("github", ("x-hub-signature-256",), "hex", prefix="sha256=")
FORM = "application/x-www-form-urlencoded"
FORM_START = b"payload="
MAX_FORM_FIELDS = 16  # GitHub sends one; without a limit, a body of ampersands would become a million fields
VOLATILE = frozenset({"updated_at", "pushed_at"})  # change with every update; counters and states are content
# Next to the main object are whole copies of other resources, whose counters and times change independently.
CONTEXT = ("repository", "organization", "enterprise", "installation", "sender", "pull_request", "workflow_run")
REFERENCE = ("id", "number", "name", "full_name", "login", "slug")
MAX_ACTION_CHARS = 100

_outlines: Mapping[str, DecodeOutline] = {
    event: outline_decoder({"action"}.union(*(RULES[name].paths() for name in RULES if name.split(".")[0] == event)))
    for event in {name.split(".")[0] for name in RULES}
}


class GitHub(Struct, frozen=True):
    """GitHub's rules; the same for github.com and GitHub Enterprise Server."""

    name: ClassVar[str] = "github"
    resource_types: ClassVar[frozenset[str]] = RESOURCE_TYPES
    secret_headers: ClassVar[frozenset[str]] = frozenset()
    own_headers: ClassVar[tuple[str, ...]] = ("x-github-", "x-hub-")
    scheme: ClassVar[SignatureScheme] = SCHEME

    def verify(self, request: SignedRequest, secrets: Sequence[bytes], now: datetime) -> Verdict:  # noqa: ARG002  GitHub signs no time
        """Check the SHA-256 signature; the SHA-1 signature sent with it is no longer secure and is not read."""
        scheme = self.scheme
        signature = first_header(request.headers, scheme.headers)
        if signature is None:
            return _refuse_without_signature(scheme, request.headers)
        given = read_digest(scheme, signature)
        if given is None:
            return refuse_malformed(scheme.header, scheme.form)
        return explained(match_hmac(request.body, [given], secrets, scheme.algorithm), scheme, secrets)

    def identify(self, source: str, request: SignedRequest) -> Envelope:
        """Return the envelope of a delivery; reads only the fields that name the resource."""
        headers = request.headers
        event = todays_name(text_id(headers.get("x-github-event")) or "unknown")
        guid = text_id(headers.get("x-github-delivery")) or body_digest(request.body)
        delivery_id = _delivery_id(headers, guid)
        content_type = request.content_type
        payload = _outline(event, json_bytes(request.body, content_type), content_type)
        if isinstance(payload, Unparsed):
            return Envelope(delivery_id, event, delivery_id)
        occasion = Occasion(event, payload, guid, _target(headers))
        rule = rule_of(occasion)
        rule, found = named(rule, main_objects(rule, occasion)[0])
        return Envelope(
            delivery_id=delivery_id,
            event_type=_event_type(occasion),
            key=delivery_id if isinstance(found, Unparsed) else root_key(GitHub.name, source, "", found),
            event_time=_event_time(rule, payload),
        )

    def parse(self, delivery: RawDelivery) -> Parsed | Unparsed | Handshake:
        """Return the main object of the event, or the pages of a wiki edit; a new hook's `ping` has none."""
        payload, notes = _payload(json_bytes(delivery.body, delivery.content_type), delivery.content_type)
        if isinstance(payload, Unparsed):
            return payload
        event = todays_name(delivery.event_type)
        if event == "ping":
            return Handshake(f"GitHub's ping of hook {text_id(payload.get('hook_id'))}: the address works")
        contradicted = contradiction(event, payload)
        if contradicted is not None:
            return contradicted
        guid = text_id(delivery.headers.get("x-github-delivery")) or delivery.delivery_id
        occasion = Occasion(event, payload, guid, _target(delivery.headers))
        snapshots = []
        for rule, single in resources(rule_of(occasion), occasion):
            snapshot = snapshot_of(rule, single)
            if isinstance(snapshot, Unparsed):
                return snapshot
            snapshots.append(snapshot)
        return Parsed(tuple(snapshots), notes)

    def sign(self, sample: Sample, secret: bytes) -> dict[str, str]:
        """Return the headers of a hook with id 1; the topic is an event, with or without its action."""
        is_form = sample.body.startswith(FORM_START)
        return {
            "accept": "*/*",
            "content-type": FORM if is_form else "application/json",
            "user-agent": "GitHub-Hookshot/0000000",
            "x-github-delivery": sample.delivery_id,
            "x-github-event": sample.topic.partition(".")[0],
            "x-github-hook-id": "1",
            "x-github-hook-installation-target-id": sample.tenant,
            "x-github-hook-installation-target-type": "repository",
            LEGACY_SIGNATURE: "sha1=" + hmac.digest(secret, sample.body, "sha1").hex(),
            **signing_headers(self.scheme, secret, sample.body, sample.delivery_id, sample.now),
        }


def _refuse_without_signature(scheme: SignatureScheme, headers: Mapping[str, str]) -> Verdict:
    if LEGACY_SIGNATURE in headers:
        return refuse_missing(f"{scheme.header} (the SHA-1 header {LEGACY_SIGNATURE} alone is not accepted)")
    return refuse_missing(scheme.header)


def _delivery_id(headers: Mapping[str, str], guid: str) -> str:
    """Return hook and GUID as one id: two hooks send one event with the same GUID, so only the pair identifies a delivery."""
    hook_id = text_id(headers.get("x-github-hook-id"))
    return f"{hook_id}:{guid}" if hook_id and "x-github-delivery" in headers else guid


def _target(headers: Mapping[str, str]) -> str | None:
    return text_id(headers.get("x-github-hook-installation-target-id"))


def json_bytes(body: bytes, content_type: str) -> bytes | Unparsed:
    """Return the JSON text of a body; in a form it is the field `payload`."""
    if not (body.startswith(FORM_START) or content_type.lower().startswith(FORM)):
        return body
    try:
        fields = parse_qs(
            body.decode("utf-8", "surrogateescape"),
            keep_blank_values=True,
            errors="surrogateescape",
            max_num_fields=MAX_FORM_FIELDS,
        )
    except ValueError:
        return Unparsed("unreadable", f"expected a form of at most {MAX_FORM_FIELDS} fields")
    if "payload" not in fields:
        return Unparsed("unknown_shape", "expected a form with JSON in its field payload")
    return fields["payload"][-1].encode("utf-8", "surrogateescape")


def _payload(json_bytes: bytes | Unparsed, content_type: str) -> tuple[Document | Unparsed, tuple[str, ...]]:
    return (json_bytes, ()) if isinstance(json_bytes, Unparsed) else read_noted(json_bytes, content_type)


def _outline(event: str, json_bytes: bytes | Unparsed, content_type: str) -> Document | Unparsed:
    decode = _outlines.get(event)
    if decode is None or isinstance(json_bytes, Unparsed):
        return _payload(json_bytes, content_type)[0]
    return read_outline(decode, json_bytes, content_type)


def _event_type(occasion: Occasion) -> str:
    action = occasion.action[: MAX_ACTION_CHARS + 1]
    is_word = 0 < len(action) <= MAX_ACTION_CHARS and action.isascii() and action.isprintable()
    return f"{occasion.event}.{action}" if is_word else occasion.event


def _version(rule: Rule, payload: Document) -> datetime | None:
    return instant(at(payload, rule.version)) if rule.version else None


def _event_time(rule: Rule, payload: Document) -> datetime | None:
    times = (instant(at(payload, path)) for path in rule.times)
    return _version(rule, payload) or next((time for time in times if time), None) or _newest(rule, payload)


def _newest(rule: Rule, payload: Document) -> datetime | None:
    """Return the newest time in a list; None without one, or in an outline, which leaves the list out."""
    listed = payload.get(rule.newest_of[0]) if rule.newest_of else None
    if rule.newest_of is None or not isinstance(listed, list):
        return None
    times = (instant(at(element, rule.newest_of[1])) for element in listed)
    return max((time for time in times if time), default=None)


def snapshot_of(rule: Rule, occasion: Occasion) -> Snapshot | Unparsed:
    """Return the snapshot of one main object by its rule."""
    rule, found = named(rule, occasion)
    if isinstance(found, Unparsed):
        return found
    payload = occasion.payload
    is_deleted = _is_deletion(rule, occasion)
    document = None if is_deleted else _document(rule, payload)
    if isinstance(document, Unparsed):
        return document
    return Snapshot(
        resource_type=found.resource_type,
        resource_id=found.resource_id,
        document=document,
        # A deletion leaves updated_at unchanged: as a version it would make the deletion a duplicate of the last update.
        version=None if is_deleted else _version(rule, payload),
        event_time=_event_time(rule, payload),
        is_deleted=is_deleted,
        volatile=VOLATILE if rule.main or not rule.version else VOLATILE | {rule.version},
        parent=found.parent,
        children=CHILDREN.get(found.resource_type, ()),
        removed=_removed(found, occasion),
        state_rank=state_rank(rule.rank, payload, occasion.action, is_deleted=is_deleted),
    )


def _removed(found: ResourceNames, occasion: Occasion) -> tuple[tuple[str, str], ...]:
    removals = REMOVALS.get(occasion.action)
    if removals is None or found.resource_type not in CHILDREN:
        return ()
    types = {rule.field: rule.resource_type for rule in CHILDREN[found.resource_type]}
    named = [(listed, text_id(at(occasion.payload, f"{name}.id"))) for name, listed in removals.items()]
    return tuple((types[listed], f"{found.resource_id}:{name}") for listed, name in named if name and listed in types)


def _is_deletion(rule: Rule, occasion: Occasion) -> bool:
    if occasion.is_removed or occasion.action in rule.deleting:
        return True
    return rule.deleting_flag is not None and at(occasion.payload, rule.deleting_flag) is True


def _document(rule: Rule, payload: Document) -> Document | Unparsed:
    """Return the main object unchanged, or the relation or whole payload with other resources reduced to their names."""
    if rule.relates:
        related = ((name, at(payload, path)) for name, path in rule.relates)
        return {name: _side(value) for name, value in related if value is not None}
    if rule.main is None:
        return {name: _reference(value) if name in CONTEXT else value for name, value in payload.items()}
    document = payload.get(rule.main)
    if isinstance(document, dict):
        return document
    return Unparsed("unknown_shape", f"expected an object in {rule.main}")


def _reference(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return {name: value[name] for name in REFERENCE if name in value}


def _side(value: object) -> object:
    """Return one side of a relation reduced to its names, any other value as it is."""
    return _reference(value) if isinstance(value, dict) and "id" in value else value
