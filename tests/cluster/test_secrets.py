"""Passwords: where they must not be seen, and how they are changed."""
import os
import pathlib

import psycopg
import pytest

from harness import wait_until
from lone import PASSWORDS

NEW = {"SUPERPASS": "new-Super-pass-4d4d", "ADMINPASS": "new-Admin-pass-5e5e",
       "REPPASS": "new-Rep-pass-6f6f"}
USERS = {"postgres": "SUPERPASS", "admin": "ADMINPASS", "replicator": "REPPASS"}


def assert_not_in(text, where, passwords=PASSWORDS):
    for name, password in passwords.items():
        assert password not in text, f"{name} stands in {where}"


def assert_nothing_of(node, passwords):
    """In nothing that others may look at, of any process of the node."""
    for pid in node.family():
        for name in ("environ", "cmdline"):
            try:
                content = pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                continue  # a backend that has gone
            except PermissionError:
                assert os.geteuid() != 0
                continue  # nobody but root may look: as good
            assert_not_in(content.decode(errors="replace"), f"/proc/{pid}/{name}", passwords)
    for page in ("livez", "startupz", "readyz", "status", "metrics", "none"):
        assert_not_in(node.get(page)[1], page, passwords)
    assert_not_in(node.log, "the log", passwords)
    for path in (node.volume / "conf").iterdir():
        assert_not_in(path.read_text(), path, passwords)


def is_ready(node):
    try:
        return node.is_ready()
    except OSError:
        return False


def enters(node, user, password):
    try:
        options = {"replication": "true", "options": ""} if user == "replicator" else {}
        with node.connect(user=user, password=password, **options) as connection:
            return connection.execute("IDENTIFY_SYSTEM" if options else "select 1") is not None
    except psycopg.OperationalError as error:
        assert "password authentication failed" in str(error), error
        return False


def test_passwords_are_nowhere_to_be_seen(lone):
    secret = lone.directory / "secret"
    secret.write_text(PASSWORDS["ADMINPASS"])
    lone.give(secret)
    secret.chmod(0o400)
    del lone.environment["ADMINPASS"]
    lone.environment.update(ADMINPASS_FILE=str(secret), CITUS_INIT_LOG_LEVEL="debug")
    lone.start()
    seen = set()
    while not is_ready(lone):
        # While it starts too: prepare, initdb and its children.
        for pid in lone.family():
            try:
                text = pathlib.Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
                if pid != lone.run_pid:
                    text += pathlib.Path(f"/proc/{pid}/environ").read_text(errors="replace")
            except OSError:
                continue
            assert_not_in(text, f"process {pid}")
            seen.add(pid)
    assert len(seen) > 3
    for user, name in USERS.items():
        assert enters(lone, user, PASSWORDS[name])
    assert_nothing_of(lone, PASSWORDS)
    # A restarted agent still has them.
    agent = lone.agent_pid
    lone.kill(agent)
    wait_until(lambda: lone.agent_pid != agent and lone.is_ready(), what="another agent")
    assert_nothing_of(lone, PASSWORDS)
    mode = (lone.run_directory / "passfile").stat().st_mode & 0o777
    assert mode == 0o600


@pytest.mark.parametrize("settings", [{}, {
    "log_statement": "all", "log_min_duration_statement": "0", "log_connections": "on",
    "log_min_messages": "debug1", "log_parameter_max_length": "-1"}], ids=["plain", "all logged"])
def test_other_passwords_at_the_next_start(old, settings):
    """All three are changed; the server, though it may log each statement, is never told one."""
    lone = old
    lone.start()
    lone.wait_ready()
    for name, value in settings.items():
        lone.query(f"alter system set {name} = '{value}'", user="postgres")
    assert lone.stop() == 0
    lone.environment.update(NEW)
    lone.start()
    lone.wait_ready()
    for user, name in USERS.items():
        assert enters(lone, user, NEW[name]), user
        assert not enters(lone, user, PASSWORDS[name]), user
    assert_nothing_of(lone, PASSWORDS)
    assert_nothing_of(lone, NEW)
    assert ("statement: " in lone.log) == bool(settings)


def test_a_cluster_gets_other_passwords(formed):
    c = formed()
    old = {name: c.state[name.lower()] for name in NEW}
    new = {name: password[::-1] for name, password in old.items()}
    with c.coordinator.connect() as admin:
        admin.execute("create table t (i int)")
        admin.execute("select create_distributed_table('t', 'i')")
        admin.execute("insert into t select generate_series(1, 1000)")
    assert c.stop() == 0

    path = c.directory / "cluster.ini"
    text = path.read_text()
    for name, password in new.items():
        assert old[name] in text
        text = text.replace(old[name], password)
    path.write_text(text)
    c.start().wait_formed()

    for node in c.nodes:
        for user, name in USERS.items():
            wait_until(lambda n=node, u=user, p=new[name]: enters(n, u, p),
                       what=f"{user} enters {node.name}")
            assert not enters(node, user, old[name]), (node.name, user)
    assert c.coordinator.value("select count(*) from t") == 1000
    for node in c.nodes:
        for user in ("postgres", "admin"):
            assert node.query("select success from run_command_on_workers('select 1')",
                              user=user) == [(True,)] * 2
    wait_until(lambda: [m["state"] for m in c.status()["members"]]
               == ["ours"] * 3, what="all are members")
    for node in c.nodes:
        assert_not_in(node.log, node.name, old)
        assert_not_in(node.log, node.name, new)
