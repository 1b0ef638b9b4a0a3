"""
One node, by citus-init or by hand: the same settings, files, addresses and proof that it serves.
"""
import os
import pathlib
import signal
import subprocess
import threading
import time

import psycopg

from place import HTTP_PORT, PORT, choose_network, wait_until

PASSWORDS = {"postgres": "super-of-the-bench", "admin": "admin-of-the-bench",
             "replicator": "rep-of-the-bench"}
LIMIT_S = 180


class Node:
    def __init__(self, place, network, ordinal, size):
        self.place = place
        self.size = size
        self.directory = place.new_directory()
        self.data = self.directory / "data"
        self.socket = self.directory / "run/socket"
        a, b = network
        self.host = f"127.{a}.{b}.{ordinal}"
        self.process = None
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "POD_GROUP": "citus",
            "POD_NAME": f"citus-{ordinal}",
            "SET_SIZE": str(size),
            "PGDATA": str(self.data),
            "SUPERPASS": PASSWORDS["postgres"],
            "ADMINPASS": PASSWORDS["admin"],
            "REPPASS": PASSWORDS["replicator"],
            "CITUS_INIT_CLUSTER_HOST_PATTERN": f"127.{a}.{b}.{{ordinal}}",
            "CITUS_INIT_POSTGRES_PORT": str(PORT),
            "CITUS_INIT_POSTGRES_LISTEN_ADDRESSES": self.host,
            "CITUS_INIT_POSTGRES_BIN_DIR": str(place.bin),
            "CITUS_INIT_HTTP_ADDRESS": f"{self.host}:{HTTP_PORT}",
            "CITUS_INIT_RUN_DIRECTORY": str(self.directory / "run"),
            "CITUS_INIT_RESTART_LIMIT": "1000",
        }

    def connect_local(self, database="postgres"):
        return psycopg.connect(host=str(self.socket), port=PORT, user="postgres", dbname=database,
                               autocommit=True, connect_timeout=10)

    def accepts(self, but_not):
        """Whether a postmaster, other than that of pid but_not, is ready and answers. First by the
        word in postmaster.pid, for each connection before that would be a process to fork."""
        try:
            lines = (self.data / "postmaster.pid").read_text().split("\n")
            if len(lines) < 8 or lines[7].strip() != "ready" or int(lines[0]) == but_not:
                return False
            with self.connect_local() as connection:
                connection.execute("select 1")
            return True
        except (OSError, psycopg.OperationalError):
            return False

    def wait_accepting(self, but_not=None):
        wait_until(lambda: self.accepts(but_not), LIMIT_S, f"{self.host} accepts connections")

    def serves(self, members=None):
        """Whether "admin" gets in over TCP and sees the extension and so many active nodes."""
        try:
            with psycopg.connect(host=self.host, port=PORT, user="admin", dbname="citusdb",
                                 password=PASSWORDS["admin"], autocommit=True,
                                 connect_timeout=10) as connection:
                extensions, active = connection.execute(
                    "select (select count(*) from pg_extension where extname = 'citus'),"
                    " (select count(*) from pg_dist_node where isactive)").fetchone()
        except psycopg.OperationalError:
            return False
        return extensions == 1 and members in (None, active)

    def wait_serving(self, members=None):
        wait_until(lambda: self.serves(members), LIMIT_S, f"{self.host} serves admin")

    def checkpoint(self):
        """Makes the next recovery or shutdown checkpoint a small one."""
        with self.connect_local() as connection:
            connection.execute("checkpoint")

    @property
    def postmaster_pid(self):
        return int((self.data / "postmaster.pid").read_text().splitlines()[0])

    def end(self):
        """Whatever state it is in: no process of it stays, and nothing in its files. The files
        themselves stay until the bench ends: ext4 does not use an inode again for one to six
        minutes after its file was deleted (recently_deleted() in fs/ext4/ialloc.c), and steps
        over each of them for every file that the next initdb makes."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            try:
                self.process.wait(40)
            finally:
                if self.process.poll() is None:
                    self.process.kill()
                    self.process.wait(10)
        for directory, _, names in os.walk(self.directory):
            for name in names:
                path = pathlib.Path(directory, name)
                if path.is_file() and not path.is_symlink():
                    os.truncate(path, 0)


class InitNode(Node):
    """citus-init run. What it says is followed line by line, so that nothing has to poll it."""

    def __init__(self, *args):
        super().__init__(*args)
        self.said = []
        self.news = threading.Condition()

    def _follow(self, pipe):
        for line in pipe:
            with self.news:
                self.said.append(line)
                self.news.notify_all()
        pipe.close()

    def start(self):
        self.said.clear()
        self.process = self.place.spawn([self.place.binary, "run"], env=self.environment,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True)
        threading.Thread(target=self._follow, args=[self.process.stdout], daemon=True).start()

    def wait_said(self, words):
        with self.news:
            if not self.news.wait_for(lambda: any(words in line for line in self.said), LIMIT_S):
                raise TimeoutError(f"{self.host} did not say \"{words}\" within {LIMIT_S} s:\n"
                                   + "".join(self.said[-30:]))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(60) != 0:
            raise RuntimeError(f"{self.host}: run ended with {self.process.returncode}:\n"
                               + "".join(self.said[-30:]))

    def pid_of(self, role):
        """The pid of run itself or of its agent."""
        run = self.process.pid
        if role == "run":
            return run
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if (entry.name.isdigit()
                        and (entry / "stat").read_text().rpartition(")")[2].split()[1] == str(run)
                        and (entry / "cmdline").read_bytes().split(b"\0")[1:2] == [b"agent"]):
                    return int(entry.name)
            except OSError:
                continue
        raise RuntimeError(f"{self.host} has no agent")


class Nodes:
    """All nodes of one cluster, of one kind; ended at the end of a with block."""

    def __init__(self, kind, place, size):
        network = choose_network(size)
        self.nodes = [kind(place, network, k, size) for k in range(size)]

    def __enter__(self):
        return self.nodes

    def __exit__(self, *failure):
        for node in self.nodes:
            node.end()


def milliseconds_of(action):
    began = time.perf_counter()
    action()
    return (time.perf_counter() - began) * 1000
