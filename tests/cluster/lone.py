"""
One node by itself: "citus-init run" on a volume of its own, as a kubelet
would start it, in whatever surroundings a test gives it (another user, its
own mounts, another host name), and what can be asked of it then.
"""
import hashlib
import os
import pwd
import signal
import socket
import subprocess
import types

import harness
from harness import BINARY, wait_until

# Words that occur nowhere else, so that a search for them tells.
PASSWORDS = {"SUPERPASS": "lone-Super-pass-7f3a", "ADMINPASS": "lone-Admin-pass-9c1e",
             "REPPASS": "lone-Rep-pass-2b8d"}


def free_port(host):
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def group_of(uid):
    try:
        return pwd.getpwuid(uid).pw_gid
    except KeyError:
        return uid


def snapshot(path, besides=()):
    """All there is to know of a tree, for "nothing was touched"; besides names what is left out."""
    found = {}
    for entry in sorted([path, *path.rglob("*")]):
        name = str(entry.relative_to(path))
        if name in besides:
            continue
        status = entry.lstat()
        content = None
        if entry.is_symlink():
            content = os.readlink(entry)
        elif entry.is_file():
            content = hashlib.sha256(entry.read_bytes()).hexdigest()
        found[name] = (oct(status.st_mode), status.st_uid, status.st_gid, status.st_mtime_ns,
                       content)
    return found


class LoneNode(harness.Node):
    """directory/volume holds all that lasts, directory/run is the run directory, directory/log
    what was said. user is the uid that starts it; only root has a choice."""

    def __init__(self, directory, user=None):
        network = f"127.93.{os.getpid() % 250 + 1}"
        host = f"{network}.0"
        super().__init__(types.SimpleNamespace(
            directory=directory, host=lambda _: host, port=free_port(host),
            http_port=free_port(host), superpass=PASSWORDS["SUPERPASS"],
            adminpass=PASSWORDS["ADMINPASS"], reppass=PASSWORDS["REPPASS"]), 0)
        self.user = harness.run_as() if user is None else user
        self.directory = directory
        self.volume = directory / "volume"
        self.data = self.volume / "data"
        self.run_directory = directory / "run"
        self.process = None
        # The sanitizers' options are for the program under test too ("make check-asan").
        self.environment = {
            **{name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")},
            "PATH": os.environ["PATH"],
            "CITUS_INIT_POSTGRES_BIN_DIR": os.environ["CITUS_INIT_POSTGRES_BIN_DIR"],
            "POD_GROUP": "citus", "SET_SIZE": "1", "POD_NAME": "citus-0",
            "PGDATA": str(self.data), "CITUS_INIT_RUN_DIRECTORY": str(self.run_directory),
            "CITUS_INIT_CLUSTER_HOST_PATTERN": f"{network}.{{ordinal}}",
            "CITUS_INIT_POSTGRES_LISTEN_ADDRESSES": host,
            "CITUS_INIT_POSTGRES_PORT": str(self.cluster.port),
            "CITUS_INIT_HTTP_ADDRESS": f"{host}:{self.cluster.http_port}",
            **PASSWORDS,
        }
        self.volume.mkdir(parents=True)
        (directory / "log").touch()
        for path in (directory, self.volume):
            self.give(path)

    def use_port(self, port):
        """For postgres."""
        self.cluster.port = port
        self.environment["CITUS_INIT_POSTGRES_PORT"] = str(port)

    def give(self, path):
        """The path, and all in it, to the node's user."""
        for entry in [path, *path.rglob("*")]:
            os.chown(entry, self.user, group_of(self.user), follow_symlinks=False)

    @property
    def run_pid(self):
        return self.process.pid

    @property
    def log(self):
        return (self.directory / "log").read_text(errors="replace")

    def errors(self, role="prepare"):
        """The messages that were logged as errors by one of citus-init's roles."""
        mark = f"Z error {role}: "
        return [line.partition(mark)[2] for line in self.log.splitlines() if mark in line]

    def start(self, prefix=()):
        """prefix is a command that makes the surroundings and executes the rest as itself, so
        that the process stays the same; it runs as whoever runs the tests."""
        command = [*prefix]
        if self.user != os.geteuid():
            command += ["setpriv", f"--reuid={self.user}", f"--regid={group_of(self.user)}",
                        "--clear-groups"]
        elif self.user == 0:
            # Root's "prepare" becomes another user, and such a process can't be looked into, not
            # even by a leak checker of its own.
            self.environment["ASAN_OPTIONS"] = ":".join(
                filter(None, [self.environment.get("ASAN_OPTIONS"), "detect_leaks=0"]))
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen(
                [*command, BINARY, "run"], env=self.environment, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True,
                preexec_fn=harness.traces.end_with_us(signal.SIGTERM))

    def run_to_end(self, prefix=(), timeout=60):
        """For a node that will not start: its exit code."""
        self.start(prefix)
        return self.process.wait(timeout)

    def _wait(self, page, timeout):
        def answers():
            if self.process.poll() is not None:
                raise RuntimeError(f"run ended with {self.process.returncode}: {self.log[-2000:]}")
            return self.get(page)[0] == 200
        wait_until(answers, timeout, f"{page} is 200")

    def wait_ready(self, timeout=120):
        self._wait("readyz", timeout)

    def wait_started(self, timeout=120):
        self._wait("startupz", timeout)

    def family(self):
        return [self.process.pid] + harness.descendants_of(self.process.pid)

    def kill(self, pid, sig=signal.SIGKILL):
        try:
            os.kill(pid, sig)
        except ProcessLookupError:
            pass

    def stop(self, timeout=60):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout)
        return self.process.returncode if self.process else None
