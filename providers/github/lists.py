"""The lists that GitHub has of a repository, as data, and what their elements name. Pure; no network.

Lists are "simple": they show fewer fields than a read, so that only ids and update times are taken from them.
Source: GitHub's REST API description 2022-11-28.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from msgspec import Struct

from providers.github.fetched import READABLE, reference_of
from providers.listing import Listed, Listing, Window
from providers.reading import instant, text_id
from schemas.records import Document

Order = Literal["oldest_first", "newest_first", "any"]
"""By update time, the oldest first from a time on; the newest first; or in an order that tells nothing, so that all is read."""

A_SECOND: Final = timedelta(seconds=1)


class RepositoryList(Struct, frozen=True):
    """One list below a repository's path. `path` is "" for the repository itself."""

    name: str
    resource_type: str
    path: str
    order: Order
    parameters: Mapping[str, str] = {}

    def of(self, repository: str) -> Listing:
        """Return it as a list of one of the account's repositories."""
        is_readable = self.resource_type in READABLE
        return Listing(f"{repository} {self.name}", self.resource_type, "part", is_readable=is_readable)


# Comments cannot be read: their issue, which they share a partition with, is in no reply. Runs, checks and deployments can be
# listed by their creation only, and are in the log of deliveries.
LISTS: Final = (
    RepositoryList("repository", "repository", "", "any"),
    RepositoryList("issues", "issue", "/issues", "oldest_first", {"state": "all"}),
    RepositoryList("pulls", "pull_request", "/pulls", "newest_first", {"state": "all"}),
    RepositoryList("releases", "release", "/releases", "any"),
    RepositoryList("milestones", "milestone", "/milestones", "any", {"state": "all"}),
    RepositoryList("labels", "label", "/labels", "any"),
    RepositoryList("issue_comments", "issue_comment", "/issues/comments", "oldest_first"),
    RepositoryList("review_comments", "pull_request_review_comment", "/pulls/comments", "oldest_first"),
)

_SORTED: Final[Mapping[Order, Mapping[str, str]]] = {
    "oldest_first": {"sort": "updated", "direction": "asc"},
    "newest_first": {"sort": "updated", "direction": "desc"},
    "any": {},
}


def first_query(each: RepositoryList, since: datetime | None, page_size: int) -> dict[str, str]:
    """Return the query of a list's first page."""
    query = {**each.parameters, **_SORTED[each.order], "per_page": str(page_size)} if each.path else {}
    return since_query(query, since) if since is not None and each.order == "oldest_first" else query


def since_query(query: Mapping[str, str], since: datetime) -> dict[str, str]:
    """Return a query for what was updated at a time or later, from its first page on.

    GitHub documents `since` as "after the given time": a second earlier it is right either way.
    """
    kept = {name: value for name, value in query.items() if name not in ("page", "after", "since")}
    return kept | {"since": f"{since - A_SECOND:%Y-%m-%dT%H:%M:%SZ}"}


def listed_in(each: RepositoryList, elements: Sequence[Document]) -> tuple[Listed, ...] | None:
    """Return the resources of a page, None if one has no id.

    A pull request among the issues is another resource, with another id, and is in a list of its own.
    """
    ids = [text_id(element.get("id")) for element in elements]
    if None in ids:
        return None
    return tuple(
        Listed(
            each.resource_type,
            name,
            instant(element.get("updated_at")),
            reference=reference_of(element.get("url")) or "",
        )
        for name, element in zip(ids, elements, strict=True)
        if name is not None and not (each.resource_type == "issue" and "pull_request" in element)
    )


def is_in(window: Window, listed: Listed) -> bool:
    """Say whether a resource changed in a window of whole seconds; one without an update time may have.

    A window without a beginning is for everything, so also for what keeps changing while it is listed.
    """
    version = listed.version
    if version is None or window.since is None:
        return True
    return window.since.replace(microsecond=0) <= version < window.until.replace(microsecond=0)
