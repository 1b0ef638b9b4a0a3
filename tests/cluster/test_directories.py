"""What a node makes of the directories that it finds: what is not its own is refused and stays as
it is, what is its own is repaired and used."""
import os
import shutil
import subprocess

import pytest

from lone import snapshot

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def refused(lone, prefix=()):
    """The one error of a node that refuses its directory and touches nothing."""
    lock = lone.volume / ".citus-init.lock"
    lock.touch(0o644)
    lone.give(lock)
    before = snapshot(lone.directory, ["log"])
    assert lone.run_to_end(prefix) == 65, lone.log
    assert snapshot(lone.directory, ["log"]) == before
    error, = lone.errors()
    assert str(lone.data) in error
    return error


def accepted(lone):
    """The node starts, and the table is there."""
    lone.start()
    lone.wait_ready()
    assert lone.value("select count(*) from kept") == 100


def remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def write(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def version_of(data, difference):
    return str(int((data / "PG_VERSION").read_text()) + difference)


def test_the_copy_is_good(old):
    """Else the other tests would prove nothing."""
    accepted(old)


def test_a_directory_that_is_not_postgresqls_is_refused(lone):
    lone.data.mkdir(0o700)
    for name in ("notes.txt", "photo.jpg", "a", "b"):
        (lone.data / name).write_text("precious")
    lone.give(lone.data)
    error = refused(lone)
    assert "not a data directory of PostgreSQL" in error and "PGDATA" in error
    assert len([name for name in ("notes.txt", "photo.jpg", "a", "b") if name in error]) >= 3


def test_a_file_in_the_place_of_the_directory_is_refused(lone):
    lone.data.write_text("precious")
    lone.give(lone.data)
    assert "not a directory" in refused(lone)


@pytest.mark.parametrize("difference, words", [
    (1, "which cannot read it"), (20, "which cannot read it"), (-1, "pg_upgrade"),
    (-6, "pg_upgrade")])
def test_another_major_version_is_refused(old, difference, words):
    other = version_of(old.data, difference)
    for path in [old.data / "PG_VERSION", *old.data.glob("base/*/PG_VERSION")]:
        write(path, other + "\n")
    error = refused(old)
    assert f"is of PostgreSQL {other}" in error and words in error


@pytest.mark.parametrize("break_it, named", [
    (lambda data: remove(data / "global/pg_control"), "global/pg_control"),
    (lambda data: write(data / "global/pg_control", b""), "global/pg_control"),
    (lambda data: write(data / "global/pg_control", bytes(8192)), "global/pg_control"),
    (lambda data: os.truncate(data / "global/pg_control", 4096), "global/pg_control"),
    (lambda data: remove(data / "base"), "base"),
    (lambda data: remove(data / "base/1/PG_VERSION"), "base/1/PG_VERSION"),
    (lambda data: remove(data / "global"), "global"),
    (lambda data: remove(data / "PG_VERSION"), "PG_VERSION"),
    (lambda data: remove(data / "pg_wal"), "pg_wal"),
    (lambda data: remove(data / "pg_xact"), "pg_xact"),
    (lambda data: write(data / "PG_VERSION", ""), "PG_VERSION"),
    (lambda data: write(data / "PG_VERSION", "fifteen\n"), "PG_VERSION"),
], ids=["no control file", "empty control file", "control file of zeros", "half a control file",
        "no base", "half of base", "no global", "no version", "no pg_wal", "no pg_xact",
        "empty version", "nonsense version"])
def test_half_a_copy_is_refused(old, break_it, named):
    break_it(old.data)
    assert named in refused(old)


@needs_root
def test_a_directory_of_another_owner_is_refused(old):
    theirs = 4711
    for entry in [old.data, *old.data.rglob("*")]:
        os.chown(entry, theirs, theirs, follow_symlinks=False)
    old.data.chmod(0o755)
    error = refused(old)
    assert f"belongs to uid {theirs}" in error and f"uid {old.user}" in error


@needs_root
def test_root_does_not_give_away_a_data_directory_either(old):
    for entry in [old.data, *old.data.rglob("*")]:
        os.chown(entry, 0, 0, follow_symlinks=False)
    before = snapshot(old.data)
    ours, old.user = old.user, 0
    assert old.run_to_end() == 65
    assert snapshot(old.data) == before
    assert f"belongs to uid 0 (root), but PostgreSQL runs as uid {ours}" in old.errors()[0]


def test_a_directory_that_cannot_be_looked_into_is_refused(old):
    old.data.chmod(0)
    try:
        before = old.data.stat()
        assert old.run_to_end() == 65
        assert old.data.stat() == before
    finally:
        old.data.chmod(0o700)
    assert "Permission denied" in old.errors()[0]


def test_a_link_to_an_empty_directory_is_refused(lone):
    elsewhere = lone.directory / "elsewhere"
    elsewhere.mkdir(0o700)
    lone.data.symlink_to(elsewhere)
    lone.give(elsewhere)
    assert "link to an empty directory" in refused(lone)


def test_a_link_to_the_data_directory_is_followed(old):
    elsewhere = old.directory / "elsewhere"
    old.data.rename(elsewhere)
    old.data.symlink_to(elsewhere)
    accepted(old)


@needs_root
@pytest.mark.parametrize("content", ["", "lost+found"])
def test_an_empty_volume_at_the_data_directory_itself_is_refused(lone, content):
    lone.data.mkdir(0o700)
    lone.give(lone.data)
    mounted = ["unshare", "--mount", "sh", "-ec", """
        data=$1 content=$2; shift 2
        mount -t tmpfs -o mode=700 volume "$data"
        [ -z "$content" ] || mkdir "$data/$content"
        chown -R --reference="$data/.." "$data"
        status=0
        "$@" || status=$?
        [ "$(ls -A "$data")" = "$content" ] || exit 99
        exit $status""", "sh", str(lone.data), content]
    error = refused(lone, mounted)
    assert f'mount it at "{lone.volume}"' in error


@needs_root
def test_a_volume_of_its_own_with_lost_and_found_is_used(lone):
    """As a fresh ext4 has it, at the place where it belongs."""
    mounted = ["unshare", "--mount", "sh", "-ec", """
        volume=$1; shift
        mount -t tmpfs -o mode=755 volume "$volume"
        mkdir "$volume/lost+found"
        chown --reference="$volume/.." "$volume"
        exec "$@" """, "sh", str(lone.volume)]
    lone.start(mounted)
    lone.wait_ready()


def test_an_empty_directory_is_filled(lone):
    lone.data.mkdir(0o755)
    lone.give(lone.data)
    lone.start()
    lone.wait_ready()
    assert lone.data.stat().st_mode & 0o777 == 0o700


def test_what_an_fsgroup_pass_does_is_repaired(old):
    """The kubelet gives all to the group: g+rw, directories 2770 (SetVolumeOwnership)."""
    for entry in [old.volume, *old.volume.rglob("*")]:
        if not entry.is_symlink():
            mode = entry.stat().st_mode & 0o7777
            entry.chmod(mode | 0o2770 if entry.is_dir() else mode | 0o660)
    assert old.data.stat().st_mode & 0o7777 == 0o2770
    accepted(old)
    assert old.data.stat().st_mode & 0o777 == 0o700
    assert "its mode was 2770" in old.log


def test_a_stale_pid_file_is_removed(old):
    """Its pid is somebody's by now, and of the same user: postgres itself would refuse."""
    alive = subprocess.Popen(["setpriv", f"--reuid={old.user}", "--clear-groups", "sleep", "600"]
                             if os.geteuid() == 0 else ["sleep", "600"])
    try:
        pidfile = old.data / "postmaster.pid"
        pidfile.write_text(f"{alive.pid}\n{old.data}\n1700000000\n5432\n\n*\n  5432001  0\nready\n")
        old.give(pidfile)
        accepted(old)
        assert old.postmaster_pid != alive.pid
        assert f'removed the stale "{pidfile}"' in old.log
        assert alive.poll() is None
    finally:
        alive.kill()
        alive.wait()


@pytest.mark.parametrize("kind", ["new", "old"])
def test_a_left_over_of_initdb_is_removed(old, kind):
    """Whether it was killed before the directory was there, or left by hand beside one."""
    node = old
    if kind == "new":
        for entry in node.volume.iterdir():
            remove(entry)
    left = node.volume / "data.new"
    (left / "base/1").mkdir(parents=True)
    (left / "base/1/PG_VERSION").write_text("15\n")
    (left / "base/elsewhere").symlink_to(node.directory)
    os.mkfifo(left / "pipe")
    node.give(left)
    node.start()
    node.wait_ready()
    assert not left.exists()
    assert (node.directory / "log").exists()
    assert f'removing "{left}"' in node.log
    assert sorted(entry.name for entry in node.volume.iterdir() if entry.name[:5] != "conf.") == [
        ".citus-init.lock", "conf", "data"]


def test_a_volume_that_cannot_be_written_to_is_told(old):
    old.volume.chmod(0o555)
    try:
        assert old.run_to_end() == 71
    finally:
        old.volume.chmod(0o755)
    assert str(old.volume) in old.errors()[0] and "fsGroup" in old.errors()[0]
