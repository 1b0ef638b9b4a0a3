"""
The same steps without citus-init, as somebody would write them who knows what is fast: initdb
without its own sync, one sync, one start, a look every millisecond whether it is up, one connection
for roles and database, one for the extension, registration of all nodes in two statements, and
pg_hba.conf opened by a reload.
"""
import os
import select
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor

from node import PASSWORDS, Node
from place import PORT, wait_until


# What citus-init gives on the command line beside the addresses (src/node/server_settings.c).
RELIED_ON = ["unix_socket_permissions=0700", "wal_level=logical", "hot_standby=on",
             "shared_preload_libraries=citus", "max_prepared_transactions=200",
             "max_worker_processes=32", "max_logical_replication_workers=16",
             "max_replication_slots=32", "max_wal_senders=32"]


class HandNode(Node):
    """A server with the very files that citus-init renders; those are not part of what is timed."""

    def __init__(self, *args):
        super().__init__(*args)
        for path in (self.directory / "run", self.socket):
            path.mkdir(mode=0o700)
            self.place.give(path)
        self._render("conf", "cluster" if self.size > 1 else "open")
        self._render("conf.open", "open")
        passfile = self.directory / "run/passfile"
        passfile.write_text("".join(
            f"*:{PORT}:*:{role}:{password}\n" for role, password in PASSWORDS.items()))
        passfile.chmod(0o600)
        self.place.give(passfile)
        self.log = open(self.directory / "log", "ab")

    def _render(self, directory, phase):
        self.place.run([self.place.binary, "render", "--phase", phase, "--directory",
                        self.directory / directory], env=self.environment)

    def _environment(self, **more):
        return {"PATH": os.environ["PATH"], "HOME": str(self.directory), **more}

    def make(self):
        """As citus-init runs initdb (prepare/initdb.c), and the one sync that it does."""
        self.place.run([self.place.bin / "initdb", "--no-sync", "--data-checksums",
                        "--encoding=UTF8", "--locale=C.UTF-8", "--username=postgres",
                        "--auth-local=trust", "--auth-host=reject", "--no-instructions",
                        "--pgdata", self.data],
                       env=self._environment(LC_ALL="C", TZ="UTC"))
        self.place.run(["sync", "--file-system", self.data])

    def start(self):
        conf = self.directory / "conf"
        options = [f"config_file={conf}/postgresql.conf", f"hba_file={conf}/pg_hba.conf",
                   f"ident_file={conf}/pg_ident.conf", f"port={PORT}",
                   f"listen_addresses={self.host}", f"unix_socket_directories={self.socket}",
                   *RELIED_ON]
        words = [word for option in options for word in ("-c", option)]
        self.process = self.place.spawn(
            [self.place.bin / "postgres", "-D", self.data, *words], stdout=self.log,
            stderr=self.log,
            env=self._environment(PGPASSFILE=str(self.directory / "run/passfile")))

    def set_up(self):
        with self.connect_local() as connection:
            connection.execute(f"alter role postgres password '{PASSWORDS['postgres']}'")
            connection.execute("create role admin login createdb password "
                               f"'{PASSWORDS['admin']}'")
            connection.execute("create role replicator login replication password "
                               f"'{PASSWORDS['replicator']}'")
            connection.execute("create database citusdb owner admin")
        with self.connect_local("citusdb") as connection:
            connection.execute("create extension citus")

    def bring_up(self):
        self.make()
        self.start()
        self.wait_accepting()
        self.set_up()

    def open(self):
        os.replace(self.directory / "conf.open/pg_hba.conf", self.directory / "conf/pg_hba.conf")
        self.process.send_signal(signal.SIGHUP)

    def children(self):
        pid = self.process.pid
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]

    def kill_and_wait(self):
        """SIGKILL to the postmaster; ends when the last of its processes is gone."""
        fds = []
        for pid in self.children():
            try:
                fds.append(os.pidfd_open(pid))
            except ProcessLookupError:
                continue
        self.process.kill()
        self.process.wait(30)
        for fd in fds:
            if not select.select([fd], [], [], 30)[0]:
                raise TimeoutError("a backend outlives its postmaster")
            os.close(fd)

    def pg_ctl_stop(self):
        self.place.run([self.place.bin / "pg_ctl", "stop", "-m", "fast", "-D", self.data,
                        "--silent"])
        self.process.wait(30)

    def signal_stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)

    def end(self):
        self.log.close()
        super().end()


def form(nodes):
    """From empty directories to a cluster: all nodes at once, then the registration."""
    with ThreadPoolExecutor(len(nodes)) as pool:
        list(pool.map(HandNode.bring_up, nodes))
    hosts = [node.host for node in nodes[1:]]
    with nodes[0].connect_local("citusdb") as connection:
        connection.execute("select citus_set_coordinator_host(%s, %s)", [nodes[0].host, PORT])
        connection.execute("select count(citus_add_inactive_node(host, %s))"
                           " from unnest(%s::text[]) host", [PORT, hosts])
        connection.execute("select count(citus_activate_node(host, %s))"
                           " from unnest(%s::text[]) host", [PORT, hosts])
    for node in nodes:
        node.open()
    for node in nodes:
        node.wait_serving(len(nodes))
