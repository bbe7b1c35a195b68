"""Whose hook an address belongs to: ours are those below `public_url`, compared as parsed URLs. Pure."""

from typing import Final, Literal
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

PORTS: Final = {"http": 80, "https": 443}


class Address(Struct, frozen=True):
    """An address in a form that can be compared: `segments` are the parts of its path."""

    scheme: str
    host: str
    port: int
    segments: tuple[str, ...]
    has_more: bool = False  # a query or a fragment


def address(url: str) -> Address | None:
    """Return a URL's parts, None for one that is not plainly http: with a user, dot segments, or letters beyond ASCII."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    segments = tuple(part for part in parts.path.split("/") if part)
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower().rstrip(".")
    if scheme not in PORTS or not host or "@" in parts.netloc or _is_evasive(url, segments):
        return None
    return Address(scheme, host, PORTS[scheme] if port is None else port, segments, _has_more(parts))


def is_below(base: str, url: str) -> bool:
    """Say whether a URL is a base or lies below it, at the boundary of a path segment."""
    ours, given = address(base), address(url)
    if ours is None or given is None:
        return False
    is_same_origin = (ours.scheme, ours.host, ours.port) == (given.scheme, given.host, given.port)
    return is_same_origin and given.segments[: len(ours.segments)] == ours.segments


def is_same(wanted: str, url: str) -> bool:
    """Say whether two URLs lead to the same path of the ingress, for which a slash at the end makes no difference."""
    first = address(wanted)
    return first is not None and first == address(url)


def source_of(base: str, url: str) -> str | None:
    """Return the name of the source that a URL below the base posts to, None for another path."""
    ours, given = address(base), address(url)
    if ours is None or given is None or not is_below(base, url):
        return None
    rest = given.segments[len(ours.segments) :]
    return rest[1] if len(rest) == 2 and rest[0] == "v1" else None


def shown_url(url: str, whose: Literal["ours", "foreign"]) -> str:
    """Return a URL for people. Of a foreign one only the origin: its path and query may be a password, as with chat services."""
    if whose == "ours":
        return url
    found = address(url)
    if found is None:
        return "an address that is no plain URL"
    port = "" if PORTS[found.scheme] == found.port else f":{found.port}"
    return f"{found.scheme}://{found.host}{port}{'/…' if found.segments or found.has_more else ''}"


def _is_evasive(url: str, segments: tuple[str, ...]) -> bool:
    """Say whether programs may take a URL for different ones: a provider writes letters beyond ASCII in its own way."""
    has_dots = any(part.lower().replace("%2e", ".") in (".", "..") for part in segments)
    return has_dots or "\\" in url or not (url.isascii() and url.isprintable())


def _has_more(parts: SplitResult) -> bool:
    return bool(parts.query or parts.fragment)
