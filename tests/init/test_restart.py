"""Deaths and restarts: of the postmaster, of its backends, of the agent."""
import os
import re
import signal
import subprocess

import pytest

import pid1
from pid1 import children, state_of, wait_until


def kill_postmaster(node):
    """Returns the next one's pid."""
    seen = node.log().count("postgres is ready")
    old = node.postmaster()
    os.kill(old, signal.SIGKILL)
    node.wait_for_log("postgres is ready", seen + 1)
    assert node.postmaster() != old
    return node.postmaster()


def backends(node):
    return pid1.children(node.postmaster())


def test_killed_postmaster_is_restarted_in_place(node):
    node.behave("backends=3")
    node.start()
    agent = node.agent()
    prepared = node.log().count(" prepare: ")
    old = backends(node)
    kill_postmaster(node)
    assert len(old) == 3 and not any(pid1.is_alive(p) for p in old)
    assert node.agent() == agent
    assert node.log().count(" prepare: ") == prepared
    assert node.stop() == 0


@pytest.mark.parametrize("kind, sent", [("stubborn", ["SIGQUIT"]), ("deaf", ["SIGQUIT", "SIGKILL"])])
def test_left_over_backends_are_waited_for_then_ended(node, kind, sent):
    node.environment["CITUS_INIT_STOP_DEADLINE"] = "5s"
    node.behave(f"{kind}=2")
    node.start()
    old = backends(node)
    node.behave("")
    kill_postmaster(node)
    assert len(old) == 2 and not any(pid1.is_alive(p) for p in old)
    assert re.findall(r"2 processes of the former postgres are left; sent (\w+)", node.log()) == sent
    assert node.stop() == 0


def test_somebody_elses_shell_in_the_data_directory_is_left_alone(node):
    """What "kubectl exec" starts is in the namespace, and is no child of PID 1."""
    node.start()
    inside = subprocess.Popen(
        ["nsenter", f"--target={node.pid}", "--pid", "--mount",
         *([] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]),
         "sh", "-c", f"cd {node.data} && echo there && read forever"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert inside.stdout.readline() == b"there\n"
        kill_postmaster(node)
        assert inside.poll() is None
        assert "are left" not in node.log()
    finally:
        inside.communicate(timeout=20)  # the end of its input ends the shell
    assert node.stop() == 0


def test_postmaster_that_somebody_stops_comes_back(node):
    node.start()
    os.kill(node.postmaster(), signal.SIGINT)
    node.wait_for_log("postgres is ready", 2)
    assert "citus-init did not ask for it" in node.log()
    assert node.stop() == 0


def test_death_before_ready_has_a_delay(node):
    node.behave("die-once=1")
    node.start()
    delay = re.search(r"started again in (\d+) ms: restart 1 of 5", node.log())
    assert 50 <= int(delay.group(1)) <= 100
    assert node.stop() == 0


@pytest.mark.parametrize("limit", [0, 3])
def test_too_many_restarts_end_with_the_reason(node, limit):
    node.environment["CITUS_INIT_RESTART_LIMIT"] = str(limit)
    node.behave("die=1")
    node.launch()
    assert node.wait() == 69
    assert len(node.lines("starts")) == limit + 1
    assert f"did not stay up: {limit} restarts in 60 s" in node.log()


def test_postgres_that_cannot_be_started_counts_as_dead(node):
    node.environment["CITUS_INIT_RESTART_LIMIT"] = "1"
    node.start()
    (node.directory / "bin/postgres").unlink()
    os.kill(node.postmaster(), signal.SIGKILL)
    assert node.wait() == 69
    assert "could not start" in node.log()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_full_disk_does_not_use_up_restarts(node):
    node.environment["CITUS_INIT_RESTART_LIMIT"] = "0"
    node.launch(before=f"mount -t tmpfs -o size=8m,mode=777 none {node.volume}"
                       f" && echo die=1 > {node.volume}/behaviour")
    node.wait_for_log("is full: postgres is started again")
    assert node.child("citus-init", "agent")
    assert node.stop() == 76


def test_killed_agent_is_replaced_and_postgres_does_not_notice(node):
    node.start()
    postmaster = node.postmaster()
    first = node.agent()
    os.kill(first, signal.SIGKILL)
    second = wait_until(lambda: node.agent() != first and node.agent())
    os.kill(second, signal.SIGKILL)
    wait_until(lambda: node.agent() not in (first, second))
    delays = re.findall(r"was ended by SIGKILL; the next one starts in (\d+) ms", node.log())
    assert delays[0] == "0" and 500 <= int(delays[1]) <= 1000
    assert node.postmaster() == postmaster
    assert node.stop() == 0
    assert node.lines("signals") == ["INT"]


def test_frozen_agent_is_replaced_and_a_healthy_one_is_not(node):
    """It beats every 10 s."""
    node.start("--agent-silence-ms", "11000")
    postmaster = node.postmaster()
    first = node.agent()
    os.kill(first, signal.SIGSTOP)
    node.wait_for_log("has been silent for 11 s", timeout=30)
    second = wait_until(lambda: node.agent() != first and node.agent())
    # Longer than the watchdog's patience, and it is still the same one.
    began = os.times().elapsed
    wait_until(lambda: os.times().elapsed - began > 12, timeout=20)
    assert node.agent() == second
    assert node.postmaster() == postmaster
    assert node.stop() == 0


def test_orphans_are_reaped_and_mistaken_for_nothing(node):
    node.behave("orphans=100")
    node.start()
    node.wait_for_log("exited with code 2", 100)
    assert not [p for p in pid1.children(node.pid) if pid1.state_of(p) == "Z"]
    assert "restart" not in node.log()
    assert node.stop() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="enters the node's namespace")
def test_orphans_that_end_all_at_once_are_reaped_too(node):
    """Many ends come as one signal, and PID 1 reaps some at a time."""
    node.start()
    os.kill(node.pid, signal.SIGSTOP)
    subprocess.run(["nsenter", "--target", str(node.pid), "--pid", "sh", "-c",
                    "for i in $(seq 100); do (true &); done"], check=True, timeout=20)
    wait_until(lambda: sum(state_of(pid) == "Z" for pid in children(node.pid)) == 100,
               what="100 ended orphans")
    os.kill(node.pid, signal.SIGCONT)
    node.wait_for_log("orphan (pid", 100)
    assert node.stop() == 0
