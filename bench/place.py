"""
Where the benchmarks run: which PostgreSQL, as which user, in which directory, on which addresses.

As root everything that is measured runs as the user postgres, as PostgreSQL demands; the binary
is copied, so that a build meanwhile changes nothing and that user can reach it. Everything has a
session of its own: Linux shares out a busy machine by sessions first (CONFIG_SCHED_AUTOGROUP), and
citus-init's children have theirs.
"""
import atexit
import os
import pathlib
import random
import shutil
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
PORT = 5432
HTTP_PORT = 8008


class LeftOut(Exception):
    """Why something cannot be measured here."""


def wait_until(condition, timeout, what, every=0.001):
    """Polls until condition() is true and returns its value; an OSError counts as not yet."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            value = condition()
            if value:
                return value
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout} s")
        time.sleep(every)


def choose_postgres():
    """The directory of PostgreSQL's programs, and whether Citus is "real" or the "stand-in"."""
    script = ROOT / "tests/lib/choose-postgres.sh"
    said = subprocess.run([script], check=True, stdout=subprocess.PIPE, text=True).stdout
    answers = dict(line.split("=", 1) for line in said.splitlines())
    return pathlib.Path(answers["bin_dir"]), answers["citus"]


def name_of(citus, version):
    """What was measured, in words; version is what "postgres -V" says."""
    words = "the real Citus" if citus == "real" else "the stand-in for Citus"
    return f"PostgreSQL {version.split()[2]} with {words}"


def choose_network(nodes):
    """Two numbers a, b such that 127.a.b.0 to 127.a.b.<nodes - 1> are free."""
    for _ in range(50):
        a, b = random.randint(1, 254), random.randint(0, 255)
        try:
            for k in range(nodes):
                for port in (PORT, HTTP_PORT):
                    with socket.socket() as s:
                        s.bind((f"127.{a}.{b}.{k}", port))
            return a, b
        except OSError:
            continue
    raise RuntimeError(f"no free loopback addresses for ports {PORT} and {HTTP_PORT}")


class Place:
    def __init__(self, parent=None):
        self.bin, self.citus = choose_postgres()
        self.user = {"user": "postgres", "group": "postgres", "extra_groups": []} \
            if os.geteuid() == 0 else {}
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="citus-init-bench-", dir=parent))
        self.directory.chmod(0o755)
        atexit.register(shutil.rmtree, self.directory, ignore_errors=True)
        self.binary = self.directory / "citus-init"
        shutil.copy(os.environ.get("CITUS_INIT", ROOT / "build/citus-init"), self.binary)
        self.binary.chmod(0o755)
        self.used = 0

    def new_directory(self):
        """An empty directory of the server's user."""
        self.used += 1
        path = self.directory / str(self.used)
        path.mkdir(mode=0o700)
        self.give(path)
        return path

    def give(self, path):
        if self.user:
            shutil.chown(path, "postgres", "postgres")

    def spawn(self, command, **kwargs):
        return subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                start_new_session=True, **self.user, **kwargs)

    def run(self, command, timeout=120, **kwargs):
        """Runs to the end as the server's user; a failure shows what was said."""
        done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=timeout, start_new_session=True, **self.user, **kwargs)
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{done.stdout}")

    def conditions(self):
        said = subprocess.run([self.bin / "postgres", "-V"], check=True, stdout=subprocess.PIPE,
                              text=True).stdout
        return f"{name_of(self.citus, said)}, {os.cpu_count()} cores"
