"""
The image in a real Docker engine, with one PostgreSQL. images.sh builds it, on
a base without a registry: with the real Citus where one is named, else with
the stand-in; every report says which PostgreSQL and which of the two.
"""
import contextlib
import subprocess

import pytest

import engine
from engine import PASSWORDS, Container


def pytest_addoption(parser):
    parser.addoption("--major", choices=["15", "17"], default="15", help="the PostgreSQL to test")


def pytest_configure(config):
    made = subprocess.run([engine.ROOT / "tests/container/images.sh", config.option.major],
                          text=True, stdout=subprocess.PIPE)
    if made.returncode != 0:
        raise pytest.UsageError("the image could not be made: images.sh has said why")
    config.container = dict(line.split("=", 1) for line in made.stdout.splitlines())


def pytest_report_header(config):
    return f"image: {config.container['image']}"


def pytest_terminal_summary(terminalreporter, config):
    terminalreporter.write_line(f"these tests ran on PostgreSQL {config.option.major} with the"
                                f" {config.container['citus']} Citus")


@pytest.fixture(scope="session")
def image(request):
    return request.config.container["image"]


@pytest.fixture(autouse=True)
def nothing_is_left():
    """Fails the test that leaves a container, volume or network behind."""
    yield
    left = [f"{kind}: {name}" for kind, name in engine.left_behind()]
    assert not left, left


@pytest.fixture
def major(request):
    return int(request.config.option.major)


@pytest.fixture
def things(nothing_is_left):
    """An ExitStack for volumes and networks, undone after the containers are gone."""
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def volume(things):
    return things.enter_context(engine.volume())


@pytest.fixture
def start(image, things, request):
    """Starts containers; all are removed at the end, and their logs searched for passwords."""
    made = []

    def start_container(volume, *options, **kwargs):
        container = Container(image, volume, *options, **kwargs)
        made.append(container)
        return container

    yield start_container
    logs = {container.name: container.log for container in made}
    if logs:  # by one command, which does not wait for one after the other
        engine.docker("rm", "-f", "-v", *logs, check=False)
    for name, log in logs.items():
        if getattr(request.node, "failed", False):
            print(f"--- log of {name}\n{log[-4000:]}")
        for password in PASSWORDS.values():
            assert password not in log


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if outcome.get_result().failed:
        item.failed = True
