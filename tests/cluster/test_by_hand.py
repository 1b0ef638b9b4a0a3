"""What operators do by hand in Citus is seen for what it is: named, closed, never undone, and ended
by what the messages say."""
import shutil

import psycopg
import pytest
from harness import descendants_of, signal_all, signal, wait_until

pytestmark = pytest.mark.long


def by_hand(c, sql, *parameters):
    """As an operator on the coordinator; the coordinator's next look is now."""
    with c.coordinator.connect(user="postgres") as connection:
        connection.execute(sql, parameters or None)
    c.coordinator.query("notify citus_init", user="postgres", database="postgres")


def disable(c, node):
    by_hand(c, "select citus_disable_node(%s, %s, true)", node.host, c.port)


def remove(c, node):
    by_hand(c, "select citus_remove_node(%s, %s)", node.host, c.port)


def condition_of(c, node):
    return " ".join(told["text"] for told in c.coordinator.status()["conditions"]
                    if told["node"] == node.name)


def wait_closed(node, words):
    """It is not ready, says why, and admits no user."""
    wait_until(lambda: words in node.get("readyz")[1] and not node.is_ready(), 60,
               f"{node.name} is closed: {words}")
    wait_until(lambda: refuses(node), 60, f"{node.name} admits no user")


def refuses(node):
    try:
        node.connect().close()
    except psycopg.OperationalError as error:
        return "no pg_hba.conf entry" in str(error)
    return False


def restart(node):
    """Its container ends and starts again; local starts it."""
    run = node.run_pid
    signal_all([run, *descendants_of(run)], signal.SIGKILL)
    wait_until(lambda: node.run_pid != run and node.postmaster_pid, 60, f"{node.name} restarts")


def wipe(node):
    run = node.run_pid
    signal_all([run, *descendants_of(run)], signal.SIGKILL)
    shutil.rmtree(node.data)


def wait_member(c, node):
    """Ours, serving, and nothing left to say or to do."""
    wait_until(lambda: c.member(node.ordinal)["active"], 120, f"{node.name} is a member")
    wait_until(lambda: c.status()["plan"]["step"] == "nothing", 60, "nothing is left to do")
    node.wait_ready()


def make_reference_table(c):
    with c.coordinator.connect() as admin:
        admin.execute("create table r (i int primary key)")
        admin.execute("select create_reference_table('r')")
        admin.execute("insert into r values (1)")


def is_active(c, node):
    return c.coordinator.query("select isactive from pg_dist_node where nodename = %s", node.host)


def test_a_disabled_member_is_named_closed_and_left_so_until_it_is_activated(formed):
    c = formed()
    worker = c.node(2)
    make_reference_table(c)
    session = worker.connect()
    disable(c, worker)
    c.wait_state(2, "disabled")
    cure = f"select citus_activate_node('{worker.host}', {c.port})"
    wait_closed(worker, cure)
    # Whoever was there before reads old rows no more.
    with pytest.raises(psycopg.OperationalError):
        session.execute("select * from r")
    assert "somebody disabled it in Citus" in worker.get("readyz")[1]
    assert cure in condition_of(c, worker)
    assert "confirmed" not in condition_of(c, worker)
    plan = wait_until(lambda: c.status()["plan"], what="a plan")
    assert plan["step"] == "wait" and "citus-2 is disabled" in plan["why"]

    # It stays so, whoever starts again.
    restart(worker)
    wait_closed(worker, cure)
    restart(c.coordinator)
    c.coordinator.wait_ready()
    c.wait_state(2, "disabled")
    wait_closed(worker, cure)
    assert is_active(c, worker) == [(False,)]

    by_hand(c, cure)
    wait_member(c, worker)
    # Citus forgets the copies of a disabled node at its activation; they are made again.
    wait_until(lambda: worker.value("select count(*) from r") == 1, what="the table is there")
    assert condition_of(c, worker) == ""


def test_a_disabled_member_that_is_wiped_is_not_brought_back(formed):
    c = formed()
    worker = c.node(2)
    disable(c, worker)
    c.wait_state(2, "disabled")
    wipe(worker)
    c.wait_state(2, "empty")
    cure = f"select citus_remove_node('{worker.host}', {c.port})"
    wait_until(lambda: cure in condition_of(c, worker), what="what lets it join again is told")
    assert "somebody disabled it" in c.status()["plan"]["why"]
    assert is_active(c, worker) == [(False,)]
    by_hand(c, cure)
    wait_member(c, worker)
    assert is_active(c, worker) == [(True,)]


def test_a_removed_member_is_named_and_closed_and_joins_as_new_with_an_empty_volume(formed):
    c = formed()
    worker = c.node(2)
    before = c.registered()
    identifier = "select system_identifier from pg_control_system()"
    old = worker.value(identifier, user="postgres")
    remove(c, worker)
    c.wait_state(2, "removed")
    wait_closed(worker, "somebody removed it from Citus")
    assert "give it an empty volume" in worker.get("readyz")[1]
    assert "somebody removed it from Citus" in condition_of(c, worker)
    assert "citus-2 is removed" in c.status()["plan"]["why"]
    assert 'citus_init_members{state="removed"} 1' in c.coordinator.get("metrics")[1]

    # Its directory is not touched, and a restart does not bring it back.
    restart(worker)
    wait_closed(worker, "somebody removed it from Citus")
    c.wait_state(2, "removed")
    assert worker.value("select groupid from pg_dist_local_group",
                        user="postgres") == before[worker.host]
    assert worker.host not in c.registered()

    kept = worker.data.with_name("kept")
    run = worker.run_pid
    signal_all([run, *descendants_of(run)], signal.SIGKILL)
    worker.data.rename(kept)
    wait_member(c, worker)
    assert c.registered()[worker.host] not in before.values()
    assert "could not bring" not in c.coordinator.log
    with c.coordinator.connect() as admin:
        admin.execute("create table t (i int)")
        admin.execute("select create_distributed_table('t', 'i')")
        admin.execute("insert into t select generate_series(1, 100)")
        assert admin.execute("select count(*) from t").fetchone() == (100,)

    # The directory that was removed must not come back in its place.
    assert c.stop() == 0
    worker.data.rename(worker.data.with_name("newer"))
    kept.rename(worker.data)
    c.start()
    c.wait_state(2, "superseded")
    assert str(old) in c.member(2)["reason"]
    assert not worker.is_ready()


def test_a_coordinator_that_citus_does_not_know_is_told(formed):
    c = formed()
    cure = f"select citus_set_coordinator_host('{c.coordinator.host}', {c.port})"
    by_hand(c, "select citus_remove_node(%s, %s)", c.coordinator.host, c.port)
    wait_until(lambda: cure in condition_of(c, c.coordinator), what="what ends that is told")
    by_hand(c, cure)
    wait_until(lambda: condition_of(c, c.coordinator) == "", what="nothing more is told")


def test_the_program_itself_leaves_no_member_disabled(formed):
    """It disables a wiped member to have Citus forget its copies, and activates it at once."""
    c = formed()
    worker = c.node(2)
    make_reference_table(c)
    wipe(worker)
    wait_member(c, worker)
    assert "lost copies forgotten" in c.coordinator.log
    assert "disabled" not in c.coordinator.log
    assert is_active(c, worker) == [(True,)]
    wait_until(lambda: worker.value("select count(*) from r") == 1, what="the table is there")
