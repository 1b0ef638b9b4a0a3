"""The stop: every rung of the ladder, and what the exit code says."""
import os
import signal

import pytest

import pid1
from pid1 import wait_until


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_stop_is_a_fast_shutdown(node, sig):
    node.start()
    assert node.stop(sig) == 0
    assert node.lines("signals") == ["INT"]
    assert "shut down cleanly" in node.log()
    assert not (node.directory / "run/notify").exists()


def test_quit_is_an_immediate_shutdown(node):
    node.start()
    assert node.stop(signal.SIGQUIT) == 76
    assert node.lines("signals") == ["QUIT"]


def test_second_signal_moves_one_rung_up(node):
    node.behave("hang-fast")
    node.start()
    node.send(signal.SIGTERM)
    wait_until(lambda: node.lines("signals") == ["INT"], what="SIGINT")
    assert node.stop(signal.SIGTERM) == 76
    assert node.lines("signals") == ["INT", "QUIT"]


def test_third_signal_kills(node):
    node.behave("hang-fast hang-immediate deaf=2")
    node.start()
    left = [p for p in pid1.descendants(node.pid) if p != node.agent()]
    for rung in (["INT"], ["INT", "QUIT"]):
        node.send(signal.SIGINT)
        wait_until(lambda rung=rung: node.lines("signals") == rung, what="the next rung")
    assert node.stop(signal.SIGTERM) == 76
    assert len(left) == 3 and not any(pid1.is_alive(p) for p in left)


def test_each_rung_has_its_share(node):
    """Nobody helps: the ladder goes up, and ends, by itself."""
    node.environment["CITUS_INIT_STOP_DEADLINE"] = "5s"
    node.behave("hang-fast hang-immediate deaf=2")
    node.start()
    assert node.stop() == 76
    assert node.lines("signals") == ["INT", "QUIT"]


def test_hung_agent_does_not_hold_up_the_stop(node):
    node.start()
    os.kill(node.agent(), signal.SIGSTOP)
    assert node.stop() == 0
    assert node.lines("signals") == ["INT"]


def test_dead_agent_is_not_waited_for(node):
    node.start()
    for _ in range(2):  # the second one comes back after a delay only
        os.kill(node.agent(), signal.SIGKILL)
        node.wait_for_log("the next one starts in", _ + 1)
    assert node.stop() == 0


def test_stop_while_postgres_is_starting(node):
    node.behave("late")
    node.launch()
    wait_until(lambda: node.lines("starts"), what="a start")
    wait_until(lambda: node.agent())
    assert node.stop() == 0
    assert node.lines("signals") == ["INT"]


def test_stop_while_preparing(node):
    (node.directory / "bin/hang-version").touch()
    node.launch()
    wait_until(lambda: any("-V" in pid1.command_of(p) for p in pid1.descendants(node.pid)),
               what="postgres -V")
    assert node.stop() == 0
    assert not node.data.exists()


def test_stop_in_the_back_off_is_not_clean(node):
    node.environment["CITUS_INIT_RESTART_LIMIT"] = "100"
    node.behave("die=1")
    node.launch()
    node.wait_for_log("restart 6 of 100")  # the delay is more than a second by now
    assert node.stop() == 76


def test_backends_that_outlive_a_clean_shutdown_are_ended(node):
    node.behave("stubborn=2")
    node.start()
    assert node.stop() == 0
    assert "sent SIGQUIT" in node.log()
