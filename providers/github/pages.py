"""One page of any of GitHub's lists: its elements, and the query that leads to the next one.

The next page is where the `Link` header says, because a page's number is refused in long lists. Only the query of that URL is
used: the token is sent to the list's own path. A page that has not changed (304) costs nothing.
Source: GitHub's REST API 2022-11-28, "Using pagination", "Best practices".
"""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from providers.answers import Answer, failure_of, json_of
from providers.api import Failure, Malformed, NotFound, Quota
from providers.github.api import HEADERS, limit_of, quota_of, said_in
from providers.http import Client, Request
from schemas.records import Document

PAGE: Final = 100  # the most that GitHub gives
UNCHANGED: Final = 304
SWITCHED_OFF: Final = 410  # of the issues of a repository that has none

_NEXT: Final = re.compile(r'<([^<>]*)>\s*;\s*rel="?next"?')


class Part(Struct, frozen=True):
    """A page. `following` is the query of the next one, None after the last; `tag` identifies this content, "" if nothing does.

    `is_unchanged`: it is the one that the tag of the request names, and is not sent again.
    """

    elements: tuple[Document, ...]
    following: Mapping[str, str] | None = None
    tag: str = ""
    is_unchanged: bool = False
    quota: Quota | None = None


async def part_of(client: Client, path: str, query: Mapping[str, str], tag: str = "") -> Part | Failure:
    """Return a page of the list at a path; an object there counts as a list of one.

    404 is `Malformed`: the list is gone, or the token has no right to it.
    """
    headers = {**HEADERS, "if-none-match": tag} if tag else HEADERS
    answer = await client.send(Request(path, query, headers=headers))
    if not isinstance(answer, Answer):
        return answer
    quota = quota_of(answer)
    if answer.status == UNCHANGED and tag:
        return Part((), tag=tag, is_unchanged=True, quota=quota)
    if answer.status == SWITCHED_OFF:
        return Part((), quota=quota)
    value = json_of(answer)
    failure = limit_of(answer, value) or failure_of(answer, said_in(value))
    if isinstance(failure, NotFound):
        return Malformed(f"status 404 for {path}: it is gone, or the token has no right to read it")
    if failure is not None:
        return failure
    elements = _elements(value)
    if elements is None:
        return Malformed(f"expected a list of objects at {path}")
    return Part(elements, following(answer.headers.get("link", "")), answer.headers.get("etag", ""), quota=quota)


def following(link: str) -> dict[str, str] | None:
    """Return the query of the next page in a `Link` header, None if it names none."""
    found = _NEXT.search(link)
    if found is None:
        return None
    try:
        return dict(parse_qsl(urlsplit(found[1]).query))
    except ValueError:
        return None


def _elements(value: Any) -> tuple[Document, ...] | None:
    if isinstance(value, dict):
        return (value,)
    if isinstance(value, list) and all(isinstance(element, dict) for element in value):
        return tuple(value)
    return None
