"""Lists what changed in GitHub's repositories.

Where a list can be asked for what was updated since a time, each page begins at the last time of the one before: by page numbers,
a resource that changes meanwhile would move to the end, and shift another one past the reader. Lists with the newest first are
read down to the window's beginning. The others are read whole, which costs nothing while they are unchanged (`ETag`, 304).
Source: GitHub's REST API 2022-11-28.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode

from msgspec import Struct
from msgspec.structs import replace

from providers.api import Failure, Malformed
from providers.github.api import BASE_URL, REDIRECTS
from providers.github.lists import LISTS, RepositoryList, first_query, is_in, listed_in, since_query
from providers.github.pages import PAGE, Part, part_of
from providers.http import Client, Connections, Limits, bearer
from providers.listing import Listed, Listing, Page, Window
from providers.reading import instant

MAX_KEPT: Final = 500  # pages that may be unchanged, of up to 100 resources each: 16 MB


class GitHubLister:
    """The lists of some repositories that one token can read."""

    def __init__(
        self,
        token: Callable[[], str],
        base_url: str = BASE_URL,
        repositories: Sequence[str] = (),
        limits: Limits = Limits(),  # noqa: B008  a value
        shared: Connections | None = None,
    ) -> None:
        """`token` is called for every request; repositories are named as in `octo/hello`."""
        limits = replace(limits, redirects=REDIRECTS)
        self._client = Client(base_url, bearer(token), limits, shared)
        self._lists = {each.of(name).name: (name, each) for name in repositories for each in LISTS}
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self.page_size = PAGE

    @property
    def listings(self) -> tuple[Listing, ...]:
        """Return the lists of all repositories, one repository after the other."""
        return tuple(each.of(repository) for repository, each in self._lists.values())

    async def page(self, listing: Listing, window: Window, cursor: str | None) -> Page | Failure:
        """Return a page of a list. A resource that changed since the window's end is left to the next window.

        With the newest first, one that changes meanwhile may show another one twice, but hides none.
        """
        found = self._lists.get(listing.name)
        if found is None:
            return Malformed(f"expected a list of the account's repositories, got {listing.name}")
        repository, each = found
        place = _place(cursor) if cursor else _Place(first_query(each, window.since, self.page_size))
        kept = await self._read(f"/repos/{quote(repository)}{each.path}", each, place.query)
        if not isinstance(kept, _Kept):
            return kept
        return Page(
            tuple(one for one in kept.listed if is_in(window, one) and not place.has(one)),
            _cursor(each, window, place, kept),
            cost=0.0 if kept.part.is_unchanged else 1.0,
            quota=kept.part.quota,
        )

    async def close(self) -> None:
        """Close the connections, unless they are shared."""
        await self._client.close()

    async def _read(self, path: str, each: RepositoryList, query: Mapping[str, str]) -> "_Kept | Failure":
        """Return a page, from memory if GitHub says that it is unchanged."""
        key = f"{path}?{urlencode(query)}"
        known = self._kept.get(key)
        part = await part_of(self._client, path, query, known.part.tag if known else "")
        if not isinstance(part, Part):
            return part
        if part.is_unchanged and known is not None:
            self._kept.move_to_end(key)
            return replace(known, part=replace(known.part, is_unchanged=True, quota=part.quota))
        listed = listed_in(each, part.elements)
        if listed is None:
            return Malformed(f"expected each element of {path} to have an id")
        versions = [instant(element.get("updated_at")) for element in part.elements]
        kept = _Kept(listed, versions[-1] if versions else None, replace(part, elements=()))
        if part.tag and each.order != "oldest_first":  # those begin elsewhere each time
            self._kept[key] = kept
            self._kept.move_to_end(key)
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return kept


class _Kept(Struct, frozen=True):
    """A page that was read: its resources in its order, and where it leads, without its content.

    `last` is the update time of its last element, which among the issues may be a pull request.
    """

    listed: tuple[Listed, ...]
    last: datetime | None
    part: Part


class _Place(Struct, frozen=True):
    """Where a walk is: the query of its next page. Of what was listed before, that page shows all that is older than `since`.

    It also shows `shown`, the ids of those that were updated at `since`.
    """

    query: Mapping[str, str]
    since: datetime | None = None
    shown: frozenset[str] = frozenset()

    def has(self, listed: Listed) -> bool:
        """Say whether a resource was listed before the walk came here."""
        if self.since is None or listed.version is None:
            return False
        return listed.version < self.since or (listed.version == self.since and listed.resource_id in self.shown)

    def text(self) -> str:
        """Return the place as a cursor."""
        since = "" if self.since is None else self.since.isoformat()
        return " ".join((urlencode(self.query), since, ",".join(sorted(self.shown))))


def _place(cursor: str) -> _Place:
    query, since, shown = [*cursor.split(" "), "", ""][:3]
    return _Place(
        dict(parse_qsl(query)),
        datetime.fromisoformat(since) if since else None,
        frozenset(shown.split(",") if shown else ()),
    )


def _cursor(each: RepositoryList, window: Window, place: _Place, kept: _Kept) -> str | None:
    """Return where a walk goes on, None at its end."""
    following, last = kept.part.following, kept.last
    if following is None:
        return None
    if each.order == "any" or last is None:
        return replace(place, query=following).text()
    if each.order == "newest_first":
        is_over = window.since is not None and last < window.since
        return None if is_over else _Place(following).text()
    if window.since is not None and last >= window.until:
        return None
    if place.since is not None and last <= place.since:
        return replace(place, query=following).text()  # more than a page was updated within one second
    shown = frozenset(one.resource_id for one in kept.listed if one.version == last)
    return _Place(since_query(place.query, last), last, shown).text()
