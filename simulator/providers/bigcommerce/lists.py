"""Lists of a fake BigCommerce: filters, order, paging, and which fields are shown. Pure."""

import base64
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from providers.outline import at
from providers.times import instant
from schemas.records import Document

DEFAULT_PAGE: Final = 50
MAX_PAGE: Final = 250
MAX_PAGE_WITH_OPTIONS: Final = 10  # of products with `include=options` or `modifiers`
STORE_ZONE: Final = timedelta(hours=-6)
_ZONED: Final = re.compile(r"(Z|[+-]\d\d:?\d\d|GMT|UTC)$")


class Refusal(Struct, frozen=True):
    """Why a list is refused: the status and what is wrong."""

    status: int
    title: str


class Shown(Struct, frozen=True):
    """Fields of a document that are shown only if `include` names them: by the word in `include`, the field."""

    fields: Mapping[str, str]

    def of(self, document: Document, query: Mapping[str, str]) -> Document:
        """Return what a query shows of a document."""
        wanted = words(query.get("include", ""))
        hidden = {field for word, field in self.fields.items() if word not in wanted}
        shown = {name: value for name, value in document.items() if name not in hidden}
        if "include_fields" not in query:
            return shown
        fields = words(query["include_fields"]) | {"id"} | {self.fields[word] for word in wanted & self.fields.keys()}
        return {name: value for name, value in shown.items() if name in fields}


class Page(Struct, frozen=True):
    """One page of the documents that a query selects."""

    documents: Sequence[Document]
    total: int
    number: int
    limit: int
    has_cursors: bool = False

    @property
    def meta(self) -> Document:
        """Return V3's `meta`. Cursors are those of the first and the last document."""
        count, pages = len(self.documents), -(-self.total // self.limit)
        links = {"current": f"?page={self.number}&limit={self.limit}"}
        counts = {"total": self.total, "count": count, "per_page": self.limit, "current_page": self.number}
        meta: Document = {"pagination": {**counts, "total_pages": pages, "links": links}}
        if self.has_cursors and self.documents:
            first, last = (_cursor(document["id"]) for document in (self.documents[0], self.documents[-1]))
            meta["cursor_pagination"] = {"start_cursor": first, "end_cursor": last}
        return meta


def words(text: str) -> set[str]:
    """Return the words of a list with commas between them."""
    return {word.strip() for word in text.split(",") if word.strip()}


def page_of(
    documents: Iterable[Document],
    query: Mapping[str, str],
    id_paths: Mapping[str, str],
    now: datetime,
    max_page: int = MAX_PAGE,
) -> Page | Refusal:
    """Return a page of what a query selects. `id_paths` are the filters by id: `{"id:in": "id"}`."""
    number, limit = _whole(query.get("page", "1")), _whole(query.get("limit", str(DEFAULT_PAGE)))
    if number is None or limit is None or number < 1 or limit < 1:
        return Refusal(422, "page and limit must be positive integers")
    if limit > MAX_PAGE:
        return Refusal(413, f"limit must not exceed {MAX_PAGE}")
    tests = [_test(name, value, id_paths, now) for name, value in query.items()]
    refusals = [test for test in tests if isinstance(test, Refusal)]
    if refusals:
        return refusals[0]
    selected = [document for document in documents if all(test(document) for test in tests if callable(test))]
    limit = min(limit, max_page)
    start = (number - 1) * limit
    return Page(_sorted(selected, query)[start : start + limit], len(selected), number, limit)


def cursor_page_of(
    documents: Iterable[Document], query: Mapping[str, str], id_paths: Mapping[str, str], now: datetime
) -> Page | Refusal:
    """Return a page after a cursor, in the order of ids, or a numbered page; cursors come with the first and with those."""
    after = query.get("after")
    if after is None:
        page = page_of(documents, query, id_paths, now)
        return page if isinstance(page, Refusal) else replace(page, has_cursors=page.number == 1)
    last_id = _id_of(after)
    if last_id is None:
        return Refusal(422, "after must be a cursor")
    rest = {name: value for name, value in query.items() if name not in ("page", "sort")}
    whole = page_of(documents, {**rest, "limit": "1"}, id_paths, now)
    page = page_of([one for one in documents if one["id"] > last_id], rest, id_paths, now)
    if isinstance(page, Refusal) or isinstance(whole, Refusal):
        return Refusal(422, "page and limit must be positive integers")
    return replace(page, total=whole.total, has_cursors=True)


def _cursor(number: int) -> str:
    return base64.b64encode(f"id:{number}".encode()).decode()


def _id_of(cursor: str) -> int | None:
    try:
        return _whole(base64.b64decode(cursor, validate=True).decode().removeprefix("id:"))
    except ValueError:
        return None


def _test(
    name: str, value: str, id_paths: Mapping[str, str], now: datetime
) -> Callable[[Document], bool] | Refusal | None:
    """Return the test of one query parameter, None if it filters nothing."""
    if name in id_paths:
        ids = words(value)
        if not all(_whole(one) is not None for one in ids):
            return Refusal(422, f"{name} must be integers")
        return lambda document: str(at(document, id_paths[name])) in ids
    if name == "id:greater":
        return lambda document: int(document["id"]) > int(value)
    if name == "min_id":
        return lambda document: int(document["id"]) >= int(value)
    field = {"min_date_modified": "date_modified:min", "max_date_modified": "date_modified:max"}.get(name, name)
    if field in ("date_modified:min", "date_modified:max"):
        return _date_test(field, value, now)
    return None


def _date_test(name: str, value: str, now: datetime) -> Callable[[Document], bool] | Refusal:
    bound = _bound(value, now)
    if bound is None:
        return Refusal(422, f"{name} must be a date")
    is_min = name.endswith("min")

    def test(document: Document) -> bool:
        modified = instant(document.get("date_modified"))
        return modified is not None and (modified >= bound if is_min else modified <= bound)

    return test


def _bound(value: str, now: datetime) -> datetime | None:
    """Return the time of a filter. A date without a time gets that of the request, a time without a zone is the store's."""
    time = instant(value)
    if time is None or _ZONED.search(value):
        return time
    return datetime.combine(time.date(), now.timetz()) if len(value) == len("2026-11-01") else time - STORE_ZONE


def _sorted(documents: list[Document], query: Mapping[str, str]) -> list[Document]:
    """Sort as `sort=date_modified&direction=desc` (V3) or `sort=date_modified:desc` (V2) says; by id otherwise."""
    field, _, direction = query.get("sort", "id").partition(":")
    is_descending = (direction or query.get("direction", "asc")) == "desc"

    def key(document: Document) -> Any:
        value = document.get(field)
        return (instant(value) or value) if field.startswith("date") else value

    return sorted(documents, key=key, reverse=is_descending) if all(field in one for one in documents) else documents


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
