"""An outage of Kafka is two lines in the log."""

from structlog.testing import capture_logs

from broker.silence import Silence


def test_outage_is_logged_at_its_beginning_and_at_its_end() -> None:
    """Not at every request in between, and not where all is well."""
    silence = Silence()

    with capture_logs() as logs:
        silence.ends()
        silence.begins("timed out")
        silence.begins("refused")
        assert silence.is_on
        silence.ends()
        silence.ends()

    assert not silence.is_on
    assert logs == [
        {"event": "kafka_silent", "log_level": "warning", "detail": "timed out"},
        {"event": "kafka_answers", "log_level": "info"},
    ]
