"""Where a delivery's time goes in the worker: samples deciding and encoding with py-spy, C functions included.

`python -m bench.profile [--quick]`, after `make bench` has created `.venv-bench`; writes bench/results/profile.json.
"""

import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.report import made, write

PY_SPY = Path(__file__).parents[1] / ".venv-bench" / "bin" / "py-spy"
SAMPLES_PER_S = 500
PARTS = {
    "raw_delivery (": "record to delivery",
    "parse (streams/pipeline.py": "parse",
    "diff (streams/steps/diff.py": "diff",
    "document_json (": "canonical JSON",
    "_event_id (": "event id",
    "fanout (": "fanout",
    "encode_change (": "Avro change",
    "encode_state (": "Avro state",
    "encode_outcome (": "Avro outcome",
    "encode_row (": "rows of the tables",
    "decode_latest (": "rows of the tables",
    "decode_seen (": "rows of the tables",
    "sha256": "fingerprint",
    "records (": "Avro, round it",
    "process (": "the rest of process",
}
"""Function names as py-spy writes them; a sample counts for the first one in this order that is on its stack."""


def shares(stacks: Iterable[str]) -> dict[str, float]:
    """Return each part's share, in percent, of the samples taken while deliveries were decided.

    A stack is one line of py-spy's raw format: frames from the outermost to the innermost, separated by `;`, and a count.
    """
    counts: Counter[str] = Counter()
    for line in stacks:
        stack, _, samples = line.rpartition(" ")
        part = next((part for name, part in PARTS.items() if name in stack), None)
        if part is not None and "product (" not in stack and "kept (" not in stack:
            counts[part] += int(samples)
    return {part: round(100 * count / counts.total(), 1) for part, count in counts.most_common()}


def profiled(seconds: float, size: str) -> dict[str, float]:
    """Run the job under the profiler and return the shares."""
    with tempfile.TemporaryDirectory() as directory:
        raw = Path(directory) / "stacks"
        command = [
            str(PY_SPY),
            "record",
            "--native",
            "--format",
            "raw",
            "--rate",
            str(SAMPLES_PER_S),
            "--output",
            str(raw),
        ]
        job = [sys.executable, "-m", "bench.decide", str(seconds), size]
        subprocess.run([*command, "--", *job], check=True, capture_output=True)
        return shares(raw.read_text().splitlines())


def main() -> None:
    """Profile both sizes, print the table, write the results."""
    seconds = 3 if "--quick" in sys.argv else 15
    costs_us, parts = {}, {}
    for size in ("small", "large"):
        command = [sys.executable, "-m", "bench.decide", str(seconds), size]
        spent = subprocess.run(command, check=True, capture_output=True, text=True)
        costs_us[size], parts[size] = float(spent.stdout), profiled(seconds, size)
    table = Table("part", *(f"{size}, % of {cost_us} us" for size, cost_us in costs_us.items()))
    for part in dict.fromkeys(part for row in parts.values() for part in row):
        table.add_row(part, *(str(row.get(part, 0.0)) for row in parts.values()))
    Console().print(table)
    write("profile", {"cpu_us_per_delivery": costs_us, "percent": parts}, made("profile", "python -m bench.profile"))


if __name__ == "__main__":
    main()
