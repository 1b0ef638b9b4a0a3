"""Directories that were restored from an older copy: they serve nobody, and say why."""
import os
import shutil
import signal
import subprocess

import psycopg
import pytest
from harness import descendants_of, own_alike, run_as, signal_all, wait_until

pytestmark = pytest.mark.long


def copy_of(data):
    """A copy beside the data directory, as a snapshot of a volume would be one."""
    copy = data.with_name("snapshot")
    shutil.copytree(data, copy, symlinks=True)
    return copy


def restore(data, copy):
    data.rename(data.with_name("newer"))
    copy.rename(data)
    own_alike(data, data.with_name("newer"))


def put_back(data):
    shutil.rmtree(data)
    data.with_name("newer").rename(data)


def snapshot_of(node):
    """A copy of a server that runs, at one moment: a volume snapshot."""
    family = [node.postmaster_pid, *descendants_of(node.postmaster_pid)]
    signal_all(family, signal.SIGSTOP)
    try:
        return copy_of(node.data)
    finally:
        signal_all(family, signal.SIGCONT)


def begin_timeline(data, timeline):
    """As a recovery that ended there would have."""
    program = os.path.join(os.environ["CITUS_INIT_POSTGRES_BIN_DIR"], "pg_resetwal")
    subprocess.run([program, "-l", f"{timeline:08X}0000000000000040", "-D", data], check=True,
                   stdout=subprocess.DEVNULL, user=run_as())


def make_table(cluster):
    with cluster.coordinator.connect() as admin:
        admin.execute("create table t (i bigint)")
        admin.execute("select create_distributed_table('t', 'i')")
        admin.execute("insert into t select generate_series(1, 100)")


def add_rows(cluster, count=20):
    """Few, on all workers: far less WAL than a checkpoint writes."""
    with cluster.coordinator.connect() as admin:
        admin.execute("insert into t select generate_series(1, %s)" % count)


def count_rows(cluster):
    return cluster.coordinator.value("select count(*) from t")


def memory(node, what):
    return node.inside(f"select {what}")[0][0]


def epoch_of(cluster, ordinal):
    return memory(cluster.coordinator,
                  f"epoch from citus_init.member where name = 'citus-{ordinal}'")


def look(cluster):
    """Has the coordinator look now, which it does by itself every 45 s."""
    cluster.coordinator.inside("notify citus_init")
    return True


def wait_looks(cluster, count):
    """So many rounds more."""
    before = wait_until(cluster.status, 60, "the first look")["looks"]
    wait_until(lambda: look(cluster) and cluster.status()["looks"] >= before + count, 60, "rounds")


def assert_shut(cluster, node):
    assert not node.is_ready()
    with pytest.raises(psycopg.Error):
        node.query("select 1")
    # What asks it gets an error, and never an answer with rows missing.
    with pytest.raises(psycopg.Error):
        count_rows(cluster)


@pytest.mark.parametrize("timeline", [1, 5])
def test_a_worker_restored_from_an_older_copy_is_never_admitted(formed, timeline):
    c = formed()
    make_table(c)
    worker = c.node(1)
    assert c.stop() == 0
    copy = copy_of(worker.data)
    c.start().wait_formed()
    add_rows(c)
    assert c.stop() == 0
    restore(worker.data, copy)
    if timeline > 1:
        begin_timeline(worker.data, timeline)
    c.start()
    c.wait_state(1, "older")
    assert_shut(c, worker)

    # Neither what it writes nor a restart makes it another.
    for _ in range(3):
        worker.inside("select pg_switch_wal() from txid_current()")
        worker.kill(worker.postmaster_pid)
        wait_looks(c, 3)
        c.wait_state(1, "older")
    assert_shut(c, worker)

    # The right one is taken while all the others run.
    run, postmaster = worker.run_pid, worker.postmaster_pid
    worker.kill(run, signal.SIGSTOP)
    signal_all([postmaster, *descendants_of(postmaster)], signal.SIGKILL)
    put_back(worker.data)
    worker.kill(run)
    c.wait_formed()
    assert count_rows(c) == 120


def test_a_copy_made_before_the_last_glance_is_refused(formed):
    """No restart in between: what was written is seen at a glance."""
    c = formed()
    make_table(c)
    worker = c.node(1)
    copy = snapshot_of(worker)
    before = epoch_of(c, 1)
    add_rows(c)
    wait_until(lambda: epoch_of(c, 1) > before, 60, "the worker's next epoch")
    c.cut_power()
    restore(worker.data, copy)
    c.start()
    c.wait_state(1, "older")
    assert_shut(c, worker)
    assert c.stop() == 0
    put_back(worker.data)
    c.start().wait_formed()
    assert count_rows(c) == 120


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_an_older_coordinator_does_not_open(formed, how):
    c = formed()
    copy = snapshot_of(c.coordinator)
    before = epoch_of(c, 1), epoch_of(c, 2)
    # Nothing of it reaches a worker.
    with c.coordinator.connect() as admin:
        admin.execute("create table local as select generate_series(1, 20) i")
    wait_until(lambda: epoch_of(c, 1) > before[0] and epoch_of(c, 2) > before[1], 60,
               "the workers' next epochs")
    if how == "stopped":
        assert c.stop() == 0
    else:
        c.cut_power()
    restore(c.coordinator.data, copy)
    c.start()
    for _ in range(2):
        c.wait_state(0, "older")
        assert not c.coordinator.is_ready()
        assert "citus-" in c.coordinator.get("readyz")[1]
        with pytest.raises(psycopg.Error):
            c.coordinator.query("select 1")
        c.coordinator.kill(c.coordinator.postmaster_pid)
        wait_looks(c, 2)
    assert c.stop() == 0
    put_back(c.coordinator.data)
    c.start().wait_formed()
    assert c.coordinator.value("select count(*) from local") == 20


def test_an_idle_cluster_begins_no_epochs(formed):
    c = formed()

    def snapshots():
        return [memory(node, "pg_current_snapshot()::text") for node in c.nodes]

    def is_idle():
        before, looks = snapshots(), c.status()["looks"]
        # The first round may be one that is about to write.
        wait_until(lambda: c.status()["looks"] >= looks + 2, 150, "two rounds")
        return before == snapshots()
    wait_until(is_idle, 400, "rounds that write nothing")
