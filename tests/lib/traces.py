"""
Fails a test that leaves a process or a directory behind, for the suites that run nodes: a plugin
that their conftest.py names. Orphans are seen too, for each process of pytest is the subreaper of
all that it starts; directories, because all are made in one of its own.
"""
import atexit
import contextlib
import ctypes
import os
import pathlib
import shutil
import signal
import tempfile
import time

import pytest

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
PATIENCE = 20  # seconds, for what ends by itself: backends whose postmaster was killed

ROOM = 4 * 1024 ** 3
LIBC = ctypes.CDLL(None, use_errno=True)


def end_with_us(sig):
    """For preexec_fn: the process is sent the signal when the tests are killed."""
    return lambda: LIBC.prctl(PR_SET_PDEATHSIG, sig, 0, 0, 0)


def place_for_nodes():
    """In memory where there is room: most of the time of a first start is spent on files."""
    memory = "/dev/shm"
    with contextlib.suppress(OSError):
        flags = os.statvfs(memory).f_flag
        if shutil.disk_usage(memory).free > ROOM and not flags & (os.ST_NOEXEC | os.ST_RDONLY):
            return memory
    return None


# For what lives as long as all tests, where the nodes' user can reach it; in it, a directory for
# the rest, which each test leaves empty.
SESSION = pathlib.Path(tempfile.mkdtemp(prefix="citus-init-", dir=place_for_nodes()))
atexit.register(shutil.rmtree, SESSION)


def within_reach(program):
    """A copy of the program that the nodes' user can run: it may not enter a clone of root's."""
    return pathlib.Path(shutil.copy(program, SESSION))


def pytest_configure():
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    os.environ["PYTEST_DEBUG_TEMPROOT"] = tempfile.gettempdir()  # pytest's own things stay there
    directory = SESSION / "tmp"
    directory.mkdir()
    if os.geteuid() == 0:
        SESSION.chmod(0o755)
    os.environ["TMPDIR"] = tempfile.tempdir = str(directory)


def command_of(pid):
    """Empty for a zombie and for one that has gone."""
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
    return ""


def running():
    """Our children, orphans of our children included, with their commands."""
    children = [pid for thread in pathlib.Path("/proc/self/task").iterdir()
                for pid in (thread / "children").read_text().split()]
    return {int(pid): command for pid in children if (command := command_of(pid))}


@contextlib.contextmanager
def no_traces():
    processes = running()
    directory = pathlib.Path(tempfile.gettempdir())
    entries = {entry.name for entry in directory.iterdir()}
    yield
    deadline = time.monotonic() + PATIENCE
    while strays := {pid: command for pid, command in running().items() if pid not in processes}:
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    for pid in strays:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    left = [entry for entry in directory.iterdir() if entry.name not in entries]
    for entry in left:
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    assert not strays, f"processes are left behind: {strays}"
    assert not left, f"left behind in {directory}: {[entry.name for entry in left]}"


# Both are set up before, and so torn down after, all other fixtures of their scope.
@pytest.fixture(autouse=True, scope="module")
def module_leaves_no_traces():
    with no_traces():
        yield


@pytest.fixture(autouse=True)
def test_leaves_no_traces(module_leaves_no_traces):
    with no_traces():
        yield
