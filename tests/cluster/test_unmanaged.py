"""Databases with Citus that somebody made by hand: what was only on a wiped worker there is a loss
like any other."""
import shutil

import psycopg
import pytest
from harness import wait_until
from test_commands import run, token_in, wait_for_looks

pytestmark = pytest.mark.long


def make_shop(c):
    """Database shop with Citus on all nodes, as an operator makes it; a table with 100 rows."""
    for node in c.nodes:
        node.query("create database shop", user="postgres", database="postgres")
        node.query("create extension citus", user="postgres", database="shop")
    with c.coordinator.connect(user="postgres", database="shop") as shop:
        shop.execute("select citus_set_coordinator_host(%s, %s)", (c.host(0), c.port))
        for worker in c.workers:
            shop.execute("select citus_add_node(%s, %s)", (worker.host, c.port))
        shop.execute("create table sold (i int)")
        shop.execute("select create_distributed_table('sold', 'i')")
        shop.execute("insert into sold select generate_series(1, 100)")


def told_of(c, node):
    return " ".join(told["text"] for told in c.coordinator.status()["conditions"]
                    if told["node"] == node.name)


def sold(c):
    return c.coordinator.value("select count(*) from sold", user="postgres", database="shop")


def test_shards_of_a_database_that_is_not_managed_are_lost_only_with_the_operators_word(formed):
    c = formed()
    worker = c.node(1)
    make_shop(c)
    lost = c.coordinator.value(
        "select count(*) from pg_dist_placement join pg_dist_node using (groupid) "
        "where nodename = %s", worker.host, user="postgres", database="shop")
    assert lost > 0
    assert c.stop() == 0
    kept = worker.data.parent / "kept"
    worker.data.rename(kept)
    c.start()
    wait_until(lambda: c.member(1)["loss_token"], 120, "the loss is known")
    for text in (told_of(c, worker), run(c, "accept-loss", "citus-1")[1]):
        assert f"{lost} shards of 1 table" in text
        assert "public.sold of database shop" in text
        assert "does not manage" in text
    wait_for_looks(c)
    assert c.member(1)["state"] == "empty"

    # Its volume makes good the loss.
    assert c.stop() == 0
    shutil.rmtree(worker.data)
    kept.rename(worker.data)
    c.start().wait_formed()
    worker.wait_ready()
    assert sold(c) == 100

    # A database that nobody can look into may hold as much.
    c.coordinator.query("alter database shop allow_connections false", user="postgres",
                        database="postgres")
    assert c.stop() == 0
    shutil.rmtree(worker.data)
    c.start()
    wait_until(lambda: 'database "shop" admits no session' in told_of(c, worker), 120,
               "it is told what cannot be looked into")
    assert not c.member(1)["loss_token"]
    assert c.member(1)["state"] == "empty"
    c.coordinator.query("alter database shop allow_connections true", user="postgres",
                        database="postgres")
    wait_until(lambda: c.member(1)["loss_token"], 120, "the loss is known")

    code, text = run(c, "accept-loss", "citus-1")
    assert code == 77
    assert run(c, "accept-loss", "citus-1", "--confirm", token_in(text))[0] == 0
    wait_until(lambda: c.member(1)["active"], 120, "it is a member again")
    worker.wait_ready()
    with pytest.raises(psycopg.Error):
        sold(c)


def test_a_removed_member_with_shards_of_such_a_database_joins_as_new_only_with_the_operators_word(formed):
    c = formed()
    worker = c.node(2)
    make_shop(c)
    c.coordinator.query("select citus_remove_node(%s, %s)", worker.host, c.port, user="postgres")
    c.wait_state(2, "removed")
    assert c.stop() == 0
    shutil.rmtree(worker.data)
    c.start()
    wait_until(lambda: c.member(2)["loss_token"], 120, "the loss is known")
    assert "public.sold of database shop" in told_of(c, worker)
    wait_for_looks(c)
    assert c.member(2)["state"] == "new"
    assert worker.host not in c.registered()

    code, text = run(c, "accept-loss", "citus-2")
    assert code == 77
    assert run(c, "accept-loss", "citus-2", "--confirm", token_in(text))[0] == 0
    wait_until(lambda: c.member(2)["active"], 120, "it is a member")
    worker.wait_ready()
