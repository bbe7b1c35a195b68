"""`docker compose up --scale worker=3`: three workers share the partitions, and none fences another."""

from confluent_kafka.admin import AdminClient

from tests.containers.books import assert_all_decided, traffic
from tests.containers.composed import SETTLED_S, Composed
from tests.support.waiting import until

WORKERS = 3
GROUP = "penstock.capture"
ANSWER_S = 20


def test_three_workers_decide(stack: Composed) -> None:
    """Each of three workers has partitions under traffic, none is fenced, and all is decided once and correctly."""
    shop = traffic(stack, "scaled")
    with shop.flowing():
        until(lambda: shop.count > 50, SETTLED_S, "traffic")

        stack.up("--no-recreate", "--scale", f"worker={WORKERS}")
        until(lambda: working(stack.kafka) == WORKERS, SETTLED_S, f"{WORKERS} workers have partitions")
        before = shop.count
        until(lambda: shop.count > before + 200, SETTLED_S, "traffic with three workers")

    assert_all_decided(stack, "scaled", shop.ledger.accepted)
    assert "took over the transactional id" not in stack.compose("logs", "--no-color", "worker")
    ids = {container["Config"]["Hostname"] for container in stack.inspected("worker")}
    assert len(ids) == WORKERS

    stack.compose("rm", "--force", "--stop", "--volumes", "worker")  # scaling down would leave the unnamed volumes
    stack.up()


def working(kafka: str) -> int:
    """Return how many members of the group have partitions."""
    admin = AdminClient({"bootstrap.servers": kafka})  # named: an unnamed one is collected before the answer
    group = admin.describe_consumer_groups([GROUP], request_timeout=ANSWER_S)[GROUP].result(2 * ANSWER_S)
    return sum(bool(member.assignment.topic_partitions) for member in group.members)
