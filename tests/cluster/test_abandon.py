"""A worker that is told to abandon its cluster: a real data directory is renamed, and comes back."""
import contextlib
import os
import subprocess

import psycopg
import pytest

from harness import BINARY, wait_until
from lone import group_of

CLUSTER = "4c1c0b8e-9a2d-4f6e-8b7a-0123456789ab"
ANOTHER = "99999999-9a2d-4f6e-8b7a-0123456789ab"


@pytest.fixture
def worker(lone):
    """A worker of that cluster, with a table in it, started."""
    lone.environment.update(POD_NAME="citus-1", SET_SIZE="2")
    lone.start()
    become_member(lone)
    return lone


def home(worker, sql, *parameters):
    rows = worker.inside(sql, *parameters)
    return rows[0][0] if rows else None


def wait_set_up(worker, times=1):
    wait_until(lambda: worker.log.count("phase is in force phase=cluster") >= times,
               what="the set-up")


def wait_known(worker):
    """That is as far as a member comes without its coordinator."""
    wait_until(lambda: worker.status()["node"]["setup"]["state"] == "unrecognised", what="its own word")


def become_member(worker):
    wait_set_up(worker)
    home(worker, "insert into citus_init.this_node (cluster_id, name) values (%s, 'citus-1')",
         CLUSTER)
    home(worker, "create table kept as select generate_series(1, 100) i")


def want_to_abandon(worker, cluster=CLUSTER):
    """As it stands there after a stop that came between."""
    home(worker, "update citus_init.this_node set abandon = %s", cluster)


def tell_to_abandon(worker, cluster=CLUSTER):
    want_to_abandon(worker, cluster)
    with contextlib.suppress(psycopg.OperationalError):  # it ends before it has answered
        home(worker, "notify citus_init")


def aside(worker):
    return worker.volume / f"data.abandoned.{CLUSTER}"


def is_member(worker):
    return home(worker, "select count(*) from citus_init.this_node") == 1


def as_server(worker, command, **options):
    if os.geteuid() == 0:
        command = ["setpriv", f"--reuid={worker.user}", f"--regid={group_of(worker.user)}",
                   "--clear-groups", *command]
    return subprocess.run(command, check=True, text=True, **options)


def test_directory_is_abandoned_and_can_be_brought_back(worker):
    tell_to_abandon(worker)
    wait_set_up(worker, 2)
    assert not is_member(worker)
    assert home(worker, "select to_regclass('kept') is null")
    assert (aside(worker) / "global/pg_control").exists()
    assert f'"{worker.data}" is now "{aside(worker)}"' in worker.log
    assert worker.stop() == 0

    # As the log says how.
    worker.data.rename(worker.volume / "new")
    aside(worker).rename(worker.data)
    as_server(worker, [f"{os.environ['CITUS_INIT_POSTGRES_BIN_DIR']}/postgres", "--single", "-D",
                       str(worker.data), "postgres"],
              input="update citus_init.this_node set abandon = null\n", stdout=subprocess.DEVNULL)
    worker.start()
    wait_known(worker)
    home(worker, "notify citus_init")
    assert is_member(worker) and home(worker, "select count(*) from kept") == 100
    assert worker.stop() == 0
    assert not aside(worker).exists()


def test_what_is_in_the_way_is_told_while_postgres_serves(worker):
    """And another cluster's name moves nothing at all."""
    aside(worker).mkdir()
    postmaster = worker.postmaster_pid
    tell_to_abandon(worker, ANOTHER)
    tell_to_abandon(worker)
    wait_until(lambda: worker.errors("agent"), what="the refusal")
    home(worker, "notify citus_init")
    error, = worker.errors("agent")
    assert f"could not abandon cluster {CLUSTER}" in error
    assert f'"{aside(worker)}" already exists, so' in error
    assert worker.postmaster_pid == postmaster and is_member(worker)
    assert ANOTHER not in worker.log

    aside(worker).rmdir()
    with contextlib.suppress(psycopg.OperationalError):  # a look that was due comes first
        home(worker, "notify citus_init")
    wait_set_up(worker, 2)
    assert not is_member(worker)


def test_a_wal_directory_elsewhere_is_not_left_behind(worker):
    want_to_abandon(worker)
    worker.stop()
    wal = worker.directory / "wal"
    (worker.data / "pg_wal").rename(wal)
    (worker.data / "pg_wal").symlink_to(wal)
    worker.start()
    wait_until(lambda: worker.errors("agent"), what="the refusal")
    error, = worker.errors("agent")
    assert f'"{worker.data}/pg_wal" is a link' in error
    assert is_member(worker)


def test_prepare_by_hand_does_not_rename_under_a_server(worker):
    done = subprocess.run([BINARY, "prepare", "--abandon", CLUSTER], env=worker.environment, text=True, stderr=subprocess.PIPE)
    assert done.returncode == 65
    assert "processes have their working directory in the data directory" in done.stderr
    assert is_member(worker) and not aside(worker).exists()


def test_prepare_wants_a_cluster(lone):
    done = subprocess.run([BINARY, "prepare", "--abandon", "citus"], env=lone.environment, text=True, stderr=subprocess.PIPE)
    assert done.returncode == 64
    assert "CLUSTER-ID" in done.stderr
