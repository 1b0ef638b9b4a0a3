"""
The benchmarks. Those that compare take turns, citus-init and by hand, within one run, so that
what else the machine does hits both alike; medians are compared.
"""
import os
import signal
import time
from dataclasses import dataclass
from statistics import median

import by_hand
from by_hand import HandNode
from node import InitNode, Nodes, milliseconds_of

# Long enough for the work that follows a start to be over.
SETTLE_S = 0.5
BEFORE_IDLE_S = 10


@dataclass
class Row:
    """A line of the table: what was seen, in words and numbers, and whether it is good enough;
    a row without a goal is for information."""
    what: str
    ours: str
    theirs: str
    result: str
    goal: str
    met: bool


def seconds(times_ms):
    return f"{median(times_ms) / 1000:.2f} s ({min(times_ms) / 1000:.2f} to " \
           f"{max(times_ms) / 1000:.2f})"


def milliseconds(times_ms):
    return f"{median(times_ms):.0f} ms ({min(times_ms):.0f} to {max(times_ms):.0f})"


def ratio_row(what, ours, theirs, most, text=milliseconds):
    ratio = median(ours) / median(theirs)
    return Row(what, text(ours), text(theirs), f"{ratio:.2f} ×", f"≤ {most} ×", ratio <= most)


def more_row(what, ours_ms, theirs_ms, most_ms=50):
    more = median(ours_ms) - median(theirs_ms)
    return Row(what, milliseconds(ours_ms), milliseconds(theirs_ms), f"{more:+.0f} ms",
               f"≤ {most_ms} ms more", more <= most_ms)


def in_turns(runs, ours, theirs, progress):
    """Runs both alternately; returns the times of each."""
    times = [], []
    for i in range(runs):
        for series, measure in zip(times, (ours, theirs)):
            series.append(measure())
        progress(f"{i + 1} of {runs}: {times[0][-1]:.0f} and {times[1][-1]:.0f} ms")
    return times


def empty_to_database(place, options):
    def ours():
        with Nodes(InitNode, place, 1) as [node]:
            def action():
                node.start()
                node.wait_said("phase is in force phase=open")
                node.wait_serving()
            return milliseconds_of(action)

    def theirs():
        with Nodes(HandNode, place, 1) as [node]:
            def action():
                node.bring_up()
                node.wait_serving()
            return milliseconds_of(action)

    return [ratio_row("empty directory → database with the extension accepting connections",
                      *in_turns(options.runs, ours, theirs, options.progress), 1.15, seconds)]


def start_all(nodes):
    for node in nodes:
        node.start()
    for node in nodes:
        node.wait_said("phase is in force phase=open")
    for node in nodes:
        node.wait_serving(len(nodes))


def empty_to_cluster(place, options, size):
    def ours():
        with Nodes(InitNode, place, size) as nodes:
            return milliseconds_of(lambda: start_all(nodes))

    def theirs():
        with Nodes(HandNode, place, size) as nodes:
            return milliseconds_of(lambda: by_hand.form(nodes))

    return [ratio_row(f"empty directories → formed cluster of {size} nodes",
                      *in_turns(options.runs, ours, theirs, options.progress), 1.15, seconds)]


def killed_to_accepting(place, options):
    with Nodes(InitNode, place, 1) as [ours], Nodes(HandNode, place, 1) as [theirs]:
        start_all([ours])
        theirs.bring_up()

        def restart_ours():
            ours.checkpoint()
            time.sleep(SETTLE_S)
            former = ours.postmaster_pid

            def action():
                os.kill(former, signal.SIGKILL)
                ours.wait_accepting(but_not=former)
            return milliseconds_of(action)

        def restart_theirs():
            theirs.checkpoint()
            time.sleep(SETTLE_S)
            former = theirs.postmaster_pid

            def action():
                theirs.kill_and_wait()
                theirs.start()
                theirs.wait_accepting(but_not=former)
            return milliseconds_of(action)

        return [ratio_row("postmaster killed → accepting connections again",
                          *in_turns(options.runs, restart_ours, restart_theirs, options.progress),
                          1.1)]


def stop(place, options):
    with Nodes(InitNode, place, 1) as [ours], Nodes(HandNode, place, 1) as [theirs]:
        start_all([ours])
        theirs.bring_up()

        def stop_and_start(node, action):
            node.checkpoint()
            time.sleep(SETTLE_S)
            taken = milliseconds_of(action)
            node.start()
            node.wait_serving()
            return taken

        rows = []
        for what, theirs_ends in (("`pg_ctl stop -m fast`", theirs.pg_ctl_stop),
                                  ("SIGINT to the server", theirs.signal_stop)):
            ours_ms, theirs_ms = in_turns(
                options.runs, lambda: stop_and_start(ours, ours.stop),
                lambda end=theirs_ends: stop_and_start(theirs, end), options.progress)
            rows.append(more_row(f"stop, against {what}", ours_ms, theirs_ms))
        return rows


def private_kb(pid):
    """What only this process has; needs root, for run lets nobody else look at its memory."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return sum(int(line.split()[1]) for line in file
                   if line.startswith(("Private_Clean:", "Private_Dirty:")))


def status_of(pid, key):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(key + ":"))


def wake_ups(node):
    return sum(status_of(node.pid_of(role), "voluntary_ctxt_switches")
               for role in ("run", "agent"))


def both(values, unit):
    return ", ".join(f"{name} {value} {unit}" for name, value in values.items())


def memory_rows(nodes):
    rows = []
    try:
        private = {name: private_kb(node.pid_of("run")) for name, node in nodes.items()}
        rows.append(Row("private memory of PID 1", both(private, "kB"), "",
                        f"{max(private.values())} kB", "< 1 MB", max(private.values()) < 1024))
    except PermissionError:
        rows.append(Row("private memory of PID 1", "to be measured as root", "", "", "< 1 MB",
                        False))
    resident = {name: status_of(node.pid_of("agent"), "VmRSS") for name, node in nodes.items()}
    rows.append(Row("resident memory of the agent", both(resident, "kB"), "",
                    f"{max(resident.values())} kB", "< 8 MB", max(resident.values()) < 8 * 1024))
    return rows


def idle(place, options):
    with Nodes(InitNode, place, 3) as members:
        start_all(members)
        nodes = {"coordinator": members[0], "worker": members[1]}
        time.sleep(BEFORE_IDLE_S)
        before = {name: wake_ups(node) for name, node in nodes.items()}
        options.progress(f"idle for {options.idle_seconds} s")
        time.sleep(options.idle_seconds)
        rate = {name: round((wake_ups(node) - before[name]) / options.idle_seconds, 2)
                for name, node in nodes.items()}
        return memory_rows(nodes) + [
            Row("wake-ups of run and agent of an idle node", both(rate, "a second"), "",
                f"{max(rate.values())} a second", "≤ 1 a second", max(rate.values()) <= 1)]


BENCHMARKS = {
    "database": empty_to_database,
    "cluster-3": lambda place, options: empty_to_cluster(place, options, 3),
    "cluster-8": lambda place, options: empty_to_cluster(place, options, 8),
    "restart": killed_to_accepting,
    "stop": stop,
    "idle": idle,
}
