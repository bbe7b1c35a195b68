"""Ambiguous targets: encoded and relative paths, absolute targets, queries, fragments."""

from collections.abc import Callable
from functools import partial

from tests.proxies.corpus.case import ACCEPTED, Author, Case

PAGES: tuple[bytes, ...] = (
    b"/metrics",
    b"//metrics",
    b"/%6detrics",
    b"/%2fmetrics",
    b"/./metrics",
    b"/metrics/",
    b"/metrics?/v1/",
    b"/metrics#/v1/",
    b"/v1/../metrics",
    b"/v1/..%2fmetrics",
    b"/v1/%2e%2e/metrics",
    b"/v1/%2e%2e%2fmetrics",
    b"/v1/.%2e/metrics",
    b"/v1%2f../metrics",
    b"/v1/%252e%252e/metrics",
    b"/v1/;/../metrics",
    b"/v1/..;/metrics",
    b"/v1/x/../../metrics",
    b"/v1//../metrics",
    b"/v1/\\..\\metrics",
    b"/v1/..\\metrics",
    b"/v1/%5c../metrics",
    b"/v1/%c0%ae%c0%ae/metrics",
    b"/v1/..%00/metrics",
    b"/v1/..%0d%0a/metrics",
    b"/v1/%u002e%u002e/metrics",
    b"/v1/../metrics?x=/v1/",
    b"/v1/..//metrics",
    b"/v1/.../metrics",
    b"/%76%31/../metrics",
    b"http://ingress/metrics",
    b"http://ingress/v1/../metrics",
    b"http://ingress?/v1/../metrics",
    b"http://ingress#/v1/",
    b"http://ingress/v1/@ingress/metrics",
    b"http:/metrics",
    b"http:///metrics",
    b"//ingress/metrics",
    b"/v1/http://ingress/metrics",
    b"https://ingress:443/metrics",
    b"metrics",
    b"*",
    b"?",
    b"#",
    b"/",
    b"/healthz",
    b"/readyz",
    b"/v1/../healthz",
    b"/v1/%2e%2e/readyz",
)
"""Targets that mean /metrics or the like to somebody. None of them may show a page."""

HIDDEN: tuple[bytes, ...] = (
    b"/v1/{hidden}",
    b"/v1/{hidden}/",
    b"/v1/%68{idden}",
    b"/v1/%48{idden}",
    b"/v1//{hidden}",
    b"//v1/{hidden}",
    b"/v1/./{hidden}",
    b"/v1/x/../{hidden}",
    b"/v1/{shop}/../{hidden}",
    b"/v1/{shop}/..%2f{hidden}",
    b"/v1/{shop}/%2e%2e/{hidden}",
    b"/v1/x%2f..%2f{hidden}",
    b"/v1%2f{hidden}",
    b"/v1%2F{hidden}",
    b"/%761/{hidden}",
    b"/v1/%2f{hidden}",
    b"/v1/;/../{hidden}",
    b"/v1/{shop};/../{hidden}",
    b"/v1/{shop};x=/../{hidden}",
    b"/v1/{shop}%3b/../{hidden}",
    b"/v1/x/..;/{hidden}",
    b"/v1/\\{hidden}",
    b"/v1\\{hidden}",
    b"/v1/%5c{hidden}",
    b"/v1/{hidden}%00",
    b"/v1/%00{hidden}",
    b"/v1/{hidden}%20",
    b"/v1/%20{hidden}",
    b"/v1/{hidden}%0d%0a",
    b"/v1/{hidden};",
    b"/v1/{hidden}%3f",
    b"/v1/{hidden}?{shop}",
    b"/v1/{hidden}#{shop}",
    b"/V1/{hidden}",
    b"/v1/%ef%bb%bf{hidden}",
    b"/v1/%e2%80%8b{hidden}",
    b"/v1/\xef\xbb\xbf{hidden}",
    b"/v1/%2568{idden}",
    b"/v1/%u0068{idden}",
    b"/v1/%c1%a8{idden}",
    b"http://ingress/v1/{hidden}",
    b"http://ingress/v1/%68{idden}",
    b"http://ingress/v1/{shop}/../{hidden}",
    b"http://ingress/v1//{hidden}",
    b"http://ingress@x/v1/{hidden}",
    b"http:///v1/{hidden}",
    b"http:/v1/{hidden}",
    b"x:/v1/{hidden}",
    b"HTTP://INGRESS/v1/%68{idden}",
    b"v1/{hidden}",
    b"*/v1/{hidden}",
    b"?/v1/{hidden}",
    b"/v1/{shop}?/../{hidden}",
    b"/v1/{shop}%3f/../{hidden}",
    b"/v1/{shop}#/../{hidden}",
    b"/v1/{shop}%23/../{hidden}",
    b"/v1/{shop} /../{hidden}",
    b"/v1/{shop}\t/../{hidden}",
    b"/v1/{shop}\x0b/../{hidden}",
    b"/v1/{shop}\0/../{hidden}",
    b"/v1/{shop}\n/../{hidden}",
    b"/v1/{shop}\r/../{hidden}",
    b"/v1/" + b"x" * 4000 + b"/../{hidden}",
    b"/v1/" + b"x/../" * 500 + b"{hidden}",
)
"""Targets that mean the hidden source to somebody; a post to them never gets there."""

SAME: tuple[bytes, ...] = (
    b"/v1/{shop}",
    b"/v1/{shop}/",
    b"/v1/{shop}?",
    b"/v1/{shop}?a=b&c=%2f",
    b"/v1/{shop}?/../{hidden}",
)
"""Targets that are the source, exactly."""

OTHER: tuple[bytes, ...] = (
    b"/v1/{shop}//",
    b"/v1%2f{shop}",
    b"/v1/%73{hop}",
    b"/v1//{shop}",
    b"/v1/./{shop}",
    b"/v1/x/../{shop}",
    b"/v1/{hidden}/../{shop}",
    b"/v1/{hidden}%2f..%2f{shop}",
    b"/v1/{shop}%2f",
    b"/v1/{shop};",
    b"/v1/{shop}%20",
    b"/v1/{shop}%00",
    b"/v1/{shop}.",
    b"/V1/{shop}",
    b"/v1/{shop}/x",
    b"http://ingress/v1/{shop}",
    b"http://other/v1/{shop}",
    b"http://ingress:80/v1/{shop}?x",
    b"/v1/",
    b"/v1",
)
"""Targets that are nearly the source: taken for it or refused, and one request in any case."""


def _written(target: bytes, author: Author) -> bytes:
    hidden, shop = (author.path(name).removeprefix(b"/v1/") for name in ("hidden", "shop"))
    names = {b"{hidden}": hidden, b"{idden}": hidden[1:], b"{shop}": shop, b"{hop}": shop[1:]}
    for mark, name in names.items():
        target = target.replace(mark, name)
    return target


def _page(target: bytes, author: Author) -> Case:
    return Case((author.get(target),))


def _hidden(target: bytes, author: Author) -> Case:
    """A target that is served as the admitted source is its delivery: the body is correctly signed."""
    post = author.post("hidden")
    return Case((post.at(_written(target, author)).sized(),), (post.body,))


def _same(target: bytes, author: Author) -> Case:
    post = author.post()
    return Case((post.at(_written(target, author)).sized(),), (post.body,), ACCEPTED)


def _other(target: bytes, author: Author) -> Case:
    post = author.post()
    return Case((post.at(_written(target, author)).sized(),), (post.body,))


TARGETS: dict[str, Callable[[Author], Case]] = {
    **{f"page: {target!r}": partial(_page, target) for target in PAGES},
    **{f"hidden: {target[:40]!r}": partial(_hidden, target) for target in HIDDEN},
    **{f"source: {target!r}": partial(_same, target) for target in SAME},
    **{f"nearly the source: {target!r}": partial(_other, target) for target in OTHER},
}
