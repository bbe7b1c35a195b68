"""From penstock.toml to compiled routes."""

from pathlib import Path

import pytest

from config import loading
from config.problems import ConfigurationError
from streams.steps.passthrough import RawRoute
from streams.worker.settings import compiled_routes, filter_problems, from_environment

TOML = """
[[sources]]
name = "acme"
provider = "shopify"
secrets = ["text:made-up"]

[[routes]]
name = "nike-prices"
source = "acme"
resource = "product"
filter = "vendor:Nike variants.price:>=10.00"
include_fields = ["title", "variants.price"]
operations = ["c", "u"]
topic = "nike.prices"
"""


def written(directory: Path, text: str) -> Path:
    """Write a penstock.toml."""
    path = directory / "penstock.toml"
    path.write_text(text)
    return path


def test_route_is_compiled_with_everything_it_says(tmp_path: Path) -> None:
    """Selectors, filter, fields, topic."""
    routes = compiled_routes(loading.load(written(tmp_path, TOML), {}))

    (route,) = routes.routes
    assert route.filter is not None
    assert route.filter.matches({"vendor": "Nike", "variants": [{"price": "10.00"}]})
    assert (route.include_fields, route.topic) == (("title", "variants.price"), "nike.prices")
    assert (route.source, route.resource, route.operations) == ("acme", "product", frozenset("cu"))
    assert list(routes.providers) == ["acme"]


def test_route_without_filter_takes_everything(tmp_path: Path) -> None:
    """The filter is None, not one that is always true: the hot path skips it."""
    text = TOML.replace('filter = "vendor:Nike variants.price:>=10.00"\n', "")

    (route,) = compiled_routes(loading.load(written(tmp_path, text), {})).routes

    assert route.filter is None


def test_wrong_filter_is_a_configuration_error_with_line_and_caret(tmp_path: Path) -> None:
    """The worker does not start, and names the place in the file to repair."""
    path = written(tmp_path, TOML.replace("vendor:Nike variants", "vendor:Nike and variants"))

    with pytest.raises(ConfigurationError) as caught:
        from_environment({"PENSTOCK_CONFIG": str(path)})

    assert str(caught.value).split("\n") == [
        f"{path}:11: routes[0].filter: expected AND, OR and NOT in capital letters",
        "  vendor:Nike and variants.price:>=10.00",
        "              ^",
    ]


def test_every_wrong_filter_is_reported(tmp_path: Path) -> None:
    """Later mistakes are reported as well as the first."""
    route = '[[routes]]\nname = "{}"\nfilter = "a:"\n'
    path = written(tmp_path, route.format("one") + route.format("two") + '[[routes]]\nname = "three"\nfilter = "a:1"\n')

    problems = filter_problems(loading.load(path, {}), path)

    assert [(problem.location, problem.key) for problem in problems] == [
        (f"{path}:3", "routes[0].filter"),
        (f"{path}:6", "routes[1].filter"),
    ]


def test_wrong_filter_never_becomes_a_route(tmp_path: Path) -> None:
    """This holds without a file, too: a route that took everything instead would publish unwanted records."""
    loaded = loading.load(written(tmp_path, '[[routes]]\nname = "one"\nfilter = "bare"\n'), {})

    with pytest.raises(ConfigurationError, match=r"routes\[0\].filter: expected field:value"):
        compiled_routes(loaded)


def test_raw_routes_and_pauses_are_kept_apart(tmp_path: Path) -> None:
    """Raw routes take deliveries, the others changes; a pause names a source and a resource type."""
    text = TOML.replace("[[routes]]", 'paused = ["order", "customer"]\n[[routes]]') + (
        'priority = "high"\n[[routes]]\nname = "copies"\nmode = "raw"\nsource = "acme"\n'
        'event_type = "orders/*"\ntopic = "shop.orders"\n'
    )

    routes = compiled_routes(loading.load(written(tmp_path, text), {}))

    assert [(route.name, route.priority) for route in routes.routes] == [("nike-prices", "high")]
    assert routes.raw == (RawRoute("copies", "shop.orders", source="acme", event_type="orders/*"),)
    assert routes.paused == {("acme", None, "order"), ("acme", None, "customer")}


@pytest.mark.parametrize("worker_id", ["../elsewhere", "a/b", ".", ".hidden", "a b", "ä", "x" * 201, "a\nb"])
def test_worker_id_that_is_no_name_is_refused(tmp_path: Path, worker_id: str) -> None:
    """It names a directory, which must lie beside the others."""
    environ = {"PENSTOCK_CONFIG": str(written(tmp_path, TOML)), "PENSTOCK_WORKER_ID": worker_id}

    with pytest.raises(ConfigurationError, match="expected up to 200 of the characters"):
        from_environment(environ)


def test_worker_id_is_the_hosts_name_by_default(tmp_path: Path) -> None:
    """The default ends with 0: one worker on a host needs no name."""
    environ = {"PENSTOCK_CONFIG": str(written(tmp_path, TOML))}

    assert from_environment(environ).worker_id.endswith("-0")
    assert from_environment({**environ, "PENSTOCK_WORKER_ID": "host.example_1-0"}).worker_id == "host.example_1-0"


def test_option_that_librdkafka_refuses_ends_the_worker_at_its_start(tmp_path: Path) -> None:
    """A retry would never help; without this check the worker retried without end."""
    path = written(tmp_path, '[kafka.options]\nsasl.passwrd = "hush"\n')

    with pytest.raises(ConfigurationError) as caught:
        from_environment({"PENSTOCK_CONFIG": str(path)})

    assert str(caught.value) == f'{path}:2: kafka.options.sasl.passwrd: No such configuration property: "sasl.passwrd"'


@pytest.mark.parametrize(("environ", "location"), [
    ({}, ("127.0.0.2", 9999)),
    ({"PENSTOCK_WORKER_OPERATIONS_PORT": "0", "PENSTOCK_WORKER_OPERATIONS_HOST": "0.0.0.0"}, ("0.0.0.0", 0)),  # noqa: S104
    ({"PENSTOCK_WORKER_OPERATIONS_PORT": "", "PENSTOCK_WORKER_OPERATIONS_HOST": ""}, ("127.0.0.2", 9999)),
])  # fmt: skip
def test_environment_wins_over_the_configured_operations_port(
    tmp_path: Path, environ: dict[str, str], location: tuple[str, int]
) -> None:
    """The ingress does the same; an empty value counts as unset."""
    text = TOML + '[worker]\noperations_host = "127.0.0.2"\noperations_port = 9999\n'

    settings = from_environment({"PENSTOCK_CONFIG": str(written(tmp_path, text)), **environ})

    assert (settings.operations_host, settings.operations_port) == location


@pytest.mark.parametrize("port", ["http", "65536", "-1", "1.5", "٩", "123456"])
def test_operations_port_that_is_none_is_refused(tmp_path: Path, port: str) -> None:
    """The message names the variable."""
    environ = {"PENSTOCK_CONFIG": str(written(tmp_path, TOML)), "PENSTOCK_WORKER_OPERATIONS_PORT": port}

    with pytest.raises(ConfigurationError, match=r"PENSTOCK_WORKER_OPERATIONS_PORT.*expected a port, 0 to 65535"):
        from_environment(environ)


def test_address_that_no_token_may_be_sent_to_ends_the_worker(tmp_path: Path) -> None:
    """Before it has read anything, with the line."""
    text = TOML.replace(
        'secrets = ["text:made-up"]', 'secrets = ["text:s"]\napi_token = "env:T"\napi_url = "http://shop.example"'
    )

    with pytest.raises(ConfigurationError, match=r"penstock.toml:7.*api_url: expected https://"):
        from_environment({"PENSTOCK_CONFIG": str(written(tmp_path, text))})
