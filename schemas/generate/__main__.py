"""`python -m schemas.generate [--check]`: bring the column tables up to date with their sources.

Exit 0: nothing to do, or everything written. Exit 1: with `--check` if something would change, otherwise if a new column needs
a sentence that only a person can write. Exit 2: a source could not be fetched or is not what was expected.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from schemas.generate import bigcommerce, github, packages, shopify, stripe
from schemas.generate.fields import Resources, SourceError
from schemas.generate.packages import fetched
from schemas.generate.tables import differences, text, unwritten, updated
from schemas.typed.columns import ColumnTable, ColumnTableError, column_tables

FOLDER: Final = Path(__file__).parents[1] / "typed"

Sources = Mapping[str, tuple[str, Resources]]
"""For each provider what its tables name as their source, and the fields found there."""


def main(arguments: list[str]) -> int:
    """Write the tables, or with `--check` only say what would change; return the exit code."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("expected no argument, or --check\n")
        return 2
    try:
        changes, missing = run(fetched_sources(), column_tables(), None if arguments else FOLDER)
    except (SourceError, ColumnTableError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write("".join(f"{line}\n" for line in [*changes, *missing] or ["the column tables are up to date"]))
    return int(bool(missing or (arguments and changes)))


def run(sources: Sources, existing: Sequence[ColumnTable], folder: Path | None) -> tuple[list[str], list[str]]:
    """Write the tables that the sources ask for into a folder, if there is one; return what changes and what is missing."""
    before = {(table.provider, table.resource): table for table in existing}
    changes, missing = list[str](), list[str]()
    for provider, (source, resources) in sources.items():
        known = {table.resource: table for table in existing if table.provider == provider}
        for table in updated(provider, source, resources, known):
            changes += differences(before.get((provider, table.resource)), table)
            missing += unwritten(table)
            if folder is not None:
                write(folder, table)
    return changes, missing


def write(folder: Path, table: ColumnTable) -> None:
    """Write the file of a table."""
    file = folder / table.provider / f"{table.resource}.toml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text(table), encoding="utf-8")


def fetched_sources() -> Sources:
    """Fetch every source."""
    stripe_files = [fetched(package) for package in (packages.STRIPE, packages.STRIPE_BEFORE)]
    versions = f"API {shopify.VERSIONS[-1]} to {shopify.VERSIONS[0]}"
    return {
        "bigcommerce": (bigcommerce.SOURCE, bigcommerce.resources()),
        "github": (str(packages.GITHUB), github.resources(fetched(packages.GITHUB))),
        "shopify": (f"{packages.SHOPIFY}, {versions}", shopify.resources(fetched(packages.SHOPIFY))),
        "stripe": (f"{packages.STRIPE}, {packages.STRIPE_BEFORE}", stripe.resources(*stripe_files)),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
