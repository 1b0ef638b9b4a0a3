"""
Three nodes on a network of the engine: their names in its DNS (127.0.0.11),
addresses that change, a cable that is pulled.
"""
import time

import engine
from engine import NotYet, docker, wait_until

SIZE = 3
DOMAIN = "citus.default.svc.cluster.local"


class Cluster:
    """options(k) are further words of "docker run" for node k."""

    def __init__(self, start, things, network_options=(), options=lambda k: (), **kwargs):
        self.start_container = start
        self.kwargs = kwargs
        self.options = options
        self.network = things.enter_context(engine.network(*network_options))
        self.volumes = [things.enter_context(engine.volume()) for _ in range(SIZE)]
        # Networks and volumes are undone last, when the containers are gone.
        self.nodes = [self.start(k) for k in range(SIZE)]

    def start(self, k, *more):
        return self.start_container(self.volumes[k], *self.options(k), *more, ordinal=k,
                                    size=SIZE, network=self.network, **self.kwargs)

    @property
    def coordinator(self):
        return self.nodes[0]

    def wait_formed(self, timeout=120):
        for node in self.nodes:
            node.wait_ready(timeout)
        return self

    def make_table(self):
        self.coordinator.query("create table visits (customer bigint, page text)")
        self.coordinator.query("select create_distributed_table('visits', 'customer')")
        self.coordinator.query(
            "insert into visits select n, 'start' from generate_series(1, 1000) as n")

    def count(self):
        return self.coordinator.value("select count(*) from visits")

    def wait_counted(self, timeout=60):
        wait_until(lambda: self.count() == 1000, timeout, "all rows are there")

    def member(self, k):
        seen = self.coordinator.status()["cluster"]
        if not seen:
            raise NotYet("the coordinator has not looked at its members yet")
        return seen["members"][k]


def test_a_node_made_anew_on_another_address(start, things, major):
    # Not the engine's own choice of addresses: it would give the old one again. A subnet for each
    # PostgreSQL, whose runs may go on at the same time.
    subnet = f"172.29.{major}"
    cluster = Cluster(start, things, ["--subnet", f"{subnet}.0/24"],
                      lambda k: ["--ip", f"{subnet}.{10 + k}"]).wait_formed()
    cluster.make_table()
    for k in range(SIZE):
        docker("rm", "-f", cluster.nodes[k].name)
        cluster.options = lambda k: ["--ip", f"{subnet}.{110 + k}"]
        cluster.nodes[k] = cluster.start(k).wait_ready()
        assert cluster.nodes[k].address == f"{subnet}.{110 + k}"
        cluster.wait_counted()
        for other in range(1, SIZE):
            wait_until(lambda: cluster.member(other)["state"] == "ours", 60,
                       f"citus-{other} is ours")


def test_a_network_cut_and_joined_again(start, things):
    cluster = Cluster(start, things).wait_formed()
    cluster.make_table()
    docker("network", "disconnect", cluster.network, cluster.nodes[1].name)
    wait_until(lambda: cluster.member(1)["state"] == "unreachable", 90, "the cut is noticed")
    assert cluster.coordinator.is_ready()
    docker("network", "connect", "--alias", "citus-1", cluster.network, cluster.nodes[1].name)
    wait_until(lambda: cluster.member(1)["state"] == "ours", 90, "the node is back")
    cluster.wait_counted()
    # The coordinator's own cut: it must find the others again by their names.
    docker("network", "disconnect", cluster.network, cluster.nodes[0].name)
    docker("network", "connect", "--alias", "citus-0", cluster.network, cluster.nodes[0].name)
    docker("restart", cluster.nodes[2].name)
    cluster.nodes[2].wait_ready()
    for k in range(1, SIZE):
        wait_until(lambda: cluster.member(k)["state"] == "ours", 90, f"citus-{k} is ours")
    cluster.wait_counted()


def test_names_as_in_kubernetes(start, things):
    """The default pattern, with the search list and the ndots that a kubelet writes."""
    search = ["default.svc.cluster.local", "svc.cluster.local", "cluster.local"]

    def options(k):
        words = ["--network-alias", f"citus-{k}.{DOMAIN}", "--dns-opt", "ndots:5"]
        for domain in search:
            words += ["--dns-search", domain]
        return words
    started = time.monotonic()
    # An internal network: names that the engine does not know are answered by nobody.
    cluster = Cluster(start, things, ["--internal"], options, pattern=None).wait_formed()
    print(f"formed after {time.monotonic() - started:.1f} s")
    assert cluster.member(1)["host"] == f"citus-1.{DOMAIN}"
    cluster.make_table()
    cluster.wait_counted()
    # A command on a worker asks the coordinator, by its name too.
    said = cluster.nodes[1].execute("/usr/bin/citus-init", "status")
    assert all(f"citus-{k}" in said for k in range(SIZE))
