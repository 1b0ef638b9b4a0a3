"""docker-compose.yml: the smoke test that users run too, and the published port."""
import os
import shutil
import socket
import subprocess

import psycopg
import pytest

import engine
from engine import ROOT, docker, wait_until

COMPOSE = ["docker", "compose"] if subprocess.run(
    ["docker", "compose", "version"], capture_output=True).returncode == 0 else ["docker-compose"]

pytestmark = pytest.mark.skipif(not shutil.which(COMPOSE[0]),
                                reason="there is neither docker compose nor docker-compose")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(image, **more):
    return {**os.environ, "CITUS_IMAGE": image, "CITUS_PORT": str(free_port()), **more}


def test_smoke(image):
    variables = environment(image, COMPOSE_PROJECT_NAME=engine.new_name("smoke"))
    done = subprocess.run(["sh", ROOT / "docker/smoke.sh"], env=variables, text=True, timeout=400,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    assert "all is well" in done.stdout


def test_the_published_port_serves_admin_and_a_killed_container_comes_by_up(image, tmp_path):
    variables = environment(image, CITUS_SECRETS=str(tmp_path))
    subprocess.run(["sh", ROOT / "docker/secrets.sh", tmp_path], check=True)
    name = engine.new_name("compose")

    def compose(*words):
        return subprocess.run([*COMPOSE, "-p", name, "-f", ROOT / "docker/docker-compose.yml",
                               *words], env=variables, check=True, text=True,
                              capture_output=True).stdout.strip()

    def query(sql):
        with psycopg.connect(host="127.0.0.1", port=variables["CITUS_PORT"], user="admin",
                             password=(tmp_path / "adminpass").read_text(), dbname="citusdb",
                             connect_timeout=5, autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    try:
        compose("up", "-d")
        wait_until(lambda: query("select count(*) from pg_dist_node") == [(3,)], 120, "formed")
        query("create table visits (customer bigint, page text)")
        query("select create_distributed_table('visits', 'customer')")
        query("insert into visits select n, 'start' from generate_series(1, 1000) as n")
        for node in ("citus-0", "citus-1", "citus-2"):
            docker("kill", compose("ps", "-q", node))
            compose("up", "-d")
            wait_until(lambda: query("select count(*) from visits") == [(1000,)], 90,
                       f"all rows are there after {node} was killed")
    finally:
        compose("down", "-v")
