"""The records of a change: its documents with the columns of its resource."""

from msgspec.structs import replace

from schemas.records import Change, Document, LatestState
from schemas.typed.encode import Encoded
from schemas.typed.resource import TypedResource


def with_records(
    change: Change, document: Document | None, latest: LatestState | None, typed: TypedResource
) -> tuple[Change, Encoded | None]:
    """Return a change with its records, and its new one with what fits no column; None once the resource is deleted.

    The record before is the stored one, if it has the present columns; else the encoder makes it from the text.
    """
    before = latest.record if latest is not None and latest.columns == typed.fingerprint else None
    encoded = None if document is None else typed.encode(document)
    after = None if encoded is None else encoded.body
    return replace(change, record_before=before, record_after=after), encoded
