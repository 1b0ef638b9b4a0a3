"""A copy of a cluster under other addresses than those that it is registered under: it is shut, and
the original is left alone."""
import contextlib
import re
import subprocess

import psycopg
import pytest
from harness import BINARY, command_of, descendants_of, wait_until

pytestmark = pytest.mark.long


def make_table(c):
    with c.coordinator.connect() as admin:
        admin.execute("create table t (i bigint)")
        admin.execute("select create_distributed_table('t', 'i')")
        admin.execute("insert into t select generate_series(1, 100)")


def change_state(directory, **changes):
    """Of a stopped cluster: other addresses, as another namespace or port would give it."""
    path = directory / "cluster.ini"
    lines = []
    for line in path.read_text().splitlines():
        key = line.partition("=")[0].strip()
        lines.append(f"{key} = {changes[key]}" if key in changes else line)
    path.write_text("\n".join(lines) + "\n")


def other_network(c):
    return {"network_a": 128 + int(c.state["network_a"]) % 120, "network_b": c.state["network_b"]}


def address(c, ordinal):
    return f"{c.host(ordinal)}:{c.port}"


def metadata_of(c):
    """What each worker of the cluster knows of its nodes, and who it is."""
    return [(node.query("select nodeid, nodename, nodeport, isactive, metadatasynced"
                        " from pg_dist_node order by nodeid", user="postgres"),
             node.query("select * from citus_init.this_node", user="postgres",
                        database="postgres")) for node in c.workers]


def assert_shut(c, *words):
    c.wait_state(0, "misplaced")
    for word in words:
        c.wait_reason(0, word)
    wait_until(lambda: all(m["reachable"] for m in c.status()["members"]), 60, "all have answered")
    wait_until(lambda: c.status()["plan"]["step"] == "wait", 60, "no step is taken")
    for node in c.nodes:
        assert not node.is_ready()
        with pytest.raises(psycopg.OperationalError):
            node.connect()
    told = " ".join(told["text"] for told in c.coordinator.status()["conditions"])
    assert "empty" not in told
    return told


def adopt(c, *words):
    """Exit code and all that was printed, in a shell of the cluster."""
    done = subprocess.run(["sh", "-c", f'. "{c.directory}/env" && exec "$@"', "sh", BINARY, "adopt",
                           *words], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=90)
    return done.returncode, done.stdout


def ask_token(c, *words):
    code, text = adopt(c, *words)
    assert code == 77, text
    return re.search(" ".join(["citus-init adopt", *words, "--confirm ([0-9a-f]+)"]), text)[1], text


def rows_of(node):
    """Not by group: which worker gets which is decided by who comes first."""
    return sorted(node.query("select nodename, nodeport from pg_dist_node", user="postgres"))


def assert_adopted(c):
    c.wait_formed()
    wait_until(lambda: c.status()["plan"]["step"] == "nothing", 90, "nothing is left to do")
    ours = [(node.host, c.port) for node in c.nodes]
    for node in c.nodes:
        wait_until(lambda node=node: rows_of(node) == ours, 60, f"{node.name} knows the addresses")
    assert c.coordinator.value("select count(*) from t") == 100
    c.coordinator.query("insert into t select generate_series(101, 200)")
    assert c.node(1).value("select count(*) from t") == 200
    assert adopt(c)[0] == 66


@pytest.fixture
def pair(formed, start, workspace):
    """A cluster that runs, with a table, and a copy of it under other addresses, not started."""
    original = formed("original")
    make_table(original)
    assert original.stop() == 0
    subprocess.run(["cp", "-a", original.directory, workspace / "copy"], check=True)
    copy = start(name="copy", start=False)
    change_state(copy.directory, **other_network(original))
    return original, copy


def test_a_copy_beside_the_original_is_shut_and_writes_to_nobody(pair):
    original, copy = pair
    original.start().wait_formed()
    before = metadata_of(original)
    copy.start()
    assert_shut(copy, address(original, 0), address(copy, 0))
    for node in copy.workers:
        assert copy.member(node.ordinal)["state"] == "misplaced"
    assert [row[:-1] for row in metadata_of(original)] == [row[:-1] for row in before]
    assert original.coordinator.value("select count(*) from t") == 100
    assert original.status()["plan"]["step"] == "nothing"

    # Not even when the operator wishes so.
    token, text = ask_token(copy)
    for node in range(3):
        assert f"citus-{node}: {address(original, node)} -> {address(copy, node)}\n" in text
    assert adopt(copy, "--confirm", "0" * len(token))[0] == 77
    code, text = adopt(copy, "--confirm", token)
    assert code == 66 and f"{address(original, 0)}, under which citus-0" in text, text
    assert_shut(copy, address(original, 0))
    assert original.coordinator.value("select count(*) from t") == 100
    assert rows_of(original.node(1)) == [(node.host, original.port) for node in original.nodes]


def daemons_of(c):
    """Citus' daemons on its nodes, by their process titles; others may end meanwhile."""
    found = []
    for pid in [pid for node in c.nodes for pid in descendants_of(node.run_pid)]:
        with contextlib.suppress(OSError):
            if "Citus Maintenance Daemon" in command_of(pid):
                found.append(pid)
    return found


def test_a_copy_asks_nobody_for_prepared_transactions(pair):
    """A daemon of the copy would take the original's for its own, and roll them back."""
    original, copy = pair
    original.start().wait_formed()
    for node in original.nodes:
        with node.connect(user="postgres") as connection:
            connection.execute("alter system set citus.recover_2pc_interval = -1")
            connection.execute("select pg_reload_conf()")
    wait_until(lambda: daemons_of(original), 30, "the original's own daemon")
    with original.node(1).connect(user="postgres") as connection:
        connection.execute("begin")
        connection.execute("create table left_open ()")
        connection.execute("prepare transaction 'citus_0_999999999_1_0'")
    copy.start()
    assert_shut(copy, address(original, 0))
    assert not daemons_of(copy)
    assert original.node(1).value("select gid from pg_prepared_xacts") == "citus_0_999999999_1_0"
    assert copy.stop() == 0
    original.node(1).query("rollback prepared 'citus_0_999999999_1_0'", user="postgres")


def id_of(c):
    return c.coordinator.value("select id from citus_init.cluster", user="postgres",
                               database="postgres")


def test_a_copy_beside_its_original_becomes_a_cluster_of_its_own(pair):
    original, copy = pair
    original.start().wait_formed()
    before = id_of(original)
    copy.start()
    assert_shut(copy, address(original, 0))
    token, text = ask_token(copy, "--as-new-cluster")
    assert f"citus-1: {address(original, 1)} -> {address(copy, 1)}\n" in text
    assert adopt(copy, "--confirm", token)[0] == 77
    assert adopt(copy, "--as-new-cluster", "--confirm", token)[0] == 0
    assert_adopted(copy)
    assert id_of(original) == before != id_of(copy)
    assert original.coordinator.value("select count(*) from t") == 100
    for node in original.nodes:
        assert rows_of(node) == [(node.host, original.port) for node in original.nodes]
    assert copy.stop() == original.stop() == 0
    copy.start().wait_formed()
    original.start().wait_formed()
    assert copy.coordinator.value("select count(*) from t") == 200
    assert original.coordinator.value("select count(*) from t") == 100


def test_a_copy_whose_original_is_gone_adopts_its_addresses(pair):
    original, copy = pair
    copy.start()
    assert_shut(copy, address(original, 0))
    token, _ = ask_token(copy)
    assert adopt(copy, "--confirm", token)[0] == 0
    assert_adopted(copy)
    assert copy.stop() == 0
    copy.start().wait_formed()
    assert copy.coordinator.value("select count(*) from t") == 200
    original.start().wait_formed()
    assert original.coordinator.value("select count(*) from t") == 100


def test_a_changed_port_is_adopted(formed):
    c = formed()
    make_table(c)
    assert c.stop() == 0
    change_state(c.directory, port=c.port + 1 if c.port < 65000 else c.port - 1)
    c.start()
    assert_shut(c, address(c, 0))
    token, _ = ask_token(c)
    assert adopt(c, "--confirm", token)[0] == 0
    assert_adopted(c)


def test_a_changed_port_shuts_the_cluster_until_it_is_changed_back(formed):
    c = formed()
    make_table(c)
    assert c.stop() == 0
    before = c.port
    change_state(c.directory, port=before + 1 if before < 65000 else before - 1)
    c.start()
    assert_shut(c, f"{c.host(0)}:{before}", address(c, 0))
    assert c.stop() == 0
    change_state(c.directory, port=before)
    c.start().wait_formed()
    assert c.coordinator.value("select count(*) from t") == 100


def test_a_cluster_of_before_remembers_its_addresses(formed):
    """As one whose memory has no addresses."""
    c = formed()
    forget = "alter table citus_init.{0} drop column host, drop column port"
    for table in ("member", "cluster"):
        c.coordinator.query(forget.format(table), user="postgres", database="postgres")
    assert c.stop() == 0
    c.start().wait_formed()
    read = ("select host, port from citus_init.cluster union"
            " select host, port from citus_init.member order by host")
    wait_until(lambda: c.coordinator.query(read, user="postgres", database="postgres")
               == [(node.host, c.port) for node in c.nodes], 60, "the addresses are remembered")
