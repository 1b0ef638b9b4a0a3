"""
The order of text: nodes that order it in different ways do not get into one cluster, and a library
that orders it otherwise than the one that the indexes were made with is told of.
"""
import pytest

from harness import wait_until
from test_commands import run
from test_metrics import samples

METRIC = "member_outdated_collations"


def icu(locale):
    return {"CITUS_INIT_INITDB_ARGUMENTS": f"--locale-provider=icu --icu-locale={locale}"}


def as_postgres(node, *statements, database="postgres"):
    """Each by itself: REINDEX DATABASE takes no transaction."""
    with node.connect("postgres", database) as session:
        for statement in statements:
            session.execute(statement)


def conditions(cluster):
    """Their texts by node; and everybody is looked at anew."""
    as_postgres(cluster.coordinator, "select pg_notify('citus_init', '')")
    return {c["node"]: c["text"] for c in cluster.coordinator.status()["conditions"]}


def test_one_of_another_icu_locale_is_refused(start):
    c = start(2, environment=icu("en"))
    c.wait_formed()
    c.stop()
    c.count = 3
    c.environment = icu("en-u-kn-true")
    c.start()
    c.wait_reason(2, "locale")
    member = c.member(2)
    assert member["state"] == "unfit"
    assert '"en-u-kn-true"' in member["reason"]
    assert '"en"' in member["reason"]
    assert len(c.registered()) == 2
    assert not c.node(2).is_ready()
    assert c.coordinator.is_ready()


@pytest.mark.long
def test_a_library_of_another_version_is_told_of_until_all_is_made_anew(start):
    c = start(2, environment=icu("en"))
    c.wait_formed()
    # As after an update of the image: the versions that are recorded are those of another library.
    worker, coordinator = c.node(1), c.coordinator
    as_postgres(worker, "update pg_database set datcollversion = '1.1'"
                        " where datname in ('citusdb', 'template1')")
    as_postgres(worker, "set citus.enable_ddl_propagation = off",
                'create table dated (name text collate "de-x-icu" primary key)',
                "update pg_collation set collversion = '1.2'"
                " where collname in ('de-x-icu', 'fr-x-icu')", database="citusdb")
    as_postgres(coordinator, "update pg_database set datcollversion = '1.3'"
                             " where datname = 'postgres'")

    told = wait_until(lambda: len(found := conditions(c)) == 2 and found,
                      what="both nodes are told of")
    assert "database citusdb (1.1, now " in told["citus-1"]
    assert "database template1 (1.1, now " in told["citus-1"]
    assert 'collation "de-x-icu" of database citusdb (1.2, now ' in told["citus-1"]
    assert "fr-x-icu" not in told["citus-1"]  # nothing is made of it
    assert "database postgres (1.3, now " in told["citus-0"]
    assert "citusdb" not in told["citus-0"]
    for text in told.values():
        assert text.index("REINDEX DATABASE") < text.index("REFRESH COLLATION VERSION")
    code, text = run(c, "status", ordinal=1)
    assert code == 1
    assert told["citus-1"] in text
    found = samples(coordinator)
    assert found[METRIC, "citus-0"] == 1
    assert found[METRIC, "citus-1"] == 3
    assert worker.is_ready()

    as_postgres(worker, "reindex database citusdb",
                'alter collation "de-x-icu" refresh version', database="citusdb")
    as_postgres(worker, "alter database citusdb refresh collation version")
    as_postgres(worker, "reindex database template1", database="template1")
    as_postgres(worker, "alter database template1 refresh collation version")
    as_postgres(coordinator, "reindex database postgres",
                "alter database postgres refresh collation version")
    wait_until(lambda: conditions(c) == {}, what="nothing is left to be said")
    found = samples(coordinator)
    assert found[METRIC, "citus-0"] == found[METRIC, "citus-1"] == 0
