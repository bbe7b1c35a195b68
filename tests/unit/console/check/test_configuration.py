"""`penstock check` without Kafka: secrets and doubtful settings, each with its line."""

from datetime import date
from pathlib import Path

import pytest

from config import loading, model
from console.check.configuration import Finding, offline_findings, online_findings

TODAY = date(2026, 11, 21)
SOURCE = '[[sources]]\nname = "acme"\nprovider = "github"\n'


def findings(tmp_path: Path, text: str, **environ: str) -> list[tuple[str, str]]:
    """Return level and text of each finding, without the path."""
    path = tmp_path / "penstock.toml"
    path.write_text(text)
    found = offline_findings(loading.load(path, environ), path, environ, TODAY)
    return [(finding.level, finding.text.removeprefix(f"{path}:").strip()) for finding in found]


def test_a_sound_configuration_gives_no_finding(tmp_path: Path) -> None:
    """No output means no finding."""
    tenants = 'tenants = ["a.myshopify.com"]\n'
    for source in (SOURCE, SOURCE.replace("github", "shopify") + tenants):
        assert findings(tmp_path, source + 'secrets = ["env:A"]', A="secret") == []


@pytest.mark.parametrize("option", ['tenant_header = "x-shop"', 'tenant_path = "shop.id"'])
def test_generic_sender_of_many_tenants_without_a_list_is_named(tmp_path: Path, option: str) -> None:
    """Where the tenant stands is configured, and who may be one is not."""
    source = SOURCE.replace("github", "generic") + f'secrets = ["env:A"]\noptions = {{ {option} }}\n'
    named = (
        f"5: sources[0].options.{option.split(maxsplit=1)[0]}: any sender with a secret of acme may post for any tenant"
    )

    assert findings(tmp_path, source, A="x" * 40) == [("warning", f"{named}; list yours in tenants")]
    assert findings(tmp_path, source + 'tenants = ["a"]', A="x" * 40) == []


@pytest.mark.parametrize(("provider", "tenants"), [("shopify", "shops"), ("bigcommerce", "stores"), ("github", None)])
def test_app_of_many_tenants_without_a_list_is_named(tmp_path: Path, provider: str, tenants: str | None) -> None:
    """Anybody's shop with the app may post; GitHub's ids are unique without a tenant."""
    text = f'[[sources]]\nname = "acme"\nprovider = "{provider}"\nsecrets = ["env:A"]'

    found = [text for level, text in findings(tmp_path, text, A="x" * 40) if "tenants" in text and level == "warning"]

    expected = f"2: sources[0].name: any of the {tenants} that have this app may post to acme; list yours in tenants"
    assert found == ([] if tenants is None else [expected])


@pytest.mark.parametrize(
    ("text", "level", "expected"),
    [
        ("", "warning", "no [[sources]], every post is answered 404"),
        (SOURCE + 'verify = "none"', "warning", "4: sources[0].verify: acme accepts every post, signed or not"),
        (SOURCE + 'secrets = ["text:x"]', "warning", "4: sources[0].secrets[0]: a secret in the file itself; text: is"),
        (
            SOURCE + 'secrets = [\n"env:GONE"]',
            "problem",
            "5: sources[0].secrets[0]: env:GONE: the environment variable",
        ),
        (SOURCE + 'secrets = [{ref="env:A", until=2026-11-20}]', "problem", "expired on 2026-11-20; every post is"),
        (
            SOURCE + 'secrets = [{ref="env:A", until=2026-11-21}]',
            "warning",
            "4: sources[0].secrets: the last secret of",
        ),
        (
            "[kafka.options]\nsasl.password = 'file:/gone'\n" + SOURCE + 'secrets = ["env:A"]',
            "problem",
            "2: kafka.options.sasl.password: file:/gone: no such file or directory",
        ),
        (
            "[kafka.options]\nsasl.passwrd = 'hush'\n" + SOURCE + 'secrets = ["env:A"]',
            "problem",
            '2: kafka.options.sasl.passwrd: No such configuration property: "sasl.passwrd"',
        ),
        (
            "[kafka.options]\nsasl.password = 'hush'\n" + SOURCE + 'secrets = ["env:A"]',
            "warning",
            "2: kafka.options.sasl.password: a secret in the file itself; write env:NAME or file:PATH",
        ),
        (
            "[kafka.options]\nsecurity.protocol = 'ssl'\nssl.ca.location = 'gone.pem'\n"
            + SOURCE
            + 'secrets = ["env:A"]',
            "problem",
            "3: kafka.options.ssl.ca.location: expected a file or folder, there is no ",
        ),
        (
            SOURCE + 'secrets = ["env:A"]\nallow = ["file:gone.txt"]',
            "problem",
            "5: sources[0].allow: file:",
        ),
        (
            "[ingress]\ntrusted_proxies = ['0.0.0.0/0']\n" + SOURCE + 'secrets = ["env:A"]',
            "warning",
            "2: ingress.trusted_proxies: 0.0.0.0/0 trusts every address; any client can claim any address",
        ),
        (
            SOURCE + 'secrets = ["env:A"]\npaused = ["order"]',
            "warning",
            "5: sources[0].paused: order of acme paused: deliveries end as filtered (paused)",
        ),
        (
            SOURCE + 'secrets = ["env:A"]\n[[routes]]\nname = "all"\n'
            '[[routes]]\nname = "vip"\nfilter = "tags:VIP"\npriority = "high"',
            "warning",
            "10: routes[1].priority: with all the changes of one resource may take two lanes",
        ),
        (
            SOURCE + 'secrets = ["env:A"]\n[[routes]]\nname = "r"\nfilter = "vendor:(Nike"',
            "problem",
            "7: routes[0].filter: ",
        ),
    ],
)
def test_a_finding_names_its_line(tmp_path: Path, text: str, level: str, expected: str) -> None:
    """Problems stop Penstock from working, warnings do not."""
    ((found_level, found_text),) = findings(tmp_path, text, A="secret")

    assert found_level == level
    assert expected in found_text


def test_old_lists_of_networks_are_named(tmp_path: Path) -> None:
    """A provider's list published more than 90 days ago may be out of date; a newer list is no finding."""
    sources = [SOURCE.replace("github", name).replace("acme", name) for name in ("github", "stripe")]
    guarded = "".join(source + 'secrets = ["env:A"]\nallow = ["published"]\n' for source in sources)

    ((level, text),) = findings(tmp_path, guarded, A="whsec_made-up")

    assert level == "warning"
    assert text.startswith("10: sources[1].allow: what stripe publishes is known as of 2026-05-15")


def test_an_old_secret_beside_one_without_an_end_is_fine(tmp_path: Path) -> None:
    """This is the state after a finished rotation."""
    text = SOURCE + 'secrets = ["env:A", { ref = "env:A", until = 2026-01-01 }]'

    assert findings(tmp_path, text, A="secret") == []


def test_kafka_and_registry_that_are_away_are_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is named with its address."""
    monkeypatch.setattr("console.check.configuration.ONLINE_TIMEOUT_S", 0.5)
    away = model.Configuration(
        kafka=model.Kafka(bootstrap_servers="127.0.0.1:1"),
        registry=model.Registry(url="http://127.0.0.1:1"),
    )

    found = online_findings(away, {})

    assert [finding.level for finding in found] == ["problem", "problem"]
    assert isinstance(found[0], Finding)
    assert found[0].text.startswith("Kafka at 127.0.0.1:1: ")
    assert found[1].text.startswith("schema registry at http://127.0.0.1:1: ")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ('resource = "order"\npriority = "high"\nfilter = "a:1"', 'resource = "product"'),
        ('source = "acme"\npriority = "high"\nfilter = "a:1"', 'provider = "stripe"\ntopic = "other"'),
        ('priority = "high"\nfilter = "a:1"', 'priority = "high"'),
        ('priority = "high"\nfilter = "a:1"', 'topic = "other"'),
        ('priority = "high"\nresource = "order"', ""),  # orders are always in the high lane
        ('priority = "high"\nfilter = "a:1"', 'mode = "raw"\ntopic = "copies"'),
    ],
)
def test_lanes_that_keep_each_resource_in_order_are_fine(tmp_path: Path, first: str, second: str) -> None:
    """A warning is for resources whose changes may take two lanes of one topic."""
    routes = f'[[routes]]\nname = "one"\n{first}\n[[routes]]\nname = "two"\n{second}\n'

    assert findings(tmp_path, f'{SOURCE}secrets = ["env:A"]\n{routes}', A="secret") == []


STANDARD = SOURCE.replace("github", "standard")
STRIPE = SOURCE.replace("github", "stripe")
GITHUB = SOURCE
SHOPIFY = SOURCE.replace("github", "shopify") + 'tenants = ["a.myshopify.com"]\n'
BIGCOMMERCE = SOURCE.replace("github", "bigcommerce") + 'tenants = ["abc123"]\n'


@pytest.mark.parametrize(("source", "secret", "expected"), [
    (STANDARD, "polar_whs_ovyN6cVH3wVq", "can never match: expected base64, with or without whsec_"),
    (STANDARD, "sk_live_4eC39HqLyjWD", "; got an API key (sk_live_)"),
    (STANDARD, "whsec_", "can never match: expected base64"),
    (STANDARD, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", "can never match: it has white space or a newline around it"),
    (STANDARD, "v1,whsec_MfKQ9r8G|v1,whsec_MfKQ9r8G", "can never match: it is several secrets in one, joined by |"),
    (STANDARD, "whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "got a public key (whpk_)"),
    (STRIPE, "sk_live_4eC39HqLyjWD", "which begins with whsec_; got an API key (sk_live_)"),
    (STRIPE, "rk_test_4eC39HqLyjWD", "which begins with whsec_; got an API key (rk_test_)"),
    (STRIPE, "we_1MtJUT2eZvKYlo2C", "which begins with whsec_; got the id of an endpoint (we_)"),
    (STRIPE, "madeUp", "can never match: expected the endpoint's signing secret, which begins with whsec_"),
    (STRIPE, "v1,whsec_madeUp", "can never match: expected the endpoint's signing secret, which begins with whsec_"),
    (STRIPE, "whsec_", "can never match: expected the endpoint's signing secret, which begins with whsec_"),
    (STRIPE, "whsec_madeUp,whsec_other", "can never match: it is several secrets in one"),
    (STRIPE, "whsec_madeUp|whsec_other", "can never match: it is several secrets in one"),
    (SHOPIFY, "shpss_0123456789abcdef shpss_0123", "can never match: it is several secrets in one"),
    (BIGCOMMERCE, "0123456789abcdef\n0123456789abcdef", "can never match: it is several secrets in one"),
    (STRIPE, " whsec_madeUp", "can never match: it has white space or a newline around it"),
    (SHOPIFY, "shpat_0123456789abcdef", "can never match: expected the app's client secret (shpss_), got an access token"),
    (SHOPIFY, "shpss_0123456789abcdef\r\n", "can never match: it has white space or a newline around it"),
    (SHOPIFY, "'shpss_0123456789abcdef'", "can never match: it has quotes around it"),
    (SHOPIFY, " \n", "can never match: it is empty, or white space alone"),
    (GITHUB, "\n", "can never match: it is empty, or white space alone"),
])  # fmt: skip
def test_secret_that_can_never_match_is_a_problem(tmp_path: Path, source: str, secret: str, expected: str) -> None:
    """With its line and its reference, and without the secret."""
    text = source + 'secrets = [\n"env:GOOD",\n"env:BAD",\n]\nverify = "signature"'
    good = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    ((level, found),) = findings(tmp_path, text, GOOD=good, BAD=secret)

    assert level == "problem"
    line = text.splitlines().index('"env:BAD",') + 1
    assert found.startswith(f"{line}: sources[0].secrets[1]: env:BAD can never match: ")
    assert expected in found
    assert len(secret) < 9 or (secret[8:].strip() not in found and secret[3:14] not in found)


@pytest.mark.parametrize(("source", "secret"), [
    (STANDARD, "v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    (STANDARD, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    (STANDARD + 'options = { key_encoding = "text" }\n', "polar_whs_ovyN6cVH3wVq"),
    (STANDARD + 'options = { key_encoding = "text" }\n', "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    (STRIPE, "whsec_madeUp"),
    (SHOPIFY, "shpss_0123456789abcdef"),
    (SHOPIFY, "0123456789abcdef0123456789abcdef"),
    (GITHUB, "v1,whsec_ any text | at all"),
    (GITHUB, "ghp_16C7e42F292c6912E7710c838347Ae178B4a"),
    (SOURCE.replace("github", "generic"), "polar_whs_ovyN6cVH3wVq"),
    (SOURCE.replace("github", "shopery"), "sk_live_4eC39HqLyjWD"),
    (BIGCOMMERCE, "0123456789abcdef"),
])  # fmt: skip
def test_secret_that_may_match_is_no_finding(tmp_path: Path, source: str, secret: str) -> None:
    """GitHub's and home-made senders' secrets are what their owners typed."""
    assert findings(tmp_path, source + 'secrets = ["env:A"]', A=secret) == []


@pytest.mark.parametrize(("source", "secret", "expected"), [
    (GITHUB, "typed \n", "env:A may never match: it has white space or a newline around it; take that away"),
    (GITHUB, '"typed"', "env:A may never match: it has quotes around it; take them away"),
    (STANDARD, "supersecretword1", "env:A may never match: expected base64 of at least 24 bytes, got 12"),
])  # fmt: skip
def test_secret_that_is_doubtful_is_a_warning(tmp_path: Path, source: str, secret: str, expected: str) -> None:
    """Where a user chose the secret, it may be meant so."""
    ((level, text),) = findings(tmp_path, source + 'secrets = ["env:A"]', A=secret)

    assert level == "warning"
    assert text.startswith(f"4: sources[0].secrets[0]: {expected}")
