"""`penstock check --online` on the API versions of deliveries: which arrive, and which should be declared."""

from pathlib import Path

import msgspec
import pytest

from config import loading
from config.toml_lines import key_lines
from console.check.configuration import Locations
from console.check.renderings import findings_about, renderings
from schemas.records import RawDelivery, resource_key
from tests.support.builders.deliveries import START

SOURCE = '[[sources]]\nname = "shop"\nprovider = "shopify"\nsecrets = ["env:A"]\n'


def shown(version: str | None, resource_type: str = "product", source: str = "shop") -> RawDelivery:
    """Return a delivery in one API version."""
    key = resource_key("shopify", source, "a.example", resource_type, "7")
    delivery = RawDelivery("d", "shopify", source, "products/update", START, key, b"{}")
    return msgspec.structs.replace(delivery, api_version=version)


@pytest.mark.parametrize(
    ("declared", "versions", "expected"),
    [
        ("", [], []),
        ("", [None], []),
        ("", ["2026-07", "2026-07"], ["fine 2: sources[0].name: shop gets API version 2026-07: 2 product"]),
        (
            "",
            ["2026-07", "2026-04"],
            [
                (
                    "warning 2: sources[0].name: shop gets API version 2026-04: 1 product; declare the one whose documents are "
                    "whole with api_version"
                ),
                (
                    "warning 2: sources[0].name: shop gets API version 2026-07: 1 product; declare the one whose documents are "
                    "whole with api_version"
                ),
            ],
        ),
        (
            'api_version = "2026-07"\n',
            ["2026-07", "2026-04"],
            [
                "warning 5: sources[0].api_version: shop gets API version 2026-04: 1 product",
                "fine 5: sources[0].api_version: shop gets API version 2026-07: 1 product",
            ],
        ),
    ],
)
def test_versions_are_listed(tmp_path: Path, declared: str, versions: list[str | None], expected: list[str]) -> None:
    """One finding per version, a warning where documents will be merged that may be whole."""
    path = tmp_path / "penstock.toml"
    path.write_text(SOURCE + declared)
    counts = renderings(shown(version) for version in versions)

    found = findings_about(loading.load(path, {"A": "x"}), Locations(path, key_lines(path.read_text())), counts)

    assert [f"{finding.level} {finding.text.removeprefix(f'{path}:')}" for finding in found] == expected


def test_long_list_of_types_is_cut(tmp_path: Path) -> None:
    """An app may subscribe to a hundred topics."""
    path = tmp_path / "penstock.toml"
    path.write_text(SOURCE)
    counts = renderings(shown("2026-07", f"type_{number}") for number in range(20))

    (found,) = findings_about(loading.load(path, {"A": "x"}), Locations(path, key_lines(path.read_text())), counts)

    assert found.text.endswith("and 12 more types")
