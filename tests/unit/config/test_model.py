"""penstock.toml: its values are read, and every mistake is named with its line and without its secret."""

import json
from datetime import date
from pathlib import Path

import msgspec
import pytest

from config import loading, model, secrets
from config.model import SecretReference
from config.problems import ConfigurationError
from providers.generic import GenericOptions

MINIMAL = """
[[sources]]
name = "acme"
provider = "shopify"
secrets = ["text:hush"]
"""
LISTED = MINIMAL.replace("shopify", "generic") + "[sources.options]\n"
FROM_DESIGN = """
[kafka]
bootstrap_servers = "127.0.0.1:9092"
[registry]
url = "http://127.0.0.1:8081/apis/ccompat/v7"
[[sources]]
name = "acme-shop"
provider = "shopify"
secrets = ["env:ACME_SECRET", { ref = "file:/run/secrets/old", until = 2026-12-31 }]
allow = ["203.0.113.0/24"]
[[routes]]
name = "nike-prices"
source = "acme-shop"
resource = "product"
filter = "vendor:Nike variants.price:>=10.00"
include_fields = ["title", "variants.price"]
operations = ["c", "u", "d"]
topic = "nike.prices"
priority = "high"
mode = "changes"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a test's configuration."""
    return tmp_path / "penstock.toml"


def problems_of(path: Path, text: str, **environ: str) -> list[str]:
    """Return the lines of the error that a text causes, without the path in front."""
    path.write_text(text)
    with pytest.raises(ConfigurationError) as raised:
        loading.load(path, environ)
    return [line.removeprefix(f"{path}:") for line in str(raised.value).splitlines()]


def test_the_example_of_the_design_is_read_as_written(path: Path) -> None:
    """Every key of the documented example reaches its field."""
    path.write_text(FROM_DESIGN)

    loaded = loading.load(path, {})

    source, route = loaded.sources[0], loaded.routes[0]
    assert loaded.source("acme-shop") is source
    assert [secret.ref for secret in source.secrets] == ["env:ACME_SECRET", "file:/run/secrets/old"]
    assert source.secrets[1].until == date(2026, 12, 31)
    assert source.allow == ("203.0.113.0/24",)
    assert route.include_fields == ("title", "variants.price")
    assert (route.operations, route.topic, route.priority) == (("c", "u", "d"), "nike.prices", "high")


def test_an_empty_file_is_a_configuration_of_defaults(path: Path) -> None:
    """No key is required."""
    path.write_text("")

    loaded = loading.load(path, {})

    assert (loaded.kafka.partitions, loaded.worker.app, loaded.sources, loaded.routes) == (4, "capture", (), ())


def test_environment_overrides_the_file(path: Path) -> None:
    """PENSTOCK_* overrides the file, also for a table that it omits."""
    path.write_text('[kafka]\nbootstrap_servers = "a:1"')
    environ = {"PENSTOCK_KAFKA_BOOTSTRAP_SERVERS": "b:2", "PENSTOCK_REGISTRY_URL": "http://c:3/"}

    loaded = loading.load(path, environ)

    assert (loaded.kafka.bootstrap_servers, loaded.registry.url) == ("b:2", "http://c:3")


def test_a_wrong_override_is_blamed_on_the_variable(path: Path) -> None:
    """A value from the environment has no line in the file."""
    assert problems_of(path, "", PENSTOCK_REGISTRY_URL="ftp://c") == [
        "PENSTOCK_REGISTRY_URL: registry.url: expected an http:// or https:// URL, got 'ftp://c'"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MINIMAL + "colour = 1", "6: sources[0].colour: unknown key; known are name, provider, secrets, "),
        (MINIMAL + "secret = 1", "6: sources[0].secret: unknown key; did you mean 'secrets'?"),
        (MINIMAL + "[worker]\nap = 1", "7: worker.ap: unknown key; did you mean 'app'?"),
        ("[worker]\nseen_days = 0", "2: worker.seen_days: expected greater than or equal to 1, got 0"),
        ("[worker]\nseen_days = 7.5", "2: worker.seen_days: expected a valid integer, got 7.5"),
        ("[sources]\nname = 'a'", "1: sources: expected an array of tables; write [[sources]] with two brackets"),
        (MINIMAL.replace("shopify", "shopfy"), "got 'shopfy'; did you mean 'shopify'?"),
        (MINIMAL.replace('"acme"', '"Acme"'), "3: sources[0].name: expected lower-case letters"),
        (MINIMAL + MINIMAL, "8: sources[1].name: 'acme' is used twice"),
        (MINIMAL + 'allow = ["10.0.0.1/8"]', "6: sources[0].allow[0]: expected a network"),
        (MINIMAL + 'allow = ["office"]', "6: sources[0].allow[0]: expected a network such as 203.0.113.0/24"),
        (
            MINIMAL + 'allow = ["published"]',
            "6: sources[0].allow: shopify publishes no networks (known: github, stripe)",
        ),
        (MINIMAL + "rate_limit = 0", "6: sources[0].rate_limit: expected greater than or equal to 0.01, got 0"),
        (MINIMAL + "rate_limit = 1\nburst = 0", "7: sources[0].burst: expected greater than or equal to 1, got 0"),
        (MINIMAL + "burst = 5", "6: sources[0].burst: expected rate_limit beside it"),
        ("[ingress]\ntrusted_proxies = ['proxy']", "2: ingress.trusted_proxies[0]: expected a network"),
        ("[ingress]\nmax_concurrent = 0", "2: ingress.max_concurrent: expected greater than or equal to 1"),
        ("[ingress]\nbodies_limit_bytes = 9", "2: ingress.bodies_limit_bytes: expected at least body_limit_bytes, 262"),
        (MINIMAL + "[sources.options]\nprefix = 'x'", "6: sources[0].options: only 'generic' and 'standard' have"),
        (
            MINIMAL.replace("shopify", "standard") + "[sources.options]\nprefix = 'x'",
            "6: sources[0].options: 'standard' has the options resource_types, volatile and key_encoding, prefix is for",
        ),
        (
            LISTED + "time_path = 3",
            '7: sources[0].options.time_path: expected a path such as "updated_at", or an array',
        ),
        (LISTED + "time_path = []", "7: sources[0].options.time_path: expected a path"),
        (LISTED + "time_path = ['at', '']", "7: sources[0].options.time_path: expected a path"),
        (LISTED + "volatile = 'seen_at'", "7: sources[0].options.volatile: expected a valid array"),
        (
            LISTED + "volatile = ['a.b',\n'a..b']",
            "8: sources[0].options.volatile[1]: expected names of fields joined by",
        ),
        (
            LISTED + "volatile = ['/seen_at']",
            "7: sources[0].options.volatile[0]: expected names of fields joined by dots",
        ),
        (
            LISTED + "volatile = ['lines.0.at']",
            "7: sources[0].options.volatile[0]: expected names of fields joined by dots",
        ),
        (LISTED + "volatile = ['']", "7: sources[0].options.volatile[0]: expected names of fields joined by dots"),
        (LISTED + "volatile = ['a',\n'b',\n'a']", "9: sources[0].options.volatile[2]: is listed twice"),
        (LISTED + "resource_types = 'order'", "7: sources[0].options.resource_types: expected a valid array"),
        (LISTED + "resource_types = ['order',\n'Price List']", "8: sources[0].options.resource_types[1]: expected a"),
        (LISTED + "resource_types = ['a.b']", "7: sources[0].options.resource_types[0]: expected a resource type"),
        (LISTED + f"resource_types = ['{'x' * 81}']", "7: sources[0].options.resource_types[0]: expected a resource"),
        (LISTED + "resource_types = ['']", "7: sources[0].options.resource_types[0]: expected a resource type"),
        (
            LISTED + "resource_types = ['order',\n'other']",
            "8: sources[0].options.resource_types[1]: 'other' is the topic of all types that are not listed; leave it",
        ),
        (
            LISTED + "resource_types = ['high']",
            "7: sources[0].options.resource_types[0]: 'high' ends a topic as a lane",
        ),
        (
            LISTED + "resource_types = ['order',\n'quote',\n'order']",
            "9: sources[0].options.resource_types[2]: is listed twice; leave one of them out",
        ),
        (
            LISTED + f"resource_types = {[f'type_{number}' for number in range(201)]}",
            "7: sources[0].options.resource_types: expected at most 200, for each makes topics of its own, got 201",
        ),
        (MINIMAL.replace("secrets", "# secrets"), "2: sources[0].secrets: acme has none; add one"),
        (MINIMAL.replace('["text:hush"]', "[]"), "5: sources[0].secrets: acme has none; add one"),
        (MINIMAL + "[[routes]]\nname='r'\nsource='acne'", "8: routes[0].source: no source is called 'acne'; did you"),
        (MINIMAL + "[[routes]]\nname='r'\nsource='acme'\nprovider='github'", "9: routes[0].provider: source 'acme'"),
        ("[[routes]]\nname='r'\n[[routes]]\nname='r'", "4: routes[1].name: 'r' is used twice"),
        (
            "[[routes]]\nname='r'\noperations=['c',\n'x']",
            "4: routes[0].operations[1]: expected one of c, u, d, r, got 'x'",
        ),
        ("[[routes]]\nname='r'\noperations=[]", "3: routes[0].operations: expected at least one"),
        ("[[routes]]\nname='r'\ntopic='a b'", "3: routes[0].topic: expected a Kafka topic name"),
        ("[[routes]]\nname='r'\ntopic='deliveries.dead'", "3: routes[0].topic: 'deliveries.dead' belongs to Penstock"),
        ("[[routes]]\nname='r'\nmode='raw'", "1: routes[0].topic: a raw route needs a topic"),
        ("[[routes]]\nname='r'\nmode='raw'\nfilter='a:b'", "4: routes[0].filter: a raw route takes every delivery"),
        (
            "[[routes]]\nname='r'\nmode='raw'\ntopic='changes.x'",
            "4: routes[0].topic: a raw route needs a topic of its own",
        ),
        (
            "[[routes]]\nname='r'\nmode='raw'\ntopic='x'\nreconcile=true",
            "5: routes[0].reconcile: a raw route has deliveries",
        ),
        ("[[routes]]\nname='r'\nmode='raw'\ntopic='x'\npriority='high'", "5: routes[0].priority: a raw route has no"),
        (
            "[[routes]]\nname='r'\nmode='raw'\ntopic='x'\nexclude_origins=['self']",
            "5: routes[0].exclude_origins: a raw route takes every delivery",
        ),
        (
            "[[routes]]\nname='r'\norigins=['self']\nexclude_origins=['fetch']",
            "4: routes[0].exclude_origins: expected either origins or exclude_origins",
        ),
        ("[[routes]]\nname='r'\norigins=['me']", "3: routes[0].origins[0]: expected one of webhook, retry"),
        (MINIMAL + "echoes = {}", "echoes.token: expected a token, sender_ids (GitHub) or"),
        (MINIMAL + "echoes = { token = 'secret' }", "echoes.token: expected env:NAME, file:PATH"),
        (
            MINIMAL + "echoes = { sender_ids = [7] }",
            "echoes: sender_ids are for github; shopify does not say who caused",
        ),
        (
            MINIMAL.replace("shopify", "github") + "[sources.echoes]\nidempotency_key_prefixes = ['a']",
            "echoes: idempotency_key_prefixes are for stripe",
        ),
        (
            MINIMAL.replace("shopify", "stripe") + "[sources.echoes]\nidempotency_key_prefixes = ['']",
            "echoes.idempotency_key_prefixes[0]: expected some text",
        ),
        (
            MINIMAL.replace("shopify", "github") + "[sources.echoes]\ninstallation_ids = [7]",
            "echoes.installation_ids: expected sender_ids beside them",
        ),
        (
            MINIMAL.replace("shopify", "github") + "[sources.echoes]\nsender_ids = [10137]",
            "echoes.sender_ids: 10137 is ghost",
        ),
        (
            MINIMAL.replace("shopify", "github") + "[sources.echoes]\nsender_ids = ['octocat']",
            "echoes.sender_ids[0]: expected",
        ),
        (
            "[[routes]]\nname='r'\ntopic='nike.high'",
            "3: routes[0].topic: 'nike.high' is a lane: write topic = 'nike' and",
        ),
        (f"[[routes]]\nname='r'\ntopic='{'x' * 245}'", "3: routes[0].topic: expected a Kafka topic name: letters"),
        (
            "[[routes]]\nname='r'\nmode='raw'\ntopic='x'\n[[routes]]\nname='s'\ntopic='x'",
            "4: routes[0].topic: 'x' gets the change events of route 's'",
        ),
        (MINIMAL + "paused = ['product', '']", "paused[1].resource: expected some text"),
        (MINIMAL + "paused = [{}]", "paused[0].resource: expected a resource type, a tenant, or both"),
        (
            MINIMAL + "paused = [{ tenant = 'a|b' }]",
            "paused[0].tenant: expected at most 255 characters, no |, got 'a|b'",
        ),
        (MINIMAL + "tenants = ['Shop.myshopify.com']", "tenants: expected shop domains in lower case"),
        (
            MINIMAL.replace("shopify", "bigcommerce") + "tenants = ['stores/abc123']",
            "tenants: expected the hashes of stores alone, such as abc123 for stores/abc123",
        ),
        (
            MINIMAL
            + "tenants = ['a.myshopify.com']\n[[routes]]\nname = 'r'\nsource = 'acme'\ntenant = 'b.myshopify.com'",
            "10: routes[0].tenant: it is not in tenants of source 'acme'; this route never matches",
        ),
        ("[[routes]]\nfilter='a:b'", "1: routes[0].name: is required"),
        (
            "[kafka]\nreplication_factor = 2\nmin_insync_replicas = 3",
            "3: kafka.min_insync_replicas: expected at most replication_factor = 2, or nothing could ever be written",
        ),
        ("[kafka]\npartitions = '4'", "2: kafka.partitions: expected a valid integer, got '4'"),
        ("[kafka.options]\n'transactional.id' = 'x'", "1: kafka.options: transactional.id: set by Penstock itself"),
        (
            "[kafka.options.sasl.oauthbearer]\nclient.secret = 'hush'\ntoken.endpoint.url = 'http://login'",
            "1: kafka.options: sasl.oauthbearer.token.endpoint.url: expected https://, or the secret would be sent in clear",
        ),
        (
            "[registry]\nurl = 'https://me:hush@host'",
            "2: registry.url: expected a URL without user and password, which",
        ),
        ("[registry]\nurl = 'http://a,http://b'", "2: registry.url: expected one URL, got"),
        ("[registry]\nusername = 'u'", "2: registry.username: expected password beside it"),
        ("[registry]\npassword = 'env:P'", "2: registry.password: expected username beside it"),
        ("[registry]\npassword = 'hush'", "2: registry.password: expected env:NAME, file:PATH or, for tests and demos"),
        (
            "[registry]\nbearer_token = 'env:T'\nusername = 'u'\npassword = 'env:P'",
            "2: registry.bearer_token: expected e",
        ),
        ("[registry]\ntls_key = 'k'", "2: registry.tls_key: expected tls_certificate beside it"),
        ("[registry]\nheaders = { Authorization = 'x' }", "2: registry.headers: Authorization is made from username"),
        ("[warehouse]\nengine = 'postgres'", "1: warehouse.dsn: expected the database, such as"),
        (
            "[warehouse]\nengine = 'duckdb'\ndsn = 'dbname=a'",
            '3: warehouse.dsn: expected engine = "postgres" or "ducklake"',
        ),
        ("[warehouse]\nengine = 'dlt'", "1: warehouse.destination: expected the name of a destination of dlt"),
        ("[warehouse]\ncredentials = 'env:C'", '2: warehouse.credentials: expected engine = "dlt" beside it'),
        ("[warehouse]\ndata = 's3://lake'", "2: warehouse.data: expected data and [warehouse.s3] together"),
        ("[warehouse]\ndata = 'gs://lake'", "2: warehouse.data: expected a bucket, or a part of one, as s3://bucket"),
        (
            "[warehouse.s3]\naccess_key = 'hush'\nsecret_key = 'env:S'",
            "2: warehouse.s3.access_key: expected env:NAME, file:PATH or",
        ),
        ("[warehouse]\npassword = 'env:P'", "2: warehouse.password: expected dsn beside it"),
        (
            "[warehouse]\nengine = 'postgres'\ndsn = 'dbname=a password=hush'",
            "3: warehouse.dsn: expected a connection string without password, which messages would show",
        ),
        (
            "[warehouse]\nengine = 'postgres'\ndsn = 'postgresql://u:hush@host/a'",
            "3: warehouse.dsn: expected a connection string without password",
        ),
        ("[registry]\ntls_CA = 'ca.pem'", "2: registry.tls_CA: unknown key; did you mean 'tls_ca'?"),
    ],
)
def test_a_mistake_is_named_with_its_line(path: Path, text: str, expected: str) -> None:
    """One mistake gives one problem, at the line of its key."""
    (problem,) = problems_of(path, text)

    assert expected in problem


@pytest.mark.parametrize("provider", ["generic", "standard"])
def test_resource_types_are_listed(path: Path, provider: str) -> None:
    """The maximum is two hundred, in either notation of a table."""
    listed = [f"type_{number}" for number in range(200)]
    path.write_text(MINIMAL.replace("shopify", provider) + f"options = {{ resource_types = {listed} }}")

    options = loading.load(path, {}).sources[0].options

    assert options is not None
    assert options.resource_types == tuple(listed)


def test_allowed_files_are_beside_the_configuration(path: Path) -> None:
    """A file of networks is found from any working directory."""
    path.write_text(MINIMAL + 'allow = ["file:own.txt", "192.0.2.1"]')

    assert loading.load(path, {}).sources[0].allow == (f"file:{path.parent / 'own.txt'}", "192.0.2.1")


@pytest.mark.parametrize(("text", "burst"), [
    ("rate_limit = 100", 100),
    ("rate_limit = 2.5", 3),
    ("rate_limit = 0.1", 1),
    ("rate_limit = 100\nburst = 7", 7),
])  # fmt: skip
def test_burst_is_a_second_of_the_rate(path: Path, text: str, burst: int) -> None:
    """A configured burst overrides this; it is never zero."""
    path.write_text(MINIMAL + text)

    assert loading.load(path, {}).sources[0].burst_at_once == burst


@pytest.mark.parametrize(("text", "expected"), [
    ("", 256 << 20),
    ("[ingress]\nbody_limit_bytes = 300_000_000", 300_000_000),  # raised alone, it must still fit
    ("[ingress]\nbodies_limit_bytes = 30_000_000", 30_000_000),
])  # fmt: skip
def test_one_of_the_largest_bodies_always_fits(path: Path, text: str, expected: int) -> None:
    """The limit for all bodies is at least that for one."""
    path.write_text(text)

    assert loading.load(path, {}).ingress.bodies_at_once_bytes == expected


def test_all_mistakes_are_listed_in_the_order_of_the_file(path: Path) -> None:
    """All mistakes are reported at once, not one at a time."""
    text = (
        FROM_DESIGN.replace("shopify", "x")
        .replace('source = "acme-shop"', 'source = "y"')
        .replace("127.0.0.1:9092", "")
    )

    problems = problems_of(path, text)

    assert [problem.split(": ")[:2] for problem in problems] == [
        ["3", "kafka.bootstrap_servers"],
        ["8", "sources[0].provider"],
        ["13", "routes[0].source"],
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a = 1\nb = ?", "2: no valid TOML: Invalid value (column 5)"),
        (b"a = 1\nb = [1,\n", "2: no valid TOML: "),
        (b"a = 1\na = 2", "2: no valid TOML: Cannot overwrite a value"),
        (b"a = 1\n# \xff", "2: expected UTF-8"),
    ],
)
def test_a_file_that_is_no_toml_is_refused_with_its_line(path: Path, content: bytes, expected: str) -> None:
    """Syntax errors look like all the others."""
    path.write_bytes(content)

    with pytest.raises(ConfigurationError, match=r"penstock\.toml:") as raised:
        loading.load(path, {})

    assert expected in str(raised.value)


def test_a_file_that_is_not_there_is_said_to_be_missing(path: Path) -> None:
    """No traceback for a wrong path."""
    with pytest.raises(ConfigurationError, match=r"penstock\.toml: no such file or directory"):
        loading.load(path, {})


def test_a_secret_pasted_instead_of_a_reference_is_not_repeated(path: Path) -> None:
    """The message shows the form of a reference; logs of a failed start never contain the secret."""
    text = MINIMAL.replace('"text:hush"', '"hunter2", { ref = "hunter3" }, { ref = "env:hunter-4!", unti = 1 }')

    problems = problems_of(path, text)

    assert len(problems) == 4
    assert not any("hunter2" in problem or "hunter3" in problem for problem in problems)


def test_the_configuration_never_shows_a_text_secret_or_an_option(path: Path) -> None:
    """repr and str go to logs."""
    path.write_text(MINIMAL + '[kafka.options]\nsasl.password = "hush"')

    loaded = loading.load(path, {})

    assert "hush" not in repr(loaded) + str(loaded)


def test_a_secret_is_read_from_where_its_reference_says(tmp_path: Path, path: Path) -> None:
    """env: and text: are taken verbatim, file: is relative to the configuration and loses one newline."""
    (tmp_path / "secret").write_bytes(b"from file\n\n")
    path.write_text(MINIMAL.replace('"text:hush"', '"env:A", "file:secret", "text:a:b"'))

    source = loading.load(path, {}).sources[0]

    assert secrets.current_secrets(source, {"A": "é"}, date(2026, 1, 1)) == ("é".encode(), b"from file\n", b"a:b")


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("env:ABSENT", "env:ABSENT: the environment variable ABSENT is not set"),
        ("env:EMPTY", "env:EMPTY: the secret is empty"),
        ("file:/nowhere/secret", "file:/nowhere/secret: no such file or directory"),
        ("file:/", "file:/: is a directory"),
    ],
)
def test_a_secret_that_is_not_there_is_a_configuration_error(reference: str, message: str) -> None:
    """An empty secret counts as absent: every client can sign with an empty key."""
    with pytest.raises(ConfigurationError) as raised:
        secrets.resolve_secret(SecretReference(ref=reference), {"EMPTY": ""})

    assert str(raised.value) == message


def test_a_secret_is_accepted_until_the_end_of_its_last_day() -> None:
    """`until` is the last day, inclusive."""
    secret = SecretReference(ref="text:old", until=date(2026, 12, 31))

    assert secret.is_current(date(2026, 12, 31))
    assert not secret.is_current(date(2027, 1, 1))


def test_kafka_options_may_be_dotted_and_refer_to_secrets(path: Path) -> None:
    """librdkafka's dotted names and numbers need no quotes, and a password may be a reference."""
    path.write_text('[kafka.options]\nsasl.mechanism = "PLAIN"\nsasl.password = "env:P"\n"linger.ms" = 5\nx.y = true')

    options = secrets.kafka_options(loading.load(path, {}), {"P": "hush"})

    assert options == {
        "bootstrap.servers": "127.0.0.1:9092",
        "sasl.mechanism": "PLAIN",
        "sasl.password": "hush",
        "linger.ms": "5",
        "x.y": "true",
    }


def test_files_of_kafka_options_are_relative_to_the_configuration(path: Path) -> None:
    """They resolve from any working directory: secrets by reference, and librdkafka's own paths."""
    (path.parent / "password").write_text("hush \r\n\n")
    path.write_text(
        '[kafka.options]\nsasl.password = "file:password"\nssl.ca.location = "ca.pem"\n'
        'ssl.key.location = "/etc/key.pem"\nhttps.ca.location = "probe"\nsasl.kerberos.keytab = "keytab"'
    )

    options = secrets.kafka_options(loading.load(path, {}), {})

    assert options == {
        "bootstrap.servers": "127.0.0.1:9092",
        "sasl.password": "hush",  # white space that an editor or a tool left at the end of the file is removed
        "ssl.ca.location": str(path.parent / "ca.pem"),
        "ssl.key.location": "/etc/key.pem",
        "https.ca.location": "probe",
        "sasl.kerberos.keytab": str(path.parent / "keytab"),
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('sasl.password = "env:GONE"', "3: kafka.options.sasl.password: env:GONE: the environment variable GONE is"),
        (
            '"sasl.password" = "file:gone"',
            "3: kafka.options.sasl.password: file:{folder}/gone: no such file or directory",
        ),
        (
            '[kafka.options.sasl]\npassword = "file:blank"',
            "4: kafka.options.sasl.password: file:{folder}/blank: the secret is",
        ),
        ('sasl.password = "file:binary"', "3: kafka.options.sasl.password: file:{folder}/binary: expected UTF-8"),
    ],
)
def test_kafka_option_that_cannot_be_resolved_is_named_with_its_line(path: Path, text: str, expected: str) -> None:
    """The message has the option and its line, in any notation of its dotted name, and the place of the missing secret."""
    (path.parent / "blank").write_text(" \n")
    (path.parent / "binary").write_bytes(b"\xff")
    path.write_text(f"\n[kafka.options]\n{text}\n")
    loaded = loading.load(path, {})

    with pytest.raises(ConfigurationError) as refused:
        secrets.kafka_options(loaded, {})

    assert str(refused.value).startswith(f"{path}:{expected.format(folder=path.parent)}")


def test_the_json_schema_knows_every_table_and_both_notations_of_a_secret() -> None:
    """Editors complete and check penstock.toml with it."""
    schema = loading.json_schema()

    secrets = schema["$defs"]["Source"]["properties"]["secrets"]["items"]
    assert set(schema["properties"]) == {
        "kafka",
        "reconcile",
        "registry",
        "sources",
        "routes",
        "worker",
        "hydration",
        "ingress",
        "warehouse",
    }
    assert {"type": "string"} in secrets["anyOf"]
    assert json.dumps(schema)


def test_the_generic_options_are_those_of_the_provider() -> None:
    """The two are written twice, because shapes may not import senders; they must stay the same."""
    ours = model.GenericOptions().model_dump(
        exclude={"resource_types", "key_encoding"}
    )  # fields of the provider itself

    assert ours == msgspec.structs.asdict(GenericOptions())


def test_secret_without_its_kind_is_refused_and_not_shown() -> None:
    """A secret passed in place of a reference must not appear in a log."""
    with pytest.raises(ConfigurationError) as refused:
        secrets.resolve_secret("hunter2", {})

    assert "expected env:NAME" in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ('provider = "generic"\napi_token = "env:TOKEN"', "generic has no API that Penstock reads"),
        ('provider = "stripe"\napi_token = "env:TOKEN"\napi_client_id = "c"', "only Shopify's apps have one"),
        ('provider = "bigcommerce"\napi_token = "made-up"', "expected env:NAME, file:PATH"),
        ('provider = "bigcommerce"\nhydrate = "all"', "auto"),
    ],
)
def test_api_settings_that_cannot_work_are_named(tmp_path: Path, lines: str, expected: str) -> None:
    """Each with what was expected; no message shows a token."""
    file = tmp_path / "penstock.toml"
    file.write_text(f'[[sources]]\nname = "s"\nsecrets = ["env:SECRET"]\n{lines}\n')

    with pytest.raises(ConfigurationError, match=expected) as found:
        loading.load(file, {})

    assert "made-up" not in str(found.value)
