"""The users that a node runs as, and a root file system that is read-only."""
import os
import pathlib
import pwd

import pytest

import harness
from lone import LoneNode

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

NOBODY = 12345  # without an entry in /etc/passwd


def nss_wrapper():
    return [path for pattern in ("lib/*/libnss_wrapper.so*", "lib64/libnss_wrapper.so*",
                                 "lib/libnss_wrapper.so*", "local/lib/libnss_wrapper.so*")
            for path in pathlib.Path("/usr").glob(pattern)]


def without_nss_wrapper(scratch):
    """A prefix for a node that does not find the library: in a mount namespace, the directory
    that holds it becomes one of links to all but it."""
    directory, = {path.parent for path in nss_wrapper()}
    return ["unshare", "--mount", "sh", "-ec", """
        directory=$1 scratch=$2; shift 2
        mount -t tmpfs scratch "$scratch"
        mkdir "$scratch/all" "$scratch/links"
        mount --rbind "$directory" "$scratch/all"
        (cd "$scratch/all" && find . -mindepth 1 -maxdepth 1 ! -name 'libnss_wrapper.so*' \
            -exec ln -s "$scratch/all/{}" "$scratch/links/{}" ';')
        mount --bind "$scratch/links" "$directory"
        exec "$@" """, "sh", str(directory), str(scratch)]


def uids_of(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return {int(uid) for line in status.splitlines() if line.startswith(("Uid:", "Gid:", "Groups:"))
            for uid in line.split()[1:]}


@pytest.fixture
def lone_of(workspace):
    nodes = []

    def make(uid):
        nodes.append(LoneNode(workspace / "lone", user=uid))
        return nodes[0]
    yield make
    for node in nodes:
        node.stop()


def test_root_becomes_postgres(lone_of):
    node = lone_of(0)
    node.start()
    node.wait_ready()
    postgres = pwd.getpwnam("postgres")
    for pid in node.family():
        assert uids_of(pid) == {postgres.pw_uid, postgres.pw_gid}, pid
    for path in (node.volume, node.data, node.volume / "conf", node.run_directory):
        assert path.stat().st_uid == postgres.pw_uid, path
    assert node.stop() == 0
    # And again, on what it made.
    node.start()
    node.wait_ready()


def test_any_user_works(lone_of):
    """As in a namespace that gives each pod a uid of its own: initdb asks for a name all the
    same."""
    with pytest.raises(KeyError):
        pwd.getpwuid(NOBODY)
    if not nss_wrapper():
        pytest.skip("libnss-wrapper is not installed")
    node = lone_of(NOBODY)
    node.start()
    node.wait_ready()
    assert {uid for pid in node.family() for uid in uids_of(pid)} == {NOBODY}
    assert node.data.stat().st_uid == NOBODY
    assert node.value("select rolname from pg_roles where oid = 10") == "postgres"
    for user in ("admin", "postgres"):
        assert node.value("select current_user", user=user) == user


def test_any_user_without_the_wrapper_is_told_which_package_is_missing(lone_of, workspace):
    if not nss_wrapper():
        pytest.skip("libnss-wrapper is not installed")
    node = lone_of(NOBODY)
    scratch = workspace / "scratch"
    scratch.mkdir()
    assert node.run_to_end(without_nss_wrapper(scratch)) == 78, node.log
    error, = node.errors()
    assert f"uid {NOBODY}" in error and "libnss-wrapper" in error
    assert not node.data.exists()


def test_a_user_with_a_name_needs_no_wrapper(lone_of, workspace):
    if not nss_wrapper():
        pytest.skip("libnss-wrapper is not installed")
    node = lone_of(harness.run_as())
    scratch = workspace / "scratch"
    scratch.mkdir()
    node.start(without_nss_wrapper(scratch))
    node.wait_ready()


@pytest.mark.parametrize("uid", [0, None], ids=["root", "postgres"])
def test_the_root_file_system_may_be_read_only(lone_of, uid):
    """Only the volume, the run directory and /dev/shm are writable, as with
    readOnlyRootFilesystem."""
    node = lone_of(uid)
    node.run_directory.mkdir()
    node.give(node.run_directory)
    node.start(["unshare", "--mount", "sh", "-ec", """
        volume=$1 run=$2; shift 2
        mount --bind "$volume/.." "$volume/.."
        for directory in "$volume" "$run"; do
            mount -t tmpfs -o mode=755 scratch "$directory"
            chown --reference="$directory/.." "$directory"
        done
        mount -o remount,bind,ro /
        mount -o remount,bind,ro "$volume/.."
        ! touch "$volume/../file" 2>/dev/null
        ! touch /tmp/citus-init-test 2>/dev/null
        exec "$@" """, "sh", str(node.volume), str(node.run_directory)])
    node.wait_ready()
    assert not node.data.exists()  # it is in the other namespace
    assert node.value("select count(*) from pg_dist_node") == 1
    mounts = pathlib.Path(f"/proc/{node.run_pid}/mountinfo").read_text().splitlines()
    root = next(line.split() for line in mounts if line.split()[4] == "/")
    assert "ro" in root[5].split(",")
    assert node.stop() == 0
