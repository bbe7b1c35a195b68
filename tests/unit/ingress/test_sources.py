"""From the configuration to the ingress's sources."""

from datetime import date

import pytest

from config.model import Configuration
from config.problems import ConfigurationError
from ingress.sources import sources
from providers.generic import Generic, GenericOptions


def test_secrets_are_resolved_in_their_order() -> None:
    """Each secret is resolved, with its last day and its place."""
    table = {
        "name": "acme",
        "provider": "shopify",
        "secrets": ["env:NEW", {"ref": "text:old", "until": date(2026, 1, 1)}],
    }
    configuration = Configuration.model_validate({"sources": [table]})

    source = sources(configuration, {"NEW": "fresh"})["acme"]

    assert [(secret.value, secret.until, secret.index) for secret in source.secrets] == [
        (b"fresh", None, 0),
        (b"old", date(2026, 1, 1), 1),
    ]
    assert "fresh" not in repr(source)


def test_options_reach_the_generic_provider() -> None:
    """Configured values replace the provider's defaults, others stay."""
    options = {"id_path": "order.id", "resource_types": ["order"]}
    table = {"name": "acme", "provider": "generic", "secrets": ["text:s"], "options": options}

    source = sources(Configuration.model_validate({"sources": [table]}), {})["acme"]

    assert source.provider == Generic(GenericOptions(id_path="order.id"), frozenset({"order"}))


def test_missing_secret_ends_the_start() -> None:
    """A missing secret is an error with the name of its variable."""
    table = {"name": "acme", "provider": "shopify", "secrets": ["env:NOT_SET"]}

    with pytest.raises(ConfigurationError, match="NOT_SET"):
        sources(Configuration.model_validate({"sources": [table]}), {})
