"""What HTTP says of a node that is not ready: each time the next thing that must happen."""
import contextlib
import json
import os
import pathlib
import signal
import time

import psycopg
import pytest

from harness import wait_until


def freeze_postgres_at_birth(lone, former=()):
    """Stops the postmaster that run starts next, long before it can take connections. former are
    the processes that may become run's children before: backends of the last one."""
    children = pathlib.Path(f"/proc/{lone.run_pid}/task/{lone.run_pid}/children")

    deadline = time.monotonic() + 60
    # Not wait_until(), which looks less and less often: between birth and readiness lies a
    # tenth of a second.
    while time.monotonic() < deadline:
        for pid in map(int, children.read_text().split()):
            with contextlib.suppress(OSError):
                comm = pathlib.Path(f"/proc/{pid}/comm").read_text()
                if pid not in former and comm == "postgres\n":
                    os.kill(pid, signal.SIGSTOP)
                    return pid
        time.sleep(0.001)
    raise AssertionError("no postmaster was born within 60 s")


def test_while_postgres_starts(lone):
    lone.start()
    postmaster = freeze_postgres_at_birth(lone)
    try:
        wait_until(lambda: lone.get("livez")[0] == 200, what="the agent lives")
        for page in ("startupz", "readyz"):
            code, reason = lone.get(page)
            assert code == 503
            assert reason == "postgres is starting: recovery or start-up not finished\n"
        node = lone.status()["node"]
        assert node["postgres"]["state"] == "starting"
        assert node["ready"] is False and node["reason"] == reason.strip()
        code, metrics = lone.get("metrics")
        assert code == 200 and "citus_init_ready 0" in metrics
    finally:
        os.kill(postmaster, signal.SIGCONT)
    lone.wait_ready()
    assert lone.get("startupz") == (200, "ok\n")
    assert lone.get("readyz") == (200, "ok\n")


def test_while_postgres_starts_again(old):
    """A liveness probe sees nothing of it, a readiness probe does."""
    lone = old
    lone.start()
    lone.wait_ready()
    former = lone.family()
    os.kill(lone.postmaster_pid, signal.SIGKILL)
    postmaster = freeze_postgres_at_birth(lone, former)
    try:
        for page in ("startupz", "readyz"):
            wait_until(lambda p=page: lone.get(p)[1].startswith("postgres is starting"),
                       what=f"{page} says that postgres starts")
            code, reason = lone.get(page)
            assert code == 503 and "restart 1" in reason
        assert lone.get("livez")[0] == 200
    finally:
        os.kill(postmaster, signal.SIGCONT)
    lone.wait_ready()


@pytest.mark.parametrize("name, words", [
    ("citus-0", "the cluster is not formed: waiting for citus-1"),
    ("citus-1", "waiting for the coordinator to register this node")])
def test_while_another_node_is_missing(lone, name, words):
    lone.environment.update(POD_NAME=name, SET_SIZE="2")
    lone.start()
    lone.wait_started()
    wait_until(lambda: words in lone.get("readyz")[1], what=words)
    assert lone.get("readyz")[0] == 503
    assert lone.get("livez")[0] == 200
    assert words in json.dumps(lone.status())


def test_an_empty_worker_admits_only_postgres(lone):
    lone.environment.update(POD_NAME="citus-1", SET_SIZE="2")
    lone.start()
    lone.wait_started()
    wait_until(lambda: lone.value("select 1", user="postgres") == 1, what="postgres enters")
    with pytest.raises(psycopg.OperationalError, match="no pg_hba.conf entry"):
        lone.connect(user="admin")
