"""
Killed at random moments, started again, always converging. The moments are
drawn from the duration that was measured; the seed is printed and can be given
as KILL_SEED, the number of kills of each test as KILLS, and how many seconds
they may take as KILL_SECONDS.
"""
import contextlib
import itertools
import os
import random
import shutil
import signal
import subprocess
import time
import uuid

import psycopg
import pytest

import harness
from harness import is_alive, wait_until

SEED = int(os.environ.get("KILL_SEED", time.time_ns() % 1_000_000))
KILLS = int(os.environ.get("KILLS", 10))
SECONDS = int(os.environ.get("KILL_SECONDS", 3600))
LITTER = ("data.new", ".tmp", "conf.new")

pytestmark = pytest.mark.long


def rounds(what):
    """As many as are wanted and there is time for, and one at least; says how many it were."""
    end = time.monotonic() + SECONDS
    done = 0
    while done < KILLS and (done == 0 or time.monotonic() < end):
        done += 1
        yield done
    print(f"{done} kills of {what}")


@pytest.fixture
def dice():
    print(f"seed {SEED}: set KILL_SEED to repeat")
    return random.Random(SEED)


def litter_of(lone):
    return [entry.name for entry in lone.volume.iterdir()
            if any(word in entry.name for word in LITTER)]


def victim_of(lone, dice):
    """run itself, or one of its processes; run first, for it matters most."""
    family = lone.family()
    return family[0] if dice.random() < 0.5 else dice.choice(family)


def test_bootstrap_survives_every_kill(lone, dice):
    begin = time.monotonic()
    lone.start()
    lone.wait_ready()
    duration = time.monotonic() - begin
    lone.stop()
    shutil.rmtree(lone.run_directory)
    for entry in lone.volume.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()

    identifier = None
    bootstraps = 0
    for _ in rounds("a start"):
        lone.start()
        moment = time.monotonic() + dice.uniform(0, duration * 0.9)
        # The one place where time itself is the condition: the moment of the kill.
        while time.monotonic() < moment and lone.process.poll() is None:
            time.sleep(0.001)
        victim = victim_of(lone, dice)
        lone.kill(victim)
        if victim != lone.process.pid:
            # A part died: run heals by itself, or ends with a code and is started again.
            wait_until(lambda: lone.process.poll() is not None or lone.is_ready(), 120,
                       "run heals or ends")
            if lone.process.poll() is None:
                lone.kill(lone.process.pid)
        family_done = lone.process.wait(60)
        assert family_done is not None
        if (lone.data / "global/pg_control").exists():
            known = subprocess.run(
                [f"{lone.environment['CITUS_INIT_POSTGRES_BIN_DIR']}/pg_controldata", lone.data],
                text=True, stdout=subprocess.PIPE, check=True).stdout
            found = next(line for line in known.splitlines() if "system identifier" in line)
            # Once there, the directory is never made anew. To pass through bootstrap more than
            # once, the test itself takes it away now and then.
            assert identifier in (None, found)
            identifier = found
            if dice.random() < 0.3:
                wait_until(lambda: harness_is_free(lone), 60, "the former life is over")
                shutil.rmtree(lone.data)
                identifier = None
                bootstraps += 1
    lone.start()
    lone.wait_ready()
    assert lone.value("select count(*) from pg_dist_node where groupid = 0") == 1
    assert lone.value("select count(*) from pg_roles where rolname in ('admin', 'replicator')") == 2
    assert litter_of(lone) == []
    print(f"{bootstraps} directories taken away by the test")


def harness_is_free(lone):
    """No process of a former life has the data directory as its working directory."""
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                if os.readlink(f"/proc/{entry}/cwd").startswith(str(lone.data)):
                    return False
            except OSError:
                continue
    return True


def identifier_of(data):
    """The system identifier, with which pg_control begins; None where there is no directory."""
    control = data / "global/pg_control"
    return control.read_bytes()[:8] if control.exists() else None


def become_member_of(lone, cluster):
    def is_empty():
        if lone.process.poll() is not None:
            lone.start()  # the kill was that of a part without which run ends
        return lone.value("select count(*) from citus_init.this_node", user="postgres",
                          database="postgres") == 0
    wait_until(is_empty, 120, "an empty node")
    with lone.connect(user="postgres", database="postgres") as connection:
        connection.execute("insert into citus_init.this_node (cluster_id, name)"
                           " values (%s, 'citus-1')", (cluster,))


def tell_to_abandon(lone):
    with lone.connect(user="postgres", database="postgres") as connection:
        connection.execute("update citus_init.this_node set abandon = cluster_id")
        with contextlib.suppress(psycopg.OperationalError):  # it ends before it has answered
            connection.execute("notify citus_init")


def test_abandoning_survives_every_kill(lone, dice):
    """At any moment the old directory is whole, either in its place or abandoned."""
    lone.environment.update(POD_NAME="citus-1", SET_SIZE="2")
    lone.start()
    duration = None
    known = set()
    before = 0
    for turn in itertools.chain([0], rounds("abandoning")):
        cluster = str(uuid.UUID(int=dice.getrandbits(128)))
        aside = lone.volume / f"data.abandoned.{cluster}"
        become_member_of(lone, cluster)
        old = identifier_of(lone.data)
        assert old not in known
        known.add(old)
        begin = time.monotonic()
        tell_to_abandon(lone)
        if turn > 0:
            # Most of the time is initdb's, and what comes before it matters more.
            moment = begin + duration * dice.random() ** 3
            while time.monotonic() < moment and lone.process.poll() is None:
                time.sleep(0.001)
            lone.kill(victim_of(lone, dice))
            before += not aside.exists()
        assert [identifier_of(lone.data), identifier_of(aside)].count(old) == 1

        def is_aside():
            if lone.process.poll() is not None:
                lone.start()
            return identifier_of(aside) == old and identifier_of(lone.data) not in (None, old)
        wait_until(is_aside, 120, "the directory is abandoned and a new one is there")
        duration = duration or time.monotonic() - begin
    become_member_of(lone, cluster)
    assert len(list(lone.volume.glob("data.abandoned.*"))) == 1 + turn
    assert litter_of(lone) == []
    print(f"{before} of the kills were before the rename")


def test_forming_survives_every_kill(start, dice):
    begin = time.monotonic()
    c = start(name="measure").wait_formed()
    duration = time.monotonic() - begin
    assert c.stop() == 0

    c = start(name="killed")
    for _ in rounds("forming"):
        moment = time.monotonic() + dice.uniform(0, duration / 3)
        while time.monotonic() < moment:
            time.sleep(0.001)
        node = dice.choice(c.nodes)
        try:
            pid = dice.choice([node.run_pid] + harness.descendants_of(node.run_pid))
            os.kill(pid, signal.SIGKILL)
        except (OSError, ValueError):
            continue  # it is just being started again
    c.wait_formed(300)
    # The last kill may have been a backend's, and its server is in recovery for a moment.
    wait_until(lambda: len(c.registered()) == 3, what="three nodes are registered")
    wait_until(lambda: [m["state"] for m in c.status()["members"]]
               == ["ours"] * 3, what="all are members")
    c.wait_formed()

    def cluster_ids():
        return {node.value("select cluster_id::text from citus_init.this_node", user="postgres",
                           database="postgres") for node in c.nodes}
    assert len(wait_until(cluster_ids, what="every node answers")) == 1
    with c.coordinator.connect() as admin:
        admin.execute("create table t (i int)")
        admin.execute("select create_distributed_table('t', 'i')")
        admin.execute("insert into t select generate_series(1, 1000)")
        assert admin.execute("select count(*) from t").fetchone()[0] == 1000
    for node in c.nodes:
        names = [entry.name for entry in node.directory.iterdir()]
        assert not [name for name in names if any(word in name for word in LITTER)], names
        assert is_alive(node.run_pid)
