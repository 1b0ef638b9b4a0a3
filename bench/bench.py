#!/usr/bin/python3
"""
citus-init against the same steps by hand, and its image against the way of the official images:
prints a table of each, and with --readme keeps them in bench/README.md. Exits with 1 when a goal
is missed.
"""
import argparse
import collections
import pathlib
import signal
import sys

import container
import measure
from place import LeftOut, Place

README = pathlib.Path(__file__).with_name("README.md")

# Its name in the README, the place that its benchmarks run in, and whom they compare with.
Table = collections.namedtuple("Table", "name open benchmarks theirs")
TABLES = [Table("results", lambda options: Place(options.directory), measure.BENCHMARKS, "by hand"),
          Table("container results", lambda _: container.Engine(), container.BENCHMARKS,
                "the official way")]
NAMES = [name for table in TABLES for name in table.benchmarks]


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7, help="of each side, default 7")
    parser.add_argument("--only", action="append", choices=NAMES, metavar="NAME",
                        help="one of " + ", ".join(NAMES) + "; may be repeated")
    parser.add_argument("--idle-seconds", type=int, default=60)
    parser.add_argument("--directory", help="where the nodes lie; default TMPDIR")
    parser.add_argument("--readme", action="store_true", help="keep the tables in README.md")
    options = parser.parse_args()
    options.only = options.only or NAMES
    for table in TABLES:
        chosen = table.benchmarks.keys() & set(options.only)
        if options.readme and chosen and chosen != table.benchmarks.keys():
            parser.error("--readme is for whole tables: choose all or none of "
                         + ", ".join(table.benchmarks))
    return options


def measure_all(table, place, options):
    rows = []
    for name, benchmark in table.benchmarks.items():
        if name not in options.only:
            continue

        def progress(text, name=name):
            print(f"{name}: {text}", file=sys.stderr, flush=True)
        options.progress = progress
        rows += benchmark(place, options)
    return rows


def verdict(row):
    if not row.goal:
        return ""
    return "met" if row.met else "**missed**"


def in_words(table, place, options, rows):
    lines = [f"{place.conditions()}, {options.runs} runs of each side in turns: medians (least to"
             " most).",
             "",
             f"| | citus-init | {table.theirs} | result | goal | |",
             "|---|---|---|---|---|---|"]
    for row in rows:
        lines.append(f"| {row.what} | {row.ours} | {row.theirs} | {row.result} | {row.goal} |"
                     f" {verdict(row)} |")
    return "\n".join(lines) + "\n"


def keep(table, text):
    begin = f"<!-- begin: {table.name} (made by bench.py --readme) -->\n"
    end = f"<!-- end: {table.name} -->\n"
    head, rest = README.read_text().split(begin)
    README.write_text(head + begin + text + end + rest.split(end)[1])


def main():
    options = parse()
    # So that what was started is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    met = True
    for table in TABLES:
        if not table.benchmarks.keys() & set(options.only):
            continue
        try:
            place = table.open(options)
        except LeftOut as why:
            print(f"LEFT OUT: {why}")
            continue
        rows = measure_all(table, place, options)
        text = in_words(table, place, options, rows)
        print(text, flush=True)
        if options.readme:
            keep(table, text)
        met = met and all(row.met for row in rows)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
