"""The findings of `penstock check` on types without topics of their own."""

from pathlib import Path

import pytest

from config import loading
from console.check.topics import left_findings, selector_findings

SHOP = '[[sources]]\nname = "shop"\nprovider = "shopify"\nsecrets = ["env:A"]\n'
LIST = "; list it in the source's options.resource_types"
DESK = (
    '[[sources]]\nname = "desk"\nprovider = "generic"\nsecrets = ["env:A"]\noptions = {resource_types = ["ticket"]}\n'
)


def selected(tmp_path: Path, text: str) -> list[str]:
    """Return the findings about selectors, without the path."""
    path = tmp_path / "penstock.toml"
    path.write_text(text)
    found = selector_findings(loading.load(path, {}), path)
    return [finding.text.removeprefix(f"{path}:") for finding in found]


@pytest.mark.parametrize(
    "route",
    [
        'resource = "product"',
        'resource = "ticket"',
        'source = "desk"\nresource = "ticket"',
        'resource = "surprise"\ntopic = "mine"',  # the type is in the record: the route works
        'mode = "raw"\ntopic = "copies"',
        'topic = "mine"',
    ],
)
def test_selector_of_a_type_with_a_topic_is_fine(tmp_path: Path, route: str) -> None:
    """A type that is sent to the route's own topic is fine, too."""
    assert selected(tmp_path, f'{SHOP}{DESK}[[routes]]\nname = "r"\n{route}\n') == []


@pytest.mark.parametrize(("route", "rest"), [
    ('source = "shop"\nresource = "prodct"', "; changes of that type go to changes.shopify.other; did you mean 'product'?"),
    ('provider = "github"\nresource = "prodct"', "; changes of that type go to changes.github.other; did you mean 'project'?"),
    ('source = "desk"\nresource = "zebra"', "; changes of that type go to changes.generic.other" + LIST),
    ('topic = "mine"\nresource = "prodct"', "; did you mean 'product'?"),
    ('priority = "low"\nresource = "zebra"', "; changes of that type go to changes.generic.other, changes.shopify.other" + LIST),
])  # fmt: skip
def test_selector_of_another_type_is_a_warning(tmp_path: Path, route: str, rest: str) -> None:
    """It names the topic of the type's changes, and a suggestion."""
    (found,) = selected(tmp_path, f'{SHOP}{DESK}[[routes]]\nname = "r"\n{route}\n')

    word = "prodct" if "prodct" in route else "zebra"
    assert found == f"13: routes[0].resource: no topic is named after {word!r}{rest}"


def test_topics_left_from_before_are_named(tmp_path: Path) -> None:
    """They are listed by provider; topics in use, lanes, routes' own topics and foreign ones are no finding."""
    path = tmp_path / "penstock.toml"
    path.write_text(SHOP + DESK)
    wanted = [
        "changes.shopify.product",
        "changes.shopify.product.high",
        "state.shopify.other",
        "changes.generic.ticket",
    ]
    foreign = ["changes.stripe.x", "mine", "webhooks.raw", "changes.x", "penstock.capture.seen-changelog", "changes."]
    left = ["changes.generic.order", "state.generic.order", *(f"changes.shopify.evil_{n}.low" for n in range(5))]

    findings = list(left_findings(loading.load(path, {}), [*wanted, *foreign, *left]))

    assert [finding.level for finding in findings] == ["warning", "warning"]
    assert [finding.text.partition(":")[0] for finding in findings] == [
        "topics changes.generic.order, state.generic.order",
        "topics changes.shopify.evil_0.low, changes.shopify.evil_1.low, changes.shopify.evil_2.low and 2 more",
    ]
    assert "go to changes.generic.other now; list it in the source's options.resource_types" in findings[0].text
    assert "list it" not in findings[1].text
