"""Where the demo's store is, by its configuration."""

from pathlib import Path

import pytest

from config import loading
from config.model import Configuration
from simulator.demo_store.address import store_address


def configured(folder: Path, *lines: str) -> Configuration:
    """Return a configuration of one BigCommerce source with these lines."""
    path = folder / "penstock.toml"
    text = ["[[sources]]", 'name = "shop"', 'provider = "bigcommerce"', 'secrets = ["text:made-up"]', *lines]
    path.write_text("\n".join(text))
    return loading.load(path, {})


def test_store_is_where_the_source_reads(tmp_path: Path) -> None:
    """Address, source and token come from the file, which a person may have edited."""
    (tmp_path / "store.token").write_text("token-of-the-store\n")
    loaded = configured(
        tmp_path, 'api_url = "http://127.0.0.1:9999"', 'api_tokens = { example = "file:store.token", abc = "env:ABC" }'
    )

    address = store_address(loaded)

    assert address is not None
    assert (address.source, address.url) == ("shop", "http://127.0.0.1:9999")
    assert address.token({}) == "token-of-the-store"


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ('api_url = "http://127.0.0.1:9999"',),
        ('api_url = "http://127.0.0.1:9999"', 'api_tokens = { abc = "text:t" }'),  # a store of the user's own fake
        ('api_tokens = { example = "text:t" }',),  # the real BigCommerce
        ('api_url = "https://api.bigcommerce.com"', 'api_tokens = { example = "text:t" }'),
        ('api_url = "http://127.0.0.1"', 'api_tokens = { example = "text:t" }'),
    ],
)
def test_other_sources_have_no_store(tmp_path: Path, lines: tuple[str, ...]) -> None:
    """What a person has pointed elsewhere is not served."""
    assert store_address(configured(tmp_path, *lines)) is None
