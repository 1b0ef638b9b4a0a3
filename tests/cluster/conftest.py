"""
The cluster tests run real nodes through "citus-init local", on the real Citus
where it is installed, else on the stand-in; every report says which of the two.
"""
import os
import pathlib
import subprocess

import pytest

pytest.register_assert_rewrite("traces")

import harness  # noqa: E402
from lone import PASSWORDS, LoneNode  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
pytest_plugins = ["traces"]


def choose_postgres():
    """The bin directory and the kind of Citus, from the one script that knows."""
    out = subprocess.run([ROOT / "tests/lib/choose-postgres.sh"], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    return dict(line.split("=", 1) for line in out.splitlines())


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes long, and so is started first")
    config.addinivalue_line("markers", "xdist_group: on one worker, where there are several")
    chosen = choose_postgres()
    config.citus_kind = chosen["citus"]
    os.environ["CITUS_INIT_POSTGRES_BIN_DIR"] = chosen["bin_dir"]


def pytest_report_header(config):
    return f"citus: {config.citus_kind} ({os.environ['CITUS_INIT_POSTGRES_BIN_DIR']})"


def pytest_terminal_summary(terminalreporter, config):
    version = subprocess.run([f"{os.environ['CITUS_INIT_POSTGRES_BIN_DIR']}/postgres", "--version"],
                             check=True, text=True, stdout=subprocess.PIPE).stdout.split()[2]
    terminalreporter.write_line(f"these tests ran on PostgreSQL {version} with the"
                                f" {config.citus_kind} Citus")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """The longest first, for the others to fill in beside them."""
    for item in items:
        for shared in {"shared_cluster", "server"} & {*item.fixturenames}:
            item.add_marker(pytest.mark.xdist_group(shared))  # one of it, on one worker
    items.sort(key=lambda item: not {"shared_cluster", "long"} & {
        *item.fixturenames, *(mark.name for mark in item.iter_markers())})


@pytest.fixture
def citus_kind(request):
    """"real" or "stand-in"."""
    return request.config.citus_kind


@pytest.fixture
def workspace():
    """A directory that the user of the nodes can reach, removed at the end."""
    with harness.workspace() as path:
        yield path


@pytest.fixture
def start(workspace):
    """Starts clusters in the workspace; all are stopped at the end, and their logs searched for
    passwords."""
    clusters = []

    def start_cluster(nodes=3, name="cluster", **kwargs):
        cluster = harness.Cluster(workspace / name, nodes, **kwargs)
        clusters.append(cluster)
        return cluster

    yield start_cluster
    for cluster in clusters:
        cluster.stop()
        cluster.assert_no_secrets_in_logs()


@pytest.fixture(scope="session")
def formed_before():
    """The directory of a cluster of three that was formed, and stopped. One for each worker of
    the tests, since its addresses are part of it."""
    with harness.workspace(harness.traces.SESSION) as path:
        cluster = harness.Cluster(path / "cluster", 3)
        try:
            cluster.wait_formed()
        finally:
            assert cluster.stop() == 0
        yield cluster.directory


@pytest.fixture
def stopped(start, formed_before, workspace):
    """A copy of it that has not been started, where how it was formed does not matter."""
    def copy(name="cluster", **kwargs):
        subprocess.run(["cp", "-a", formed_before, workspace / name], check=True)
        return start(name=name, start=False, **kwargs)

    return copy


@pytest.fixture
def formed(stopped):
    """Starts such a copy."""
    def start_copy(name="cluster", **kwargs):
        return stopped(name, **kwargs).start().wait_formed()

    return start_copy


@pytest.fixture
def lone(workspace):
    """A node by itself that has not been started; stopped at the end, and its log searched for
    passwords."""
    node = LoneNode(workspace / "lone")
    yield node
    node.stop()
    for password in PASSWORDS.values():
        assert password not in node.log


@pytest.fixture(scope="session")
def made_before():
    """The volume of a node that was there and was stopped, with a table in it."""
    with harness.workspace(harness.traces.SESSION) as path:
        node = LoneNode(path / "lone")
        node.start()
        try:
            node.wait_ready()
            node.query("create table kept as select generate_series(1, 100) i")
        finally:
            assert node.stop() == 0
        yield node


@pytest.fixture
def old(lone, made_before):
    """A node with a copy of that volume, not started yet: where its first start does not
    matter."""
    lone.volume.rmdir()
    subprocess.run(["cp", "-a", made_before.volume, lone.volume], check=True)
    # It is registered under that port: under another one it stays shut.
    lone.use_port(made_before.cluster.port)
    return lone


@pytest.fixture(scope="session")
def shared_cluster():
    """One formed cluster of three for the tests that leave it as they found it."""
    with harness.workspace(harness.traces.SESSION) as path:
        cluster = harness.Cluster(path / "cluster", 3)
        try:
            cluster.wait_formed()
            yield cluster
        finally:
            cluster.stop()
        cluster.assert_no_secrets_in_logs()
