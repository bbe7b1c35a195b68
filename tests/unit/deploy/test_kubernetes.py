"""The rendered manifests match the processes; Helm itself is for `make test-charts`."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from config.loading import OVERRIDES, load
from config.model import Configuration
from console.cli import app
from ingress.serve import STOP_S as INGRESS_STOP_S
from ingress.server.memory_bound import MB, memory_bound
from ingress.settings import ingress_settings
from streams.worker.consumer import STOP_S as WORKER_STOP_S
from streams.worker.settings import WORKER_ID
from tests.charts.rendering import ALERTS, ALERTS_IN_CHART, FULL, PLAIN, RENDERINGS, Rendering

Manifest = dict[str, Any]
EACH = pytest.mark.parametrize("rendering", RENDERINGS, ids=["plain", "full"])
PORT_OPTIONS = {"--port": "deliveries", "--operations-port": "operations"}
OPTIONS_TO_COME = {"--operations-host", "--operations-port", "--lame-duck"}  # of `penstock ingress`
VARIABLES_TO_COME = {"PENSTOCK_WORKER_OPERATIONS_HOST", "PENSTOCK_WORKER_OPERATIONS_PORT"}
COMMIT_S = 10  # for the commit behind a worker's last batch
RESERVE_S = 2


def manifests(rendering: Rendering, kind: str = "") -> list[Manifest]:
    """Return the manifests of a rendering, those of one kind where it is given."""
    return [manifest for manifest in _parsed(rendering) if not kind or manifest["kind"] == kind]


@cache
def _parsed(rendering: Rendering) -> Sequence[Manifest]:
    return list(yaml.safe_load_all(rendering.manifests.read_text(encoding="utf-8")))


def pods(rendering: Rendering) -> Iterator[tuple[str, Manifest]]:
    """Yield component and pod of each StatefulSet."""
    for manifest in manifests(rendering, "StatefulSet"):
        yield manifest["metadata"]["labels"]["app.kubernetes.io/component"], manifest["spec"]["template"]["spec"]


def pod(rendering: Rendering, component: str) -> Manifest:
    """Return the pod of one component."""
    return dict(pods(rendering))[component]


def container(rendering: Rendering, component: str) -> Manifest:
    """Return the one container of a component."""
    containers: list[Manifest] = pod(rendering, component)["containers"]
    assert len(containers) == 1
    return containers[0]


def options(rendering: Rendering) -> dict[str, str]:
    """Return the ingress's command-line options."""
    return dict(argument.split("=", 1) for argument in container(rendering, "ingress")["args"][1:])


def configuration(rendering: Rendering, directory: Path) -> Configuration:
    """Return the configuration in the ConfigMap."""
    (found,) = manifests(rendering, "ConfigMap")
    (directory / "penstock.toml").write_text(found["data"]["penstock.toml"])
    return load(directory / "penstock.toml", {})


@EACH
def test_what_is_committed_was_made_from_this_chart(rendering: Rendering) -> None:
    """Detects a change of the chart, its values or the alerts without `make charts`."""
    with rendering.manifests.open(encoding="utf-8") as file:
        assert file.readline() == rendering.first_line
    assert ALERTS_IN_CHART.read_bytes() == ALERTS.read_bytes(), "run `make charts`"


@EACH
def test_configuration_can_be_loaded(rendering: Rendering, tmp_path: Path) -> None:
    """Penstock accepts the configuration in the ConfigMap, and workers are no more than partitions."""
    loaded = configuration(rendering, tmp_path)

    assert loaded.sources
    for manifest in manifests(rendering, "StatefulSet"):
        if manifest["metadata"]["name"].endswith("-worker") and "replicas" in manifest["spec"]:
            assert manifest["spec"]["replicas"] <= loaded.kafka.partitions
    for scaled in manifests(rendering, "ScaledObject"):
        assert scaled["spec"]["maxReplicaCount"] <= loaded.kafka.partitions
        assert scaled["spec"]["triggers"][0]["metadata"]["consumerGroup"] == f"penstock.{loaded.worker.app}"


@EACH
def test_no_secret_lies_in_a_config_map_or_an_environment(rendering: Rendering, tmp_path: Path) -> None:
    """Secrets are files of Secrets: a ConfigMap and a pod's environment hold only references to them."""
    written = [value for path in (FULL,) for value in re.findall(r"made-up-[\w-]+", path.values.read_text())]  # type: ignore[union-attr]  # FULL has values
    assert len(written) == 2
    shown = [manifest for manifest in manifests(rendering) if manifest["kind"] != "Secret"]

    assert [secret for secret in written if secret in yaml.safe_dump_all(shown)] == []
    loaded = configuration(rendering, tmp_path)
    references = [secret.ref for source in loaded.sources for secret in source.secrets]
    mounted = {mount["mountPath"] for mount in container(rendering, "ingress")["volumeMounts"]}
    assert {str(Path(reference.removeprefix("file:")).parent) for reference in references} <= mounted
    assert "/run/penstock/secrets" not in {
        mount["mountPath"] for mount in container(rendering, "worker")["volumeMounts"]
    }


@EACH
def test_pods_are_confined(rendering: Rendering) -> None:
    """No root, no capability, a read-only file system except data and /tmp, no token of the cluster, no floating tag."""
    for _, spec in pods(rendering):
        (only,) = spec["containers"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsGroup"] == 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert only["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "privileged": False,
            "readOnlyRootFilesystem": True,
        }
        writable = {mount["mountPath"] for mount in only["volumeMounts"] if not mount.get("readOnly")}
        assert writable == {"/var/lib/penstock", "/tmp"}  # noqa: S108 - the container's own
        assert not any("subPath" in mount for mount in only["volumeMounts"])
        assert re.fullmatch(r"[^:@]+(?::(?!latest$)[\w.-]+|@sha256:[0-9a-f]{64})", only["image"])
        assert only["resources"]["limits"]["memory"]
    for account in manifests(rendering, "ServiceAccount"):
        assert account["automountServiceAccountToken"] is False


@EACH
def test_probes_are_on_the_operations_port(rendering: Rendering) -> None:
    """Alive is /healthz, ready is /readyz, and neither is on the public port."""
    for component, _ in pods(rendering):
        found = container(rendering, component)
        paths = {name: found[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}

        assert paths == {
            "startupProbe": {"path": "/healthz", "port": "operations"},
            "livenessProbe": {"path": "/healthz", "port": "operations"},
            "readinessProbe": {"path": "/readyz", "port": "operations"},
        }
        assert "operations" in {port["name"] for port in found["ports"]}


@EACH
def test_pods_have_the_time_that_they_take_to_stop(rendering: Rendering) -> None:
    """Kubernetes kills only stuck pods: lame duck and draining, or a batch and its commit, fit into the grace period."""
    lame_duck_s = float(options(rendering)["--lame-duck"])

    assert pod(rendering, "ingress")["terminationGracePeriodSeconds"] >= lame_duck_s + INGRESS_STOP_S + RESERVE_S
    assert pod(rendering, "worker")["terminationGracePeriodSeconds"] >= WORKER_STOP_S + COMMIT_S + RESERVE_S


def test_options_are_those_of_the_command() -> None:
    """The command line has each option and variable; ports are its defaults."""
    commands: Any = get_command(app)
    known = {name: option for option in commands.commands["ingress"].params for name in option.opts}
    variables = {
        str(option.envvar) for command in ("ingress", "worker", "load") for option in commands.commands[command].params
    }
    used = options(FULL) | options(PLAIN)
    each = [container(rendering, component) for rendering in RENDERINGS for component, _ in pods(rendering)]
    set_in_pods = {variable["name"] for found in each for variable in found["env"]} - {"TZ"}

    assert set(used) - set(known) <= OPTIONS_TO_COME
    assert set_in_pods <= variables | set(OVERRIDES) | VARIABLES_TO_COME
    ports = {port["name"]: str(port["containerPort"]) for port in container(PLAIN, "ingress")["ports"]}
    assert ports == {name: used[option] for option, name in PORT_OPTIONS.items()}
    assert [option for option in PORT_OPTIONS if option in known and str(known[option].default) != used[option]] == []


@EACH
def test_memory_fits_what_the_ingress_may_take(rendering: Rendering, tmp_path: Path) -> None:
    """The limit is no smaller than the sum of the ingress's own limits."""
    has_tls = "--certfile" in options(rendering)
    bound = memory_bound(
        ingress_settings(_without_kafka_secrets(configuration(rendering, tmp_path)), {}, tmp_path, has_tls=has_tls),
        has_tls=has_tls,
    )
    limit = container(rendering, "ingress")["resources"]["limits"]["memory"]

    assert limit.endswith("Mi")
    assert int(limit[:-2]) * MB >= bound.total


def test_worker_is_named_after_its_pod() -> None:
    """The id is the pod's name, which a StatefulSet keeps over restarts, and a legal id."""
    named = {variable["name"]: variable for variable in container(PLAIN, "worker")["env"]}["PENSTOCK_WORKER_ID"]

    assert named["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}
    assert WORKER_ID.fullmatch("penstock-worker-0")


@EACH
def test_only_deliveries_are_reached_from_outside(rendering: Rendering) -> None:
    """The Service and the Ingress lead to the deliveries port; operations are on a headless Service, behind the NetworkPolicy."""
    services = manifests(rendering, "Service")
    ports = {service["metadata"]["name"]: [port["name"] for port in service["spec"]["ports"]] for service in services}
    fronts = [service for service in services if service["spec"].get("clusterIP") != "None"]

    assert [ports[front["metadata"]["name"]] for front in fronts] == [["deliveries"]]
    assert sorted(ports.values()) == [["deliveries"], *([["operations"]] * len(list(pods(rendering))))]
    for manifest in manifests(rendering, "StatefulSet"):
        assert manifest["spec"]["serviceName"] in ports
    for manifest in manifests(rendering, "Ingress"):
        (path,) = manifest["spec"]["rules"][0]["http"]["paths"]
        assert path["path"] == "/v1/"
        assert path["backend"]["service"]["port"] == {"name": "deliveries"}


@EACH
def test_network_policies_allow_what_is_needed(rendering: Rendering) -> None:
    """Every client may post, Prometheus may scrape; outgoing are names, Kafka, and, but for the ingress, the registry."""
    policies = {
        policy["metadata"]["labels"]["app.kubernetes.io/component"]: policy["spec"]
        for policy in manifests(rendering, "NetworkPolicy")
    }
    entered = {name: [rule["ports"][0]["port"] for rule in spec["ingress"]] for name, spec in policies.items()}
    left = {name: [rule["ports"][0]["port"] for rule in spec["egress"]] for name, spec in policies.items()}

    inner = {component for component, _ in pods(rendering)} - {"ingress"}
    assert entered == {"ingress": ["deliveries", "operations"], **{name: ["operations"] for name in inner}}
    assert {name: len(rules) for name, rules in left.items()} == {"ingress": 2, **dict.fromkeys(inner, 3)}
    assert all(spec["policyTypes"] == ["Ingress", "Egress"] for spec in policies.values())
    assert all(
        "from" in rule
        for spec in policies.values()
        for rule in spec["ingress"]
        if rule["ports"][0]["port"] == "operations"
    )


@EACH
def test_selectors_select_their_pods(rendering: Rendering) -> None:
    """Services, budgets and policies select the pods of one component and no others."""
    labels = [manifest["spec"]["template"]["metadata"]["labels"] for manifest in manifests(rendering, "StatefulSet")]
    selectors = [service["spec"]["selector"] for service in manifests(rendering, "Service")]
    selectors += [policy["spec"]["podSelector"]["matchLabels"] for policy in manifests(rendering, "NetworkPolicy")]
    selectors += [
        manifest["spec"]["selector"]["matchLabels"]
        for kind in ("PodDisruptionBudget", "StatefulSet")
        for manifest in manifests(rendering, kind)
    ]

    assert len(selectors) == {2: 9, 3: 12}[len(labels)]
    assert {sum(selector.items() <= pod_labels.items() for pod_labels in labels) for selector in selectors} == {1}


def test_spool_outlives_its_pod() -> None:
    """The cluster never removes a volume with deliveries that were answered 200, nor a warehouse; a worker's copy it does."""
    policies = {
        manifest["metadata"]["name"]: manifest["spec"].get("persistentVolumeClaimRetentionPolicy")
        for rendering in RENDERINGS
        for manifest in manifests(rendering, "StatefulSet")
    }
    kept, deleted = {"whenDeleted": "Retain", "whenScaled": "Retain"}, {"whenDeleted": "Delete", "whenScaled": "Delete"}

    assert policies == {
        "penstock-ingress": kept,
        "penstock-worker": deleted,
        "full-ingress": kept,
        "full-worker": None,
        "full-loader": kept,
    }


def test_loader_is_alone() -> None:
    """One pod, replaced only when the one before it has ended; its metrics are scraped; by default there is none."""
    (loader,) = (found for found in manifests(FULL, "StatefulSet") if found["metadata"]["name"] == "full-loader")
    scraped = [
        service["metadata"]["name"]
        for service in manifests(FULL, "Service")
        if service["metadata"]["labels"].get("penstock/scrape") == "true"
    ]

    assert loader["spec"]["replicas"] == 1
    assert container(FULL, "loader")["args"] == ["load"]
    assert scraped == ["full-ingress-headless", "full-loader-headless"]
    assert not any("loader" in manifest["metadata"]["name"] for manifest in manifests(PLAIN))


def _without_kafka_secrets(loaded: Configuration) -> Configuration:
    return loaded.model_copy(update={"kafka": loaded.kafka.model_copy(update={"options": {}})})
