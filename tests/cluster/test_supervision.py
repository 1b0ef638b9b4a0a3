"""What happens to a node of a formed cluster when its parts die, hang, or are told to stop."""
import os
import shutil
import signal
import subprocess

import psycopg
import pytest

from harness import BINARY, descendants_of, is_alive, signal_all, wait_until


@pytest.fixture(scope="module")
def table(shared_cluster):
    with shared_cluster.coordinator.connect() as admin:
        admin.execute("create table load (i int, v int)")
        admin.execute("select create_distributed_table('load', 'i')")
        admin.execute("insert into load select i, i % 7 from generate_series(1, 7000) i")

    def answers():
        rows = shared_cluster.coordinator.query("select v, count(*) from load group by v")
        return sorted(rows) == [(v, 1000) for v in range(7)]
    assert answers()
    return answers


@pytest.mark.parametrize("ordinal", [0, 1])
def test_a_killed_agent_is_replaced_and_the_database_does_not_notice(
        shared_cluster, table, ordinal):
    node = shared_cluster.node(ordinal)
    postmaster, agent = node.postmaster_pid, node.agent_pid
    with node.connect() as session:
        node.kill(agent)
        wait_until(lambda: node.agent_pid != agent, what="another agent")
        node.wait_ready()
        assert session.execute("select 1").fetchone() == (1,)
    assert node.postmaster_pid == postmaster
    assert table()


@pytest.mark.parametrize("ordinal", [0, 2])
def test_a_killed_postmaster_is_restarted_in_place(shared_cluster, table, ordinal):
    node = shared_cluster.node(ordinal)
    run, postmaster = node.run_pid, node.postmaster_pid
    node.kill(postmaster)
    wait_until(lambda: node.postmaster_pid != postmaster, what="another postmaster")
    node.wait_ready()
    assert node.run_pid == run
    wait_until(table, what="the query answers")


def test_a_killed_run_takes_its_postgres_along_and_is_started_again(shared_cluster, table):
    node = shared_cluster.node(1)
    run, family = node.run_pid, descendants_of(node.run_pid)
    node.kill(run)
    wait_until(lambda: not any(is_alive(pid) for pid in family), what="the family is gone")
    wait_until(lambda: node.run_pid != run and is_alive(node.run_pid), what="another run")
    node.wait_ready()
    wait_until(table, what="the query answers")


def test_the_coordinator_sees_a_worker_go_and_come(shared_cluster):
    c = shared_cluster
    worker = c.node(2)

    worker.kill(worker.postmaster_pid, signal.SIGSTOP)
    try:
        c.wait_state(2, "hanging")
        # The look at one that hangs holds up neither the others nor HTTP.
        assert c.coordinator.get("livez")[0] == 200
        assert c.member(1)["state"] == "ours"
    finally:
        worker.kill(worker.postmaster_pid, signal.SIGCONT)
    c.wait_state(2, "ours")


def test_a_frozen_peer_does_not_hold_up_the_stop(formed):
    c = formed(environment={"CITUS_INIT_STOP_DEADLINE": "10s"})
    with c.coordinator.connect() as admin:
        admin.execute("create table t (i int)")
        admin.execute("select create_distributed_table('t', 'i')")
    worker = c.node(1)
    frozen = [worker.postmaster_pid] + descendants_of(worker.postmaster_pid)
    signal_all(frozen, signal.SIGSTOP)
    try:
        # Citus' daemon of the coordinator asks the worker every two seconds and now waits.
        c.wait_state(1, "hanging")
        run, postmaster = c.coordinator.run_pid, c.coordinator.postmaster_pid
        os.kill(run, signal.SIGTERM)
        wait_until(lambda: not is_alive(postmaster), 15, "the coordinator's postgres is gone")
    finally:
        signal_all(frozen, signal.SIGCONT)
    c.wait_formed()
    assert c.coordinator.value("select count(*) from t") == 0


def test_a_stop_is_clean(old):
    old.start()
    old.wait_ready()
    assert old.stop() == 0
    assert "database system is shut down" in old.log
    assert not (old.data / "postmaster.pid").exists()


def test_a_killed_container_starts_again_whatever_has_its_pid_now(old):
    """The volume and the run directory outlive a container, and with them both lock files of
    postgres; their pid is some other process' in the next one."""
    old.start()
    old.wait_ready()
    family = [old.run_pid, *descendants_of(old.run_pid)]
    signal_all(family, signal.SIGKILL)
    old.process.wait(30)
    wait_until(lambda: not any(is_alive(pid) for pid in family), what="all have ended")

    lock_files = [old.data / "postmaster.pid",
                  old.run_directory / f"socket/.s.PGSQL.{old.cluster.port}.lock"]
    # Of the same user: another user's process is none that postgres takes for a server.
    somebody = subprocess.Popen(["sleep", "infinity"], user=old.user)
    try:
        for path in lock_files:
            _, _, rest = path.read_text().partition("\n")
            path.write_text(f"{somebody.pid}\n{rest}")
        old.start()
        old.wait_ready()
    finally:
        somebody.kill()
        somebody.wait()
    assert "already exists" not in old.log
    assert old.stop() == 0


def test_a_second_run_on_a_directory_in_use_is_refused(shared_cluster):
    node = shared_cluster.node(1)
    before = node.postmaster_pid
    for prefix in ([], ["unshare", "--pid", "--fork", "--mount-proc"]):
        if prefix and os.geteuid() != 0:
            continue
        done = subprocess.run(prefix + [BINARY, "run"], text=True, stderr=subprocess.PIPE,
                              env={"PGDATA": str(node.data)}, timeout=60, check=False)
        assert done.returncode == 75, done.stderr
        assert str(node.data.parent) in done.stderr
    assert node.postmaster_pid == before
    with pytest.raises(psycopg.OperationalError):
        node.connect(password="wrong")


def test_files_that_cannot_be_written_leave_what_is_in_force(lone):
    """The node goes on, complains once, and opens as soon as it can."""
    lone.environment.update(POD_NAME="citus-1", SET_SIZE="2")
    lone.start()
    wait_until(lambda: lone.status()["node"]["phase"] == "cluster", what="phase CLUSTER")
    in_force = os.readlink(lone.volume / "conf")
    # The highest numbers there are: the next directory cannot get its name.
    in_the_way = [lone.volume / f"conf.{2**32 - n}" for n in (2, 1)]
    for path in in_the_way:
        (path / "something").mkdir(parents=True)
    # A member, admitted: it is to open.
    with lone.connect(user="postgres") as connection:
        connection.execute("update pg_dist_local_group set groupid = 1")
    with lone.connect(user="postgres", database="postgres") as connection:
        connection.execute("insert into citus_init.this_node (cluster_id, name, admitted_start)"
                           " values (gen_random_uuid(), 'citus-1', pg_postmaster_start_time())")
        connection.execute("notify citus_init")
    half_made = lone.volume / "conf.new"
    first = wait_until(lambda: half_made.stat().st_ctime_ns, what="a try")
    wait_until(lambda: half_made.stat().st_ctime_ns != first, what="another one")
    assert os.readlink(lone.volume / "conf") == in_force
    assert lone.status()["node"]["phase"] == "cluster" and not lone.is_ready()
    for path in in_the_way:
        shutil.rmtree(path)
    lone.wait_ready()
    assert lone.log.count("could not set phase") == 1
    assert not half_made.exists()
