"""
Each statement of sql/ against the schema that it is written for, so that a misspelt column is told
in seconds, by the name of its file. No cluster is needed for that, which might not form then: a
server with Citus is enough.

The first line of a file says in which database it runs, and after which other file of the same
session. What PREPARE takes is prepared; the rest is executed, and rolled back.
"""
import os
import re
import shutil
import subprocess

import psycopg
import pytest

import harness

SQL = harness.ROOT / "sql"
FILES = sorted(str(path.relative_to(SQL)) for path in SQL.glob("*/*.sql"))
HEADER = re.compile(r"-- In: (postgres|citusdb)(?:, after (\S+))?\n")
SESSION = "-c search_path=pg_catalog -c statement_timeout=30s -c lock_timeout=10s"

# Functions of Citus that the stand-in has not.
NOT_IN_STANDIN = {"citus_move_shard_placement", "citus_remote_connection_stats",
                  "replicate_table_shards"}


class Statement:
    def __init__(self, name):
        self.text = (SQL / name).read_text()
        header = HEADER.match(self.text)
        assert header, f'the first line of {name} is not "-- In: DATABASE[, after FILE]"'
        self.database = header[1]
        self.after = Statement(header[2]) if header[2] else None
        first_word = re.sub(r"^--.*\n", "", self.text, flags=re.MULTILINE).split()[0]
        self.can_be_prepared = first_word in ("select", "insert", "update", "delete", "with")

    def prepare(self, session):
        session.execute(f"prepare statement as {self.text}")

    def run(self, session):
        """Its parameters are empty texts."""
        if self.after:
            self.after.run(session)
        if not self.can_be_prepared:
            session.execute(self.text)
            return
        self.prepare(session)
        values = ", ".join("''" for _ in set(re.findall(r"\$\d+", self.text)))
        session.execute("execute statement" + (f" ({values})" if values else ""))
        session.execute("deallocate statement")

    def check(self, session):
        if not self.can_be_prepared:
            self.run(session)
            return
        if self.after:
            self.after.run(session)
        self.prepare(session)


@pytest.fixture(scope="module")
def server(module_leaves_no_traces):
    """A server with nothing but Citus in database citusdb: connects to a database of it."""
    programs = os.environ["CITUS_INIT_POSTGRES_BIN_DIR"]
    user = "postgres" if os.geteuid() == 0 else None
    with harness.workspace(harness.traces.SESSION) as directory:
        if user:
            shutil.chown(directory, user)

        def run(program, *arguments):
            subprocess.run([f"{programs}/{program}", "-D", directory / "data", *arguments],
                           user=user, group=user, cwd="/", check=True, stdout=subprocess.DEVNULL)

        def connect(database):
            return psycopg.connect(host=str(directory), user="postgres", dbname=database,
                                   options=SESSION, autocommit=True)

        run("initdb", "-U", "postgres", "--auth=trust", "--no-sync")
        run("pg_ctl", "start", "-w", "-l", directory / "log", "-o",
            f"-k {directory} -c listen_addresses= -c shared_preload_libraries=citus"
            " -c max_prepared_transactions=10 -c fsync=off")
        try:
            with connect("postgres") as session:
                session.execute("create database citusdb")
            with connect("citusdb") as session:
                session.execute("create extension citus")
            yield connect
        finally:
            run("pg_ctl", "stop", "-m", "immediate")


@pytest.mark.parametrize("name", FILES)
def test_a_statement_suits_its_schema(server, citus_kind, name):
    statement = Statement(name)
    with server(statement.database) as session, session.transaction(force_rollback=True):
        try:
            if statement.database == "postgres":
                Statement("setup/create_schema.sql").run(session)
            statement.check(session)
        except psycopg.errors.UndefinedFunction as error:
            missing = re.search(r"function (\w+)", str(error))[1]
            if citus_kind == "real" or missing not in NOT_IN_STANDIN:
                raise
            pytest.skip(f"the stand-in has no {missing}()")


# What a shard is made of besides its rows, of all tables in schema "made" on this node.
DESCRIBE = """
    select name, (
            select array_agg((attname, atttypid::regtype, attnotnull, atthasdef, attidentity)::text
                order by attnum)
            from pg_attribute
            where attrelid = to_regclass(name) and attnum > 0
        ), (
            select array_agg(conname || ' ' || pg_get_constraintdef(oid) order by conname)
            from pg_constraint
            where conrelid = to_regclass(name)
        ), (
            select inhparent::regclass::text from pg_inherits where inhrelid = to_regclass(name)
        )
    from pg_temp.placed
    where schema = 'made' and not is_reference
        and groupid = (select groupid from pg_dist_local_group)
    order by name
"""


@pytest.fixture
def tables(shared_cluster):
    """Tables with a sequence, an identity, partitions, and foreign keys of both kinds."""
    with shared_cluster.coordinator.connect("postgres") as session:
        for statement in (
                "create schema made",
                "create table made.colour (id int primary key)",
                "select create_reference_table('made.colour')",
                "create table made.owner (id bigint primary key, number serial)",
                "select create_distributed_table('made.owner', 'id', shard_count := 4)",
                """create table made.part (owner bigint, made_on date,
                   number bigint generated always as identity, colour int,
                   primary key (owner, made_on)) partition by range (made_on)""",
                """create table made.part_2025 partition of made.part
                   for values from ('2025-01-01') to ('2026-01-01')""",
                """select create_distributed_table('made.part', 'owner',
                   colocate_with := 'made.owner')""",
                """alter table made.part
                   add constraint of_owner foreign key (owner) references made.owner""",
                """alter table made.part
                   add constraint of_colour foreign key (colour) references made.colour"""):
            session.execute(statement)
        yield
        session.execute("drop schema made cascade")


def test_lost_shards_are_made_as_they_were(shared_cluster, citus_kind, request):
    if citus_kind != "real":
        pytest.skip("the stand-in cannot make a shard anew")
    request.getfixturevalue("tables")
    recreate = Statement("repair/recreate_shards.sql")
    with shared_cluster.node(1).connect("postgres", options=SESSION) as session:
        recreate.after.run(session)
        with session.transaction(force_rollback=True):
            before = session.execute(DESCRIBE).fetchall()
            session.execute("set local citus.enable_manual_changes_to_shards = on")
            session.execute(f"drop table {', '.join(shard[0] for shard in before)} cascade")
            assert session.execute(DESCRIBE).fetchall() != before
            session.execute(recreate.text)
            assert session.execute(DESCRIBE).fetchall() == before
