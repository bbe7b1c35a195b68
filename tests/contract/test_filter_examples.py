"""Every filter in Shopify's documentation, against its payload and alone."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from schemas.records import Document
from streams.steps.filter import FilterSyntaxError, compile_filter
from tests.support.builders.corpora import corpora

EXAMPLES: dict[str, Any] = msgspec.json.Decoder(float_hook=Decimal).decode(
    (corpora() / "shopify" / "filter_examples.json").read_bytes()
)
SYNTAX: list[str] = [example["filter"] for example in EXAMPLES["syntax"]]
# Allowed in Shopify's search, where a bare word searches default fields; a webhook filter has to name its field.
ONLY_IN_SEARCH = frozenset(
    {"John Smith", "bob OR norman AND Shopify", 'state:disabled AND ("sale shopper" OR VIP)', "norm*"}
)


@pytest.mark.parametrize("example", EXAMPLES["with_payload"], ids=lambda example: example["why"][:60])
def test_documented_payload_is_delivered_or_suppressed(example: Document) -> None:
    """The result is the documented one."""
    assert compile_filter(example["filter"]).matches(example["payload"]) is (example["expect"] == "deliver")


@pytest.mark.parametrize("text", [text for text in SYNTAX if text not in ONLY_IN_SEARCH])
def test_documented_syntax_is_read(text: str) -> None:
    """The result includes the fields that its terms begin with."""
    fields = compile_filter(text).fields

    assert fields
    assert all(field + ":" in text for field in fields)


@pytest.mark.parametrize("text", sorted(ONLY_IN_SEARCH))
def test_syntax_of_search_alone_is_refused(text: str) -> None:
    """The error has a hint at the missing part."""
    assert text in SYNTAX
    with pytest.raises(FilterSyntaxError, match="a bare word does not say in which field to look"):
        compile_filter(text)


def test_precedence_of_the_documented_example() -> None:
    """`bob OR norman AND Shopify` is `(bob OR norman) AND Shopify`, with fields named."""
    documented = compile_filter("name:bob OR name:norman AND shop:Shopify")

    assert not documented.matches({"name": "bob", "shop": "other"})
    assert documented.matches({"name": "norman", "shop": "Shopify"})
