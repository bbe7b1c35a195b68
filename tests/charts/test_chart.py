"""The chart refuses invalid values, and a change of sources restarts nothing."""

import pytest
import yaml

from tests.charts.helm import ChartError, helm
from tests.charts.rendering import PLAIN

TOML = """
[kafka]
partitions = {partitions}
[[sources]]
name = "acme"
provider = "{provider}"
secrets = ["{secret}"]
"""
LEGAL = {"partitions": "4", "provider": "github", "secret": "file:/run/penstock/secrets/acme"}


def checksums(configuration: str) -> list[str]:
    """Return the annotations that restart ingress and worker."""
    rendered = yaml.safe_load_all(helm(*PLAIN.arguments, "--set-literal", f"configuration={configuration}"))
    return [
        manifest["spec"]["template"]["metadata"]["annotations"]["penstock/restart-for"]
        for manifest in rendered
        if manifest["kind"] == "StatefulSet"
    ]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--set", "worker.replicas=5"), "5 workers for [kafka] partitions = 4"),
        (("--set", "worker.autoscaling.enabled=true,worker.autoscaling.maxReplicas=9"), "9 workers for"),
        (("--set", "image.tag=latest"), "image/tag"),
        (("--set", "ingress.replica=2"), "replica"),
        (("--set-literal", "configuration=[kafka"), "expected TOML"),
        (
            ("--set-literal", f"configuration={TOML.format(**LEGAL | {'secret': 'text:abc'})}"),
            "file:/run/penstock/secrets",
        ),
        (("--set-literal", 'configuration=[kafka.options]\n"sasl.password" = "abc"'), "file:/run/penstock/kafka"),
        (("--set-literal", 'configuration=[kafka.options]\nsasl.password = "abc"'), "file:/run/penstock/kafka"),
    ],
)
def test_chart_refuses_what_could_not_work(arguments: tuple[str, str], reason: str) -> None:
    """The mistake is named before anything reaches a cluster."""
    with pytest.raises(ChartError) as refused:
        helm(*PLAIN.arguments, *arguments)

    assert reason in str(refused.value)


def test_only_what_a_process_does_not_follow_restarts_it() -> None:
    """A rotated secret restarts nothing, a source's provider the worker, and brokers' settings both."""
    before = checksums(TOML.format(**LEGAL))
    rotated = checksums(TOML.format(**LEGAL | {"secret": "file:/run/penstock/secrets/next"}))
    provider = checksums(TOML.format(**LEGAL | {"provider": "stripe"}))
    partitions = checksums(TOML.format(**LEGAL | {"partitions": "8"}))

    assert rotated == before
    assert [new == old for new, old in zip(provider, before, strict=True)] == [True, False]
    assert [new == old for new, old in zip(partitions, before, strict=True)] == [False, False]
