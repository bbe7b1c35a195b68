"""A proxy's one request is one request for the ingress, or either refuses it; no filter of a proxy is bypassed."""

import pytest

from tests.proxies.corpus import FAMILIES, members
from tests.proxies.station import Station
from tests.support.processes.ingress import IngressProcess

pytestmark = [pytest.mark.proxies, pytest.mark.kafka]


@pytest.mark.parametrize("family", FAMILIES)
def test_request_is_read_as_the_proxy_read_it(station: Station, family: str) -> None:
    """As many requests as the proxy passed on, none past its filter, none under a forged address; then all is as before."""
    wrong = station.try_all(members(family))

    assert not wrong, "\n".join(wrong)


def test_requests_add_up(station: Station, ingress: IngressProcess) -> None:
    """Over all cases, the ingress has answered no more requests than the proxy has passed on, and logged no fault."""
    assert station.sums() == []
    assert [event for event in ingress.events() if event["event"] == "request_failed" or "exception" in event] == []
