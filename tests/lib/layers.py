#!/usr/bin/python3
"""
Checks the includes below src/ against the rooms, and PID 1's files against what they may call.
With a directory as its argument it checks that tree in place of the project's own.

A room includes rooms below it only, and there only those that it is given here. No files include
each other in a circle, where X.c and X.h are one. PID 1 uses libc and base/, and allocates nothing
after start-up; the rest of what it must never do (exit, block in a library) is forbidden here as
far as a search can tell.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2] / "src")

# From the top down: a room, and the rooms that it includes.
ROOMS = {
    "main.c": "agent cli local prepare init node base",
    "agent": "cluster setup sqlfiles report view sql node base",
    "cluster": "repair view sql node base",
    "repair": "sql node base",
    "setup": "view sql node base",
    "sqlfiles": "view sql node base",
    "report": "view sql node base",
    "cli": "check node base",
    "check": "node base",
    "local": "node base",
    "view": "node base",
    "sql": "base",
    "prepare": "node base",
    "init": "base",
    "node": "base",
    "base": "",
}

# One file each: fixed-size messages between processes, which both sides must know.
EXCEPTIONS = {("agent", "init/control.h"), ("setup", "init/control.h"), ("prepare", "init/launch.h")}

# Made by the build, part of no room.
GENERATED = {"version.h", "statements.h"}

# What of base/ PID 1 includes: these neither allocate nor exit. Of the others it takes the inline
# part of mem.h, and secret.h once at boot.
QUIET = {"banned.h", "clock.h", "data_directory.h", "err.h", "exit_code.h", "launch_fd.h", "log.h",
         "mem.h", "postgres_state.h", "proc.h", "secret.h", "uuid.h",
         "walk.h"}
LOUD = {"mem", "secret"}

# Headers that are no part of glibc or the kernel, by their beginnings.
LIBRARIES = ("libpq", "event", "jansson", "openssl", "ini.h", "yaml", "common/", "check")

# Allocate, end the process, or do so within; _exit() in a child of fork() is right.
FORBIDDEN = """malloc calloc realloc reallocarray strdup strndup asprintf vasprintf open_memstream
    xcalloc xrealloc xstrdup xstrndup xasprintf fopen fdopen opendir scandir nftw getline getdelim
    realpath setenv putenv unsetenv exit quick_exit abort assert atexit printf puts perror syslog
    getaddrinfo gethostbyname getpwnam getpwuid getgrnam getgrgid initgroups qsort
    secret_read file_read file_replace""".split()
CALL = re.compile(r"(?<![\w.>])(" + "|".join(FORBIDDEN) + r")\s*\(")

# By file and function: before anything is started, or for people.
ALLOWED = {
    ("postmaster.c", "postmaster_init", "xcalloc"),  # the environment, once, at boot
    ("lock.c", "lock_holder", "fopen"),  # names who holds the lock, before anything is started
}

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')
# Comments and strings, which may name any function; newlines stay for the line numbers.
NOISE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.DOTALL)
FUNCTION = re.compile(r"^[a-z_].*?\b(\w+)\(", re.MULTILINE)

problems = []
allowed_and_there = set()


def complain(path, line, text):
    problems.append(f"{path.relative_to(ROOT.parent)}:{line}: {text}")


def includes_of(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match[1] == "<", match[2]


def check_table():
    """Arrows point down in the table itself, too."""
    order = list(ROOMS)
    for room, uses in ROOMS.items():
        for target in uses.split():
            if order.index(target) <= order.index(room):
                problems.append(f"layers.py lets {room} include {target}, which is not below it")


def check_arrows(path, room):
    for number, is_system, name in includes_of(path):
        if is_system or name in GENERATED:
            continue
        target = name.split("/")[0]
        if "/" not in name or target not in ROOMS:
            complain(path, number, f'"{name}" is in no room: write it as "room/file.h"')
        elif not (ROOT / name).exists():
            complain(path, number, f'"{name}" is not there')
        elif target != room and target not in ROOMS[room].split() \
                and (room, name) not in EXCEPTIONS:
            complain(path, number, f'{room} may not include "{name}"')


def check_circles(files):
    """Each circle is told once, by the units on it."""
    units = {}
    for path in files:
        unit = str(path.relative_to(ROOT).with_suffix(""))
        units.setdefault(unit, set()).update(
            name.rsplit(".", 1)[0] for _, is_system, name in includes_of(path)
            if not is_system and name.rsplit(".", 1)[0] != unit)
    done = set()

    def walk(unit, way):
        if unit in way:
            circle = way[way.index(unit):] + [unit]
            problems.append(f"files include each other in a circle: {' -> '.join(circle)}")
        elif unit not in done:
            for target in sorted(units.get(unit, ())):
                walk(target, way + [unit])
            done.add(unit)

    for unit in sorted(units):
        walk(unit, [])


def check_quiet_includes(path, room):
    """For init/ and what of base/ PID 1 uses."""
    for number, is_system, name in includes_of(path):
        if is_system and name.startswith(LIBRARIES):
            complain(path, number, f"PID 1 uses libc only, not <{name}>")
        if room == "init" and name.startswith("base/") and name[5:] not in QUIET:
            complain(path, number, f'PID 1 may not use "{name}", which allocates or blocks')


def check_calls(path):
    text = NOISE.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), path.read_text())
    for match in CALL.finditer(text):
        functions = [f[1] for f in FUNCTION.finditer(text, 0, match.start())]
        function = functions[-1] if functions else "?"
        allowance = (path.name, function, match[1])
        if allowance in ALLOWED:
            allowed_and_there.add(allowance)
        else:
            complain(path, text.count("\n", 0, match.start()) + 1,
                     f"PID 1 may not call {match[1]}(), as {function}() does")


def main():
    files = sorted(p for p in ROOT.rglob("*") if p.suffix in (".c", ".h", ".S"))
    check_table()
    check_circles(files)
    for path in files:
        room = path.relative_to(ROOT).parts[0]
        if room not in ROOMS:
            complain(path, 1, f"{room} is no room")
            continue
        check_arrows(path, room)
        quiet = room == "init" or (room == "base" and f"{path.stem}.h" in QUIET)
        if quiet:
            check_quiet_includes(path, room)
        if quiet and path.suffix == ".c" and not (room == "base" and path.stem in LOUD):
            check_calls(path)
    for name, function, call in ALLOWED - allowed_and_there:
        problems.append(f"layers.py allows {call}() in {function}() of {name}, which is not there")
    for problem in problems:
        print(problem)
    if not problems:
        print(f"layers: {len(files)} files, every arrow points down, and none in a circle")
    return 1 if problems else 0


sys.exit(main())
