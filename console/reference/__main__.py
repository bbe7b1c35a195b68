"""Write the generated reference into a folder: `python -m console.reference docs`."""

import sys
from pathlib import Path

from console.reference.files import write

if __name__ == "__main__":
    write(Path(sys.argv[1]))
