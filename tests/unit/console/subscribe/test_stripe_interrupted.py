"""`penstock subscribe` at Stripe, interrupted: whatever is lost on the way, the next run ends right."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simulator.providers.stripe import StripeFake
from tests.support.processes.fake_api import FakeApi
from tests.support.processes.subscribe import Subscribe
from tests.support.waiting import until
from tests.unit.console.subscribe.at_stripe import EVENTS, clear, configuration, endpoints, is_right

CREATION, ACTIVATION, DELETION = 4, 5, 6  # what comes before: two places are looked at, twice


@pytest.mark.parametrize("fault", ["reset", "torn"])
@pytest.mark.parametrize("number", [CREATION, ACTIVATION])
def test_apply_goes_on(stripe: StripeFake, subscribe: Subscribe, fault: Any, number: int) -> None:
    """Whichever request fails, before or after it was carried out: also where the reply with the secret is lost."""
    stripe.faults.next(*[None] * number, fault)
    assert subscribe("apply", "--yes") == 1
    stripe.faults.heal()

    assert subscribe("apply", "--yes") == 0
    assert is_right(stripe)
    assert subscribe("plan") == 0


@pytest.mark.parametrize("fault", ["reset", "torn"])
@pytest.mark.parametrize("number", [CREATION, ACTIVATION, DELETION])
def test_upgrade_goes_on(stripe: StripeFake, subscribe: Subscribe, served: FakeApi, fault: Any, number: int) -> None:
    """A version cannot be changed: a second endpoint is made and active before the first one is deleted."""
    clear(stripe)
    subscribe.configure(configuration(served, "2024-06-20"))
    subscribe("apply", "--yes")
    subscribe.configure(configuration(served, files=("a", "b", "c")))
    stripe.faults.next(*[None] * number, fault)

    assert subscribe("apply", "--yes") == 1
    stripe.faults.heal()
    assert any(endpoint["enabled_events"] == EVENTS for endpoint in endpoints(stripe))
    assert subscribe("apply", "--yes") == 0
    assert is_right(stripe)


@pytest.mark.parametrize("number", [CREATION, ACTIVATION])
def test_killed_process_goes_on(stripe: StripeFake, subscribe: Subscribe, number: int) -> None:
    """Killed while it waits for the reply to the creation, or to the activation."""
    stripe.faults.next(*[None] * number, "stall")
    command = [sys.executable, "-m", "console.entry", "subscribe", "apply", "--yes"]
    environment = {"PYTHONPATH": str(Path(__file__).parents[4]), "PATH": ""}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: stripe.faults.left() == 0, 30, "the request that stalls has come")
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    stripe.faults.heal()

    assert subscribe("apply", "--yes") == 0
    assert is_right(stripe)
