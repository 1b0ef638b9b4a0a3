#!/usr/bin/python3
"""
Runs make targets side by side, all of them whatever becomes of one, and says at the end which
failed, what they ran on, and which tests took longest.

    suites.py TARGET... [then TARGET...]...

Those behind a "then" begin when all before it have ended: two suites that both load the machine
make each other's waits run out. The output of each is in build/check/TARGET.log; that of one that
failed is shown too.
"""
import collections
import pathlib
import re
import subprocess
import sys
import threading
import time

SIDE_BY_SIDE = 2
SLOWEST = 15
SHOWN = 150  # lines of a failed suite

DURATION = re.compile(r"^([0-9.]+)s (call|setup|teardown) +(\S+)", re.MULTILINE)
# pytest's count of tests, and Check's.
PYTEST = re.compile(r"^(?:=+ )?((?:\d+ [a-z]+, )*\d+ [a-z]+) in [0-9.]+s", re.MULTILINE)
COUNT = re.compile(r"(\d+) ([a-z]+)")
CHECK = re.compile(r"Checks: ([1-9]\d*), Failures: (\d+), Errors: (\d+)")
# What a suite says of the ground that it ran on, and of what it left out.
GROUND = re.compile(r"^(?:these tests ran on|LEFT OUT).*", re.MULTILINE)

LOGS = pathlib.Path("build/check")


class Suite:
    def __init__(self, target):
        self.target = target
        self.log = LOGS / f"{target}.log"
        self.status = None
        self.seconds = 0

    def run(self):
        begin = time.monotonic()
        with open(self.log, "wb") as log:
            self.status = subprocess.run(["make", "--no-print-directory", self.target], stdout=log,
                                         stderr=log, stdin=subprocess.DEVNULL).returncode
        self.seconds = time.monotonic() - begin

    @property
    def text(self):
        return self.log.read_text(errors="replace")

    @property
    def verdict(self):
        return "passed" if self.status == 0 else f"FAILED (exit code {self.status})"

    @property
    def counts(self):
        """How many of its tests passed, failed and so on, as it said itself; empty without tests."""
        counts = collections.Counter()
        for line in PYTEST.findall(self.text):
            counts.update({word: int(number) for number, word in COUNT.findall(line)})
        for checks, *failed in CHECK.findall(self.text):
            failed = sum(map(int, failed))
            counts.update({"passed": int(checks) - failed, "failed": failed})
        return +counts


def in_words(counts):
    return ", ".join(f"{number} {word}" for word, number in counts.items())


def run_side_by_side(suites):
    waiting = iter(suites)
    turn = threading.Lock()

    def work():
        while True:
            with turn:
                suite = next(waiting, None)
            if not suite:
                return
            suite.run()
            with turn:
                print(f"== {suite.target}: {suite.verdict}, {suite.seconds:.0f} s"
                      + (f" ({in_words(suite.counts)})" if suite.counts else ""), flush=True)
                if suite.status != 0:
                    print(*suite.text.splitlines()[-SHOWN:], sep="\n", flush=True)

    workers = [threading.Thread(target=work) for _ in range(SIDE_BY_SIDE)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def main(arguments):
    LOGS.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    suites = []
    for group in " ".join(arguments).split(" then "):
        together = [Suite(target) for target in group.split()]
        run_side_by_side(together)
        suites += together

    durations = sorted(((float(seconds), name if what == "call" else f"{name} ({what})")
                        for suite in suites for seconds, what, name in
                        DURATION.findall(suite.text)), reverse=True)[:SLOWEST]
    if durations:
        print("\nthe slowest tests:")
        for seconds, name in durations:
            print(f"{seconds:7.1f} s  {name}")
    print()
    for suite in suites:
        for line in GROUND.findall(suite.text):
            print(f"{suite.target}: {line}")
    failed = [suite.target for suite in suites if suite.status != 0]
    print(f"{len(suites)} suites in {time.monotonic() - begin:.0f} s"
          + (f"; FAILED: {', '.join(failed)}" if failed else ""))
    print(f"tests: {in_words(sum((suite.counts for suite in suites), collections.Counter()))}")
    print(f"suites: {len(suites) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


sys.exit(main(sys.argv[1:]))
