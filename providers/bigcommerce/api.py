"""The client of one BigCommerce store's API: resources by id, as many in a request as it allows.

Replies have three forms: `{data, meta}` (V3), a bare object or array (V2), and 204 without a body for an empty list of V2. What
their headers and errors mean is in `calls`.
Source: BigCommerce's REST reference, read 2026-11.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from providers.answers import Answer, json_of
from providers.api import (
    Checked,
    Failure,
    Fetched,
    Malformed,
    NotFound,
    Read,
    Reply,
    Throttled,
    Unauthorised,
    Unavailable,
    Wanted,
)
from providers.bigcommerce.calls import Calls, quota_words, store_client
from providers.bigcommerce.reads import MAX_PAGE, READINGS, Reading, element_id, names_of, path_of
from providers.http import Connections, Limits
from providers.outline import at
from schemas.records import Document

BASE_URL: Final = "https://api.bigcommerce.com"
MAX_IDS_CHARS: Final = 4_000  # of a query: half of what servers commonly take for a request line
MAX_PAGES: Final = 40  # of one list: an order of 10,000 lines
UNREADABLE: Final = Malformed("expected a resource that BigCommerce's API can read by its id")


class _Page(Struct, frozen=True):
    """One page of a list, and whether another follows."""

    elements: Sequence[Document]
    has_more: bool


class BigCommerceApi:
    """The API of one store. `token` is called for every request, so a renewed token counts at once."""

    def __init__(
        self,
        store_hash: str,
        token: Callable[[], str],
        base_url: str = BASE_URL,
        limits: Limits = Limits(),  # noqa: B008  a value
        shared: Connections | None = None,
    ) -> None:
        """Connect to nothing yet; `BaseUrlError` for an address that no token may be sent to."""
        self._client = store_client(store_hash, token, base_url, limits, shared)

    def batch(self, waiting: Sequence[Wanted]) -> Sequence[Wanted]:
        """Return the first of the waiting resources, and those of its type that one request can read along with it."""
        first = waiting[0]
        reading, path = READINGS.get(first.resource_type), path_of(first)
        if reading is None or path is None or not reading.ids:
            return [first]
        chosen: list[Wanted] = []
        chars = 0
        for wanted in waiting:
            if wanted.resource_type != first.resource_type or path_of(wanted) != path:
                continue
            chars += len(wanted.resource_id) + 1
            if len(chosen) == reading.batch or (chosen and chars > MAX_IDS_CHARS):
                break
            chosen.append(wanted)
        return chosen

    def cost_of(self, wanted: Sequence[Wanted]) -> float:
        """Return how many requests a batch takes, unless a list has several pages."""
        reading = READINGS.get(wanted[0].resource_type)
        return 0.0 if reading is None or path_of(wanted[0]) is None else 1.0 + len(reading.parts)

    async def read(self, wanted: Sequence[Wanted]) -> Reply:
        """Read one batch, as `batch` returned it."""
        calls = Calls(self._client)
        reading, path = READINGS.get(wanted[0].resource_type), path_of(wanted[0])
        results: Mapping[Wanted, Read]
        if reading is None or path is None:
            results = dict.fromkeys(wanted, UNREADABLE)
        elif reading.ids:
            results = await _listed(calls, reading, path, wanted)
        else:
            results = {wanted[0]: await _single(calls, reading, path, wanted[0])}
        return Reply(results, calls.count, float(calls.count), calls.quota)

    async def check(self) -> Checked | Failure:
        """Ask for the time at BigCommerce, which any valid token may."""
        calls = Calls(self._client)
        answer = await calls.get("/v2/time", {}, "any")
        if isinstance(answer, NotFound):
            return Malformed("expected the store's hash, as in stores/abc123; BigCommerce knows no such store")
        if not isinstance(answer, Answer):
            return answer
        return Checked(f"token works, {quota_words(answer, calls.quota)}", calls.quota)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


# --- Lists by id -----------------------------------------------------------------------------------------------------


async def _listed(calls: Calls, reading: Reading, path: str, wanted: Sequence[Wanted]) -> dict[Wanted, Read]:
    """Read a batch; if BigCommerce refuses it or its reply is too long, read its halves, so that one does not spoil all."""
    ids = {one: names_of(one, reading)["id"] for one in wanted}
    query = {**reading.query, reading.ids: ",".join(dict.fromkeys(ids.values())), "limit": str(len(ids))}
    found: dict[str, Document] = {}
    failure = await _collect(calls, reading, path, query, found)
    if failure is not None and len(wanted) > 1 and calls.may_divide:
        return await _halved(calls, reading, path, wanted)
    missing: Read = NotFound() if failure is None else failure
    return {one: Fetched(found[own_id]) if own_id in found else missing for one, own_id in ids.items()}


async def _halved(calls: Calls, reading: Reading, path: str, wanted: Sequence[Wanted]) -> dict[Wanted, Read]:
    middle = len(wanted) // 2
    first = await _listed(calls, reading, path, wanted[:middle])
    for result in first.values():
        if isinstance(result, Throttled | Unauthorised | Unavailable):  # the other half would get the same
            return {**first, **dict.fromkeys(wanted[middle:], result)}
    return {**first, **await _listed(calls, reading, path, wanted[middle:])}


async def _collect(
    calls: Calls, reading: Reading, path: str, query: Mapping[str, str], found: dict[str, Document]
) -> Failure | None:
    """Add all pages of a list to `found`, by id; return why it is not complete, None if it is."""
    most = min(MAX_PAGES, int(query["limit"]))  # every page has at least one of the ids
    for number in range(1, most + 1):
        page = await _page(calls, reading, path, {**query, "page": str(number)})
        if isinstance(page, NotFound):
            return Malformed(f"status 404 for the list {path}; is the store's hash right?")
        if not isinstance(page, _Page):
            return page
        for element in page.elements:
            own_id = element_id(element, reading)
            if own_id is not None:
                found[own_id] = element
        if not page.has_more:
            return None
    return Malformed(f"expected at most {most} pages of {path}")


async def _page(calls: Calls, reading: Reading, path: str, query: Mapping[str, str]) -> _Page | NotFound | Failure:
    answer = await calls.get(path, query, reading.right)
    if not isinstance(answer, Answer):
        return answer
    if not answer.body.strip():  # 204: BigCommerce's way to say that an array of V2 is empty
        return _Page((), has_more=False)
    value = json_of(answer)
    if isinstance(value, Malformed):
        return value
    elements = value if reading.envelope == "bare" else at(value, "data")
    if not isinstance(elements, list) or not all(isinstance(element, dict) for element in elements):
        return Malformed(f"expected an array of objects from {path}{'' if isinstance(value, list) else ' in data'}")
    return _Page(elements, has_more=_has_more(value, query, len(elements)))


def _has_more(value: Any, query: Mapping[str, str], count: int) -> bool:
    """Return whether a page follows: V3 tells the number of pages; of V2 a full page may have a following one."""
    pages = at(value, "meta.pagination.total_pages")
    if isinstance(pages, int):
        return count > 0 and int(query["page"]) < pages
    return isinstance(value, list) and count >= int(query["limit"])


# --- Single resources ------------------------------------------------------------------------------------------------


async def _single(calls: Calls, reading: Reading, path: str, wanted: Wanted) -> Read:
    answer = await calls.get(path, reading.query, reading.right)
    if not isinstance(answer, Answer):
        return answer
    if not answer.body.strip():
        return NotFound()
    value = json_of(answer)
    if isinstance(value, Malformed):
        return value
    document = value if reading.envelope == "bare" else at(value, "data")
    if not isinstance(document, dict):
        return Malformed(f"expected an object from {path}")
    for field, template in reading.parts.items():
        elements = await _whole_list(calls, reading, template.format_map(names_of(wanted, reading)))
        if not isinstance(elements, list):
            return elements
        document[field] = elements
    return Fetched(document)


async def _whole_list(calls: Calls, reading: Reading, path: str) -> list[Document] | NotFound | Failure:
    elements: list[Document] = []
    for number in range(1, MAX_PAGES + 1):
        page = await _page(calls, reading, path, {"limit": str(MAX_PAGE), "page": str(number)})
        if not isinstance(page, _Page):
            return page
        elements += page.elements
        if not page.has_more:
            return elements
    return Malformed(f"expected at most {MAX_PAGES} pages of {path}")
