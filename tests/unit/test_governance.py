"""License, contribution guide and security policy: present, complete, distributed, and correct about this project."""

import re
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from setuptools import build_meta

ROOT = Path(__file__).parents[2]
PAGES = ("CONTRIBUTING.md", "SECURITY.md")
LICENSE = (ROOT / "LICENSE").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a directory with the inputs of a distribution's build: metadata and texts, no packages."""
    folder = tmp_path_factory.mktemp("distribution")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (folder / "pyproject.toml").write_text(
        re.sub(r"^packages = \[[^]]*]", "packages = []", project, count=1, flags=re.MULTILINE)
    )
    for name in ("README.md", "LICENSE"):
        (folder / name).write_bytes((ROOT / name).read_bytes())
    return folder


def test_license_is_the_whole_text() -> None:
    """LICENSE is version 2.0 of the Apache License from its title to its appendix."""
    sections = re.findall(r"^   (\d)\. ", LICENSE, re.MULTILINE)

    assert "Apache License\n                           Version 2.0, January 2004" in LICENSE
    assert sections == [*"123456789"]
    assert "APPENDIX: How to apply the Apache License to your work." in LICENSE


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_distribution_carries_the_license(
    kind: str, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wheel and the source distribution contain the license, and their metadata names it."""
    monkeypatch.chdir(source)

    if kind == "wheel":
        with zipfile.ZipFile(tmp_path / build_meta.build_wheel(str(tmp_path))) as wheel:
            texts = {name: wheel.read(name).decode() for name in wheel.namelist()}
    else:
        with tarfile.open(tmp_path / build_meta.build_sdist(str(tmp_path))) as archive:
            members = [member for member in archive.getmembers() if member.isfile()]
            texts = {member.name: archive.extractfile(member).read().decode() for member in members}  # type: ignore[union-attr]  # files only

    metadata = [text for name, text in texts.items() if name.endswith((".dist-info/METADATA", "/PKG-INFO"))]
    assert [text for name, text in texts.items() if name.endswith("/LICENSE")] == [LICENSE]
    assert metadata
    for text in metadata:
        assert {"License-Expression: Apache-2.0", "License-File: LICENSE"} <= set(text.splitlines())


def test_image_carries_the_license() -> None:
    """The wheel in the image is built with the license, and the images' labels name it."""
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    registry = (ROOT / "deploy" / "registry" / "Dockerfile").read_text(encoding="utf-8")
    label = f'org.opencontainers.image.licenses="{tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license"]}"'

    assert re.search(r"^COPY pyproject\.toml .*\bLICENSE\b", dockerfile, re.MULTILINE)
    assert label in dockerfile
    assert label in registry


@pytest.mark.parametrize("page", PAGES)
def test_page_names_what_exists(page: str) -> None:
    """Its links have targets, and its `make` targets are the Makefile's."""
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert [link for link in re.findall(r"\]\((?!https?:)([^)#]+)", text) if not (ROOT / link).exists()] == []
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets


@pytest.mark.parametrize("page", PAGES)
def test_page_names_no_address(page: str) -> None:
    """Reports go through the repository's host: the page has no mail address that could be wrong."""
    assert re.findall(r"\S+@\S+\.\w+", (ROOT / page).read_text(encoding="utf-8")) == []
