"""From the configuration to the ingress's sources."""

from datetime import date

import pytest

from config.model import Configuration
from config.problems import ConfigurationError
from ingress.sources import sources
from providers.generic import Generic, GenericOptions
from providers.standard import Standard


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


@pytest.mark.parametrize("provider", ["generic", "standard"])
def test_volatile_fields_reach_the_provider(provider: str) -> None:
    """Of the two whose sources name some."""
    options = {"volatile": ["views", "owner.seen_at"]}
    table = {"name": "acme", "provider": provider, "secrets": ["text:s"], "options": options}

    found = sources(Configuration.model_validate({"sources": [table]}), {})["acme"].provider

    assert isinstance(found, Generic | Standard)
    assert {"views", "owner.seen_at"} <= found.volatile


@pytest.mark.parametrize("paths", ["seen", ["pushed_at", "commits.at"]])
def test_time_paths_reach_the_generic_provider(paths: str | list[str]) -> None:
    """One, or several in their order."""
    table = {"name": "acme", "provider": "generic", "secrets": ["text:s"], "options": {"time_path": paths}}

    found = sources(Configuration.model_validate({"sources": [table]}), {})["acme"].provider

    assert isinstance(found, Generic)
    assert found.time_paths == ((paths,) if isinstance(paths, str) else tuple(paths))


def test_missing_secret_ends_the_start() -> None:
    """A missing secret is an error with the name of its variable."""
    table = {"name": "acme", "provider": "shopify", "secrets": ["env:NOT_SET"]}

    with pytest.raises(ConfigurationError, match="NOT_SET"):
        sources(Configuration.model_validate({"sources": [table]}), {})


def test_token_of_declared_writes_is_resolved_and_not_shown() -> None:
    """A newline at the end of its file is no part of it, however it got there; a source without one has none."""
    table = {"name": "acme", "provider": "shopify", "secrets": ["text:s"], "echoes": {"token": "env:WRITES"}}
    other = {"name": "other", "provider": "shopify", "secrets": ["text:s"]}
    found = sources(Configuration.model_validate({"sources": [table, other]}), {"WRITES": "made-up"})

    assert (found["acme"].write_token, found["other"].write_token) == (b"made-up", None)
    assert "made-up" not in repr(found)


def test_missing_token_of_declared_writes_ends_the_start() -> None:
    """With the place in the file."""
    table = {"name": "acme", "provider": "shopify", "secrets": ["text:s"], "echoes": {"token": "env:NOT_SET"}}

    with pytest.raises(ConfigurationError, match=r"sources\[0\].echoes.token: .*NOT_SET"):
        sources(Configuration.model_validate({"sources": [table]}), {})
