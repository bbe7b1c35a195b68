"""The sender that `penstock send` simulates."""

from datetime import date

import pytest

from config.model import Configuration
from config.problems import ConfigurationError
from providers.generic import Generic
from providers.registry import provider_of
from simulator.errors import SimulatorError
from simulator.senders import Wish, wished_sender

TODAY = date(2026, 11, 21)
TWO_SHOPS = Configuration.model_validate(
    {
        "sources": [
            {
                "name": "acme",
                "provider": "shopify",
                "secrets": [{"ref": "text:old", "until": date(2026, 1, 1)}, "text:new"],
            },
            {"name": "other", "provider": "shopify", "secrets": [{"ref": "text:old", "until": date(2026, 1, 1)}]},
            {"name": "tickets", "provider": "generic", "verify": "none", "options": {"encoding": "base64"}},
        ]
    }
)


def test_a_source_signs_with_its_first_current_secret() -> None:
    """An expired one is skipped."""
    sender = wished_sender(Wish("acme"), TWO_SHOPS, {}, TODAY)

    assert (sender.source, sender.provider.name, sender.secret) == ("acme", "shopify", b"new")
    assert "new" not in repr(sender)


def test_a_provider_stands_for_its_only_source() -> None:
    """Its options apply; one that verifies nothing needs no secret."""
    sender = wished_sender(Wish("generic"), TWO_SHOPS, {}, TODAY)

    assert sender.source == "tickets"
    assert isinstance(sender.provider, Generic)
    assert sender.provider.options.encoding == "base64"


def test_without_a_configuration_a_provider_and_a_secret_are_enough() -> None:
    """This is for an ingress on another machine."""
    sender = wished_sender(Wish("github", "env:S"), None, {"S": "hush"}, TODAY)

    assert (sender.source, sender.secret) == ("github", b"hush")


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (Wish("shopify"), "2 sources are of provider shopify: acme, other; say which"),
        (Wish("acmee"), "no source is called 'acmee'; known are acme, other, tickets; did you mean 'acme'?"),
        (Wish("other"), "every secret of other has expired"),
    ],
)
def test_a_wish_that_cannot_be_met_says_what_can(wish: Wish, message: str) -> None:
    """Two sources are never guessed between."""
    with pytest.raises(SimulatorError) as raised:
        wished_sender(wish, TWO_SHOPS, {}, TODAY)

    assert message in str(raised.value)


def test_an_expired_secret_can_be_overridden() -> None:
    """This can show that it is refused."""
    assert wished_sender(Wish("other", "text:x"), TWO_SHOPS, {}, TODAY).secret == b"x"
    with pytest.raises(ConfigurationError, match="env:GONE"):
        wished_sender(Wish("other", "env:GONE"), TWO_SHOPS, {}, TODAY)


def test_no_configuration_and_no_secret_is_explained() -> None:
    """The message names the remedy."""
    with pytest.raises(SimulatorError, match="pass --config"):
        wished_sender(Wish("github"), None, {}, TODAY)


def test_a_source_without_options_has_its_providers_defaults() -> None:
    """Every source has its provider's rules."""
    assert provider_of(TWO_SHOPS.sources[0]).name == "shopify"
