"""Nothing foreign gets in: what Citus itself would take without a word."""
import shutil

from harness import wait_until


def test_a_worker_of_another_cluster_is_refused_untouched(stopped, start):
    ours, theirs = stopped("ours"), start(name="theirs").wait_formed()
    with theirs.coordinator.connect() as admin:
        admin.execute("create table precious (i int)")
        admin.execute("select create_distributed_table('precious', 'i')")
        admin.execute("insert into precious select generate_series(1, 500)")
    assert theirs.stop() == 0
    mine, foreign = ours.node(1).data, theirs.node(1).data
    mine.rename(mine.with_name("mine"))
    foreign.rename(mine)
    ours.start()
    ours.wait_state(1, "foreign")
    assert "citus-1 is foreign" in ours.coordinator.log
    assert ours.node(1).inside("select count(*) from pg_dist_partition",
                               database="citusdb") == [(1,)]
    ours.stop()

    # Put back, both clusters are whole: nothing had been wiped.
    mine.rename(foreign)
    mine.with_name("mine").rename(mine)
    ours.start().wait_formed()
    theirs.start().wait_formed()
    assert theirs.coordinator.value("select count(*) from precious") == 500
    assert [m["state"] for m in ours.status()["members"]] == ["ours"] * 3


def test_two_directories_of_one_cluster_exchanged_are_both_refused(stopped):
    c = stopped()
    one, two = c.node(1).data, c.node(2).data
    one.rename(one.with_name("other"))
    two.rename(one)
    one.with_name("other").rename(two)
    c.start()
    for ordinal in (1, 2):
        c.wait_state(ordinal, "foreign")
        assert f"citus-{3 - ordinal}" in c.member(ordinal)["reason"]


def test_a_wiped_member_is_not_registered_again(formed):
    c = formed()
    with c.coordinator.connect() as admin:
        admin.execute("create table t (i int)")
        admin.execute("select create_distributed_table('t', 'i')")
    assert c.stop() == 0
    shutil.rmtree(c.node(1).data)
    c.start()
    c.wait_state(1, "empty")
    assert c.node(1).value("select groupid from pg_dist_local_group", user="postgres",
                           database="citusdb") == 0


def test_an_empty_coordinator_forms_nothing_while_a_worker_is_a_member(formed):
    c = formed()
    with c.coordinator.connect() as admin:
        admin.execute("create table t (i int)")
        admin.execute("select create_distributed_table('t', 'i')")
    assert c.stop() == 0
    c.coordinator.data.rename(c.coordinator.data.with_name("kept"))
    c.start()
    for ordinal in (1, 2):
        c.wait_state(ordinal, "foreign")
    assert not c.coordinator.is_ready()
    assert "citus-1" in c.coordinator.get("readyz")[1]
    assert c.status()["id"] in ("", None)
    for worker in c.workers:
        assert worker.inside("select count(*) from pg_dist_partition",
                             database="citusdb") == [(1,)]
    c.stop()
    shutil.rmtree(c.coordinator.data)
    c.coordinator.data.with_name("kept").rename(c.coordinator.data)
    c.start().wait_formed()


def test_a_locked_worker_is_named_and_is_back_when_the_password_is_right(formed):
    c = formed()
    worker = c.node(2)
    with worker.connect(user="postgres") as connection:
        connection.execute("set citus.enable_ddl_propagation to off")
        connection.execute("alter role postgres password 'something else'")
        # The coordinator's next log-in is the one that is refused.
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity"
                           " where application_name = 'citus-init' and client_addr is not null")
    c.wait_state(2, "locked")
    assert "citus-2 is locked" in c.coordinator.log
    # A start of the worker's server sets the password that its own settings hold.
    worker.kill(worker.postmaster_pid)
    c.wait_state(2, "ours")


def test_a_worker_on_another_nodes_directory_does_not_serve(stopped):
    c = stopped()
    one, two = c.node(1).data.parent, c.node(2).data.parent
    for name in ("data", "conf", "conf.1", "conf.2", "conf.3"):
        for here, there in ((one, two), (two, one)):
            if (here / name).exists() and not (there / f"{name}.moved").exists():
                (here / name).rename(there / f"{name}.moved")
    for here in (one, two):
        for moved in here.glob("*.moved"):
            target = moved.with_name(moved.name.removesuffix(".moved"))
            moved.rename(target)
    c.start()
    c.wait_state(1, "foreign")
    assert not c.node(1).is_ready()
    assert "citus-2" in c.node(1).get("readyz")[1]


def test_a_directory_of_a_cluster_made_without_citus_init_is_refused_untouched(formed):
    c = formed()
    worker = c.node(1)
    passwords = "select rolname, rolpassword from pg_authid where rolpassword is not null" \
                " and rolname <> 'citus_init' order by 1"
    worker.inside("alter role admin password 'something else'", database="postgres")
    before = worker.inside(passwords)
    worker.inside("drop schema citus_init cascade")
    c.cut_power()
    c.start()
    wait_until(lambda: "does not know" in worker.get("readyz")[1], 120, "it says so")
    assert "(group 1, 2 workers, 0 tables)" in worker.get("readyz")[1]
    c.wait_state(1, "locked")
    assert worker.inside(passwords) == before
    assert (worker.run_directory / "passfile").read_text() == ""
