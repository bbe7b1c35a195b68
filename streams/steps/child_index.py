"""Says which children of a resource a delivery shows, takes away or leaves without a parent.

What is known of a resource's children is in *latest*, so that it is restored and recomputed with everything else: a row for
each child like any resource's, and for each parent an index of all children ever seen, in rows of 100 names, which grow at
the end only. A list names what vanished from it; the index is read where a list cannot tell, and when the parent is deleted.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from providers.reading import instant
from schemas import codec
from schemas.records import ChildRule, LatestState, Snapshot
from streams.steps.children import Element, Found, find, merged
from streams.steps.dedup import is_older

NAMES_PER_ROW: Final = 100  # a row of 100 names is about 3 kB, rewritten for each new child
INDEX: Final = b"\0children\0"  # how keys of the index begin, and no resource key does: persisted


class Rows:
    """The rows of *latest* as the present delivery leaves them."""

    def __init__(self, stored: Callable[[bytes], bytes | None], written: dict[bytes, bytes]) -> None:
        self._stored = stored
        self._written = written

    def get(self, key: bytes) -> bytes | None:
        """Return a row, None where there is none."""
        row = self._written.get(key)
        return self._stored(key) if row is None else row

    def put(self, key: bytes, row: bytes) -> None:
        """Write a row."""
        self._written[key] = row

    def state(self, key: str) -> LatestState | None:
        """Return what is stored of a resource."""
        row = self.get(key.encode())
        return None if row is None else codec.decode_latest(row)


class Parent(Struct, frozen=True):
    """A resource as just decided. `owner` is `provider|source`; `before` is what was stored of it until then."""

    owner: str
    key: str
    snapshot: Snapshot
    text: bytes | None
    before: LatestState | None


class Child(Struct, frozen=True):
    """A child that the delivery shows, or that is gone (no text), and what is stored of it."""

    key: str
    snapshot: Snapshot
    text: bytes | None
    latest: LatestState | None


def has_lists(snapshot: Snapshot) -> bool:
    """Say whether a delivery says anything about the children of what it shows."""
    document = snapshot.document
    return document is not None and any(rule.field in document for rule in snapshot.children)


class Lists:
    """The children that a parent's document lists, as far as they may be news.

    Ask for `children` first, decide each as it comes, then `finish`. Of the `paused` resource types nothing is news; the
    children are then not as the parent lists them, so that its next list is compared with every one of them.
    """

    def __init__(self, parent: Parent, rows: Rows, paused: frozenset[str] = frozenset()) -> None:
        self._parent = parent
        self._rows = rows
        self._paused = paused
        self._new: list[str] = []
        self._children_in_sync = not parent.snapshot.removed

    def children(self) -> Iterator[Child]:
        """Yield the children that are not stored as shown, and those that a whole list does not name any more."""
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
        """Remember the new children in the index, and on the parent's row that its children are as it lists them."""
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
        # Of a child that is gone the list decides, not its own update time: its parent was shown later than it went.
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
        if is_older(snapshot, latest):  # a topic of its own showed it later than this list was made
            self._children_in_sync = False
            return
        yield Child(key, snapshot, None, latest)


def orphans(parent: Parent, rows: Rows) -> Iterator[Child]:
    """Yield the children that are left when a resource is deleted; a child does not outlive its parent, whatever its times."""
    for name in index(parent.key, rows):
        resource_type, _, child_id = name.partition("|")
        key = f"{parent.owner}|{name}"
        latest = rows.state(key)
        if latest is not None and not latest.is_deleted:
            yield Child(key, _gone(resource_type, child_id, parent.snapshot), None, latest)


def is_orphan(snapshot: Snapshot, parent_key: str, rows: Rows) -> bool:
    """Say whether a delivery shows a child as it was before its parent was deleted."""
    if snapshot.is_deleted:
        return False
    parent = rows.state(parent_key)
    return parent is not None and parent.is_deleted and is_older(snapshot, parent)


def remember(child: Child, parent_key: str, rows: Rows) -> None:
    """Remember a child that a delivery of its own showed: in the index, and on the parent's row that its list is outdated."""
    snapshot = child.snapshot
    if child.latest is None:
        add_to_index(parent_key, [f"{snapshot.resource_type}|{snapshot.resource_id}"], rows)
    if not snapshot.is_shared:
        return
    parent = rows.state(parent_key)
    if parent is not None and parent.children_in_sync:
        rows.put(parent_key.encode(), codec.encode_row(replace(parent, children_in_sync=False)))


def index(parent_key: str, rows: Rows) -> list[str]:
    """Return `type|id` of every child ever seen of a parent, in the order of their appearance."""
    count = _count(parent_key, rows)
    places = range(0, count, NAMES_PER_ROW)
    return [name for place in places for name in _names(rows.get(_place(parent_key, place)) or _NO_NAMES)]


def add_to_index(parent_key: str, names: Sequence[str], rows: Rows) -> None:
    """Append names of children that are not in the index yet."""
    if not names:
        return
    count, left = _count(parent_key, rows), list(names)
    while left:
        place = _place(parent_key, count)
        room = NAMES_PER_ROW - count % NAMES_PER_ROW
        held = _names(rows.get(place) or _NO_NAMES) if count % NAMES_PER_ROW else []
        rows.put(place, codec.encode_row([*held, *left[:room]]))
        count += min(room, len(left))
        left = left[room:]
    rows.put(INDEX + parent_key.encode(), codec.encode_row(count))


_names = msgspec.msgpack.Decoder(list[str]).decode
_number = msgspec.msgpack.Decoder(int).decode
_NO_NAMES: Final = b"\x90"  # MessagePack's empty array


def _count(parent_key: str, rows: Rows) -> int:
    row = rows.get(INDEX + parent_key.encode())
    return 0 if row is None else _number(row)


def _place(parent_key: str, count: int) -> bytes:
    return INDEX + f"{count // NAMES_PER_ROW}\0{parent_key}".encode()


def _of_element(rule: ChildRule, child_id: str, element: Element, parent: Snapshot) -> Snapshot:
    own = instant(element.updated) if rule.version else None
    return Snapshot(
        rule.resource_type,
        child_id,
        None,  # the text has it all; nobody downstream asks for it parsed
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
