"""
A long random run: faults of every kind, one after the other, under a steady
load of writes through the coordinator and through a worker. After each: no
answer is short of rows unless it is an error, nothing foreign has been taken
in, no second cluster has come to be; and when the faults stop everything is
there again. The seed is printed and can be given as LONG_RUN_SEED, the length
as LONG_RUN_SECONDS; without that it is left out ("make check-long" runs it).
"""
import os
import random
import shutil
import signal
import threading
import time

import psycopg
import pytest
from harness import descendants_of, is_alive, own_alike, signal_all, wait_until

SEED = int(os.environ.get("LONG_RUN_SEED", time.time_ns() % 1_000_000))
SECONDS = int(os.environ.get("LONG_RUN_SECONDS", 0))
DONE = (psycopg.errors.UniqueViolation,)


class Writer(threading.Thread):
    """Writes numbers of its own, one after the other, and remembers those that were
    acknowledged. A number whose answer was lost is tried again until it is known to be there."""

    def __init__(self, node, first):
        super().__init__(daemon=True)
        self.node = node
        self.acknowledged = []
        self.next = first
        self.ending = threading.Event()

    def run(self):
        while not self.ending.is_set():
            try:
                with self.node.connect(options="-c statement_timeout=10s") as connection:
                    while not self.ending.is_set():
                        self.write(connection)
            except (psycopg.Error, OSError):
                # Not a wait for anything: it only keeps the load from being one of log-ins.
                self.ending.wait(0.05)

    def write(self, connection):
        try:
            connection.execute("insert into ledger values (%s, repeat('x', 200))", (self.next,))
        except DONE:
            pass  # the answer to the first try was lost, the row was not
        self.acknowledged.append(self.next)
        self.next += 1

    def end(self):
        self.ending.set()
        self.join(30)


class Run:
    """The cluster under test, another one beside it, and what must hold."""

    def __init__(self, start, dice):
        self.dice = dice
        self.cluster = start(name="ours").wait_formed()
        self.other = start(2, name="theirs").wait_formed()
        self.identifier = self.cluster.status()["id"]
        assert self.other.stop() == 0
        with self.cluster.coordinator.connect() as admin:
            admin.execute("create table ledger (i bigint primary key, t text)")
            admin.execute("select create_distributed_table('ledger', 'i')")
        self.begin_load()
        self.checks = self.answers = 0

    def begin_load(self):
        """Through the coordinator, and through a worker."""
        count = getattr(self, "writers", [])
        self.writers = [Writer(self.cluster.node(k), 10_000_000 * (k + 1)) for k in (0, 1)]
        for old, new in zip(count, self.writers):
            new.next, new.acknowledged = old.next, old.acknowledged
        for writer in self.writers:
            writer.start()

    def end_load(self):
        for writer in self.writers:
            writer.end()

    def acknowledged(self):
        return {i for writer in self.writers for i in list(writer.acknowledged)}

    def check(self):
        """An answer holds all that was acknowledged before it was asked for, or is an error."""
        self.checks += 1
        for node in self.cluster.nodes:
            before = self.acknowledged()
            try:
                found = {row[0] for row in node.query(
                    "select i from ledger", options="-c statement_timeout=10s")}
            except (psycopg.Error, OSError):
                continue
            missing = before - found
            assert not missing, f"{node.name} answers without {len(missing)} acknowledged rows"
            self.answers += 1

    def converge(self):
        self.cluster.wait_formed()
        assert self.cluster.status()["id"] == self.identifier
        self.check()

    def wait_refused(self, ordinal, *states):
        self.cluster.wait_state(ordinal, *states)
        node = self.cluster.node(ordinal)
        assert not node.is_ready()
        self.check()

    # The faults.

    def kill_a_process(self):
        node = self.dice.choice(self.cluster.nodes)
        victim = self.dice.choice(["run_pid", "agent_pid", "postmaster_pid"])
        node.kill(wait_until(lambda: getattr(node, victim), 60, victim))
        self.check()
        self.converge()

    def kill_a_backend(self):
        node = self.dice.choice(self.cluster.nodes)
        family = wait_until(lambda: descendants_of(node.postmaster_pid), 60, "backends")
        signal_all([self.dice.choice(family)], signal.SIGKILL)
        self.check()
        self.converge()

    def freeze_a_node(self):
        node = self.dice.choice(self.cluster.nodes)
        postmaster = wait_until(lambda: node.postmaster_pid, 60, "the postmaster")
        family = [postmaster, *descendants_of(postmaster)]
        signal_all(family, signal.SIGSTOP)
        try:
            self.check()
        finally:
            signal_all(family, signal.SIGCONT)
        self.converge()

    def cut_the_power(self):
        self.cluster.cut_power()
        self.cluster.start()
        self.check()
        self.converge()

    def stopped(self):
        """Between two runs of the whole cluster, without load."""
        self.end_load()
        # 76: Citus' daemon waited for a node that was away already, and held the stop up until
        # its last rung but one; nothing is lost by that.
        assert self.cluster.stop() in (0, 76)

    def go_on(self):
        self.cluster.start()
        self.begin_load()

    def exchange_two_workers(self):
        one, two = (self.cluster.node(k).data for k in (1, 2))
        self.stopped()
        self.exchange(one, two)
        self.go_on()
        self.wait_refused(1, "foreign")
        self.wait_refused(2, "foreign")
        self.stopped()
        self.exchange(one, two)
        self.go_on()
        self.converge()

    def exchange_with_another_cluster(self):
        ordinal = self.dice.choice([0, 1])
        ours, theirs = self.cluster.node(ordinal).data, self.other.node(ordinal).data
        self.stopped()
        self.exchange(ours, theirs)
        self.go_on()
        # A foreign coordinator is seen by what the workers remember.
        self.wait_refused(ordinal, "foreign")
        self.stopped()
        self.exchange(ours, theirs)
        self.go_on()
        self.converge()

    def restore_an_older_copy(self):
        node = self.dice.choice(self.cluster.workers)
        kept, copy = node.data.with_name("kept"), node.data.with_name("copy")
        self.stopped()
        shutil.copytree(node.data, copy, symlinks=True)
        own_alike(copy, node.data)
        self.go_on()
        self.converge()
        self.stopped()
        node.data.rename(kept)
        copy.rename(node.data)
        self.go_on()
        self.wait_refused(node.ordinal, "older")
        self.stopped()
        shutil.rmtree(node.data)
        kept.rename(node.data)
        self.go_on()
        self.converge()

    @staticmethod
    def exchange(one, two):
        aside = one.with_name("aside")
        one.rename(aside)
        two.rename(one)
        aside.rename(two)


QUICK = [Run.kill_a_process, Run.kill_a_backend, Run.freeze_a_node, Run.cut_the_power]
SLOW = [Run.exchange_two_workers, Run.exchange_with_another_cluster, Run.restore_an_older_copy]


@pytest.fixture
def dice():
    print(f"seed {SEED}: set LONG_RUN_SEED to repeat")
    return random.Random(SEED)


@pytest.mark.long
@pytest.mark.skipif(SECONDS == 0, reason="a test of check-long")
def test_a_long_random_run_loses_nothing(start, dice):
    run = Run(start, dice)
    end = time.monotonic() + SECONDS
    done = []
    # Each kind once at least in a long run; in a short one, as many as there is time for.
    slow = dice.sample(SLOW, len(SLOW))
    while time.monotonic() < end:
        fault = slow.pop() if slow and dice.random() < 0.4 else dice.choice(QUICK)
        done.append(fault.__name__)
        print(f"{len(done)}: {fault.__name__}", flush=True)
        fault(run)
        if not slow and SECONDS > 600:
            slow = dice.sample(SLOW, len(SLOW))
    run.end_load()
    run.converge()
    assert run.answers > 0
    assert run.acknowledged()
    print(f"seed {SEED}: {len(done)} faults, {run.checks} checks with {run.answers} answers, "
          f"{len(run.acknowledged())} acknowledged rows, all there")
