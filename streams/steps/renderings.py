"""Says whether a document replaces the stored one or is merged into it: what a rendering leaves out is unknown, not removed.

Senders show one resource in several renderings: subscriptions that include some fields only, two API versions during an upgrade,
events with their own field names. Only a document that is whole, and of the version that the source declares, replaces.
"""

import msgspec

from schemas import codec
from schemas.records import MIXED, LatestState, Snapshot

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def is_merged(snapshot: Snapshot, latest: LatestState, shown_version: str | None, declared: str | None) -> bool:
    """Say whether fields that a document lacks keep their stored values; `latest` has a document.

    `shown_version` is the API version of the delivery, `declared` the one that its source declares; None if there is none.
    """
    if snapshot.is_shared or snapshot.is_partial:
        return True
    if shown_version is not None and latest.api_version is not None:
        expected = latest.api_version if declared is None else declared
        if shown_version != expected:
            return True
    return snapshot.may_be_partial and _lacks_field(snapshot, latest)


def completed(snapshot: Snapshot, latest: LatestState, shown_version: str | None) -> bytes | None:
    """Return the stored document with the top-level fields that only an older one in another rendering shows.

    None if there are none. What the stored rendering leaves out is unknown, and an older value is better than none.
    """
    document, stored = snapshot.document, latest.document
    if document is None or stored is None:
        return None
    if not (snapshot.may_be_partial or snapshot.is_partial) and shown_version == latest.api_version:
        return None
    if document.keys() <= _fields(stored).keys():
        return None
    return codec.document_json(document | codec.document(stored))


def stored_version(latest: LatestState | None, shown_version: str | None, is_merged: bool) -> str | None:
    """Return the API version of the document to store; `is_merged` says whether fields of the stored one were kept."""
    if latest is None or latest.document is None or latest.api_version is None:
        return shown_version
    if shown_version is None:
        return latest.api_version
    return MIXED if is_merged and shown_version != latest.api_version else shown_version


def _lacks_field(snapshot: Snapshot, latest: LatestState) -> bool:
    document, stored = snapshot.document, latest.document
    return document is not None and stored is not None and not _fields(stored).keys() <= document.keys()
