"""SET_SIZE in a mounted file, changed while the cluster runs."""
import signal

import pytest
from harness import wait_until
from lone import LoneNode

pytestmark = pytest.mark.long


class Set:
    """Nodes that are started one by one, as pods are, and their file."""

    def __init__(self, directory, count):
        self.file = directory / "citus-init.ini"
        self.nodes = [LoneNode(directory / f"citus-{ordinal}") for ordinal in range(count)]
        network = self.nodes[0].host.rpartition(".")[0]
        port = self.nodes[0].cluster.port
        for ordinal, node in enumerate(self.nodes):
            node.ordinal, node.name = ordinal, f"citus-{ordinal}"
            node.cluster.host = lambda its: f"{network}.{its}"
            node.cluster.http_port = self.nodes[0].cluster.http_port
            node.use_port(port)
            del node.environment["SET_SIZE"]
            node.environment.update(
                POD_NAME=node.name, CITUS_INIT_CONFIG_FILE=str(self.file),
                CITUS_INIT_POSTGRES_LISTEN_ADDRESSES=node.host,
                CITUS_INIT_HTTP_ADDRESS=f"{node.host}:{node.cluster.http_port}")

    def set_size(self, size):
        """As a mounted file is replaced."""
        new = self.file.with_suffix(".new")
        new.write_text(f"[cluster]\nsize = {size}\n")
        new.chmod(0o644)
        new.rename(self.file)

    def member(self, ordinal):
        members = (self.nodes[0].status()["cluster"] or {}).get("members", [])
        return members[ordinal] if ordinal < len(members) else {}

    def told(self, node):
        return " ".join(told["text"] for told in self.nodes[0].status()["conditions"]
                        if told["node"] == node.name)


@pytest.fixture
def pods(workspace):
    made = Set(workspace, 4)
    yield made
    for node in reversed(made.nodes):
        node.stop()


def restart(node):
    node.kill(node.run_pid)
    node.process.wait(60)
    node.start()
    node.wait_ready()


def test_the_size_is_live_and_a_member_above_it_serves_on(pods):
    coordinator, _, last, late = pods.nodes
    pods.set_size(3)
    for node in pods.nodes[:3]:
        node.start()
    for node in pods.nodes[:3]:
        node.wait_ready()
    with coordinator.connect() as admin:
        admin.execute("create table t (i int)")
        admin.execute("select create_distributed_table('t', 'i')")
        admin.execute("insert into t select generate_series(1, 1000)")

    pods.set_size(2)
    wait_until(lambda: "above SET_SIZE (2)" in pods.told(last), 60, "it is told")
    assert "shards are on it" in pods.told(last)
    assert coordinator.value("select count(*) from t") == 1000
    for node in (last, coordinator):
        restart(node)
        wait_until(lambda: pods.member(2).get("active"), 60, "it is a member as before")
        wait_until(lambda: "above SET_SIZE (2)" in pods.told(last), 60, "it is told again")
        assert pods.member(2)["leaving"]
        assert coordinator.value("select count(*) from t") == 1000

    before = coordinator.agent_pid
    pods.set_size(4)
    late.start()
    late.wait_ready()
    assert coordinator.value("select count(*) from pg_dist_node where isactive") == 4
    wait_until(lambda: pods.told(last) == "", 60, "nothing more is told")
    assert coordinator.agent_pid == before
    assert late.stop() == 0


def test_a_file_that_is_wrong_changes_nothing(pods):
    coordinator = pods.nodes[0]
    pods.set_size(1)
    coordinator.start()
    coordinator.wait_ready()
    pods.set_size("three")
    wait_until(lambda: 'the settings are wrong now' in coordinator.log, 60, "it is told")
    assert '"three" is not a number' in coordinator.log
    assert coordinator.is_ready()
    coordinator.kill(coordinator.postmaster_pid, signal.SIGKILL)
    wait_until(lambda: coordinator.value("select 1") == 1, 60, "it serves")
