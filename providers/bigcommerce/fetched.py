"""What a document from BigCommerce's API shows: the resource, its update time, what it belongs to and what it contains. Pure."""

from providers.bigcommerce.reads import READINGS, Reading
from providers.bigcommerce.rules import CHILDREN
from providers.outline import at
from providers.reading import instant, text_id
from schemas.records import Document, Snapshot


def fetched_snapshot(resource_type: str, resource_id: str, document: Document) -> Snapshot:
    """Return the snapshot of a resource as `api.read` brought it; of a type that cannot be read, the bare document.

    Without an update time (categories, addresses, shipments, stock) `version` is None: the time of the read orders it.
    """
    reading = READINGS.get(resource_type)
    if reading is None:
        return Snapshot(resource_type, resource_id, document)
    return Snapshot(
        resource_type,
        resource_id,
        document,
        version=None if reading.version is None else instant(document.get(reading.version)),
        volatile=reading.volatile,
        parent=_parent(reading, document),
        children=CHILDREN.get(resource_type, ()),
    )


def _parent(reading: Reading, document: Document) -> tuple[str, str] | None:
    if reading.parent is None:
        return None
    parent_type, path = reading.parent
    parent_id = text_id(at(document, path))
    return None if parent_id is None else (parent_type, parent_id)
