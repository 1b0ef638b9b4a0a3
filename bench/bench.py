#!/usr/bin/python3
"""
citus-init against the same steps by hand: prints a table, and with --readme keeps it in
bench/README.md. Exits with 1 when a goal is missed.
"""
import argparse
import os
import pathlib
import signal
import sys

from measure import BENCHMARKS
from place import Place

README = pathlib.Path(__file__).with_name("README.md")
BEGIN = "<!-- begin: results (made by bench.py --readme) -->\n"
END = "<!-- end: results -->\n"


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7, help="of each side, default 7")
    parser.add_argument("--only", action="append", choices=BENCHMARKS, metavar="NAME",
                        help="one of " + ", ".join(BENCHMARKS) + "; may be repeated")
    parser.add_argument("--idle-seconds", type=int, default=60)
    parser.add_argument("--directory", help="where the nodes lie; default TMPDIR")
    parser.add_argument("--readme", action="store_true", help="keep the table in README.md")
    options = parser.parse_args()
    if options.readme and options.only:
        parser.error("--readme is for the whole table")
    return options


def table(place, options, rows):
    citus = "the real Citus" if place.citus == "real" else "the stand-in for Citus"
    lines = [f"PostgreSQL {place.postgres_version()} with {citus}, {os.cpu_count()} cores,"
             f" {options.runs} runs of each side in turns: medians (least to most).",
             "",
             "| | citus-init | by hand | result | goal | |",
             "|---|---|---|---|---|---|"]
    for row in rows:
        lines.append(f"| {row.what} | {row.ours} | {row.theirs} | {row.result} | {row.goal} |"
                     f" {'met' if row.met else '**missed**'} |")
    return "\n".join(lines) + "\n"


def keep(text):
    readme = README.read_text()
    head, rest = readme.split(BEGIN)
    README.write_text(head + BEGIN + text + END + rest.split(END)[1])


def main():
    options = parse()
    # So that what was started is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    place = Place(options.directory)
    rows = []
    for name, benchmark in BENCHMARKS.items():
        if options.only and name not in options.only:
            continue

        def progress(text, name=name):
            print(f"{name}: {text}", file=sys.stderr, flush=True)
        options.progress = progress
        rows += benchmark(place, options)
    text = table(place, options, rows)
    print(text, end="")
    if options.readme:
        keep(text)
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
