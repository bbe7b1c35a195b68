"""The generated files below docs/: their texts, and how they are written and found stale."""

from collections.abc import Mapping
from pathlib import Path

from console.reference.asyncapi import asyncapi_text
from console.reference.avro_schemas import SCHEMAS, avro_files
from console.reference.json_schemas import schema_files
from console.reference.page import reference_page


def generated() -> Mapping[Path, str]:
    """Return the text of each file by its path below docs/."""
    pages = {Path("reference.md"): reference_page(), Path("asyncapi.yaml"): asyncapi_text()}
    return pages | {SCHEMAS / path: text for path, text in (*schema_files(), *avro_files())}


def write(docs: Path) -> None:
    """Write every file, and remove schemas of resources that have no column table any more."""
    texts = generated()
    for stale in present_schemas(docs) - set(texts):
        (docs / stale).unlink()
    for path, text in texts.items():
        (docs / path).parent.mkdir(parents=True, exist_ok=True)
        (docs / path).write_text(text, encoding="utf-8")


def present_schemas(docs: Path) -> set[Path]:
    """Return the paths below docs/ of the schemas that are there."""
    return {file.relative_to(docs) for file in (docs / SCHEMAS).rglob("*.*") if file.suffix in {".json", ".avsc"}}
