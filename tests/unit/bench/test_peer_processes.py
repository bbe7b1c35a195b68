"""The peers of the pipeline benchmark: one that cannot run is omitted with a reason, and every build is pinned."""

from xml.etree import ElementTree as ET

import pytest

from bench.peer_processes import BARE, PEERS, PENSTOCK, STREAMS, left_out, peers

MAVEN = "{http://maven.apache.org/POM/4.0.0}"


def test_kafka_streams_is_left_out_without_java_and_maven(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line names the missing tools and the remedy; the other peers take part."""
    monkeypatch.setenv("PATH", "")

    reason = left_out()[STREAMS]

    assert reason == "no java, javac, mvn on the PATH; with a JDK of 17 or newer and Maven, `make bench` builds it"
    assert STREAMS not in peers()
    assert {BARE, PENSTOCK} <= set(peers())


def test_everything_that_maven_fetches_has_a_version_and_no_address() -> None:
    """Every dependency and plugin of the Kafka Streams program is pinned; the repositories are Maven's configuration."""
    project = ET.parse(PEERS / "streams" / "pom.xml").getroot()  # noqa: S314  # our own file

    fetched = [*project.iter(f"{MAVEN}dependency"), *project.iter(f"{MAVEN}plugin")]

    assert len(fetched) >= 8
    for one in fetched:
        version = one.findtext(f"{MAVEN}version") or ""
        assert version[:1].isdigit(), f"{one.findtext(f'{MAVEN}artifactId')} has no fixed version: {version!r}"
    assert not [*project.iter(f"{MAVEN}repository"), *project.iter(f"{MAVEN}pluginRepository")]
