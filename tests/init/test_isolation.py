"""What PID 1 keeps from its children, from other lives, and from itself."""
import os
import pathlib
import signal
import subprocess

import pytest

import pid1
from pid1 import status_field, wait_until

# 32 and 33 are glibc's own: who starts the tests may have them ignored, and no program can tell.
LIBC_SIGNALS = 0b11 << 31
HARMLESS = [signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF,
            signal.SIGPIPE, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGCONT,
            signal.SIGWINCH, signal.SIGURG, signal.SIGIO, signal.SIGPWR, signal.SIGSYS,
            signal.SIGXCPU, signal.SIGXFSZ, signal.SIGTRAP, signal.SIGABRT, signal.SIGSEGV,
            signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSTKFLT, signal.SIGCHLD,
            signal.SIGRTMIN, signal.SIGRTMAX]


def test_signals_that_mean_nothing_are_ignored(node):
    node.start()
    postmaster = node.postmaster()
    for sig in HARMLESS:
        node.send(sig)
    node.send(signal.SIGHUP)
    wait_until(lambda: "HUP" in node.lines("signals"), what="the reload")
    assert "ignored SIGUSR1" in node.log() and "ignored signal 34" in node.log()
    assert node.postmaster() == postmaster
    assert node.stop() == 0
    assert node.lines("signals") == ["HUP", "INT"]


def test_children_inherit_nothing_but_what_they_need(node):
    node.start()
    inherited = (node.volume / "inherited").read_text()
    for field in ("SigBlk", "SigIgn", "SigCgt"):
        assert int(status_field(inherited, field), 16) & ~LIBC_SIGNALS == 0, field
    fds = dict(line.split()[1:3] for line in inherited.splitlines() if line.startswith("fd "))
    assert sorted(fds, key=int) == ["0", "1", "2", "6"]
    assert fds["6"].endswith("/.citus-init.lock")

    agent = node.agent()
    links = {fd: os.readlink(f"/proc/{agent}/fd/{fd}") for fd in (3, 5, 6)}
    assert "citus-init-secrets" in links[3]
    assert links[5].startswith("socket:")
    assert links[6].endswith("/.citus-init.lock")  # it writes beside the data directory, too
    assert node.stop() == 0


def test_children_lead_sessions_of_their_own(node):
    node.start()
    for pid in (node.postmaster(), node.agent()):
        assert os.getsid(pid) == pid
    assert node.stop() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_root_is_given_up(node):
    node.start()
    for pid in (node.pid, node.postmaster(), node.agent()):
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        assert "0" not in status_field(status, "Uid").split()
        assert int(status_field(status, "CapEff"), 16) == 0
    # Of PID 1's memory and descriptors its own user sees nothing.
    assert os.stat(f"/proc/{node.pid}/environ").st_uid == 0
    assert node.stop() == 0


def test_secrets_are_nowhere_to_be_seen(node):
    (node.directory / "adminpass").write_text(pid1.SECRETS["ADMINPASS"])
    (node.directory / "adminpass").chmod(0o644)
    del node.environment["ADMINPASS"]
    node.environment["ADMINPASS_FILE"] = str(node.directory / "adminpass")
    node.start()
    for pid in (node.pid, node.postmaster(), node.agent()):
        for name in ("environ", "cmdline"):
            if (pid, name) == (node.pid, "environ") and os.geteuid() != 0:
                with pytest.raises(PermissionError):  # nobody but root may even look
                    pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
                continue
            content = pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
            for secret in pid1.SECRETS.values():
                assert secret.encode() not in content, (pid, name)
    theirs = pathlib.Path(f"/proc/{node.postmaster()}/environ").read_bytes().split(b"\0")
    names = {variable.split(b"=")[0] for variable in theirs}
    assert {b"PGPASSFILE", b"NOTIFY_SOCKET", b"PGDATA"} <= names
    assert not [n for n in names if n.startswith(b"CITUS_INIT_") or b"PASS_FILE" in n]
    assert node.stop() == 0


def test_second_run_is_refused(node):
    node.start()
    before = sorted(p.name for p in node.volume.iterdir())
    runs = [subprocess.Popen(["unshare", *pid1.NAMESPACES, str(pid1.BINARY), "run"],
                             env=node.environment, text=True, stderr=subprocess.PIPE),
            subprocess.Popen([str(pid1.BINARY), "run"], env=node.environment, text=True,
                             stderr=subprocess.PIPE)]
    other, same = [r.communicate(timeout=30)[1] for r in runs]
    assert [r.returncode for r in runs] == [75, 75]
    assert "another container" in other
    assert f"process {node.pid} (citus-init) holds it" in same
    assert sorted(p.name for p in node.volume.iterdir()) == before
    assert node.stop() == 0


def test_lock_is_held_until_the_last_backend_is_gone(node):
    """Outside a namespace a SIGKILL of run leaves what does not heed its death signals."""
    node.behave("hang-immediate deaf=1")
    node.start(namespaces=False)
    postmaster, agent = node.postmaster(), node.agent()
    left = pid1.descendants(postmaster)
    node.process.kill()
    node.wait()
    try:
        wait_until(lambda: not pid1.is_alive(agent), what="the agent's end")
        wait_until(lambda: "QUIT" in node.lines("signals"), what="the postmaster's death signal")
        refused = pid1.Node.launch(node, namespaces=False)
        assert refused.wait() == 75
        assert "its postgres still runs" in node.log()
    finally:
        for pid in [postmaster, *left]:
            os.kill(pid, signal.SIGKILL)
    node.behave("")
    node.start(namespaces=False)
    assert node.stop() == 0


def test_next_life_waits_for_the_last_one_to_end(node):
    node.behave("hang-immediate")
    node.start(namespaces=False)
    postmaster = node.postmaster()
    node.process.kill()
    node.wait()
    node.behave("")
    node.launch(namespaces=False)
    node.wait_for_log("is locked")
    os.kill(postmaster, signal.SIGKILL)
    node.wait_for_log("postgres is ready", 2)
    assert node.stop() == 0


def test_stale_pid_file_is_removed(node):
    """SIGKILL leaves it behind, and its pid may be anybody's by now."""
    node.start()
    os.kill(node.postmaster(), signal.SIGKILL)
    node.wait_for_log("postgres is ready", 2)
    assert len(node.lines("starts")) == 2
    assert node.stop() == 0


@pytest.mark.parametrize("data, words", [("pgdata", "absolute"), ("/", "volume"),
                                         ("/nowhere/pgdata/data", "/nowhere/pgdata")])
def test_bad_data_directory_is_refused_in_words(node, data, words):
    node.environment["PGDATA"] = data
    node.launch()
    assert node.wait() == 78
    assert words in node.log()
    assert not list(node.volume.iterdir())


def test_prepares_exit_code_is_handed_on(node):
    del node.environment["SET_SIZE"]
    node.launch()
    assert node.wait() == 78
    assert [p.name for p in node.volume.iterdir()] == [".citus-init.lock"]


def test_killed_prepare_is_a_failure_of_the_system(node):
    (node.directory / "bin/hang-version").touch()
    node.launch()
    os.kill(wait_until(lambda: node.child("citus-init", "prepare")), signal.SIGKILL)
    assert node.wait() == 71
    assert "was ended by SIGKILL" in node.log()


def test_readiness_without_sd_notify(node):
    node.behave("silent")
    node.start()
    assert node.stop() == 0


def test_only_the_postmasters_word_counts(node):
    node.behave("late liar")
    node.launch()
    node.wait_for_log("ignored a readiness message", 2)
    assert "postgres is ready" not in node.log()
    assert "did not ask for it" not in node.log()
    assert node.stop() == 0


def test_full_stderr_blocks_nothing(node):
    reader, writer = os.pipe()
    node.launch(stderr=writer)
    wait_until(lambda: os.read(reader, 65536).count(b"postgres is ready"), what="readiness")
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 64)
    except BlockingIOError:
        os.set_blocking(writer, True)
    os.kill(node.postmaster(), signal.SIGKILL)
    wait_until(lambda: len(node.lines("starts")) == 2, what="a restart")
    assert node.stop() == 0
    os.close(writer)
    os.close(reader)


@pytest.mark.skipif(b"libasan" in pid1.BINARY.read_bytes(), reason="sanitizers need more")
def test_private_memory_is_small(node):
    node.start()
    status = pathlib.Path(f"/proc/{node.pid}/status").read_text()
    assert int(status_field(status, "RssAnon").split()[0]) < 1024
    assert node.stop() == 0
