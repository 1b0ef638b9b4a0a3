"""
Containers of the image under test, through the docker command, and what can
be asked of them from outside: their processes as this machine sees them, HTTP
and SQL over the engine's network. The engine runs on this machine.
"""
import contextlib
import http.client
import itertools
import json
import os
import pathlib
import subprocess
import sys
import urllib.error
import urllib.request

import psycopg

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/cluster"))

from harness import NotYet, wait_until  # noqa: E402,F401  (also for the tests)

PREFIX = f"citus-init-test-{os.getpid()}"
PASSWORDS = {"SUPERPASS": "container-Super-pass-5d2e", "ADMINPASS": "container-Admin-pass-81fa",
             "REPPASS": "container-Rep-pass-c07b"}
numbers = itertools.count()


def docker(*words, check=True, timeout=120):
    """Standard output of a docker command; what it says when it fails is in the exception."""
    done = subprocess.run(["docker", *map(str, words)], text=True, timeout=timeout,
                          capture_output=True)
    if check and done.returncode != 0:
        raise RuntimeError(f"docker {' '.join(map(str, words))}: exit {done.returncode}: "
                           f"{done.stderr.strip()}")
    return done.stdout.strip()


def new_name(what):
    return f"{PREFIX}-{what}-{next(numbers)}"


def left_behind():
    """What this run has made and is still there: kind and name. What is found is removed, for it
    must not be held against the next test."""
    found = []
    for kind, list_command, remove_command in (
            ("container", ["ps", "-a", "--format", "{{.Names}}"], ["rm", "-f", "-v"]),
            ("volume", ["volume", "ls", "--format", "{{.Name}}"], ["volume", "rm", "-f"]),
            ("network", ["network", "ls", "--format", "{{.Name}}"], ["network", "rm"])):
        for name in docker(*list_command, "--filter", f"name={PREFIX}").splitlines():
            docker(*remove_command, name, check=False)
            found.append((kind, name))
    return found


@contextlib.contextmanager
def volume(*options):
    name = docker("volume", "create", *options, new_name("volume"))
    try:
        yield name
    finally:
        docker("volume", "rm", "-f", name)


@contextlib.contextmanager
def network(*options):
    name = new_name("network")
    docker("network", "create", *options, name)
    try:
        yield name
    finally:
        docker("network", "rm", name, check=False)


class Container:
    """A node in a container that runs until remove()."""

    def __init__(self, image, volume, *options, ordinal=0, size=1, network=None, name=None,
                 pattern="{group}-{ordinal}", environment=None):
        self.name = name or new_name(f"citus-{ordinal}")
        self.ordinal = ordinal
        variables = {"POD_GROUP": "citus", "SET_SIZE": size, "POD_NAME": f"citus-{ordinal}",
                     **PASSWORDS, **(environment or {})}
        if pattern:
            variables["CITUS_INIT_CLUSTER_HOST_PATTERN"] = pattern
        words = ["run", "--detach", "--name", self.name, "--hostname", f"citus-{ordinal}",
                 "--stop-timeout", "40", "--volume", f"{volume}:/pgdata"]
        for key, value in variables.items():
            words += ["--env", f"{key}={value}"]
        if network:
            words += ["--network", network, "--network-alias", f"citus-{ordinal}"]
        docker(*words, *options, image)

    def inspect(self, template):
        return docker("inspect", "--format", template, self.name)

    def state(self):
        return json.loads(self.inspect("{{json .State}}"))

    @property
    def pid(self):
        """PID 1, as this machine numbers it."""
        return int(self.inspect("{{.State.Pid}}"))

    @property
    def address(self):
        return self.inspect("{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}")

    @property
    def log(self):
        done = subprocess.run(["docker", "logs", self.name], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, errors="replace")
        return done.stdout

    def execute(self, *words, check=True, user=None, timeout=120):
        options = ["--user", user] if user else []
        return docker("exec", *options, self.name, *words, check=check, timeout=timeout)

    def get(self, page):
        try:
            with urllib.request.urlopen(f"http://{self.address}:8008/{page}", timeout=5) as answer:
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
        try:
            wait_until(self.is_ready, timeout, f"{self.name} is ready")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log[-3000:]}") from None
        return self

    def wait_end(self, timeout=60):
        """The exit code."""
        return int(docker("wait", self.name, timeout=timeout))

    def wait_log(self, text, timeout=60):
        wait_until(lambda: text in self.log, timeout, f"\"{text}\" in the log of {self.name}")

    def query(self, sql, *parameters, user="admin", database="citusdb"):
        password = {"admin": "ADMINPASS", "postgres": "SUPERPASS"}[user]
        with psycopg.connect(host=self.address, user=user, dbname=database, autocommit=True,
                             password=PASSWORDS[password], connect_timeout=10) as connection:
            cursor = connection.execute(sql, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def value(self, sql, *parameters, **kwargs):
        return self.query(sql, *parameters, **kwargs)[0][0]

    def postmaster_pid(self):
        """As the container numbers it."""
        pid = self.execute("head", "-n", "1", "/pgdata/data/postmaster.pid", check=False)
        if not pid:
            raise NotYet(f"{self.name} has no postmaster.pid")
        return int(pid)

    def postmaster_from_outside(self):
        """As this machine numbers it: the child of PID 1 that is called postgres."""
        for line in docker("top", self.name, "-eo", "pid,ppid,comm").splitlines()[1:]:
            pid, parent, command = line.split(None, 2)
            if command == "postgres" and int(parent) == self.pid:
                return int(pid)
        raise NotYet(f"{self.name} has no postmaster")

    def processes(self):
        """Of all processes of the container, as this machine sees them: pid, state, command."""
        found = []
        for line in docker("top", self.name, "-eo", "pid,stat,comm").splitlines()[1:]:
            pid, state, command = line.split(None, 2)
            found.append((int(pid), state, command))
        return found

    def remove(self):
        docker("rm", "-f", "-v", self.name, check=False)
