"""Reads the lists of children in a document and returns which children may be new or changed, and which are gone.

Documents are canonical JSON text, so an unchanged element has identical bytes and is never parsed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from providers.reading import text_id
from schemas.records import ChildRule


class Element(Struct, frozen=True):
    """One child in its parent's document: canonical JSON text, and its own update time as written."""

    text: bytes
    updated: Any


class Listing(Struct, frozen=True):
    """One list of children by resource id. `named` holds the ids of all children in the document, shown or not.

    `is_whole`: a child that is not named no longer exists.
    """

    elements: Mapping[str, Element]
    named: frozenset[str]
    is_whole: bool


class Found(Struct, frozen=True):
    """The differences in one list: the elements that may be new or changed, and the ids that are `gone`.

    `gone` is None if it takes the child index to tell: every indexed child that is not `named` is gone.
    """

    rule: ChildRule
    shown: Mapping[str, Element]
    gone: Sequence[str] | None
    named: frozenset[str]


def find(rules: Sequence[ChildRule], parent_id: str, before: bytes | None, after: bytes) -> list[Found]:
    """Return the differences between a document's lists and those of the previous document; unreadable lists are ignored.

    `before` is None if the stored children may differ from its lists; then every element counts as new.
    """
    old: dict[str, msgspec.Raw] = {} if before is None else _fields(before)
    new = _fields(after)
    found = []
    for rule in rules:
        if before is not None and _is_same(rule, old, new):
            continue
        listing = _listing(rule, new, parent_id)
        if listing is not None:
            found.append(_compared(rule, _listing(rule, old, parent_id), listing))
    return found


def _is_same(rule: ChildRule, old: Mapping[str, msgspec.Raw], new: Mapping[str, msgspec.Raw]) -> bool:
    names = (rule.field, rule.id_list_field, rule.member)
    return all(old.get(name) == new.get(name) for name in names if name is not None)


def _compared(rule: ChildRule, old: Listing | None, new: Listing) -> Found:
    if old is None:
        return Found(rule, new.elements, None if new.is_whole else (), new.named)
    shown = {
        child_id: element
        for child_id, element in new.elements.items()
        if child_id not in old.elements or old.elements[child_id].text != element.text
    }
    if not new.is_whole:
        return Found(rule, shown, (), new.named)
    return Found(rule, shown, sorted(old.named - new.named) if old.is_whole else None, new.named)


class _Names(Struct):
    id: Any = None
    updated_at: Any = None
    admin_graphql_api_id: Any = None


class _Page(Struct):
    data: msgspec.Raw
    has_more: Any = None


_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_texts = msgspec.json.Decoder(list[msgspec.Raw]).decode
_names = msgspec.json.Decoder(list[_Names]).decode
_name = msgspec.json.Decoder(_Names | None).decode
_page = msgspec.json.Decoder(_Page).decode


def _listing(rule: ChildRule, fields: Mapping[str, msgspec.Raw], parent_id: str) -> Listing | None:
    """Return a list, None if the document has none or its elements have no unique ids."""
    if rule.field not in fields:
        return None
    try:
        array, is_last_page = _array(bytes(fields[rule.field]))
        names, texts = _names(array), _texts(array)
        ids = [text_id(name.id) for name in names]
        listed_ids, member = _listed_ids(rule, fields), _member(rule, fields)
    except (msgspec.DecodeError, RecursionError):
        return None
    known = [child_id for child_id in ids if child_id is not None]
    if len(known) < len(ids) or len(set(known)) < len(ids):
        return None
    elements = {
        _resource_id(rule, parent_id, child_id): Element(bytes(text), name.updated_at)
        for child_id, text, name in zip(known, texts, names, strict=True)
    }
    named = elements.keys() | {_resource_id(rule, parent_id, child_id) for child_id in listed_ids}
    is_complete = rule.limit is None or len(known) < rule.limit or listed_ids.issuperset(known)
    has_member = member is None or member in known
    return Listing(elements, frozenset(named), is_last_page and is_complete and has_member)


def _array(text: bytes) -> tuple[bytes, bool]:
    """Return the text of an array of children, and whether it is the last page."""
    if not text.startswith(b"{"):
        return text, True
    page = _page(text)
    return bytes(page.data), page.has_more is False


def _listed_ids(rule: ChildRule, fields: Mapping[str, msgspec.Raw]) -> frozenset[str]:
    """Return the ids of all children that a document names by gid; none unless all of them can be read."""
    if rule.id_list_field is None or rule.id_list_field not in fields:
        return frozenset()
    gids = [text_id(name.admin_graphql_api_id) for name in _names(fields[rule.id_list_field])]
    return frozenset() if None in gids else frozenset(gid.rpartition("/")[2] for gid in gids if gid)


def _member(rule: ChildRule, fields: Mapping[str, msgspec.Raw]) -> str | None:
    if rule.member is None or rule.member not in fields:
        return None
    name = _name(fields[rule.member])
    return None if name is None else text_id(name.id)


def _resource_id(rule: ChildRule, parent_id: str, child_id: str) -> str:
    return f"{parent_id}:{child_id}" if rule.is_relation else child_id
