"""`penstock ingress` as an unprivileged user, on a file system where only its data directory is writable.

Under root with the kernel's own means, without a container engine: a mount namespace in which everything is read-only, and
another user without capabilities. It keeps one to read like root, because the tests' Python may be in root's home.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.processes.ingress import KAFKA_AWAY, IngressProcess
from tests.support.waiting import until

TIMEOUT_S = 30.0
NOBODY = 65534
READ_SEARCH = 1 << 2  # CAP_DAC_READ_SEARCH, capabilities(7)
READ_ONLY = """
set -e
mount --make-rprivate /
mount --bind "$0" "$0"
while read -r _ place kind _; do
    case $kind in proc|sysfs|cgroup*|devpts|devtmpfs|mqueue) continue;; esac
    [ "$place" = "$0" ] || mount -o remount,bind,ro "$place"
done < /proc/self/mounts
exec setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs --bounding-set -all,+dac_read_search \
    --inh-caps -all,+dac_read_search --ambient-caps -all,+dac_read_search "$@"
"""


@pytest.fixture
def directory() -> Iterator[Path]:
    """Give a directory that every user can read; pytest's are for their owner alone."""
    with tempfile.TemporaryDirectory(prefix="penstock-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.fixture
def hardened(directory: Path) -> Iterator[IngressProcess]:
    """Give an ingress that may write to its data directory only, without Kafka."""
    data = directory / "data"
    data.mkdir()
    process = IngressProcess(directory, KAFKA_AWAY)
    process.prefix = _prefix(data)
    process.start()
    try:
        yield process
    finally:
        process.child.stop(10)


def _prefix(data: Path) -> list[str]:
    """Return the command prefix: empty where the tests run without privileges themselves."""
    if os.geteuid() != 0:
        return []
    missing = [program for program in ("unshare", "setpriv", "mount") if shutil.which(program) is None]
    assert not missing, f"as root this test needs {', '.join(missing)} (util-linux); or run the tests as another user"
    os.chown(data, NOBODY, NOBODY)
    return ["unshare", "--mount", "sh", "-c", READ_ONLY, str(data)]


def test_nobody_on_a_read_only_file_system_serves_and_spools(hardened: IngressProcess, directory: Path) -> None:
    """Deliveries are accepted, spooled, counted, and it ends in order: it needs no other right or directory."""
    answer = hardened.post("/v1/acme", b'{"id":1}')

    assert answer.status_code == 200, hardened.log_text()
    until(lambda: "penstock_spool_deliveries 1.0" in hardened.get("/metrics").text, TIMEOUT_S, "it is in the spool")
    assert {path.name for path in directory.iterdir()} <= {"data", "ingress.log", "penstock.toml"}
    assert {path.name for path in (directory / "data").iterdir()} == {"spool"}
    hardened.child.terminate()
    assert hardened.child.wait(TIMEOUT_S) == 0, hardened.log_text()
    assert not [event for event in hardened.events() if event["event"] == "spool_write_failed"]


def test_it_is_really_nobody_and_really_read_only(hardened: IngressProcess) -> None:
    """Without this namespace and user the test above would prove nothing."""
    pid = hardened.child.pid
    assert psutil.Process(pid).uids().effective == (NOBODY if os.geteuid() == 0 else os.geteuid())
    if os.geteuid() != 0:
        return
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    assert int(status["CapEff"], 16) == READ_SEARCH
    assert status["NoNewPrivs"].strip() == "1"
    mounts = [line.split() for line in Path(f"/proc/{pid}/mounts").read_text().splitlines()]
    assert {options.split(",")[0] for _, place, _, options, *_ in mounts if place == "/"} == {"ro"}
