"""The users' SQL files: once, in order, whole or not at all, and a failing one is named."""
import random

import psycopg
import pytest
from harness import wait_until

COUNT = "create table if not exists runs (file text)"


@pytest.fixture
def sql_directory(workspace):
    directory = workspace / "sql.d"
    directory.mkdir(mode=0o755)
    return directory


@pytest.fixture
def node(old, sql_directory):
    """A cluster of one, formed before, that finds the files."""
    old.environment["CITUS_INIT_SQL_DIRECTORY"] = str(sql_directory)
    return old


def files_of(node):
    return node.status()["node"]["sql_files"]


def wait_applied(node, count):
    wait_until(lambda: files_of(node)["applied"] == count and files_of(node)["waiting"] == 0, 60,
               f"{count} files have been run")


def rows(node, sql):
    return [row[0] for row in node.query(sql, user="postgres")]


def test_files_run_once_and_in_order(start, sql_directory):
    (sql_directory / "20-fill.sql").write_text(
        "-- rows that the workers hold\n"
        "insert into points select i, 'a;b' from generate_series(1, 1000) i;\n"
        "insert into runs values ('20');")
    (sql_directory / "10-make.sql").write_text(
        "create table runs (file text); insert into runs values ('10');\n"
        "create table points (i int, t text);\n"
        "select create_distributed_table('points', 'i');\n"
        "do $$ begin perform 1; end; $$;\n")
    (sql_directory / "30-empty.sql").write_text("-- nothing\n")
    (sql_directory / "README").write_text("no SQL")
    c = start(environment={"CITUS_INIT_SQL_DIRECTORY": str(sql_directory)}).wait_formed()
    node = c.coordinator
    wait_applied(node, 3)
    assert rows(node, "select file from runs") == ["10", "20"]
    assert rows(node, "select count(*) from points where t = 'a;b'") == [1000]
    assert rows(node, "select name from citus_init.sql_file order by applied_at, name") == [
        "10-make.sql", "20-fill.sql", "30-empty.sql"]
    for worker in c.workers:
        assert files_of(worker)["applied"] == 0
        assert worker.value("select to_regclass('citus_init.sql_file')", user="postgres") is None

    # A start later they are not run again; a changed one is told of, a new one is run.
    assert c.stop() == 0
    (sql_directory / "20-fill.sql").write_text("drop table runs;")
    (sql_directory / "40-later.sql").write_text("insert into runs values ('40')")
    c.start().wait_formed()
    wait_applied(node, 4)
    assert rows(node, "select file from runs") == ["10", "20", "40"]
    wait_until(lambda: "20-fill.sql\" has changed since it was run" in node.log, 30)


def test_a_failing_file_is_named_with_its_line_and_tried_again(node, sql_directory):
    (sql_directory / "1.sql").write_text(COUNT + ";\ninsert into runs values ('1');\n")
    (sql_directory / "2.sql").write_text(
        "insert into runs values ('2');\n\n"
        "insert into runs\n values ('üüüüüü'),\n  (nothing);\n")
    (sql_directory / "3.sql").write_text("insert into runs values ('3')")
    node.start()
    node.wait_ready()
    error = wait_until(lambda: files_of(node)["error"], 60, "the failing file is named")
    assert error.startswith("2.sql line 5: ")
    assert "2.sql line 5: " in node.log
    assert files_of(node)["waiting"] == 2
    assert rows(node, "select file from runs") == ["1"]

    # Without a position the line is that of the statement.
    (sql_directory / "2.sql").write_text("insert into runs values ('2');\n\nselect 1;\nselect 1 / i "
                                         "from generate_series(0, 1) i;\n")
    error = wait_until(lambda: (e := files_of(node)["error"]) and "line 4" in e and e, 90,
                       "the line of the other failure")
    assert "division by zero" in error

    (sql_directory / "2.sql").write_text("insert into runs values ('2');")
    wait_applied(node, 3)
    assert files_of(node)["error"] is None
    assert rows(node, "select file from runs") == ["1", "2", "3"]


@pytest.mark.parametrize("text, words", [
    ("select 1;\ncommit;\n", "line 2: a file is run as one transaction"),
    ("select 1;\n\\echo hello\n", "line 2: a backslash begins a command of psql"),
    ("select 'open;\n", "line 1: a quote or comment is not closed"),
    ("vacuum;", "a file is one transaction: run this by hand"),
    ("create table t (i int);\ncopy t from stdin;\n", "line 2: could not run it: COPY from or to"),
    ("select 1;\0select 2;", "NUL byte"),
])
def test_what_cannot_be_run_is_refused_with_words(node, sql_directory, text, words):
    (sql_directory / "1.sql").write_text(text)
    node.start()
    node.wait_ready()
    error = wait_until(lambda: files_of(node)["error"], 60, "the file is refused")
    assert words in error
    assert node.is_ready()
    with pytest.raises(psycopg.Error):
        node.query("select * from t", user="postgres")


def test_kills_at_any_instant_run_a_file_once(start, sql_directory):
    dice = random.Random(20)
    names = [f"{k:02}" for k in range(12)]
    (sql_directory / "00-make.sql").write_text(COUNT)
    for name in names:
        (sql_directory / f"{name}.sql").write_text(
            f"insert into runs values ('{name}');\nselect pg_sleep(0.05);\n")
    node = start(1, environment={"CITUS_INIT_SQL_DIRECTORY": str(sql_directory)}).coordinator
    wait_until(lambda: files_of(node)["applied"] > 0, 120, "a first file")
    for _ in range(6):
        victim = dice.choice(["agent_pid", "postmaster_pid", "run_pid"])
        node.kill(wait_until(lambda: getattr(node, victim), 60, victim))
        wait_until(lambda: not node.is_ready() or files_of(node)["waiting"] == 0, 60, "it is down")
        before = node.log.count("has been run")
        wait_until(lambda: node.log.count("has been run") > before
                   or (node.is_ready() and files_of(node)["applied"] == 13), 120, "it goes on")
    wait_applied(node, 13)
    assert sorted(rows(node, "select file from runs")) == names
