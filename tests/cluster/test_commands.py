"""The operator's hand: plan, pause, resume, form and accept-loss, as somebody types them."""
import json
import os
import pwd
import re
import shutil
import signal
import subprocess

import pytest

from harness import BINARY, descendants_of, signal_all, wait_until


def environment_of_node(cluster, ordinal):
    """As in that node's container, without passwords."""
    node = cluster.node(ordinal)
    network = cluster.host(0).rpartition(".")[0]
    return {"PATH": os.environ["PATH"], "POD_GROUP": "citus", "POD_NAME": node.name,
            "SET_SIZE": str(cluster.count), "PGDATA": str(node.data),
            "CITUS_INIT_RUN_DIRECTORY": str(node.directory / "run"),
            "CITUS_INIT_CLUSTER_HOST_PATTERN": f"{network}.{{ordinal}}",
            "CITUS_INIT_POSTGRES_PORT": str(cluster.port),
            "CITUS_INIT_HTTP_ADDRESS": f"{node.host}:{cluster.http_port}"}


def run(cluster, *words, ordinal=0, prefix=(), **variables):
    """citus-init WORDS in that node's container; code, and all that was said."""
    done = subprocess.run([*prefix, BINARY, *words], text=True, timeout=60, check=False,
                          env={**environment_of_node(cluster, ordinal), **variables},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def step_of(cluster):
    """The step that is planned; there is no plan before the first look."""
    plan = cluster.status()["plan"]
    return plan and plan["step"]


def wait_for_looks(cluster, count=3):
    """Until the coordinator has looked at everybody so often again."""
    before = cluster.status()["looks"]
    wait_until(lambda: cluster.status()["looks"] >= before + count, 120, "further looks")


def token_in(text):
    return re.search(r"--confirm ([0-9a-zA-Z]+)$", text, re.MULTILINE)[1]


def distribute(cluster, name, rows):
    with cluster.coordinator.connect() as admin:
        admin.execute(f"create table {name} (i int)")
        admin.execute(f"select create_distributed_table('{name}', 'i')")
        admin.execute(f"insert into {name} select generate_series(1, {rows})")


def test_a_healthy_cluster_has_no_plan_and_no_conditions(shared_cluster):
    c = shared_cluster
    wait_until(lambda: step_of(c) == "nothing", what="there is nothing to do")
    assert c.coordinator.status()["conditions"] == []
    assert run(c, "status")[0] == 0
    assert run(c, "plan") == (0, "next    nothing\nwhy     all is as it should be\n")
    code, text = run(c, "plan", "--json", ordinal=1)
    plan = json.loads(text)
    assert code == 0
    assert plan["step"] == "nothing"
    assert plan["paused_by"] is None


def test_commands_on_a_worker_say_where_to_run_them(shared_cluster):
    for words in (["pause"], ["resume"], ["form", "--without", "2"], ["accept-loss", "citus-2"]):
        code, text = run(shared_cluster, *words, ordinal=1)
        assert code == 64
        assert f"this is citus-1; run the command on the coordinator, citus-0: " \
               f"kubectl exec citus-0 -- citus-init {' '.join(words)}\n" in text


def test_what_does_not_suit_the_cluster_is_refused(shared_cluster):
    c = shared_cluster
    own = c.status()["id"]
    for words, code, why in [
            (["form", "--without", "2"], 66, "the cluster is already formed"),
            (["form", "--abandon", own], 66, f"belongs to cluster {own} itself"),
            (["accept-loss", "citus-1"], 66, "citus-1 is not empty (it is ours)"),
            (["accept-loss", "citus-9"], 66, 'there is no node "citus-9"'),
            (["form"], 64, "usage"), (["pause", "now"], 64, "usage"),
            (["accept-loss"], 64, "usage")]:
        assert (run(c, *words)[0], words) == (code, words)
        assert why in run(c, *words)[1]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may be somebody else")
def test_another_user_is_told_why_not(shared_cluster):
    nobody = pwd.getpwnam("nobody")
    code, text = run(shared_cluster, "pause", prefix=[
        "setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"])
    assert code == 71
    assert f"uid {nobody.pw_uid} may not enter" in text


def test_a_pause_holds_up_changes_but_not_the_members(formed):
    c = formed()
    for _ in range(2):
        code, text = run(c, "pause")
        assert code == 0
        assert "changes are paused" in text
    wait_until(lambda: c.status()["paused_by"] == "wish", what="the agent has heard of it")
    code, text = run(c, "status")
    assert code == 0
    assert "info: changes are paused by" in text

    # It lasts, members that come back are let in, and a new node is not.
    assert c.stop() == 0
    c.count = 4
    c.start()
    c.wait_state(3, "new")
    for node in c.nodes[:3]:
        node.wait_ready()
    wait_for_looks(c)
    assert c.member(3)["state"] == "new"
    assert len(c.registered()) == 3
    code, text = run(c, "plan")
    assert code == 0
    assert re.search(r"^for +citus-3$", text, re.MULTILINE)
    assert re.search(r'^paused +"citus-init pause"', text, re.MULTILINE)
    code, text = run(c, "status")
    assert code == 1
    assert re.search(r"^warning: changes are paused by .*; held up: \w+ citus-3$", text,
                     re.MULTILINE)

    assert run(c, "resume") == (0, "changes go on\n")
    c.wait_formed()
    assert len(c.registered()) == 4
    assert run(c, "resume") == (0, "changes were not paused by a command\n")


def test_the_setting_wins_over_resume(start):
    c = start(environment={"CITUS_INIT_PAUSE": "yes"})
    wait_until(lambda: c.status()["paused_by"] == "setting"
               and step_of(c) == "mint", 120, "all are new")
    code, text = run(c, "resume")
    assert code == 0
    assert "the setting CITUS_INIT_PAUSE still pauses changes" in text
    wait_for_looks(c)
    assert c.status()["id"] is None
    assert run(c, "status")[0] == 1
    assert c.stop() == 0
    c.environment = {}
    c.start().wait_formed()


def test_commands_in_a_shell_of_local(start):
    c = start(nodes=2).wait_formed()
    shell = f". '{c.directory}/env'; exec \"$0\" \"$@\""
    for words, told in [(["pause"], "changes are paused"), (["plan"], "paused"),
                        (["status"], "info: changes are paused"), (["resume"], "changes go on")]:
        wanted = "wish" if words != ["pause"] else None
        wait_until(lambda w=wanted: c.status()["paused_by"] == w, what="the agent knows")
        done = subprocess.run(["sh", "-c", shell, BINARY, *words], text=True, timeout=60,
                              check=True, stdout=subprocess.PIPE)
        assert told in done.stdout
    c.stop()
    done = subprocess.run(["sh", "-c", shell, BINARY, "pause"], text=True, timeout=60,
                          check=False, stderr=subprocess.PIPE)
    assert done.returncode == 69
    assert "is down" in done.stderr


@pytest.mark.parametrize("kind", ["pipe", "second name"])
def test_local_writes_no_log_that_is_not_the_nodes_own(start, kind):
    """The node's user can put anything in its place, and local may be root."""
    c = start(nodes=1, command=["true"])
    assert c.process.wait(90) == 0
    log = c.directory / "citus-0/log"
    other = c.directory / "other"
    log.unlink()
    if kind == "pipe":
        os.mkfifo(log)
    else:
        other.write_text("")
        os.link(other, log)
    c.command = None
    c.start()
    wait_until(lambda: "is not a file of its own" in c.output.read_text(), 20, "the reason")
    c.stop()
    log.unlink()
    assert kind == "pipe" or other.read_text() == ""


def test_the_first_forming_does_not_wait_for_one_that_is_left_out(start):
    c = start()
    # The coordinator's agent sleeps until the worker that will not come is frozen.
    wait_until(lambda: c.coordinator.agent_pid, what="the coordinator's agent")
    agent = c.coordinator.agent_pid
    os.kill(agent, signal.SIGSTOP)
    wait_until(lambda: c.node(2).agent_pid, what="the worker's agent")
    frozen = descendants_of(c.node(2).run_pid) + [c.node(2).run_pid]
    signal_all(frozen, signal.SIGSTOP)
    os.kill(agent, signal.SIGCONT)
    try:
        wait_until(lambda: c.member(1)["state"] == "new"
                   and "citus-2" in (c.status()["waiting_for"] or ""), 120, "it is waited for")
        assert "citus-2" in c.coordinator.get("readyz")[1]
        c.wait_state(2, "unreachable", "hanging")
        for list_, why in [("0", "ordinal 0 is the coordinator"), ("3", "there is no worker 3"),
                           ("1,", "not a list of ordinals")]:
            code, text = run(c, "form", "--without", list_)
            assert code == 64
            assert why in text
        assert c.status()["id"] is None
        assert run(c, "form", "--without", "2")[0] == 0
        c.coordinator.wait_ready()
        c.node(1).wait_ready()
        assert set(c.registered()) == {c.host(0), c.host(1)}
    finally:
        signal_all(frozen, signal.SIGCONT)
    c.wait_formed()
    assert len(c.registered()) == 3


def freeze(node):
    frozen = descendants_of(node.run_pid) + [node.run_pid]
    signal_all(frozen, signal.SIGSTOP)
    return frozen


def start_with_frozen(c, *ordinals):
    """What to thaw, by ordinal. The coordinator's agent sleeps until these workers are frozen, so
    it has never had an answer from them."""
    c.start()
    wait_until(lambda: c.coordinator.agent_pid, what="the coordinator's agent")
    agent = c.coordinator.agent_pid
    os.kill(agent, signal.SIGSTOP)
    frozen = {}
    for ordinal in ordinals:
        wait_until(lambda n=ordinal: c.node(n).agent_pid, what="the worker's agent")
        frozen[ordinal] = freeze(c.node(ordinal))
    os.kill(agent, signal.SIGCONT)
    for ordinal in ordinals:
        wait_until(lambda n=ordinal: c.member(n)["state"] in ("unreachable", "hanging"), 120,
                   "it is silent")
    return frozen


def test_a_worker_of_another_cluster_is_not_left_out(stopped):
    c = stopped()
    shutil.rmtree(c.coordinator.data)
    shutil.rmtree(c.node(1).data)
    frozen = start_with_frozen(c, 1, 2)
    try:
        # Silent, it may be left out; then it answers, and that counts no more.
        assert run(c, "form", "--without", "2")[0] == 0
        signal_all(frozen.pop(2), signal.SIGCONT)
        c.wait_state(2, "foreign")
        signal_all(frozen.pop(1), signal.SIGCONT)
        c.wait_state(1, "new")
        wait_for_looks(c)
        assert c.status()["id"] is None
        text = run(c, "plan")[1]
        assert '"form --without" counts only for a worker that is silent or new' in text
        assert "form --abandon ID" in text

        old = c.member(2)["cluster_id"]
        code, text = run(c, "form", "--without", "2")
        assert code == 66
        assert f"citus-2 belongs to cluster {old}" in text
        wait_for_looks(c)
        assert c.status()["id"] is None
    finally:
        for pids in frozen.values():
            signal_all(pids, signal.SIGCONT)


def test_only_the_workers_that_were_listed_abandon_their_cluster(stopped):
    c = stopped()
    shutil.rmtree(c.coordinator.data)
    frozen = start_with_frozen(c, 2)
    try:
        c.wait_state(1, "foreign")
        old = c.member(1)["cluster_id"]
        code, text = run(c, "form", "--abandon", old)
        assert code == 77
        assert re.search(r"keep their data:\n  citus-2 ", text)
        assert run(c, "form", "--abandon", old, "--confirm", token_in(text))[0] == 0
        c.wait_state(1, "new")
    finally:
        signal_all(frozen[2], signal.SIGCONT)
    c.wait_state(2, "foreign")
    wait_for_looks(c)
    assert c.status()["id"] is None
    assert "citus-2" in run(c, "plan")[1]
    assert "was not on the list that was confirmed" in run(c, "plan")[1]
    assert not (c.node(2).data.parent / f"data.abandoned.{old}").exists()

    code, text = run(c, "form", "--abandon", old)
    assert code == 77
    assert run(c, "form", "--abandon", old, "--confirm", token_in(text))[0] == 0
    c.wait_formed()
    for worker in c.workers:
        assert (worker.data.parent / f"data.abandoned.{old}" / "PG_VERSION").exists()


def test_an_empty_coordinator_gives_up_the_old_cluster_when_told_to(formed):
    c = formed()
    distribute(c, "precious", 500)
    old = c.status()["id"]
    assert c.stop() == 0
    shutil.rmtree(c.coordinator.data)
    c.start()
    wait_until(lambda: [m["cluster_id"] for m in c.status()["members"][1:]] == [old, old], 120,
               "both workers are seen to belong to the old cluster")
    code, text = run(c, "status")
    assert code == 1
    assert f"critical: this coordinator belongs to no cluster, but cluster {old} is known to " \
           "citus-1, citus-2" in text

    code, text = run(c, "form", "--abandon", old)
    assert code == 77
    assert re.search(r"^  citus-1 \(foreign\): .*\n  citus-2 \(foreign\): ", text, re.MULTILINE)
    token = token_in(text)
    assert run(c, "form", "--abandon", old, "--confirm", token[::-1])[0] == 77
    assert run(c, "form", "--abandon", "00000000-0000-4000-8000-000000000000")[0] == 66
    wait_for_looks(c)
    assert [worker.inside("select count(*) from pg_dist_partition", database="citusdb")
            for worker in c.workers] == [[(1,)]] * 2

    assert run(c, "form", "--abandon", old, "--confirm", token)[0] == 0
    c.wait_formed()
    new = c.status()["id"]
    assert new != old
    for worker in c.workers:
        assert (worker.data.parent / f"data.abandoned.{old}" / "PG_VERSION").exists()
    distribute(c, "precious", 10)
    assert c.coordinator.value("select count(*) from precious") == 10
    code, text = run(c, "form", "--abandon", old, "--confirm", token)
    assert code == 66
    assert new in text


def test_a_loss_is_listed_and_accepted(formed, citus_kind):
    c = formed()
    distribute(c, "precious", 2000)
    lost = c.coordinator.value("select count(*) from citus_shards where nodename = %s",
                               c.host(1))
    assert c.stop() == 0
    shutil.rmtree(c.node(1).data)
    c.start()
    wait_until(lambda: c.member(1)["state"] == "empty" and c.member(1)["loss_token"], 120,
               "the loss is known")
    code, text = run(c, "status")
    assert code == 1
    line = next(l for l in text.splitlines() if l.startswith("critical: citus-1 was wiped"))
    assert str(lost) in line
    assert '"citus-init accept-loss citus-1"' in line

    code, text = run(c, "accept-loss", "citus-1")
    assert code == 77
    assert str(lost) in text
    token = token_in(text)
    assert run(c, "accept-loss", "citus-1", "--confirm", "0" * len(token))[0] == 77
    assert run(c, "accept-loss", "citus-2", "--confirm", token)[0] == 66
    wait_for_looks(c)
    assert c.member(1)["state"] == "empty"
    assert not c.node(1).is_ready()
    c.node(2).wait_ready()

    if citus_kind != "real":
        pytest.skip("listed and refused; the stand-in cannot make a lost shard anew")
    assert run(c, "accept-loss", "citus-1", "--confirm", token)[0] == 0
    c.wait_formed()
    left = c.coordinator.value("select count(*) from precious")
    assert 0 < left < 2000
    with c.coordinator.connect() as admin:
        admin.execute("insert into precious select generate_series(1, 2000)")
    assert c.coordinator.value("select count(*) from precious") == left + 2000
    assert run(c, "accept-loss", "citus-1", "--confirm", token)[0] == 66
    wait_until(lambda: run(c, "status")[0] == 0, what="nothing is left to be done")
