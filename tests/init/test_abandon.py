"""An abandoned cluster: its data directory is renamed, and life goes on with a new one."""
import contextlib
import ctypes
import os
import re
import signal
import socket
import struct

import pytest

import pid1
from pid1 import wait_until

CLUSTER = "4c1c0b8e-9a2d-4f6e-8b7a-0123456789ab"
WANT_ABANDON = 2  # enum control_type
PIDFD_GETFD = 438  # the same on every architecture


@pytest.fixture
def worker(node):
    node.environment.update(POD_NAME="citus-1", SET_SIZE="2")
    return node


@contextlib.contextmanager
def agents_socket(node):
    """The end of the node's agent, to speak in its place."""
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(node.agent())
    try:
        fd = libc.syscall(PIDFD_GETFD, pidfd, 5, 0)
        if fd < 0:
            pytest.skip(f"no hold of the agent's socket: {os.strerror(ctypes.get_errno())}")
        with socket.socket(fileno=fd) as control:
            yield control
    finally:
        os.close(pidfd)


def say(node, kind, content):
    """As the node's agent would: it itself knows no cluster here."""
    with agents_socket(node) as control:
        control.send(struct.pack("=II40s", 0x31746963, kind, content))


def abandon(node, cluster=CLUSTER):
    say(node, WANT_ABANDON, cluster.encode())


def aside(node, cluster=CLUSTER):
    return node.volume / f"data.abandoned.{cluster}"


def mark(node):
    """Something to know the directory by."""
    (node.data / "base/precious").write_text("precious")


def assert_is_whole(directory):
    assert (directory / "base/precious").read_text() == "precious"
    assert (directory / "global/pg_control").stat().st_size == 8192


def test_directory_is_renamed_and_a_new_one_served(worker):
    worker.behave("backends=2")
    worker.start()
    mark(worker)
    family = pid1.descendants(worker.pid)
    abandon(worker)
    worker.wait_for_log("postgres is ready", 2)
    assert_is_whole(aside(worker))
    assert not (worker.data / "base/precious").exists()
    assert len(worker.lines("starts")) == 2 and worker.lines("signals") == ["INT"]
    # The agent, too, knows the new directory only.
    assert re.findall(r"preparing -> starting|\w+ started", worker.log()) == [
        "preparing -> starting", "postgres started", "agent started"] * 2
    assert worker.agent() not in family
    assert not any(pid1.is_alive(pid) for pid in family)
    assert (worker.volume / "conf/phase").read_text().startswith("local")
    for path in (worker.data, aside(worker)):
        assert f'"{path}"' in worker.log()
    assert "To undo it" in worker.log()
    # The new life is a life like any other.
    os.kill(worker.postmaster(), signal.SIGKILL)
    worker.wait_for_log("postgres is ready", 3)
    assert worker.stop() == 0
    assert worker.lines("signals") == ["INT", "INT"]


def test_ladder_is_that_of_a_stop(worker):
    worker.environment["CITUS_INIT_STOP_DEADLINE"] = "5s"
    worker.behave("hang-fast hang-immediate deaf=2")
    worker.start()
    mark(worker)
    family = pid1.descendants(worker.pid)
    worker.behave("")
    abandon(worker)
    worker.wait_for_log("postgres is ready", 2)
    assert worker.lines("signals") == ["INT", "QUIT"]
    assert not any(pid1.is_alive(pid) for pid in family)
    assert_is_whole(aside(worker))
    # What the old one suffered is not held against the new one.
    assert worker.stop() == 0


def test_phase_of_the_old_directory_is_not_the_new_ones(worker):
    worker.start()
    phase = worker.volume / "conf/phase"
    phase.write_text("open\n")  # as the agent leaves it, once the coordinator has admitted it
    abandon(worker)
    worker.wait_for_log("postgres is ready", 2)
    assert phase.read_text().startswith("local")
    assert worker.stop() == 0


def test_agent_has_ended_before_prepare_begins(worker):
    """Both write the configuration; one that hangs in the middle of it is killed first."""
    worker.environment["CITUS_INIT_STOP_DEADLINE"] = "5s"
    worker.start()
    agent = worker.agent()
    os.kill(agent, signal.SIGSTOP)
    (worker.directory / "bin/hang-version").touch()
    abandon(worker)
    wait_until(lambda: worker.child("citus-init", "prepare", "--abandon"))
    assert not os.path.exists(f"/proc/{agent}")
    assert worker.stop() == 0


@pytest.mark.parametrize("words", ["hang-fast", "hang-fast deaf=1"])
def test_stop_meanwhile_is_a_stop(worker, words):
    """It takes over the ladder where it is, and the directory stays."""
    worker.behave(words)
    worker.start()
    mark(worker)
    abandon(worker)
    wait_until(lambda: worker.lines("signals") == ["INT"], what="the fast rung")
    worker.send(signal.SIGTERM)
    worker.wait_for_log("SIGTERM: stopping")
    assert worker.lines("signals") == ["INT"]
    assert worker.stop() == 76
    assert_is_whole(worker.data)
    assert not aside(worker).exists()


def test_stop_while_the_new_directory_is_made(worker):
    worker.start()
    mark(worker)
    (worker.directory / "bin/hang-version").touch()
    abandon(worker)
    wait_until(lambda: worker.child("citus-init", "prepare", "--abandon"))
    assert worker.stop() == 0
    assert_is_whole(worker.data)


@pytest.mark.parametrize("who", ["run", "prepare"])
def test_killed_before_the_rename_nothing_has_happened(worker, who):
    worker.start()
    mark(worker)
    hang = worker.directory / "bin/hang-version"
    hang.touch()
    abandon(worker)
    prepare = wait_until(lambda: worker.child("citus-init", "prepare", "--abandon"))
    os.kill(worker.pid if who == "run" else prepare, signal.SIGKILL)
    code = worker.wait()
    assert who == "run" or code == 71
    assert_is_whole(worker.data)
    hang.unlink()
    seen = worker.log().count("postgres is ready")
    worker.start()
    assert seen == 1 and (worker.data / "base/precious").exists()
    # It asks again.
    abandon(worker)
    worker.wait_for_log("postgres is ready", 3)
    assert_is_whole(aside(worker))
    assert worker.stop() == 0


def test_killed_after_the_rename_a_new_directory_is_made(worker):
    initdb = worker.directory / "bin/initdb"
    worker.start()
    mark(worker)
    real = initdb.with_name("initdb.real")
    initdb.rename(real)
    initdb.write_text("#!/bin/sh\nexec sleep 600\n")
    initdb.chmod(0o755)
    abandon(worker)
    wait_until(lambda: aside(worker).exists(), what="the rename")
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    initdb.unlink()
    real.rename(initdb)
    worker.start()
    assert_is_whole(aside(worker))
    assert not (worker.data / "base/precious").exists()
    assert worker.stop() == 0


def test_directory_is_not_put_in_the_place_of_another(worker):
    worker.start()
    mark(worker)
    aside(worker).mkdir()
    abandon(worker)
    assert worker.wait() == 65
    assert f'"{aside(worker)}" already exists, so' in worker.log()
    assert_is_whole(worker.data)
    assert not list(aside(worker).iterdir())
    aside(worker).rmdir()
    worker.start()
    assert (worker.data / "base/precious").exists()
    assert worker.stop() == 0


def test_coordinator_is_not_abandoned(node):
    node.start()
    mark(node)
    abandon(node)
    assert node.wait() == 65
    assert "is the coordinator" in node.log()
    assert_is_whole(node.data)


@pytest.mark.parametrize("cluster", ["", "citus", "../../../etc", CLUSTER.upper(), CLUSTER + "abcd"])
def test_what_names_no_cluster_is_dropped(worker, cluster):
    worker.start()
    mark(worker)
    abandon(worker, cluster)
    worker.wait_for_log("sent something that is not a message")
    assert worker.lines("signals") == []
    assert worker.stop() == 0
    assert_is_whole(worker.data)


def test_agent_that_asks_more_than_once_is_heard_once(worker):
    worker.behave("hang-fast")
    worker.start()
    mark(worker)
    for _ in range(3):
        abandon(worker)
    wait_until(lambda: worker.lines("signals") == ["INT"], what="the fast rung")
    worker.behave("")
    os.kill(worker.postmaster(), signal.SIGQUIT)
    worker.wait_for_log("postgres is ready", 2)
    assert sorted(p.name for p in worker.volume.glob("data*")) == ["data", aside(worker).name]
    assert len(worker.lines("starts")) == 2
    assert worker.stop() == 0
