"""Custom resources for the Prometheus operator and KEDA have valid fields; no package has the schemas, so they are listed here.

Sources: Prometheus operator API reference `monitoring.coreos.com/v1`; KEDA 2 `ScaledObject` specification and Kafka scaler.
"""

from typing import Any, Literal

import msgspec
import pytest
from msgspec import Struct

from tests.charts.rendering import FULL
from tests.unit.deploy.test_kubernetes import manifests


class Strict(Struct, frozen=True, forbid_unknown_fields=True):
    """A field that is not listed is an error."""


class Labels(Strict, frozen=True):
    """A selector by labels."""

    matchLabels: dict[str, str]  # noqa: N815 - the field's name


class Endpoint(Strict, frozen=True):
    """One endpoint of a ServiceMonitor."""

    port: str
    path: str
    interval: str


class ServiceMonitor(Strict, frozen=True):
    """The specification of a ServiceMonitor."""

    selector: Labels
    targetLabels: list[str]  # noqa: N815 - the field's name
    endpoints: list[Endpoint]


class Alert(Strict, frozen=True):
    """One alerting rule."""

    alert: str
    expr: str
    labels: dict[str, str]
    annotations: dict[str, str]
    for_: str = msgspec.field(default="0s", name="for")


class Group(Strict, frozen=True):
    """A group of rules."""

    name: str
    rules: list[Alert]


class PrometheusRule(Strict, frozen=True):
    """The specification of a PrometheusRule."""

    groups: list[Group]


class Target(Strict, frozen=True):
    """The target that KEDA scales."""

    apiVersion: Literal["apps/v1"]  # noqa: N815 - the field's name
    kind: Literal["StatefulSet"]
    name: str


class Trigger(Strict, frozen=True):
    """One trigger; Kafka's metadata are texts."""

    type: Literal["kafka"]
    metadata: dict[str, str]
    authenticationRef: dict[Literal["name"], str] | None = None  # noqa: N815 - the field's name


class ScaledObject(Strict, frozen=True):
    """The specification of a ScaledObject."""

    scaleTargetRef: Target  # noqa: N815 - the field's name
    pollingInterval: int  # noqa: N815 - the field's name
    minReplicaCount: int  # noqa: N815 - the field's name
    maxReplicaCount: int  # noqa: N815 - the field's name
    triggers: list[Trigger]
    advanced: dict[Literal["horizontalPodAutoscalerConfig"], dict[Literal["behavior"], dict[str, Any]]]


@pytest.mark.parametrize(
    ("kind", "api", "shape"),
    [
        ("ServiceMonitor", "monitoring.coreos.com/v1", ServiceMonitor),
        ("PrometheusRule", "monitoring.coreos.com/v1", PrometheusRule),
        ("ScaledObject", "keda.sh/v1alpha1", ScaledObject),
    ],
)
def test_custom_resource_has_its_shape(kind: str, api: str, shape: type[Strict]) -> None:
    """Every field exists in its operator's API, with the right type."""
    (manifest,) = manifests(FULL, kind)

    assert manifest["apiVersion"] == api
    assert isinstance(msgspec.convert(manifest["spec"], shape), shape)


def test_scaled_object_scales_the_worker_and_never_removes_many_at_once() -> None:
    """It names the worker's StatefulSet, which leaves the number to it; one worker is removed at a time."""
    (scaled,) = manifests(FULL, "ScaledObject")
    (worker,) = [found for found in manifests(FULL, "StatefulSet") if found["metadata"]["name"].endswith("-worker")]
    down = scaled["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]

    assert scaled["spec"]["scaleTargetRef"]["name"] == worker["metadata"]["name"]
    assert "replicas" not in worker["spec"]
    assert [policy["value"] for policy in down["policies"]] == [1]
    assert down["stabilizationWindowSeconds"] >= 300


def test_service_monitor_finds_the_operations_ports_of_ingress_and_loader() -> None:
    """It selects the headless Services that have a port of that name; a worker has no metrics yet."""
    (monitor,) = manifests(FULL, "ServiceMonitor")
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    found = [service for service in manifests(FULL, "Service") if wanted <= service["metadata"]["labels"].items()]

    assert [port["name"] for service in found for port in service["spec"]["ports"]] == ["operations"] * 2
