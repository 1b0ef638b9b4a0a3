"""A dead member, while another is to be brought back: it holds that up no longer than the grace
period, and is brought into sync before it serves again."""
import shutil
import signal

import pytest
from harness import descendants_of, signal_all, wait_until


def member(cluster, ordinal):
    return cluster.coordinator.status()["cluster"]["members"][ordinal]


@pytest.fixture
def frozen():
    """Freezes processes; what is frozen still at the end goes on."""
    families = []

    def freeze(pid):
        family = [pid, *descendants_of(pid)]
        families.append(family)
        signal_all(family, signal.SIGSTOP)
        return family

    yield freeze
    for family in families:
        signal_all(family, signal.SIGCONT)


def test_a_dead_member_is_left_behind_and_brought_into_sync(start, frozen):
    c = start(4, environment={"CITUS_INIT_GRACE_PERIOD": "3"}).wait_formed()
    before = c.registered()
    dead = c.node(2)
    family = frozen(dead.run_pid)
    wait_until(lambda: member(c, 2)["state"] in ("hanging", "unreachable"), 90, "citus-2 is away")
    # Nobody waits for it yet, so nothing is changed because of it.
    assert not member(c, 2)["freed"]
    empty = c.node(3)
    run = empty.run_pid
    signal_all([run, *descendants_of(run)], signal.SIGKILL)
    shutil.rmtree(empty.data)
    wait_until(lambda: member(c, 2)["freed"], 120, "Citus goes on without citus-2")
    wait_until(lambda: member(c, 3)["state"] == "ours" and member(c, 3)["active"], 120,
               "citus-3 is back")
    assert not member(c, 2)["active"]
    signal_all(family, signal.SIGCONT)
    wait_until(lambda: member(c, 2)["active"] and not member(c, 2)["freed"], 120,
               "citus-2 is in sync and serves")
    c.wait_formed()
    assert c.registered() == before
    assert dead.value("select count(*) from pg_dist_node", user="postgres") == 4
