"""Find or start a container engine, give it the images, run the tests on it: `make test-containers`.

    python -m tests.containers [options of pytest, such as -k scale]

Each step is shown with its time. Exit code: pytest's own, or 77 when there is no engine and none can be started.
"""

import os
import subprocess
import sys
from pathlib import Path

from local.errors import LocalError
from tests.containers.commands import CommandFailed
from tests.containers.engine import engine, listening
from tests.containers.faults import NoEngine
from tests.containers.images import provide
from tests.containers.steps import Steps

READY = "PENSTOCK_CONTAINERS_READY"  # set for pytest: conftest.py collects these tests only with it
NO_ENGINE = 77  # not one of pytest's own; the usual code for a test that could not be run
ROOT = Path(__file__).parents[2]


def main(arguments: list[str]) -> int:
    """Return the exit code."""
    steps = Steps()
    try:
        with engine(steps) as found:
            sys.stderr.write(f"{listening(found)}\n")
            provide(found, steps)
            with steps("tests"):
                code = _pytest(found.environ, arguments)
    except (
        NoEngine,
        LocalError,
        CommandFailed,
        OSError,
    ) as error:  # from the engine and its images; tests run in a process
        sys.stderr.write(f"make test-containers: {error}\n")
        return NO_ENGINE
    sys.stderr.write(f"{steps.table()}\n")
    return code


def _pytest(environ: dict[str, str], arguments: list[str]) -> int:
    options = ["-o", "timeout=600", "--durations=0", "--durations-min=1", "--rootdir", str(ROOT)]
    command = [sys.executable, "-m", "pytest", *options, str(Path(__file__).parent), *arguments]
    return subprocess.run(command, env={**os.environ, **environ, READY: "1"}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
