"""
The image in a Docker engine, against the way of the official images (official/) on the same base
and under the same limits. Images and containers are those of the container tests.
"""
import contextlib
import os
import subprocess
import sys
import time

import psycopg

from measure import SETTLE_S, Row, in_turns, milliseconds_of, more_row, ratio_row, seconds
from node import LIMIT_S
from place import ROOT, LeftOut, name_of, wait_until

sys.path.append(str(ROOT / "tests/container"))

import engine  # noqa: E402
from engine import PASSWORDS, docker  # noqa: E402

CPUS, MEMORY_GB = 1, 1
# Often enough, and seldom enough not to be a load: a refused login costs the server a process.
ASK_EVERY_S = 0.05
# What citus-init gives initdb (prepare/initdb.c), so that both make the same cluster; initdb's own
# sync belongs to the way.
OFFICIAL = {"POSTGRES_PASSWORD": PASSWORDS["SUPERPASS"], "POSTGRES_DB": "citusdb",
            "POSTGRES_INITDB_ARGS": "--data-checksums --encoding=UTF8 --locale=C.UTF-8"}


class Engine:
    """The images of both sides, by their ids: a build meanwhile changes nothing."""

    def __init__(self):
        try:
            docker("version", "--format", "{{.Server.Version}}")
        except (OSError, RuntimeError):
            raise LeftOut('no Docker engine answers, so the image has not been measured; "eval'
                          ' $(tests/container/engine.sh start)" starts one, as root') from None
        said = subprocess.run([ROOT / "tests/container/images.sh", "15"], check=True,
                              text=True, stdout=subprocess.PIPE).stdout
        answers = dict(line.split("=", 1) for line in said.splitlines())
        self.citus = answers["citus"]
        self.image = self._id(answers["image"])
        self.base = self._id(answers["base"])
        self.official = self._build_official(answers["base"])

    @staticmethod
    def _id(name):
        return docker("image", "inspect", "--format", "{{.Id}}", name)

    def _build_official(self, base):
        name = f"citus-init-test/official:{self.citus}"
        done = subprocess.run(["docker", "build", "--tag", name, "--build-arg",
                               f"BASE_IMAGE={base}", ROOT / "bench/official"], text=True,
                              env={**os.environ, "DOCKER_BUILDKIT": "0"},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise RuntimeError(f"{name} could not be built:\n{done.stdout}")
        return self._id(name)

    def conditions(self):
        said = docker("run", "--rm", "--entrypoint", "/usr/lib/postgresql/15/bin/postgres",
                      self.image, "-V")
        version = docker("version", "--format", "{{.Server.Version}}")
        return (f"{name_of(self.citus, said)}, {os.cpu_count()} cores, Docker {version}, each"
                f" container limited to {CPUS} CPU and {MEMORY_GB} GB of memory")


def login(address, user, password):
    return psycopg.connect(host=address, user=user, dbname="citusdb", autocommit=True,
                           password=PASSWORDS[password], connect_timeout=10)


def has_extension(address):
    """Whether "admin" gets in over the network with its password and sees the extension."""
    try:
        with login(address, "admin", "ADMINPASS") as connection:
            return connection.execute("select 1 from pg_extension where extname = 'citus'"
                                      ).fetchone() is not None
    except psycopg.OperationalError:
        return False


def live(image, environment, volume, stops):
    """One container on a new volume: the time from "docker run" to an answer; the time of its
    "docker stop" goes to stops."""
    began = time.perf_counter()
    container = engine.Container(image, volume, "--cpus", CPUS, "--memory", f"{MEMORY_GB}g",
                                 "--no-healthcheck", environment=environment)
    try:
        address = container.address
        wait_until(lambda: has_extension(address), LIMIT_S, f"{container.name} is reachable",
                   ASK_EVERY_S)
        taken = (time.perf_counter() - began) * 1000
        with login(address, "postgres", "SUPERPASS") as connection:
            connection.execute("checkpoint")
        time.sleep(SETTLE_S)
        stops.append(milliseconds_of(lambda: docker("stop", container.name)))
        if container.state()["ExitCode"] != 0:
            raise RuntimeError(f"{container.name} was not stopped cleanly")
        return taken
    except (TimeoutError, RuntimeError, psycopg.Error) as error:
        raise RuntimeError(f"{error}\n{container.log[-3000:]}") from None
    finally:
        container.remove()


def size_of(image):
    return int(docker("image", "inspect", "--format", "{{.Size}}", image))


def run_and_stop(place, options):
    our_stops, their_stops = [], []
    with contextlib.ExitStack() as volumes:
        # All volumes are kept until the end: see Node.end().
        def side(image, environment, stops):
            return lambda: live(image, environment, volumes.enter_context(engine.volume()), stops)
        ours, theirs = in_turns(options.runs, side(place.image, {}, our_stops),
                                side(place.official, OFFICIAL, their_stops), options.progress)
    added = (size_of(place.image) - size_of(place.base)) / 1e6
    return [ratio_row("`docker run` → database with the extension reachable over the network",
                      ours, theirs, 0.9, seconds),
            more_row("`docker stop`", our_stops, their_stops),
            Row("added to the size of the base image", f"{added:.1f} MB", "", "", "", True)]


BENCHMARKS = {"container": run_and_stop}
