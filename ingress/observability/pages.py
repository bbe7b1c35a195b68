"""The pages of an ingress's operations port: liveness, readiness and metrics."""

import json
from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from broker.operations import Page, Pages
from ingress.observability.health import State


def pages(state: Callable[[], State], metrics: CollectorRegistry) -> Pages:
    """Return the pages by path. /readyz is 200 while new deliveries are accepted, else 503 with the reason."""

    def healthz() -> Page:
        return Page(b'{"status":"alive"}')

    def readyz() -> Page:
        now = state()
        return Page(json.dumps({"status": now}).encode(), status=200 if now == "ready" else 503)

    def scrape() -> Page:
        return Page(generate_latest(metrics), CONTENT_TYPE_LATEST)

    return {"/healthz": healthz, "/readyz": readyz, "/metrics": scrape}
