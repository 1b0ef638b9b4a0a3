"""What others put in the way of PID 1 and prepare: links, pipes, floods. Root gives nothing away."""
import contextlib
import os
import pwd
import socket
import struct
import threading

import pytest

from pid1 import wait_until
from test_abandon import agents_socket

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
BEAT = 0  # enum control_type


@pytest.fixture
def precious(node):
    """A directory of root's that others would like to have."""
    path = node.directory / "precious"
    path.mkdir(mode=0o755)
    return path


def give(path):
    """What belongs to the server's user is what a broken-in server can change."""
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
    return path


@pytest.fixture
def theirs(node):
    path = node.directory / "theirs"
    path.mkdir(mode=0o755)
    return give(path)


def assert_untouched(path):
    assert path.stat().st_uid == 0
    assert not list(path.iterdir())


def make_socket(path):
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as s:
        s.bind(str(path))


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, make_socket,
                                  lambda path: path.symlink_to("/etc/passwd")])
def test_lock_that_is_no_file_is_refused_at_once(node, make):
    make(node.volume / ".citus-init.lock")
    node.launch()
    assert node.wait(timeout=5) == 65
    assert '.citus-init.lock": it is not a regular file' in node.log()


@AS_ROOT
@pytest.mark.parametrize("below", ["volume/data", "volume/below/data"])
def test_volume_behind_a_link_of_others_is_not_given_away(node, theirs, precious, below):
    (theirs / "volume").symlink_to(precious)
    node.environment["PGDATA"] = str(theirs / below)
    node.launch()
    assert node.wait() == 78
    assert 'symbolic link "volume"' in node.log()
    assert_untouched(precious)


@AS_ROOT
@pytest.mark.parametrize("run", ["run", "run/below"])
def test_run_directory_behind_a_link_of_others_is_not_given_away(node, theirs, precious, run):
    (theirs / "run").symlink_to(precious)
    node.environment["CITUS_INIT_RUN_DIRECTORY"] = str(theirs / run)
    node.launch()
    assert node.wait() == 78
    assert 'symbolic link "run"' in node.log()
    assert_untouched(precious)


def test_links_that_the_operator_made_are_followed(node):
    """A mount point may be one, also below a directory like /tmp."""
    for name, target in (("volume", node.volume), ("running", "run")):
        (node.directory / name).symlink_to(target)
    node.environment["PGDATA"] = str(node.directory / "volume/data")
    node.environment["CITUS_INIT_RUN_DIRECTORY"] = str(node.directory / "running")
    node.start()
    assert (node.data / "global/pg_control").exists()
    assert node.stop() == 0


@AS_ROOT
def test_volume_that_lets_only_root_in_is_given_to_the_server(node):
    node.volume.chmod(0o700)
    node.start()
    assert node.volume.stat().st_uid != 0
    assert node.stop() == 0


def wrong_programs(node):
    node.environment["CITUS_INIT_POSTGRES_BIN_DIR"] = "/nowhere"


def foreign_data(node):
    node.data.mkdir()
    (node.data / "letter").write_text("mine")
    give(node.data)


def password_of_root_alone(node):
    secret = node.directory / "secret"
    secret.touch(mode=0o600)
    secret.write_text("Sesame-super-1")
    del node.environment["SUPERPASS"]
    node.environment["SUPERPASS_FILE"] = str(secret)


@AS_ROOT
@pytest.mark.parametrize("break_it, code", [(wrong_programs, 78), (foreign_data, 65),
                                            (password_of_root_alone, 78)])
def test_nothing_is_given_away_before_all_is_right(node, break_it, code):
    break_it(node)
    node.launch()
    assert node.wait() == code
    assert node.volume.stat().st_uid == 0
    assert (node.directory / "run").stat().st_uid == 0


def test_socket_directory_of_others_is_not_used(node, precious):
    give(precious)
    (node.directory / "run/socket").symlink_to(precious)
    node.launch()
    assert node.wait() == 78
    assert '/run/socket" is in the way' in node.log()
    assert precious.stat().st_mode & 0o777 == 0o755
    assert not list(precious.iterdir())


def test_pipe_in_place_of_a_file_holds_nobody(node):
    node.start()
    assert node.stop() == 0
    phase = node.volume / "conf/phase"
    phase.unlink()
    for pipe in (phase, node.data / "postmaster.pid"):
        os.mkfifo(pipe)
        give(pipe)
    node.start()
    assert node.stop() == 0


@pytest.mark.parametrize("word", [b"wrong", struct.pack("=II40s", 0x31746963, BEAT, b"")], ids=["wrong", "beats"])
def test_agent_that_floods_is_replaced_and_postgres_does_not_notice(node, word):
    node.start()
    postmaster = node.postmaster()
    first = node.agent()
    ended = threading.Event()

    def flood(control):
        with contextlib.suppress(OSError):
            while not ended.is_set():
                control.send(word)

    with agents_socket(node) as control:
        control.settimeout(1)
        sender = threading.Thread(target=flood, args=[control])
        sender.start()
        try:
            node.wait_for_log(f"agent (pid {node_pid(first)}) sent more than 1000 messages")
            wait_until(lambda: node.agent() != first, what="another agent")
        finally:
            ended.set()
            sender.join()
    assert node.postmaster() == postmaster
    assert node.stop() == 0


def node_pid(pid):
    """As the node's own namespace counts."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(line.split()[-1] for line in status if line.startswith("NSpid:"))
