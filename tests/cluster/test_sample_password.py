"""The password of the sample manifests: accepted, and complained of by name."""
import json

from harness import wait_until


def test_the_sample_password_is_complained_of(old):
    lone = old
    lone.environment.update(SUPERPASS="atomic", REPPASS="atomic")
    lone.start()
    wait_until(lambda: "set-up is done" in lone.log, 60, "the local set-up")
    words = "SUPERPASS, REPPASS: the password of the sample manifests is in use"
    assert lone.log.count(words) == 1
    assert words in json.loads(lone.get("status")[1])["node"]["warnings"][0]
    assert "atomic" not in lone.log


def test_another_password_is_not(old):
    lone = old
    lone.start()
    wait_until(lambda: "set-up is done" in lone.log, 60, "the local set-up")
    assert "sample" not in lone.log
    assert json.loads(lone.get("status")[1])["node"]["warnings"] == []
