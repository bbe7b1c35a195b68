"""The child index: returns which children of a resource a delivery shows, removes or orphans.

Children are stored in *latest*, so that they are restored and recomputed like everything else: a row for each child as for
any resource, and for each parent an index of all children ever seen, in append-only rows of 100 names. Two successive lists
show which children vanished; the index is read if they cannot, and when the parent is deleted.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from providers.times import instant
from schemas import codec
from schemas.records import NO_RESOURCE, ChildRule, LatestState, Snapshot
from streams.steps.children import Element, Found, find
from streams.steps.dedup import is_older
from streams.steps.partial_documents import merged

NAMES_PER_ROW: Final = 100  # a row of 100 names is about 3 kB, rewritten for each new child
INDEX: Final = NO_RESOURCE + b"children\0"  # prefix of index keys: persisted


class Rows:
    """The rows of *latest*, including those that the current delivery has written."""

    def __init__(self, stored: Callable[[bytes], bytes | None], written: dict[bytes, bytes]) -> None:
        self._stored = stored
        self._written = written

    def get(self, key: bytes) -> bytes | None:
        """Return a row, None if there is none."""
        row = self._written.get(key)
        return self._stored(key) if row is None else row

    def put(self, key: bytes, row: bytes) -> None:
        """Write a row."""
        self._written[key] = row

    def state(self, key: str) -> LatestState | None:
        """Return the stored state of a resource."""
        row = self.get(key.encode())
        return None if row is None else codec.decode_latest(row)


class Parent(Struct, frozen=True):
    """A resource that was just decided. `owner` is `provider|source|tenant`; `before` is its stored state before that."""

    owner: str
    key: str
    snapshot: Snapshot
    text: bytes | None
    before: LatestState | None


class Child(Struct, frozen=True):
    """A child that the delivery shows or that is deleted (no text), with its stored state."""

    key: str
    snapshot: Snapshot
    text: bytes | None
    latest: LatestState | None


def has_lists(snapshot: Snapshot) -> bool:
    """Say whether a snapshot's document lists children."""
    document = snapshot.document
    return document is not None and any(rule.field in document for rule in snapshot.children)


class Lists:
    """The children in a parent's document that may be new, changed or gone.

    Iterate over `children` first, decide each at once, then call `finish`. Children of `paused` resource types are skipped; the
    stored children then differ from the parent's list, so that its next list is compared with every one of them.
    """

    def __init__(self, parent: Parent, rows: Rows, paused: frozenset[str] = frozenset()) -> None:
        self._parent = parent
        self._rows = rows
        self._paused = paused
        self._new: list[str] = []
        self._children_in_sync = not parent.snapshot.removed

    def children(self) -> Iterator[Child]:
        """Yield the children whose stored state differs, and those that a complete list no longer names."""
        parent = self._parent
        before = parent.before.document if parent.before is not None and parent.before.children_in_sync else None
        for found in find(parent.snapshot.children, parent.snapshot.resource_id, before, parent.text or b"{}"):
            if found.rule.resource_type in self._paused:
                self._children_in_sync = False
                continue
            for child_id, element in found.shown.items():
                if (found.rule.resource_type, child_id) not in parent.snapshot.removed:
                    yield from self._shown(found.rule, child_id, element)
            for child_id in self._vanished(found):
                yield from self._gone(found.rule.resource_type, child_id)
        for resource_type, child_id in parent.snapshot.removed:
            if resource_type in self._paused:
                continue
            yield from self._gone(resource_type, child_id)

    def finish(self) -> None:
        """Add the new children to the index, and mark the parent's row as in sync with its children."""
        add_to_index(self._parent.key, self._new, self._rows)
        state = self._rows.state(self._parent.key)
        if state is not None and self._children_in_sync:
            self._rows.put(self._parent.key.encode(), codec.encode_row(replace(state, children_in_sync=True)))

    def _shown(self, rule: ChildRule, child_id: str, element: Element) -> Iterator[Child]:
        key = f"{self._parent.owner}|{rule.resource_type}|{child_id}"
        latest, text = self._rows.state(key), element.text
        if latest is None:
            self._new.append(f"{rule.resource_type}|{child_id}")
        elif not latest.is_deleted:
            if latest.document == text:
                return
            if rule.is_shared and latest.document is not None:
                text = merged(latest.document, text)
        snapshot = _of_element(rule, child_id, element, self._parent.snapshot)
        # For a deleted child the list decides, not its own update time: the parent was shown after the deletion.
        if rule.version and latest is not None and not latest.is_deleted and is_older(snapshot, latest):
            return
        if latest is None or text != latest.document:
            yield Child(key, snapshot, text, latest)

    def _vanished(self, found: Found) -> Sequence[str]:
        if found.gone is not None:
            return found.gone
        prefix = f"{found.rule.resource_type}|"
        known = (name for name in index(self._parent.key, self._rows) if name.startswith(prefix))
        ids = (name.removeprefix(prefix) for name in known)
        return [child_id for child_id in ids if child_id not in found.named]

    def _gone(self, resource_type: str, child_id: str) -> Iterator[Child]:
        snapshot = _gone(resource_type, child_id, self._parent.snapshot)
        key = f"{self._parent.owner}|{resource_type}|{child_id}"
        latest = self._rows.state(key)
        if latest is None or latest.is_deleted:
            return
        if is_older(snapshot, latest):  # a delivery for the child itself is newer than this list
            self._children_in_sync = False
            return
        yield Child(key, snapshot, None, latest)


def orphans(parent: Parent, rows: Rows) -> Iterator[Child]:
    """Yield the remaining children of a deleted resource; a child is deleted with its parent, whatever its times."""
    for name in index(parent.key, rows):
        resource_type, _, child_id = name.partition("|")
        key = f"{parent.owner}|{name}"
        latest = rows.state(key)
        if latest is not None and not latest.is_deleted:
            yield Child(key, _gone(resource_type, child_id, parent.snapshot), None, latest)


def is_orphan(snapshot: Snapshot, parent_key: str, rows: Rows) -> bool:
    """Say whether a snapshot shows a child from before the deletion of its parent."""
    if snapshot.is_deleted:
        return False
    parent = rows.state(parent_key)
    return parent is not None and parent.is_deleted and is_older(snapshot, parent)


def remember(child: Child, parent_key: str, rows: Rows) -> None:
    """Add a child that has its own delivery to the index, and mark the parent's row as out of sync if the child is shared."""
    snapshot = child.snapshot
    if child.latest is None:
        add_to_index(parent_key, [f"{snapshot.resource_type}|{snapshot.resource_id}"], rows)
    if not snapshot.is_shared:
        return
    parent = rows.state(parent_key)
    if parent is not None and parent.children_in_sync:
        rows.put(parent_key.encode(), codec.encode_row(replace(parent, children_in_sync=False)))


def index(parent_key: str, rows: Rows) -> list[str]:
    """Return `type|id` of every child ever seen of a parent, in order of first appearance."""
    count = _count(parent_key, rows)
    starts = range(0, count, NAMES_PER_ROW)
    return [name for start in starts for name in _names(rows.get(_row_key(parent_key, start)) or _NO_NAMES)]


def add_to_index(parent_key: str, names: Sequence[str], rows: Rows) -> None:
    """Append names of children that are not in the index yet."""
    if not names:
        return
    count, left = _count(parent_key, rows), list(names)
    while left:
        row_key = _row_key(parent_key, count)
        room = NAMES_PER_ROW - count % NAMES_PER_ROW
        held = _names(rows.get(row_key) or _NO_NAMES) if count % NAMES_PER_ROW else []
        rows.put(row_key, codec.encode_row([*held, *left[:room]]))
        count += min(room, len(left))
        left = left[room:]
    rows.put(INDEX + parent_key.encode(), codec.encode_row(count))


_names = msgspec.msgpack.Decoder(list[str]).decode
_number = msgspec.msgpack.Decoder(int).decode
_NO_NAMES: Final = b"\x90"  # MessagePack's empty array


def _count(parent_key: str, rows: Rows) -> int:
    row = rows.get(INDEX + parent_key.encode())
    return 0 if row is None else _number(row)


def _row_key(parent_key: str, count: int) -> bytes:
    return INDEX + f"{count // NAMES_PER_ROW}\0{parent_key}".encode()


def _of_element(rule: ChildRule, child_id: str, element: Element, parent: Snapshot) -> Snapshot:
    own = instant(element.updated) if rule.version else None
    return Snapshot(
        rule.resource_type,
        child_id,
        None,  # the text is enough; no later step needs the parsed document
        own or parent.version,
        parent.event_time,
        volatile=parent.volatile,
        parent=(parent.resource_type, parent.resource_id),
        is_shared=rule.is_shared,
    )


def _gone(resource_type: str, child_id: str, parent: Snapshot) -> Snapshot:
    return Snapshot(
        resource_type,
        child_id,
        None,
        event_time=parent.version or parent.event_time,
        is_deleted=True,
        volatile=parent.volatile,
        parent=(parent.resource_type, parent.resource_id),
    )
