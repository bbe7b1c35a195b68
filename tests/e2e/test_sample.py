"""What a new user sees: `penstock up --sample` as it is, to its last table."""

import os
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.waiting import until, until_gone

pytestmark = pytest.mark.kafka
PROGRAM = str(Path(sys.executable).parent / "penstock")
ORDERS = "select sum(orders)::int as n from shopify_analytics.orders_per_day"
PRODUCTS = (  # of twelve, three are deleted in the end; a notification has neither name nor price
    "select count(*)::int as n, count_if(name like '% no. 3')::int as named, count_if(price between 10 and 20)::int as priced "
    "from bigcommerce.product where not _penstock_deleted"
)
OPTIONS = ("port", "kafka-port", "registry-port", "operations-port", "worker-operations-port", "loader-operations-port")


@pytest.mark.timeout(600)  # 40 s on an idle machine; each wait in it has its own end
def test_sample_ends_with_a_question_to_the_warehouse(tmp_path: Path) -> None:
    """Every accepted delivery is accounted for, the warehouse has the sample's orders and BigCommerce's products, and Ctrl-C
    leaves nothing.
    """
    errors = tmp_path / "stderr"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
    command = [PROGRAM, "up", "--sample", *(part for option in OPTIONS for part in (f"--{option}", "0"))]
    with errors.open("w") as stderr:
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True
        )
    try:
        until(
            lambda: "Ctrl-C stops everything" in errors.read_text() or process.poll() is not None, 420, "the last line"
        )
        said = errors.read_text()
        asked = [_asked(question, tmp_path, environment) for question in (ORDERS, PRODUCTS)]
        left = [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
        process.terminate()
        process.wait(20)
    finally:
        if process.poll() is None:
            process.kill()
        assert process.stdout is not None
        process.stdout.close()

    assert "accepted 652 = changed " in said
    assert "the warehouse (ducklake) is in " in said
    assert "ask the warehouse:     penstock query 'from shopify_analytics.orders_per_day" in said
    assert [line.count("│") for line in said.split("ask the warehouse:")[1].splitlines() if line.startswith("│")] == [
        8
    ] * 6
    assert "still pending" not in said
    (read,) = re.findall(
        r"(\d+) of bigcommerce's deliveries only name a product: (\d+) reads at http://127\.0\.0\.1:", said
    )
    assert int(read[0]) >= int(read[1]) >= 12
    assert [line.count("│") for line in said.split("ask the warehouse:")[2].splitlines() if line.startswith("│")] == [
        5
    ] * 4
    assert asked == ["n\n20\n", "n,named,priced\n9,9,9\n"]
    assert process.returncode == 0
    until_gone(left, 10)


def _asked(question: str, folder: Path, environment: dict[str, str]) -> str:
    """Return what `penstock query` prints."""
    command = [PROGRAM, "query", question, "--csv"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr
