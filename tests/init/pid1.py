"""
A node under test: the real binary as PID 1 of a PID namespace of its own, with a
fake PostgreSQL. No sleeps: everything waits for a condition with a limit.

As root the node drops to the user postgres, as in a container; else it runs as
whoever runs the tests, in a user namespace.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("CITUS_INIT", ROOT / "build/citus-init"))
FAKE = ROOT / "build/tests/fake-postgres"

SECRETS = {"SUPERPASS": "Sesame-super-1", "ADMINPASS": "Sesame-admin-2", "REPPASS": "Sesame-rep-3"}

# A network of its own too, so that ports are never taken.
NAMESPACES = ["--pid", "--fork", "--mount-proc", "--mount", "--net", "--kill-child"]
if os.geteuid() != 0:
    NAMESPACES = ["--user", "--map-current-user"] + NAMESPACES


def namespaces_work():
    return subprocess.run(["unshare", *NAMESPACES, "true"], stderr=subprocess.DEVNULL).returncode == 0


def wait_until(condition, timeout=20, what="the condition"):
    """Waits until condition() is true and returns its value; what is gone in /proc is not yet."""
    deadline = time.monotonic() + timeout
    delay = 0.005
    while True:
        try:
            value = condition()
        except OSError:
            value = None
        if value:
            return value
        assert time.monotonic() < deadline, f"{what}: not within {timeout} s"
        time.sleep(delay)
        delay = min(delay * 1.5, 0.1)


def children(pid):
    return [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def descendants(pid):
    found = []
    for child in children(pid):
        found += [child]
        try:
            found += descendants(child)
        except OSError:
            pass
    return found


def command_of(pid):
    return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[:-1]


def state_of(pid):
    """The letter of /proc/PID/status, or None when the process is gone."""
    try:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("State:"):
                return line.split()[1]
    except OSError:
        pass
    return None


def is_alive(pid):
    return state_of(pid) not in (None, "Z", "X")


def status_field(text, name):
    for line in text.splitlines():
        if line.startswith(name + ":"):
            return line.split(":", 1)[1].strip()
    raise AssertionError(f"no {name} in the status")


class Node:
    """One life after the other in one directory."""

    def __init__(self, directory):
        self.directory = directory
        self.volume = directory / "pgdata"
        self.data = self.volume / "data"
        self.log_path = directory / "log"
        self.process = None
        self.pid = None  # of PID 1, as it is seen from here
        bin_dir = directory / "bin"
        bin_dir.mkdir()
        for name in ("postgres", "initdb"):
            shutil.copy(FAKE, bin_dir / name)
        self.volume.mkdir()
        (directory / "run").mkdir()
        self.environment = {
            "PATH": os.environ["PATH"],
            "PGDATA": str(self.data),
            "POD_GROUP": "citus",
            "POD_NAME": "citus-0",
            "SET_SIZE": "1",
            "CITUS_INIT_CLUSTER_HOST_PATTERN": "{group}-{ordinal}.test",
            "CITUS_INIT_POSTGRES_BIN_DIR": str(bin_dir),
            "CITUS_INIT_RUN_DIRECTORY": str(directory / "run"),
            "CITUS_INIT_STOP_DEADLINE": "10s",
            "CITUS_INIT_LOG_LEVEL": "debug",
            # PID 1 lets nobody look into it, not even a leak checker of its own.
            "ASAN_OPTIONS": "detect_leaks=0",
            **SECRETS,
        }
        # As on a volume of a container: the program makes it the server's.
        for path in (self.volume, directory / "run"):
            os.chmod(path, 0o755)

    def behave(self, words):
        """How the fake postgres behaves from its next start on."""
        path = self.volume / "behaviour"
        path.write_text(words + "\n")
        path.chmod(0o644)

    def launch(self, *arguments, namespaces=True, before=None, stderr=None):
        """Starts PID 1 and does not wait for anything but its being there."""
        command = [str(BINARY), "run", *arguments]
        if before:
            command = ["sh", "-c", before + ' && exec "$0" "$@"', *command]
        if namespaces:
            command = ["unshare", *NAMESPACES, *command]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, env=self.environment, start_new_session=True,
                                            stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=stderr or log)
        self.pid = self.process.pid
        if namespaces:
            def pid1():
                found = children(self.process.pid)
                return found and command_of(found[0])[1:2] == ["run"] and found[0]
            self.pid = wait_until(lambda: self.process.poll() is not None or pid1(), what="PID 1")
        return self

    def start(self, *arguments, **options):
        """Starts PID 1 and waits until it says that postgres is ready."""
        seen = self.log().count("postgres is ready")
        self.launch(*arguments, **options)
        self.wait_for_log("postgres is ready", seen + 1)
        return self

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def wait_for_log(self, text, times=1, timeout=20):
        def seen():
            return self.log().count(text) >= times
        try:
            wait_until(seen, timeout, f"{times} x \"{text}\" in the log")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log()}") from None

    def postmaster(self):
        """Its pid, waiting for it to run."""
        return wait_until(lambda: self.child("postgres"), what="a postmaster")

    def agent(self):
        return wait_until(lambda: self.child("citus-init", "agent"), what="an agent")

    def child(self, *command):
        for pid in children(self.pid):
            line = command_of(pid) if is_alive(pid) else []
            if line and [os.path.basename(line[0]), *line[1:len(command)]] == list(command):
                return pid
        return None

    def send(self, sig):
        os.kill(self.pid, sig)

    def wait(self, timeout=30):
        """The exit code."""
        return self.process.wait(timeout)

    def stop(self, sig=signal.SIGTERM):
        self.send(sig)
        return self.wait()

    def lines(self, name):
        """A file that the fake postgres keeps beside its data directory."""
        path = self.volume / name
        return path.read_text().splitlines() if path.exists() else []

    def destroy(self):
        if not self.process or self.process.poll() is not None:
            return
        # Outside a namespace nothing ends by itself.
        left = descendants(self.process.pid)
        self.process.kill()
        self.process.wait()
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
