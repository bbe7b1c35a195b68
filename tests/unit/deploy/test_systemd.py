"""systemd accepts the units, which confine the processes and allow their stop times.

systemd's own check needs `systemd-analyze` (Debian: the package systemd), which containers often lack.
"""

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from ingress.serve import STOP_S as INGRESS_STOP_S
from streams.worker.consumer import STOP_S as WORKER_STOP_S

UNITS = Path(__file__).parents[3] / "deploy/systemd"
INGRESS, WORKER = UNITS / "penstock-ingress@.service", UNITS / "penstock-worker@.service"
LOADER = UNITS / "penstock-loader.service"
CREDENTIALS = UNITS / "credentials.conf"
MOST_EXPOSURE = 13  # tenths: 1.3 of 10; without the lines that confine it is 9.6
LAME_DUCK_S, COMMIT_S = 30.0, 10.0
EACH = pytest.mark.parametrize("unit", [INGRESS, WORKER, LOADER], ids=["ingress", "worker", "loader"])
ANALYZE = shutil.which("systemd-analyze")
NEEDS_SYSTEMD = pytest.mark.skipif(
    ANALYZE is None, reason="systemd-analyze is not here: Debian's package systemd has it"
)


def settings(unit: Path) -> dict[str, list[str]]:
    """Return the values of each setting."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


def installed(unit: Path, directory: Path, program: str = "/bin/true") -> Path:
    """Return an instance of a unit with the drop-in, as it would be installed, whose program exists here."""
    text = unit.read_text(encoding="utf-8").replace("/opt/penstock/bin/penstock", program)
    template = directory / unit.name
    template.write_text(text)
    drop_in = directory / f"{unit.name}.d" / CREDENTIALS.name
    drop_in.parent.mkdir()
    drop_in.write_bytes(CREDENTIALS.read_bytes())
    return template


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Return the output of systemd-analyze."""
    assert ANALYZE is not None
    return subprocess.run([ANALYZE, "--no-pager", *arguments], capture_output=True, text=True, timeout=60, check=False)


@NEEDS_SYSTEMD
@EACH
def test_unit_is_accepted(unit: Path, tmp_path: Path) -> None:
    """systemd supports every setting and value."""
    said = analyze("verify", str(installed(unit, tmp_path)))

    assert (said.returncode, said.stdout + said.stderr) == (0, "")


@NEEDS_SYSTEMD
def test_misspelt_setting_is_found(tmp_path: Path) -> None:
    """The test above relies on this: systemd reports an unknown setting."""
    template = installed(INGRESS, tmp_path)
    template.write_text(template.read_text().replace("RestartSec=", "RestartSeconds="))

    assert "RestartSeconds" in analyze("verify", str(template)).stderr


@NEEDS_SYSTEMD
@EACH
def test_unit_is_confined(unit: Path, tmp_path: Path) -> None:
    """systemd's own measure of the exposure of a compromised service is small."""
    said = analyze("security", "--offline=true", f"--threshold={MOST_EXPOSURE}", str(installed(unit, tmp_path)))

    assert said.returncode == 0, said.stdout[-400:]


@EACH
def test_unit_writes_to_its_own_state_alone(unit: Path) -> None:
    """Each instance has a state directory, which is its data directory, for its owner only."""
    found = settings(unit)
    (state,) = found["StateDirectory"]

    assert state.endswith("-%i") or unit == LOADER  # of which there is one
    assert f"PENSTOCK_DATA_DIR=/var/lib/{state}" in " ".join(found["Environment"])
    assert found["StateDirectoryMode"] == ["0700"]
    assert found["ProtectSystem"] == ["strict"]
    assert "ReadWritePaths" not in found


def test_instances_of_the_ingress_share_the_port_and_nothing_else() -> None:
    """One user, because the kernel requires it for a shared port; each instance has an operations port, no worker has it."""
    found = settings(INGRESS)
    variables = dict(word.split("=", 1) for line in found["Environment"] for word in line.split())
    (command,) = found["ExecStart"]

    assert "--port ${PENSTOCK_INGRESS_PORT} --reuse-port" in command
    assert variables["PENSTOCK_INGRESS_PORT"] == "8080"
    assert (found["DynamicUser"], found["User"]) == (["yes"], ["penstock-ingress"])
    assert variables["PENSTOCK_INGRESS_OPERATIONS_PORT"] == "1945%i"
    assert "1945%i" not in WORKER.read_text()


@pytest.mark.parametrize(
    ("unit", "parts_s"), [(INGRESS, (LAME_DUCK_S, INGRESS_STOP_S)), (WORKER, (WORKER_STOP_S, COMMIT_S))]
)
def test_unit_has_the_time_that_it_takes_to_stop(unit: Path, parts_s: Sequence[float]) -> None:
    """systemd kills only a stuck process."""
    assert float(settings(unit)["TimeoutStopSec"][0]) >= sum(parts_s) + 2


def test_loader_finishes_its_transaction_and_keeps_its_user() -> None:
    """It is killed only when it is stuck, and its files always belong to the same user."""
    found = settings(LOADER)

    assert float(found["TimeoutStopSec"][0]) >= 60
    assert (found["DynamicUser"], found["User"]) == (["yes"], ["penstock-loader"])


@EACH
def test_unit_that_lives_is_always_started_again(unit: Path) -> None:
    """The start limit stops only services that die within 10 s of each start, and a faulty configuration at once."""
    found = {name: values[0] for name, values in settings(unit).items()}
    fewest_s = int(found["StartLimitIntervalSec"]) / int(found["StartLimitBurst"])

    assert found["Restart"] == "always"
    assert found["RestartPreventExitStatus"] == "2"
    assert fewest_s - int(found["RestartSec"]) <= 10


def test_no_secret_is_in_a_unit() -> None:
    """Secrets come as credentials from files that only root reads, under one path for every instance."""
    found = settings(CREDENTIALS)

    assert all(value.split(":")[1].startswith("/etc/penstock/credentials/") for value in found["LoadCredential"])
    assert found["BindReadOnlyPaths"] == ["%d:/run/penstock/secrets"]
    assert not re.search("(?i)secret|password", "".join(unit.read_text() for unit in (INGRESS, WORKER, LOADER)))
