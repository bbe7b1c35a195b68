"""What is read from providers' APIs, as the tables of docs/provider-apis.md.

Write them there again after an edit of the rules with `.venv/bin/python -m tests.support.builders.read_tables`.
"""

from collections.abc import Iterable
from pathlib import Path

from providers.bigcommerce import lists as bigcommerce
from providers.bigcommerce.reads import READ_WITH_PARENT, READINGS, Reading
from providers.github import fetched as github
from providers.shopify import lists as shopify
from providers.shopify import stock_list
from providers.shopify.queries import MAX_IDS, resource_cost
from providers.shopify.selections import MAX_QUERY_COST, SELECTIONS

DOCUMENT = Path(__file__).parents[3] / "docs" / "provider-apis.md"
REMAKE = ".venv/bin/python -m tests.support.builders.read_tables"


def with_tables(text: str) -> str:
    """Return the text of the document with today's tables, each between its two marks."""
    for source, lines in _TABLES.items():
        begin, end = f"<!-- from {source}: begin -->", f"<!-- from {source}: end -->"
        before, found, rest = text.partition(begin)
        assert found, f"expected the mark {begin}"
        table = "\n".join(lines())
        text = f"{before}{begin}\n\n{table}\n\n{end}{rest.partition(end)[2]}"
    return text


def _bigcommerce() -> Iterable[str]:
    yield "| Resource | Request | At once | Right of the token | Ordered by |"
    yield "|---|---|---|---|---|"
    for name, reading in sorted(READINGS.items()):
        version = f"`{reading.version}`" if reading.version else "the time of the read"
        yield f"| `{name}` | {_request(reading)} | {reading.batch} | {reading.right} | {version} |"
    for name, parent in sorted(READ_WITH_PARENT.items()):
        yield f"| `{name}` | as `{parent}` | | | |"


def _request(reading: Reading) -> str:
    include = reading.query.get("include", "").replace(",", ", ")
    query = f"?{reading.ids}=" if reading.ids else ""
    parts = "".join(f", `{path}`" for path in reading.parts.values())
    return f"`{reading.path}{query}`{parts}{f' with {include}' if include else ''}"


def _shopify() -> Iterable[str]:
    yield "| Resource | GraphQL | At once | Right of the token | Read to its end |"
    yield "|---|---|---|---|---|"
    for name, selection in sorted(SELECTIONS.items()):
        count = min(MAX_QUERY_COST // resource_cost(name), MAX_IDS)
        paged = f"`{selection.paged.field}`" if selection.paged else ""
        yield f"| `{name}` | `{selection.graphql_type}` | {count} | `{selection.right}` | {paged} |"


def _bigcommerce_lists() -> Iterable[str]:
    walked = {"id": "id", "cursor": "BigCommerce's cursor", "number": "page number"}
    yield "| Resource | Request | Walked by | Window | Absent means |"
    yield "|---|---|---|---|---|"
    for name, each in sorted(bigcommerce.LISTS.items()):
        window = f"`{each.since}`, `{each.until}`" if each.since else "none: always all"
        yield f"| `{name}` | `{each.path}` | {walked[each.paging]} | {window} | {_ABSENT[each.coverage]} |"
    for name, reason in sorted(bigcommerce.NOT_LISTED.items()):
        yield f"| `{name}` | {reason} | | | |"
    for name, parent in sorted(READ_WITH_PARENT.items()):
        yield f"| `{name}` | as `{parent}` | | | |"


def _shopify_lists() -> Iterable[str]:
    yield "| List | Query | Right of the token | Goes back | Absent means |"
    yield "|---|---|---|---|---|"
    for name, each in sorted(shopify.LISTS.items()):
        events = f" of `{each.subject}`, action `{shopify.DELETED}`" if each.subject else ""
        back = f"{each.days} days" if each.days else "without limit"
        absent = "nothing: it lists deletions" if each.subject else _ABSENT[each.coverage]
        yield f"| `{name}` | `{each.field}`{events} | `{each.right}` | {back} | {absent} |"
    rights = ", ".join(f"`{right}`" for right in stock_list.RIGHT.split(", "))
    query = f"`{stock_list.FIELD}`, `inventoryLevels` of each"
    yield f"| `inventory_level` | {query} | {rights} | without limit | {_ABSENT['complete']} |"


def _github() -> Iterable[str]:
    yield ", ".join(f"`{name}`" for name in sorted(github.READABLE)) + "."


_ABSENT = {"complete": "deleted, once a read confirms it", "changes": "nothing"}
_TABLES = {
    "providers/bigcommerce/reads.py": _bigcommerce,
    "providers/shopify/selections.py": _shopify,
    "providers/github/fetched.py": _github,
    "providers/bigcommerce/lists.py": _bigcommerce_lists,
    "providers/shopify/lists.py": _shopify_lists,
}


if __name__ == "__main__":
    DOCUMENT.write_text(with_tables(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
