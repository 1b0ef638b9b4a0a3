"""What a node says of its settings and of its name, and that it touches nothing before both are
right."""
import os

import pytest

from lone import PASSWORDS, snapshot

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

UNSET = None


def apply(lone, changes):
    for name, value in changes.items():
        if value is UNSET:
            del lone.environment[name]
        else:
            lone.environment[name] = value.replace("{directory}", str(lone.directory))


def write_ini(lone, text):
    path = lone.directory / "citus-init.ini"
    path.write_text(text)
    path.chmod(0o644)
    lone.environment["CITUS_INIT_CONFIG_FILE"] = str(path)
    return path


def refused(lone, prefix=()):
    """The errors of a node that ends for its settings and touches nothing but its lock file."""
    lock = lone.volume / ".citus-init.lock"
    lock.touch(0o644)
    lone.give(lock)
    before = snapshot(lone.directory, ["log"])
    assert lone.run_to_end(prefix) == 78, lone.log
    assert snapshot(lone.directory, ["log"]) == before
    return lone.errors()


def test_all_errors_are_told_at_once_each_with_its_origin(lone):
    ini = write_ini(lone, "[cluster]\nsize = none\n\n[postgres]\nlisten_adresses = *\n[elsewhere]\na = b\n")
    apply(lone, {"ADMINPASS": UNSET, "POD_GROUP": UNSET, "CITUS_INIT_POSTGRES_PORT": "70000",
                 "CITUS_INIT_HTTP_ADRESS": "0.0.0.0:8008", "POD_NAMESPACE": "De_fault",
                 "CITUS_INIT_STOP_DEADLINE": "soon"})
    errors = refused(lone)
    for words in (["ADMINPASS is not set", "no default password", "ADMINPASS_FILE"],
                  ["POD_GROUP is not set", '"group" in section [cluster]'],
                  ["environment variable CITUS_INIT_POSTGRES_PORT", '"70000"', "1 and 65535"],
                  ["environment variable CITUS_INIT_HTTP_ADRESS",
                   'did you mean "CITUS_INIT_HTTP_ADDRESS"?'],
                  ["environment variable POD_NAMESPACE", '"De_fault"'],
                  ["environment variable CITUS_INIT_STOP_DEADLINE", '"soon"'],
                  [f"{ini}:2: size", '"none"', "1 and 255"],
                  [f"{ini}:5:", '"listen_adresses"', 'did you mean "listen_addresses"?'],
                  [f"{ini}:7:", "unknown section [elsewhere]"]):
        assert [e for e in errors if all(word in e for word in words)], (words, errors)
    assert len(errors) == 9


def test_only_the_lock_file_appears(lone):
    apply(lone, {"SET_SIZE": "0"})
    assert lone.run_to_end() == 78
    assert [entry.name for entry in lone.volume.iterdir()] == [".citus-init.lock"]
    assert sorted(entry.name for entry in lone.directory.iterdir()) == ["log", "volume"]


@needs_root
@pytest.mark.parametrize("changes", [{"SET_SIZE": "0"}, {"POD_NAME": "citus"}])
def test_root_gives_nothing_away_before_the_settings_are_right(lone, changes):
    lone.user = 0
    lone.give(lone.directory)
    apply(lone, changes)
    assert len(refused(lone)) == 1


@pytest.mark.parametrize("changes, words", [
    ({"SET_SIZE": "0"}, ["SET_SIZE", '"0"', "1 and 255"]),
    ({"SET_SIZE": "-1"}, ["SET_SIZE", '"-1"', "1 and 255"]),
    ({"SET_SIZE": "256"}, ["SET_SIZE", '"256"', "1 and 255"]),
    ({"SET_SIZE": "three"}, ["SET_SIZE", '"three"', "1 and 255"]),
    ({"SET_SIZE": "3 nodes"}, ["SET_SIZE", '"3 nodes"', "1 and 255"]),
    ({"SET_SIZE": UNSET}, ["SET_SIZE is not set", '"size" in section [cluster]']),
    ({"SET_SIZE": ""}, ["SET_SIZE is not set"]),
    ({"POD_NAME": "citus"}, ["environment variable POD_NAME", '"citus"', "ordinal"]),
    ({"POD_NAME": "citus-"}, ["environment variable POD_NAME", '"citus-"']),
    ({"POD_NAME": "citus-one"}, ["environment variable POD_NAME", '"citus-one"', "ordinal"]),
    ({"POD_NAME": "citus-01"}, ["environment variable POD_NAME", "leading zeros"]),
    ({"POD_NAME": "other-0"}, ["environment variable POD_NAME", '"other-0"', 'POD_GROUP "citus"']),
    ({"POD_NAME": "citus-1"}, ['"citus-1"', "beyond", "SET_SIZE is 1",
                               "environment variable SET_SIZE", "replicas"]),
    ({"CITUS_INIT_CONFIG_FILE": "{directory}/none.ini"},
     ["environment variable CITUS_INIT_CONFIG_FILE", "/none.ini", "No such file"]),
    ({"CITUS_INIT_POSTGRES_BIN_DIR": "{directory}"}, ["CITUS_INIT_POSTGRES_BIN_DIR"]),
    ({"CITUS_INIT_NONSENSE": "1"}, ["environment variable CITUS_INIT_NONSENSE",
                                    "no such setting"]),
])
def test_one_wrong_setting(lone, changes, words):
    apply(lone, changes)
    error, = refused(lone)
    for word in words:
        assert word in error


@pytest.mark.parametrize("name", PASSWORDS)
def test_a_missing_password_says_how_to_give_it(lone, name):
    apply(lone, {name: UNSET})
    error, = refused(lone)
    assert f"{name} is not set" in error and "no default password" in error
    assert f"{name}_FILE" in error


@pytest.mark.parametrize("content, changes, words", [
    ("x\n", {"SUPERPASS_FILE": "{directory}/secret"}, "both set"),
    ("", {"SUPERPASS": UNSET, "SUPERPASS_FILE": "{directory}/secret"}, "is empty"),
    ("\n", {"SUPERPASS": UNSET, "SUPERPASS_FILE": "{directory}/secret"}, "is empty"),
    ("a\nb\n", {"SUPERPASS": UNSET, "SUPERPASS_FILE": "{directory}/secret"}, "control character"),
    ("a\0b", {"SUPERPASS": UNSET, "SUPERPASS_FILE": "{directory}/secret"}, "zero byte"),
    ("x", {"SUPERPASS": UNSET, "SUPERPASS_FILE": "{directory}/none"}, "No such file"),
    # The password itself in the place of the file's name: it is not shown.
    ("x", {"SUPERPASS": UNSET, "SUPERPASS_FILE": PASSWORDS["SUPERPASS"]}, "not an absolute path"),
    ("x", {"SUPERPASS": ""}, "the password is empty"),
])
def test_a_wrong_password_file(lone, content, changes, words):
    secret = lone.directory / "secret"
    secret.write_text(content)
    secret.chmod(0o644)
    apply(lone, changes)
    error, = refused(lone)
    assert "SUPERPASS" in error and words in error


@needs_root
def test_a_password_file_that_only_root_may_read_is_told_with_the_user(lone):
    lone.environment["SUPERPASS_FILE"] = str(lone.directory / "secret")
    del lone.environment["SUPERPASS"]
    (lone.directory / "secret").write_text(PASSWORDS["SUPERPASS"])
    (lone.directory / "secret").chmod(0o600)
    os.chown(lone.directory / "secret", 0, 0)
    uid, lone.user = lone.user, 0
    assert lone.run_to_end() == 78
    error, = lone.errors()
    assert "SUPERPASS_FILE" in error and str(lone.directory / "secret") in error
    assert f"uid {uid}" in error
    assert not lone.data.exists()


def test_settings_from_everywhere(lone):
    """Passwords from a file and the INI file, a live setting there before the environment, what
    older manifests set, what Kubernetes sets for a service of our name."""
    secret = lone.directory / "secret"
    secret.write_text(PASSWORDS["SUPERPASS"] + "\n")
    ini = write_ini(lone, "[cluster]\nsize = 1 ; not two\nnamespace = ini\n"
                    f"[secrets]\nadminpass = {PASSWORDS['ADMINPASS']}\n"
                    "# what the environment says wins\n[postgres]\nport = 1\n"
                    "[restart]\nlimit = 7\n")
    for path in (secret, ini):
        lone.give(path)
        path.chmod(0o400)
    apply(lone, {"SUPERPASS": UNSET, "SUPERPASS_FILE": str(secret), "ADMINPASS": UNSET,
                 "SET_SIZE": "2", "POD_IP": "10.1.2.3", "ETCD_HOST": "etcd",
                 "CITUS_INIT_PORT": "tcp://10.0.0.7:8008", "CITUS_INIT_LOCAL_ANYTHING": "yes",
                 "CITUS_INIT_PORT_8008_TCP_ADDR": "10.0.0.7",
                 "CITUS_INIT_SERVICE_HOST": "10.0.0.7", "CITUS_INIT_LOG_FORMAT": ""})
    lone.start()
    lone.wait_ready()
    assert '"citus-0" is the coordinator of 1 nodes' in lone.log
    for user in ("postgres", "admin"):
        assert lone.value("select current_user", user=user) == user


def test_an_ordinal_beyond_the_size_goes_on_with_its_data(lone):
    """The set was scaled down: a member stays up until its shards have been moved away."""
    apply(lone, {"POD_NAME": "citus-1", "SET_SIZE": "2"})
    for size in ("2", "1"):
        lone.environment["SET_SIZE"] = size
        lone.start()
        lone.wait_started()
        assert lone.stop() == 0
    assert '"citus-1" is the worker of 1 nodes' in lone.log


def with_host_name(name):
    return ["unshare", "--uts", "sh", "-ec", 'hostname "$0"; exec "$@"', name]


@needs_root
def test_the_host_name_is_the_name_where_none_is_given(old):
    lone = old
    del lone.environment["POD_NAME"]
    lone.start(with_host_name("citus-0.citus.default.svc.cluster.local"))
    lone.wait_ready()
    assert '"citus-0" is the coordinator of 1 nodes' in lone.log


@needs_root
@pytest.mark.parametrize("name, words", [("database", "does not end in an ordinal"),
                                         ("other-0", 'POD_GROUP "citus"')])
def test_a_host_name_that_is_none_of_the_group(lone, name, words):
    del lone.environment["POD_NAME"]
    error, = refused(lone, with_host_name(name))
    assert "the host name (POD_NAME is not set)" in error and name in error and words in error


@needs_root
def test_the_given_name_wins_over_the_host_name(old):
    lone = old
    lone.start(with_host_name("database"))
    lone.wait_ready()
    assert '"citus-0" is the coordinator of 1 nodes' in lone.log
