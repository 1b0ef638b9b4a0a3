"""The image itself, and one node in it."""
import json
import os
import pathlib
import re
import signal

import psycopg
import pytest

import engine
from engine import docker, wait_until


def uid_of(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^Uid:\s+(\d+)", status, re.M).group(1))


def test_says_what_an_engine_wants_to_know(image):
    config = json.loads(docker("image", "inspect", "--format", "{{json .Config}}", image))
    assert config["Entrypoint"] == ["/usr/bin/citus-init"]
    assert config["Cmd"] == ["run"]
    uid = config["User"].split(":")[0]
    assert uid.isdigit() and int(uid) > 0
    assert config["StopSignal"] == "SIGTERM"
    assert config["Healthcheck"]["Test"] == ["CMD", "/usr/bin/citus-init", "probe"]
    assert {"5432/tcp", "8008/tcp"} <= set(config["ExposedPorts"])
    assert "PGDATA=/pgdata/data" in config["Env"]
    assert config["Labels"]["org.opencontainers.image.title"] == "citus-init"


def test_commands_work_in_it(image):
    assert docker("run", "--rm", image, "--version").startswith("citus-init")


def test_one_node_becomes_ready_and_healthy_without_root(start, volume):
    # The image's own check, only asked more often.
    node = start(volume, "--health-interval", "1s").wait_ready()
    processes = node.processes()
    assert len(processes) > 5
    assert all(uid_of(pid) == 999 for pid, _, _ in processes)
    assert node.value("select count(*) from pg_extension where extname = 'citus'") == 1
    wait_until(lambda: node.state()["Health"]["Status"] == "healthy", 30, "the node is healthy")


def test_as_root_it_leaves_root(start, volume):
    node = start(volume, "--user", "0").wait_ready()
    postgres = [pid for pid, _, command in node.processes() if command == "postgres"]
    assert postgres and all(uid_of(pid) == 999 for pid in postgres)


def test_docker_stop_shuts_down_cleanly(start, volume):
    node = start(volume).wait_ready()
    node.query("create table kept as select generate_series(1, 1000) as n")
    docker("stop", node.name)
    # 76 had the ladder gone beyond its fast rung, 137 had the engine been first.
    assert node.state()["ExitCode"] == 0
    assert "database system is shut down" in node.log
    assert "postgres was shut down cleanly" in node.log
    docker("start", node.name)
    node.wait_ready()
    assert node.value("select count(*) from kept") == 1000
    assert "not properly shut down" not in node.log


def test_pid_1_killed_from_outside_heals(start, volume):
    node = start(volume, "--restart", "unless-stopped").wait_ready()
    node.query("create table kept as select generate_series(1, 1000) as n")
    killed = node.pid
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: node.pid not in (0, killed), 30, "the engine has started it again")
    node.wait_ready()
    assert node.value("select count(*) from kept") == 1000
    assert int(node.inspect("{{.RestartCount}}")) == 1


def test_postgres_killed_from_outside_heals_in_place(start, volume):
    node = start(volume).wait_ready()
    killed = node.postmaster_pid()
    os.kill(node.postmaster_from_outside(), signal.SIGKILL)
    wait_until(lambda: node.postmaster_pid() != killed and node.is_ready(), 60,
               "another postmaster is ready")
    assert int(node.inspect("{{.RestartCount}}")) == 0


def test_a_second_container_on_the_volume_is_refused(start, volume):
    first = start(volume).wait_ready()
    second = start(volume)
    assert second.wait_end() == 75
    assert "is in use" in second.log
    assert first.is_ready()
    assert first.value("select 1") == 1


def test_any_uid_and_a_read_only_root(start, volume):
    node = start(volume, "--user", "123456", "--read-only", "--tmpfs", "/run/citus-init",
                 "--cap-drop", "ALL", "--security-opt", "no-new-privileges").wait_ready()
    assert all(uid_of(pid) == 123456 for pid, _, _ in node.processes())
    assert node.value("select 1") == 1


def test_a_group_writable_data_directory_is_repaired(start, volume):
    node = start(volume).wait_ready()
    docker("stop", node.name)
    data = pathlib.Path(docker("volume", "inspect", "--format", "{{.Mountpoint}}", volume)) / "data"
    data.chmod(0o2770)
    docker("start", node.name)
    node.wait_ready()
    assert data.stat().st_mode & 0o777 in (0o700, 0o750)


def test_orphans_are_reaped_and_postgres_does_not_notice(start, volume):
    node = start(volume).wait_ready()
    postmaster = node.postmaster_pid()
    # One of them exits 2, as pg_isready does: for a postmaster that is PID 1 a crashed backend.
    node.execute("sh", "-c", "n=0; while [ $n -lt 1000 ]; do "
                 "(sh -c 'sleep 0.2; [ $1 != 500 ] || exit 2' - $n &); n=$((n + 1)); done")

    def all_gone():
        left = [p for p in node.processes() if p[2] in ("sh", "sleep") or "Z" in p[1]]
        return not left
    wait_until(all_gone, 60, "all orphans are reaped")
    assert node.postmaster_pid() == postmaster
    assert node.is_ready()
    assert "terminating any other active server processes" not in node.log


def test_a_memory_limit_costs_a_backend_and_not_the_node(start, volume):
    node = start(volume, "--memory", "256m", "--memory-swap", "256m", "--cpus", "0.5").wait_ready()
    node.query("create table kept as select generate_series(1, 1000) as n")
    with pytest.raises(psycopg.OperationalError):
        node.query("select length(string_agg(repeat('x', 1000000), '')) "
                   "from generate_series(1, 900) as n")
    assert "was terminated by signal 9" in node.log
    node.wait_ready()
    wait_until(lambda: node.value("select count(*) from kept") == 1000, 60, "the rows are there")
    assert node.state()["Running"] and int(node.inspect("{{.RestartCount}}")) == 0


def fill(node):
    """Leaves no room on the volume; sparse files would not do."""
    node.execute("sh", "-c", "cat /dev/zero >/pgdata/filler", check=False)


def test_a_full_volume_is_survived(start, things):
    # 999 is the node's user: the root of a volume of memory is not taken from the image.
    volume = things.enter_context(engine.volume(
        "--driver", "local", "--opt", "type=tmpfs", "--opt", "device=tmpfs",
        "--opt", "o=size=200m,uid=999,mode=0775"))
    # No restart is allowed: those on a full disk do not count as one.
    node = start(volume, environment={"CITUS_INIT_RESTART_LIMIT": 0}).wait_ready()
    node.query("create table kept as select generate_series(1, 1000) as n")
    fill(node)
    with pytest.raises(psycopg.Error):
        for _ in range(1000):
            node.query("insert into kept select generate_series(1, 100000)")
    # The disk of a postmaster that starts is still full: it says so and waits.
    os.kill(node.postmaster_from_outside(), signal.SIGKILL)
    node.wait_log("the disk of", 60)
    assert "No space left on device" in node.log
    assert node.state()["Running"]
    node.execute("rm", "/pgdata/filler")
    node.wait_ready(120)
    assert node.value("select count(*) from kept") == 1000
    assert int(node.inspect("{{.RestartCount}}")) == 0
