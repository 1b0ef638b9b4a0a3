"""A dead member, while another is to be brought back: it holds that up no longer than the grace
period, and is brought into sync before it serves again."""
import shutil
import signal

import pytest
from harness import descendants_of, signal_all, wait_until

pytestmark = pytest.mark.long


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
    c.wait_state(2, "hanging", "unreachable")
    # Nobody waits for it yet, so nothing is changed because of it.
    assert not c.member(2)["freed"]
    empty = c.node(3)
    run = empty.run_pid
    signal_all([run, *descendants_of(run)], signal.SIGKILL)
    shutil.rmtree(empty.data)
    wait_until(lambda: c.member(2)["freed"], 120, "Citus goes on without citus-2")
    wait_until(lambda: c.member(3)["state"] == "ours" and c.member(3)["active"], 120,
               "citus-3 is back")
    assert not c.member(2)["active"]
    signal_all(family, signal.SIGCONT)
    wait_until(lambda: c.member(2)["active"] and not c.member(2)["freed"], 120,
               "citus-2 is in sync and serves")
    c.wait_formed()
    assert c.registered() == before
    assert dead.value("select count(*) from pg_dist_node", user="postgres") == 4
