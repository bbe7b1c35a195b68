"""Validation of `[kafka.options]` by librdkafka before a client uses them. No network."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from confluent_kafka import KafkaException, Producer

from config.model import REFERENCES, Configuration, is_path
from config.problems import Problem

SECRET_OPTIONS = frozenset({
    "sasl.oauthbearer.client.secret", "sasl.password", "ssl.key.password", "ssl.key.pem", "ssl.keystore.password",
})  # fmt: skip
_WITHOUT_SASL = {"sasl_ssl": "ssl", "sasl_plaintext": "plaintext"}


def option_problems(configuration: Configuration, options: Mapping[str, str]) -> list[Problem]:
    """Return why librdkafka rejects these options: a name, a value, or an unusable certificate file."""
    missing = [
        configuration.problem(("kafka", "options", name), f"expected a file or folder, there is no {value}")
        for name, value in options.items()
        if is_path(name) and value != "probe" and not Path(value).exists()
    ]
    return missing or list(_refused(configuration, _without_requests(options)))


def plain_secrets(configuration: Configuration) -> list[Problem]:
    """Return the options whose secret is in the configuration itself."""
    return [
        configuration.problem(("kafka", "options", name), "a secret in the file itself; write env:NAME or file:PATH")
        for name, value in configuration.kafka.options.items()
        if name in SECRET_OPTIONS and not value.startswith(REFERENCES)
    ]


def _refused(configuration: Configuration, options: Mapping[str, str]) -> Iterator[Problem]:
    try:
        Producer({**options, "log_level": 0})
    except KafkaException as error:
        text = error.args[0].str().removeprefix("Failed to create producer: ")
        named = next((name for name in sorted(options, key=len, reverse=True) if name in text), None)
        yield configuration.problem(("kafka", "options") if named is None else ("kafka", "options", named), text)


def _without_requests(options: Mapping[str, str]) -> dict[str, str]:
    """Return options of a client that connects to nothing: no broker, and no token endpoint, which OAUTHBEARER calls at once."""
    offline = {name: value for name, value in options.items() if name != "bootstrap.servers"}
    mechanism = options.get("sasl.mechanism") or options.get("sasl.mechanisms") or ""
    if mechanism.upper() != "OAUTHBEARER":
        return offline
    offline = {name: value for name, value in offline.items() if not name.startswith("sasl.")}
    protocol = offline.get("security.protocol", "plaintext").lower()
    return {**offline, "security.protocol": _WITHOUT_SASL.get(protocol, protocol)}
