"""PID 1 in a PID namespace of its own, with the fake PostgreSQL of fake_postmaster.c."""
import os
import pathlib
import shutil
import sys
import tempfile

import pytest

import pid1

sys.path.append(str(pid1.ROOT / "tests/lib"))

pytest_plugins = ["traces"]


def pytest_sessionstart(session):
    for path in (pid1.BINARY, pid1.FAKE):
        if not path.exists():
            pytest.exit(f"{path} is missing: \"make check-init\" builds it", returncode=2)


def pytest_collection_modifyitems(items):
    if pid1.namespaces_work():
        return
    reason = "PID namespaces cannot be made here: run as root, or allow user namespaces"
    for item in items:
        if pathlib.Path(item.fspath).parent == pathlib.Path(__file__).parent:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def node():
    """A node that has not been started. Whatever it logs holds no password."""
    # Not pytest's tmp_path: the user postgres must be able to reach it.
    directory = pathlib.Path(tempfile.mkdtemp(prefix="node-"))
    os.chmod(directory, 0o755)
    made = pid1.Node(directory)
    try:
        yield made
        log = made.log()
        for secret in pid1.SECRETS.values():
            assert secret not in log
    finally:
        made.destroy()
        shutil.rmtree(directory)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" and report.failed:
        made = item.funcargs.get("node")
        if made:
            report.sections.append(("log of the node", made.log()))
