"""
A cluster under test: started by "citus-init local", seen through its files,
HTTP and SQL. No sleeps: everything waits for a condition with a limit.
"""
import configparser
import contextlib
import http.client
import json
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import psycopg

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/lib"))

import traces  # noqa: E402

BINARY = traces.within_reach(os.environ.get("CITUS_INIT", ROOT / "build/citus-init"))


class NotYet(Exception):
    """What was asked for is not there yet: a process, a page, a member."""


# What a node that starts, stops or changes its phase may answer. A misspelt name, key or column is
# none of these, and is told at once.
NOT_YET = (NotYet, OSError, psycopg.OperationalError, psycopg.InternalError)


def wait_until(condition, timeout=60, what="the condition"):
    """Waits until condition() is true, and returns its value."""
    deadline = time.monotonic() + timeout
    delay = 0.01
    last = None
    while True:
        try:
            value = condition()
            if value:
                return value
            last = value
        except NOT_YET as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout} s; last: {last!r}")
        time.sleep(delay)
        delay = min(delay * 1.5, 0.25)


@contextlib.contextmanager
def workspace(parent=None):
    """A directory that the user of the nodes can reach, removed at the end."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="test-", dir=parent))
    if os.geteuid() == 0:
        os.chmod(path, 0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path)


def is_alive(pid):
    """Whether the process runs; a zombie does not."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def children_of(pid):
    """The pids whose parent is pid; an OSError when pid itself is gone."""
    return [int(child) for thread in pathlib.Path(f"/proc/{pid}/task").iterdir()
            for child in (thread / "children").read_text().split()]


def descendants_of(pid):
    """Those that are there: processes come and go meanwhile."""
    found = []
    with contextlib.suppress(OSError):
        for child in children_of(pid):
            found += [child, *descendants_of(child)]
    return found


def command_of(pid):
    return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def signal_all(pids, sig):
    """Sends the signal to those that are still there: backends come and go."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sig)


class Node:
    """One node's files and processes."""

    def __init__(self, cluster, ordinal):
        self.cluster = cluster
        self.ordinal = ordinal
        self.name = f"citus-{ordinal}"
        self.directory = cluster.directory / self.name
        self.data = self.directory / "data"
        self.run_directory = self.directory / "run"

    @property
    def host(self):
        return self.cluster.host(self.ordinal)

    @property
    def run_pid(self):
        return int((self.directory / "pid").read_text())

    @property
    def agent_pid(self):
        for pid in children_of(self.run_pid):
            if " agent " in command_of(pid):
                return pid
        raise NotYet(f"{self.name} has no agent")

    @property
    def postmaster_pid(self):
        first, _, rest = (self.data / "postmaster.pid").read_text().partition("\n")
        if not rest or not is_alive(int(first)):
            raise NotYet(f"{self.name}: postmaster.pid is being written, or is stale")
        return int(first)

    @property
    def log(self):
        return (self.directory / "log").read_text(errors="replace")

    def get(self, page):
        """Status code and body of a page of the agent's."""
        url = f"http://{self.host}:{self.cluster.http_port}/{page}"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except http.client.HTTPException as error:
            raise NotYet(f"{self.name} broke off its answer: {error}") from None

    def status(self):
        return json.loads(self.get("status")[1])

    def is_ready(self):
        return self.get("readyz")[0] == 200

    def wait_ready(self, timeout=90):
        wait_until(self.is_ready, timeout, f"{self.name} is ready")

    def connect(self, user="admin", database="citusdb", **kwargs):
        password = {"admin": self.cluster.adminpass, "postgres": self.cluster.superpass,
                    "replicator": self.cluster.reppass}.get(user)
        kwargs.setdefault("password", password)
        kwargs.setdefault("host", self.host)
        return psycopg.connect(port=self.cluster.port, user=user, dbname=database,
                               autocommit=True, connect_timeout=10, **kwargs)

    def query(self, sql, *parameters, **kwargs):
        with self.connect(**kwargs) as connection:
            cursor = connection.execute(sql, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def value(self, sql, *parameters, **kwargs):
        return self.query(sql, *parameters, **kwargs)[0][0]

    def inside(self, sql, *parameters, database="postgres"):
        """As postgres over its socket: a node that is not recognised lets nobody else in."""
        socket = str(self.run_directory / "socket")
        return self.query(sql, *parameters, user="postgres", database=database, host=socket)

    def kill(self, pid, sig=signal.SIGKILL):
        os.kill(pid, sig)


class Cluster:
    """citus-init local on a directory; started at once."""

    def __init__(self, directory, nodes, environment=None, command=None, start=True):
        self.directory = pathlib.Path(directory)
        self.count = nodes
        self.environment = environment or {}
        self.command = command
        self.process = None
        self.output = self.directory.with_suffix(".out")
        if start:
            self.start()

    def start(self):
        command = [BINARY, "local", "--nodes", str(self.count), "--dir", self.directory]
        if self.command:
            command += ["--"] + self.command
        with open(self.output, "ab") as output:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env={**os.environ, **self.environment}, start_new_session=True,
                preexec_fn=traces.end_with_us(signal.SIGINT))
        return self

    def stop(self, timeout=90):
        """As Ctrl-C does it; returns the exit status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGTERM)
            raise

    def kill(self):
        """As a power cut of the machine that runs it: nothing is stopped in order."""
        self.process.kill()
        self.process.wait()

    def cut_power(self):
        """As a power cut of all machines at once."""
        runs = [node.run_pid for node in self.nodes]
        self.kill()
        families = [pid for run in runs for pid in [run, *descendants_of(run)]]
        signal_all(families, signal.SIGKILL)
        wait_until(lambda: not any(is_alive(pid) for pid in families), 60, "all have ended")

    @property
    def state(self):
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string((self.directory / "cluster.ini").read_text())
        return {key: value for section in parser.values() for key, value in section.items()}

    def host(self, ordinal):
        return f"127.{self.state['network_a']}.{self.state['network_b']}.{ordinal}"

    @property
    def port(self):
        return int(self.state["port"])

    @property
    def http_port(self):
        return int(self.state["http_port"])

    @property
    def superpass(self):
        return self.state["superpass"]

    @property
    def adminpass(self):
        return self.state["adminpass"]

    @property
    def reppass(self):
        return self.state["reppass"]

    @property
    def nodes(self):
        return [Node(self, k) for k in range(self.count)]

    @property
    def coordinator(self):
        return Node(self, 0)

    @property
    def workers(self):
        return self.nodes[1:]

    def node(self, ordinal):
        return Node(self, ordinal)

    def _assert_running(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"local ended with {self.process.returncode}:\n"
                               + self.output.read_text(errors="replace")[-3000:])

    def wait_formed(self, timeout=180):
        def formed():
            self._assert_running()
            return all(node.is_ready() for node in self.nodes)
        try:
            wait_until(formed, timeout, "the cluster is formed")
        except AssertionError as error:
            logs = "".join(f"--- {node.name}\n{node.log[-2000:]}" for node in self.nodes
                           if (node.directory / "log").exists())
            raise AssertionError(f"{error}\n{logs}") from None
        return self

    def status(self):
        """The cluster as its coordinator sees it; the agent may not have looked yet."""
        seen = self.coordinator.status()["cluster"]
        if not seen or len(seen["members"]) != self.count:
            raise NotYet("the coordinator has not looked at all members yet")
        return seen

    def member(self, ordinal):
        return self.status()["members"][ordinal]

    def wait_state(self, ordinal, *states, timeout=120):
        wait_until(lambda: self.member(ordinal)["state"] in states, timeout,
                   f"citus-{ordinal} is {' or '.join(states)}")

    def wait_reason(self, ordinal, words, timeout=60):
        """There is none before the first look, and another one while its set-up runs."""
        wait_until(lambda: words in (self.member(ordinal)["reason"] or ""), timeout,
                   f"the reason of citus-{ordinal} says {words!r}")

    def registered(self):
        """The groups of pg_dist_node by host."""
        return dict(self.coordinator.query(
            "select nodename, groupid from pg_dist_node where isactive order by groupid"))

    def assert_no_secrets_in_logs(self):
        try:
            secrets = [self.superpass, self.adminpass, self.reppass]
        except (OSError, KeyError):
            return
        logs = [node.directory / "log" for node in self.nodes] + [self.output]
        for log in logs:
            if log.exists():
                text = log.read_text(errors="replace")
                for secret in secrets:
                    assert secret not in text, f"a password stands in {log}"


def own_alike(path, like):
    """Gives a tree to the owner of another path."""
    owner = like.stat()
    for entry in [path, *path.rglob("*")]:
        shutil.chown(entry, owner.st_uid, owner.st_gid)


def run_as():
    """The uid of the nodes: postgres when the tests run as root."""
    return pwd.getpwnam("postgres").pw_uid if os.geteuid() == 0 else os.geteuid()
