"""From empty directories to a distributed query."""
import json
import subprocess

import psycopg
import pytest

from harness import BINARY, wait_until


def test_three_nodes_form_a_cluster(shared_cluster):
    c = shared_cluster
    groups = c.registered()
    assert set(groups) == {node.host for node in c.nodes}
    assert len(set(groups.values())) == 3 and groups[c.coordinator.host] == 0
    assert c.coordinator.value("select count(*) from pg_dist_node where groupid = 0") == 1
    status = c.coordinator.status()
    assert status["cluster"]["formed"] is True
    assert [m["state"] for m in status["cluster"]["members"]] == ["ours"] * 3
    assert status["cluster"]["waiting_for"] in ("", None)


def test_admin_distributes_a_table_and_the_workers_hold_its_rows(shared_cluster):
    c = shared_cluster
    with c.coordinator.connect() as admin:
        admin.execute("create table readings (device bigint, value int)")
        admin.execute("select create_distributed_table('readings', 'device')")
        admin.execute("insert into readings select i, i % 10 from generate_series(1, 20000) i")
        rows = admin.execute(
            "select value, count(*) from readings group by value order by value").fetchall()
        assert rows == [(digit, 2000) for digit in range(10)]
        hosts = admin.execute(
            "select nodename, count(*) from citus_shards where table_name = 'readings'::regclass"
            " group by nodename order by nodename").fetchall()
        assert [host for host, _ in hosts] == sorted(worker.host for worker in c.workers)
        admin.execute("drop table readings")


def test_every_node_knows_who_it_is(shared_cluster):
    c = shared_cluster
    ids = set()
    for node in c.nodes:
        cluster_id, name = node.query("select cluster_id::text, name from citus_init.this_node",
                                      user="postgres", database="postgres")[0]
        assert name == node.name
        ids.add(cluster_id)
    assert len(ids) == 1
    assert c.status()["id"] in ids


def test_roles_and_database(shared_cluster):
    for node in shared_cluster.nodes:
        roles = dict((row[0], row[1:]) for row in node.query(
            "select rolname, rolsuper, rolcreatedb, rolreplication, rolcanlogin from pg_roles"
            " where rolname in ('postgres', 'admin', 'replicator')"))
        assert roles["postgres"][0] is True
        assert roles["admin"] == (False, True, False, True)
        assert roles["replicator"] == (False, False, True, True)
        assert node.value("select pg_get_userbyid(datdba) from pg_database"
                          " where datname = 'citusdb'") == "admin"
        verifiers = [row[0] for row in node.query(
            "select rolpassword from pg_authid where rolname in"
            " ('postgres', 'admin', 'replicator')", user="postgres")]
        assert len(verifiers) == 3
        assert all(v.startswith("SCRAM-SHA-256$") for v in verifiers)


def test_a_cluster_has_what_initdb_was_told(shared_cluster):
    node = shared_cluster.node(1)
    assert node.value("show data_checksums") == "on"
    assert node.value("show server_encoding") == "UTF8"
    assert node.value("show password_encryption") == "scram-sha-256"
    assert node.value("show shared_preload_libraries", user="postgres").split(",")[0].strip() == "citus"


@pytest.mark.parametrize("user", ["postgres", "admin"])
def test_nobody_enters_without_the_right_password(shared_cluster, user):
    for node in shared_cluster.nodes:
        with pytest.raises(psycopg.OperationalError, match="password"):
            node.connect(user=user, password="wrong")


def test_nodes_log_in_to_each_other_also_as_admin(shared_cluster):
    for node in shared_cluster.nodes:
        for user in ("postgres", "admin"):
            rows = node.query("select success, result from run_command_on_workers"
                              "('select current_user')", user=user)
            assert rows == [(True, user)] * 2


def test_replicator_can_replicate(shared_cluster):
    for node in shared_cluster.nodes:
        with psycopg.connect(host=node.host, port=node.cluster.port, user="replicator",
                             password=node.cluster.reppass, dbname="replication",
                             options="", replication="true", autocommit=True) as connection:
            row = connection.execute("IDENTIFY_SYSTEM").fetchone()
            assert row[0].decode() == node.value("select system_identifier::text from pg_control_system()")


def test_probes(shared_cluster):
    for node in shared_cluster.nodes:
        for page in ("livez", "startupz", "readyz"):
            assert node.get(page)[0] == 200
        assert node.get("nonsense")[0] == 404


def test_metrics(shared_cluster):
    for node in shared_cluster.nodes:
        code, text = node.get("metrics")
        assert code == 200
        assert "citus_init_ready 1" in text.replace(".0", "")


def test_status_is_a_table_and_json(shared_cluster):
    c = shared_cluster
    address = f"{c.coordinator.host}:{c.http_port}"
    table = subprocess.run([BINARY, "status", "--address", address], text=True, check=True,
                           stdout=subprocess.PIPE).stdout
    for node in c.nodes:
        line = next(line for line in table.splitlines() if line.startswith(node.name + " "))
        assert node.host in line
        assert "yes" in line
    raw = subprocess.run([BINARY, "status", "--json", "--address", address], text=True, check=True,
                         stdout=subprocess.PIPE).stdout
    assert len(json.loads(raw)["cluster"]["members"]) == 3


def test_a_cluster_of_one(start):
    c = start(nodes=1).wait_formed()
    with c.coordinator.connect() as admin:
        admin.execute("create table alone (i int)")
        admin.execute("select create_distributed_table('alone', 'i')")
        admin.execute("insert into alone select generate_series(1, 100)")
        assert admin.execute("select count(*) from alone").fetchone()[0] == 100


def test_the_same_directory_goes_on_with_the_same_cluster(formed):
    c = formed()
    before = (c.state, c.status()["id"], c.registered())
    with c.coordinator.connect() as admin:
        admin.execute("create table kept (i int)")
        admin.execute("select create_distributed_table('kept', 'i')")
        admin.execute("insert into kept select generate_series(1, 1000)")
    assert c.stop() == 0
    c.start().wait_formed()
    assert (c.state, c.status()["id"], c.registered()) == before
    assert c.coordinator.value("select count(*) from kept") == 1000


def test_a_node_that_comes_later_joins(stopped):
    c = stopped()
    c.count = 4
    c.start().wait_formed()
    wait_until(lambda: len(c.registered()) == 4, what="four nodes are registered")


def test_one_that_does_not_fit_is_refused_with_both_sides_named(stopped):
    c = stopped()
    c.count = 4
    c.environment = {"CITUS_INIT_INITDB_LOCALE": "C"}
    c.start()
    c.wait_state(3, "unfit")
    c.wait_reason(3, "collation")
    assert "C.UTF-8" in c.member(3)["reason"]
    assert len(c.registered()) == 3
    assert not c.node(3).is_ready()
    assert c.coordinator.is_ready()
