"""Directories that were restored from an older copy: they serve nobody, and say why."""
import shutil

import psycopg
import pytest
from harness import wait_until

pytestmark = pytest.mark.long


def copy_of(data):
    """A copy beside the data directory, as a snapshot of a volume would be one."""
    copy = data.with_name("snapshot")
    shutil.copytree(data, copy, symlinks=True)
    return copy


def own_as(path, like):
    owner = like.stat()
    for entry in [path, *path.rglob("*")]:
        shutil.chown(entry, owner.st_uid, owner.st_gid)


def restore(data, copy):
    data.rename(data.with_name("newer"))
    copy.rename(data)
    own_as(data, data.with_name("newer"))


def put_back(data):
    shutil.rmtree(data)
    data.with_name("newer").rename(data)


def fill(cluster, count):
    with cluster.coordinator.connect() as admin:
        admin.execute("create table if not exists filler (i bigint, t text)")
        if not admin.execute("select 1 from pg_dist_partition"
                             " where logicalrelid = 'filler'::regclass").fetchall():
            admin.execute("select create_distributed_table('filler', 'i')")
        admin.execute("insert into filler select i, repeat('x', 500)"
                      " from generate_series(1, %s) i" % count)


def look(cluster):
    """Has the coordinator look now, which it does by itself every 45 s."""
    cluster.coordinator.query("notify citus_init", user="postgres", database="postgres")
    return True


def test_a_worker_restored_from_an_older_copy_is_not_admitted(formed):
    c = formed()
    fill(c, 100)
    worker = c.node(1)
    assert c.stop() == 0
    copy = copy_of(worker.data)
    c.start().wait_formed()
    # More than the coordinator lets pass before it writes down how far a member has come.
    before = c.coordinator.value("select lsn from citus_init.member where name = 'citus-1'",
                                 user="postgres", database="postgres")
    fill(c, 20000)
    wait_until(lambda: look(c) and c.coordinator.value(
        "select lsn <> %s from citus_init.member where name = 'citus-1'", before,
        user="postgres", database="postgres"), 120, "how far the worker came is written down")
    assert c.stop() == 0
    restore(worker.data, copy)
    c.start()
    c.wait_state(1, "older")
    assert not worker.is_ready()
    with pytest.raises(psycopg.Error):
        worker.query("select 1")
    # What asks it gets an error, and never an answer with rows missing.
    with pytest.raises(psycopg.Error):
        c.coordinator.query("select count(*) from filler")
    assert c.stop() == 0
    put_back(worker.data)
    c.start().wait_formed()
    assert c.coordinator.value("select count(*) from filler") == 20100


def test_an_older_coordinator_does_not_open(formed):
    c = formed()
    fill(c, 100)
    assert c.stop() == 0
    copy = copy_of(c.coordinator.data)
    c.start().wait_formed()
    told = c.node(1).value("select coordinator_lsn from citus_init.this_node", user="postgres",
                           database="postgres")
    with c.coordinator.connect() as admin:
        admin.execute("create table local as select i, repeat('x', 500) t"
                      " from generate_series(1, 20000) i")
    wait_until(lambda: look(c) and c.node(1).value(
        "select coordinator_lsn <> %s from citus_init.this_node", told, user="postgres",
        database="postgres"), 120, "the worker is told how far the coordinator has come")
    assert c.stop() == 0
    restore(c.coordinator.data, copy)
    c.start()
    c.wait_state(0, "older")
    assert not c.coordinator.is_ready()
    assert "citus-" in c.coordinator.get("readyz")[1]
    with pytest.raises(psycopg.Error):
        c.coordinator.query("select 1")
    assert c.stop() == 0
    put_back(c.coordinator.data)
    c.start().wait_formed()
    assert c.coordinator.value("select count(*) from local") == 20000
