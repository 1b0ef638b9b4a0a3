"""
/metrics of real nodes: what it shows is so, and no scrape waits for a server:
each must be answered within the few seconds that the harness gives a page.
"""
import contextlib
import re
import signal

from harness import descendants_of, signal_all, wait_until

SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="[^"\\\n]*",?)+)\})? (-?[0-9.e+-]+)\n')


def samples(node):
    """The values by name and labels, as ("name", "label value", ...); every line must be valid."""
    code, text = node.get("metrics")
    assert code == 200
    found = {}
    typed = {}
    for line in text.splitlines(keepends=True):
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name not in typed and kind in ("gauge", "counter")
            typed[name] = kind
        elif not line.startswith("# HELP "):
            name, labels, value = SAMPLE.fullmatch(line).groups()
            key = (name.removeprefix("citus_init_"), *re.findall(r'"([^"]*)"', labels or ""))
            assert name in typed and key not in found
            found[key] = float(value)
    return found


def wait_for(node, *key, value=1, timeout=60):
    """Scrapes until the sample has the value, or satisfies it."""
    fits = value if callable(value) else lambda v: v == value
    return wait_until(lambda: key in (found := samples(node)) and fits(found[key]) and found,
                      timeout, f"{key} of {node.name}")


def test_a_node_is_read_only_for_who_scrapes_it(old):
    lone = old
    lone.start()
    lone.wait_ready()
    first = samples(lone)
    assert first[("readings_total",)] == 0
    assert ("readings_age_seconds",) not in first and ("connections", "clients") not in first
    read = wait_for(lone, "readings_total")
    # Scraped more often than that, it is not read more often.
    scrapes = 0
    while read[("readings_total",)] == 1:
        scrapes += 1
        read = samples(lone)
    assert scrapes > 10
    assert read[("readings_failures_total",)] == 0
    # A crash of the server leaves nothing to be shown of it.
    lone.kill(lone.postmaster_pid)
    wait_until(lambda: ("connections", "clients") not in samples(lone), what="forgotten readings")


def test_a_healthy_cluster(shared_cluster, citus_kind):
    coordinator = shared_cluster.coordinator
    found = wait_for(coordinator, "readings_total", value=lambda v: v > 0)
    for node in shared_cluster.nodes:
        assert found[("member_state", node.name, "ours")] == 1
        assert found[("member_state", node.name, "unreachable")] == 0
        assert found[("member_active", node.name)] == 1
        assert ("member_last_seen_age_seconds", node.name) in found
    assert found[("members", "ours")] == 3
    for what in ("registration", "ddl", "create_role", "reference_writes"):
        assert found[("blocked", what)] == 0
    assert found[("paused", "setting")] == found[("paused", "wish")] == 0
    assert found[("plan_step", "nothing")] == 1
    assert found[("limit", "max_connections")] == int(coordinator.value("show max_connections"))
    assert found[("limit", "citus.max_shared_pool_size")] > 0
    assert ("limit", "citus.max_client_connections") not in found
    assert found[("maintenance_daemon_up",)] == 1
    assert found[("cleanup_records",)] == 0
    assert found[("background_tasks", "runnable")] == found[("background_tasks", "error")] == 0
    assert found[("agent_cpu_seconds_total",)] > 0 and found[("agent_wakeups_total",)] > 0
    assert (("pool_connections",) in found) == (citus_kind == "real")
    worker = wait_for(shared_cluster.node(1), "readings_total", value=lambda v: v > 0)
    assert worker[("connections", "citus-init")] >= 2 and worker[("connections", "citus")] >= 0
    assert ("cleanup_records",) not in worker and ("blocked", "ddl") not in worker


def test_placements_and_connections(shared_cluster, citus_kind):
    coordinator = shared_cluster.coordinator
    coordinator.query("create table m_t (i int)")
    coordinator.query("select create_distributed_table('m_t', 'i', shard_count := 6)")
    wait_for(coordinator, "member_shards", "citus-1", value=3)
    wait_for(coordinator, "member_shards", "citus-2", value=3)
    before = wait_for(coordinator, "connections", "clients", value=0)
    with contextlib.ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(coordinator.connect())
        admin = stack.enter_context(coordinator.connect())
        admin.execute("select count(*) from m_t")
        found = wait_for(coordinator, "connections", "clients", value=6)
        if citus_kind == "real":
            assert found[("pool_connections",)] >= found[("pool_busiest_connections",)] >= 1
            assert found[("pool_busiest_connections",)] <= found[
                ("limit", "citus.max_shared_pool_size")]
    wait_for(coordinator, "connections", "clients", value=before[("connections", "clients")])


def test_prepared_transactions_left_behind(shared_cluster):
    """Group 99 is nobody's, so nobody recovers them."""
    worker = shared_cluster.node(2)
    names = {"citus": "citus_99_1_2_3", "others": "citusX99"}
    for name in names.values():
        with worker.connect(user="postgres") as session:
            session.execute("begin")
            session.execute("select pg_notify('nobody', '') where false")
            session.execute(f"prepare transaction '{name}'")
    try:
        for by in names:
            wait_for(worker, "prepared_transactions", by)
            wait_for(worker, "prepared_transaction_oldest_seconds", by, value=lambda v: v >= 1)
    finally:
        for name in names.values():
            worker.query(f"rollback prepared '{name}'", user="postgres")
    for by in names:
        found = wait_for(worker, "prepared_transactions", by, value=0)
        assert found[("prepared_transaction_oldest_seconds", by)] == 0


def test_no_scrape_waits_for_a_frozen_server(shared_cluster):
    coordinator = shared_cluster.coordinator
    worker = shared_cluster.node(2)
    before = wait_for(worker, "readings_total", value=lambda v: v > 0)
    frozen = [worker.postmaster_pid, *descendants_of(worker.postmaster_pid)]
    signal_all(frozen, signal.SIGSTOP)
    try:
        # Its own agent answers, and says that it cannot read.
        failures = before[("readings_failures_total",)]
        found = wait_for(worker, "readings_failures_total", value=lambda v: v > failures)
        assert found[("readings_age_seconds",)] >= 10
        # The coordinator tells who it is and what comes of it.
        wait_until(lambda: samples(coordinator)[("members", "ours")] == 2, what="one is missed")
        found = samples(coordinator)
        assert found[("member_state", worker.name, "ours")] == 0
        assert found[("member_active", worker.name)] == 0
        for what in ("registration", "ddl", "create_role", "reference_writes"):
            assert found[("blocked", what)] == 1
        age = found[("member_last_seen_age_seconds", worker.name)]
        wait_for(coordinator, "member_last_seen_age_seconds", worker.name,
                 value=lambda v: v > age)
    finally:
        signal_all(frozen, signal.SIGCONT)
    wait_for(coordinator, "blocked", "ddl", value=0)
    wait_for(worker, "readings_age_seconds", value=lambda v: v < 10)
