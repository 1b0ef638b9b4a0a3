"""What users set in the server by ALTER SYSTEM and its like, where the program relies on it."""
import os

import pytest

from harness import wait_until

ROWS = 200

# All that is given on the command line, with what a user could set instead.
PINNED = {"port": "'5433'", "listen_addresses": "'127.0.0.1'", "unix_socket_directories": "'/tmp'",
          "unix_socket_permissions": "'0777'", "hba_file": "'/tmp/none'",
          "ident_file": "'/tmp/none'", "wal_level": "'minimal'", "hot_standby": "'off'",
          "shared_preload_libraries": "''", "max_prepared_transactions": "'0'",
          "max_worker_processes": "'1'", "max_logical_replication_workers": "'1'",
          "max_replication_slots": "'0'", "max_wal_senders": "'0'"}


# The coordinator, and a worker; another one is left as it is.
CHANGED = (0, 1)


def set_all(node, settings):
    for name, value in settings.items():
        node.query(f"alter system set {name} = {value}", user="postgres")


def restart(cluster):
    assert cluster.stop() == 0
    cluster.start().wait_formed()


def conditions(cluster, ordinal):
    """The sentences of the coordinator about the node."""
    return [c["text"] for c in cluster.coordinator.status()["conditions"]
            if c["node"] == f"citus-{ordinal}"]


def wait_condition(cluster, ordinal, *words):
    wait_until(lambda: any(all(word in text for word in words)
                           for text in conditions(cluster, ordinal)),
               120, f"a condition of citus-{ordinal} with {words}")


def gauge(cluster, ordinal):
    wanted = f'citus_init_member_overridden_settings{{node="citus-{ordinal}"}} '
    line, = [line for line in cluster.coordinator.get("metrics")[1].splitlines()
             if line.startswith(wanted)]
    return int(line.removeprefix(wanted))


@pytest.mark.parametrize("libraries", ["auto_explain", "''"], ids=["another", "none"])
def test_the_library_cannot_be_taken_away(formed, libraries):
    """Without it PostgreSQL reads the empty shell of a distributed table, and says nothing."""
    cluster = formed()
    with cluster.coordinator.connect() as admin:
        admin.execute("create table t (i int)")
        admin.execute("select create_distributed_table('t', 'i')")
        admin.execute(f"insert into t select generate_series(1, {ROWS})")
    for ordinal in CHANGED:
        set_all(cluster.node(ordinal), {"shared_preload_libraries": libraries})
    restart(cluster)
    for node in cluster.nodes:
        assert node.value("select count(*) from t") == ROWS
    for ordinal in CHANGED:
        auto_conf = cluster.node(ordinal).data / "postgresql.auto.conf"
        wait_condition(cluster, ordinal, "shared_preload_libraries", str(auto_conf),
                       "ALTER SYSTEM RESET shared_preload_libraries")


def test_what_is_given_at_the_start_cannot_be_changed_and_is_told(formed):
    cluster = formed()
    for ordinal in CHANGED:
        set_all(cluster.node(ordinal), PINNED)
    restart(cluster)
    for ordinal in CHANGED:
        assert cluster.node(ordinal).value("show wal_level", user="postgres") == "logical"
        for name in PINNED:
            wait_condition(cluster, ordinal, f" {name} ", "postgresql.auto.conf",
                           f"ALTER SYSTEM RESET {name}")
        assert gauge(cluster, ordinal) == len(PINNED)
        cluster.node(ordinal).query("alter system reset all", user="postgres")
    assert gauge(cluster, 2) == 0
    for ordinal in CHANGED:
        wait_until(lambda: not conditions(cluster, ordinal), 120, "nothing is told any more")
        assert gauge(cluster, ordinal) == 0


def test_more_than_the_program_wants_is_taken(formed):
    cluster = formed()
    worker = cluster.node(1)
    set_all(worker, {"shared_preload_libraries": "citus, auto_explain",
                     "max_prepared_transactions": "300"})
    wait_condition(cluster, 1, " max_prepared_transactions ", "the next start")
    restart(cluster)
    assert worker.value("show shared_preload_libraries", user="postgres") == "citus, auto_explain"
    assert worker.value("show max_prepared_transactions", user="postgres") == "300"
    assert worker.value("show auto_explain.log_min_duration", user="postgres") == "-1"
    wait_until(lambda: cluster.member(1)["active"], what="citus-1 is active")
    assert conditions(cluster, 1) == []


def test_libraries_of_the_file_and_of_the_setting_are_all_loaded(old):
    with open(old.data / "postgresql.auto.conf", "a") as auto_conf:
        auto_conf.write("shared_preload_libraries = 'auto_explain'\n")
    old.environment["CITUS_INIT_POSTGRES_PRELOAD_LIBRARIES"] = "auth_delay"
    old.start()
    old.wait_ready()
    assert old.value("show shared_preload_libraries",
                     user="postgres") == "citus, auth_delay, auto_explain"


def test_what_can_be_reloaded_is_compared(formed):
    cluster = formed()
    elsewhere = "sslmode=prefer connect_timeout=7"
    changes = {"citus.node_conninfo": f"'{elsewhere}'"}
    # More than is wanted, where PostgreSQL knows the setting.
    if cluster.coordinator.value("select current_setting('output_plugin_libraries', true)",
                                 user="postgres"):
        changes["output_plugin_libraries"] = "pgoutput, citus, test_decoding, wal2json"
    for ordinal in CHANGED:
        set_all(cluster.node(ordinal), changes)
        cluster.node(ordinal).query("select pg_reload_conf()", user="postgres")
    for ordinal in CHANGED:
        wait_condition(cluster, ordinal, "citus.node_conninfo", elsewhere, "postgresql.auto.conf",
                       "ALTER SYSTEM RESET citus.node_conninfo")
        assert gauge(cluster, ordinal) == 1
        node = cluster.node(ordinal)
        node.query("alter system reset all", user="postgres")
        node.query("select pg_reload_conf()", user="postgres")
        node.query("set citus.enable_ddl_propagation = off;"
                   "alter database citusdb set citus.local_hostname = 'elsewhere'",
                   user="postgres")
    for ordinal in CHANGED:
        wait_condition(cluster, ordinal, "citus.local_hostname", "elsewhere",
                       "ALTER DATABASE citusdb RESET citus.local_hostname")
        wait_until(lambda: gauge(cluster, ordinal) == 1, 120, "the other is told no more")


@pytest.fixture
def without_citus(workspace):
    """A directory of programs whose postgres is started without Citus, whatever it is told."""
    real = os.environ["CITUS_INIT_POSTGRES_BIN_DIR"]
    programs = workspace / "programs"
    programs.mkdir()
    for name in os.listdir(real):
        (programs / name).symlink_to(os.path.join(real, name))
    (programs / "postgres").unlink()
    (programs / "postgres").write_text(
        f'#!/bin/sh\n[ "$1" = -D ] && [ "$3" = -c ] || exec "{real}/postgres" "$@"\n'
        f'exec "{real}/postgres" "$@" -c shared_preload_libraries=\n')
    os.chmod(programs / "postgres", 0o755)
    return programs


def test_a_server_without_the_library_stays_closed(old, without_citus):
    lone = old
    lone.start()
    lone.wait_ready()
    assert lone.stop() == 0
    lone.environment["CITUS_INIT_POSTGRES_BIN_DIR"] = str(without_citus)
    lone.start()
    wait_until(lambda: lone.status()["node"]["phase"] == "local"
               and lone.status()["node"]["setup"]["state"] == "failed", what="it is closed")
    node = lone.status()["node"]
    for words in ("Citus' library is not loaded", "shared_preload_libraries", "command line"):
        assert words in node["setup"]["error"], node
    assert lone.get("readyz")[0] == 503
    assert "shared_preload_libraries" in lone.get("readyz")[1]


def test_files_that_postgres_cannot_read_are_told_at_once(old):
    with open(old.data / "postgresql.auto.conf", "a") as auto_conf:
        auto_conf.write("this is no setting\n")
    assert old.run_to_end() == 78
    errors = " ".join(old.errors())
    assert "syntax error" in errors and "postgresql.auto.conf" in errors, errors
