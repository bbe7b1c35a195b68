"""The lists of the fake GitHub: of what lies below a repository's path, by update time or creation, in pages by number. Pure.

Source: GitHub's REST API description 2022-11-28.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from schemas.records import Document

MAX_PER_PAGE: Final = 100
PER_PAGE: Final = 30
MAX_PAGE: Final = 100  # by number; beyond it GitHub insists on cursors
KINDS: Final = ("issues", "pulls", "releases", "labels", "milestones", "issues/comments", "pulls/comments")
SORTED: Final = ("issues", "pulls", "issues/comments", "pulls/comments")  # may be sorted by update time
WITH_SINCE: Final = ("issues", "issues/comments", "pulls/comments")
WITH_STATE: Final = ("issues", "pulls", "milestones")
NOT_IN_LISTS: Final = (
    "merged",
    "mergeable",
    "merged_by",
    "comments",
    "commits",
    "additions",
    "deletions",
    "changed_files",
    "body",
)


def kind_of(path: str) -> str | None:
    """Return which list is at a path, None if none is: `issues` for `/repos/octo/hello/issues`."""
    parts = path.split("/")
    kind = "/".join(parts[4:])
    return kind if parts[1] == "repos" and kind in KINDS else None


def listed(kind: str, path: str, documents: Mapping[str, Document], query: Mapping[str, str]) -> list[Document]:
    """Return all that a list has, in its order; pull requests are among the issues, with another id."""
    below = [_simple(document) for place, document in documents.items() if place.rpartition("/")[0] == path]
    if kind == "issues":
        pulls = path.removesuffix("issues") + "pulls"
        below += [_as_issue(document) for place, document in documents.items() if place.rpartition("/")[0] == pulls]
    if kind in WITH_STATE and query.get("state", "open") != "all":
        below = [each for each in below if each.get("state", "open") == query.get("state", "open")]
    if kind in WITH_SINCE and "since" in query:
        since = datetime.fromisoformat(query["since"])
        below = [each for each in below if datetime.fromisoformat(each["updated_at"]) > since]
    if kind == "releases":
        return below[::-1]
    if kind in SORTED and query.get("sort") == "updated":
        below.sort(key=lambda each: (each["updated_at"], each["id"]))
        return below[::-1] if query.get("direction", "desc") == "desc" else below
    return below


def page_of(elements: Sequence[Document], url: str, query: Mapping[str, str]) -> tuple[list[Document], str]:
    """Return a page and its `Link` header, "" after the last one. What changes meanwhile shifts the later pages."""
    size, number = min(int(query.get("per_page", PER_PAGE)), MAX_PER_PAGE), int(query.get("page", 1))
    page = list(elements[(number - 1) * size : number * size])
    if number * size >= len(elements):
        return page, ""
    following = urlencode({**query, "page": str(number + 1)})
    first = urlencode({**query, "page": "1"})
    return page, f'<{url}?{first}>; rel="first", <{url}?{following}>; rel="next"'


def _simple(document: Document) -> Document:
    return {name: value for name, value in document.items() if name not in NOT_IN_LISTS}


def _as_issue(pull_request: Document) -> Document:
    url = pull_request["url"]
    return _simple(pull_request) | {
        "id": pull_request["id"] + 1_000_000_000,
        "url": url.replace("/pulls/", "/issues/"),
        "pull_request": {"url": url},
    }
