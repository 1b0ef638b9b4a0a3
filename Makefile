# citus-init: build, tests and checks. "make help" lists the targets.
#
# MODE chooses the build: release (static, hardened), asan (dynamic, ASan and UBSan),
# fuzz (clang, libFuzzer). Each has a directory of its own under build/.
MODE ?= release
BUILD := build/$(MODE)
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unreleased)
V ?= 0
Q := $(if $(filter 0,$(V)),@,)

# PostgreSQL 15 to 18. Where several have their headers here, the one of which libpq is: parts of
# the server's libraries are linked with libpq, and their functions differ from version to version.
LIBPQ_MAJOR := $(shell sed -n 's/^.define PG_MAJORVERSION "\(.*\)"/\1/p' \
	/usr/include/postgresql/pg_config.h 2>/dev/null)
PG_CONFIG ?= $(firstword $(wildcard /usr/lib/postgresql/$(LIBPQ_MAJOR)/bin/pg_config) pg_config)
PG_INCLUDE := $(shell $(PG_CONFIG) --includedir 2>/dev/null)
PG_SERVER_INCLUDE := $(shell $(PG_CONFIG) --includedir-server 2>/dev/null)
PG_MAJOR := $(shell $(PG_CONFIG) --version 2>/dev/null | sed 's/^PostgreSQL \([0-9]*\).*/\1/')
PG_PKGLIB := $(shell $(PG_CONFIG) --pkglibdir 2>/dev/null)

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 \
	-Wswitch-enum -Wnull-dereference -Wundef -Wpointer-arith -Wwrite-strings \
	-Wno-format-nonliteral $(if $(CI),-Werror)
OUR_CFLAGS := -std=gnu11 -g $(WARNINGS) -D_GNU_SOURCE -Isrc -I$(BUILD)/generated \
	-I$(PG_INCLUDE) -fno-strict-aliasing -MMD -MP
# psql's lexer, and what it wants of the frontend's common code.
LIBS_LEXER := $(PG_PKGLIB)/libpgfeutils.a -lpq $(PG_PKGLIB)/libpgcommon.a $(PG_PKGLIB)/libpgport.a
# Debian 13's libcrypto compresses, 12's does not.
LIBS_AGENT := $(PG_PKGLIB)/libpgfeutils.a -lpq $(PG_PKGLIB)/libpgcommon_shlib.a \
	$(PG_PKGLIB)/libpgport_shlib.a $(PG_PKGLIB)/libpgcommon.a $(PG_PKGLIB)/libpgport.a \
	-levent_extra -levent_core -ljansson -linih -lyaml -lssl -lcrypto -lz -lzstd -lm

ifeq ($(MODE),release)
CC_MODE := $(CC)
OUR_CFLAGS += -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection \
	-fcf-protection=full -fPIE -ffunction-sections -fdata-sections
OUR_LDFLAGS := -static-pie -Wl,-z,relro,-z,now,--gc-sections
else ifeq ($(MODE),asan)
CC_MODE := $(CC)
OUR_CFLAGS += -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
OUR_LDFLAGS := -fsanitize=address,undefined
else ifeq ($(MODE),fuzz)
CC_MODE := clang
OUR_CFLAGS += -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
OUR_LDFLAGS := -fsanitize=address,undefined
else
$(error MODE is release, asan or fuzz)
endif

SOURCES := $(sort $(wildcard src/*/*.c))
SQL := $(sort $(wildcard sql/*/*.sql))
GENERATED := $(BUILD)/generated/version.h $(BUILD)/generated/statements.h
OBJECTS := $(SOURCES:src/%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/node/templates.o \
	$(BUILD)/obj/statements.o
LIBRARY := $(BUILD)/libcitus-init.a
BINARY := build/citus-init
ifneq ($(MODE),release)
BINARY := $(BUILD)/citus-init
endif

.DEFAULT_GOAL := all
.PHONY: all help
all: $(BINARY) ## build build/citus-init
	$(Q)[ "$(MODE)" != release ] || { strip -o $(BUILD)/citus-init.stripped $(BINARY); \
		printf '%s: %s bytes stripped\n' $(BINARY) "$$(stat -c %s $(BUILD)/citus-init.stripped)"; }

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile mk/*.mk | expand -t 20

.PHONY: one-version-of-postgres
one-version-of-postgres:
	$(Q)[ "$(PG_MAJOR)" = "$(or $(LIBPQ_MAJOR),$(PG_MAJOR))" ] || { \
		echo "$(PG_CONFIG) is of PostgreSQL $(PG_MAJOR) and libpq is of $(LIBPQ_MAJOR), and both" \
			"are linked: install postgresql-server-dev-$(LIBPQ_MAJOR)" >&2; exit 1; }; \
	[ -e "$(PG_SERVER_INCLUDE)/postgres_fe.h" ] || { \
		echo "the server's headers of PostgreSQL $(PG_MAJOR) are missing: \"make deps-build\"" \
			"installs them" >&2; exit 1; }

# Suites that run side by side may all look here: each writes a file of its own.
$(BUILD)/generated/version.h: FORCE | one-version-of-postgres
	$(Q)mkdir -p $(@D); printf '#pragma once\n#define VERSION "%s"\n' '$(VERSION)' >$@.$$$$; \
		cmp -s $@.$$$$ $@ && rm $@.$$$$ || mv $@.$$$$ $@
FORCE:

# Each sql/ROOM/NAME.sql is the string sql_ROOM_NAME of the binary.
$(BUILD)/generated/statements.h: FORCE
	$(Q)mkdir -p $(@D); { printf '#pragma once\n'; \
		printf 'extern const char %s[];\n' $(subst /,_,$(SQL:.sql=)); } >$@.$$$$; \
		cmp -s $@.$$$$ $@ && rm $@.$$$$ || mv $@.$$$$ $@

$(BUILD)/generated/statements.c: mk/sql.awk $(SQL) $(BUILD)/generated/statements.h
	$(Q)awk -f $< $(SQL) >$@

$(BUILD)/obj/statements.o: $(BUILD)/generated/statements.c
	$(Q)mkdir -p $(@D); echo "  SQL   $(words $(SQL)) statements"; \
		$(CC_MODE) $(OUR_CFLAGS) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/obj/%.o: src/%.c | $(GENERATED)
	$(Q)mkdir -p $(@D); echo "  CC    $<"; \
		$(CC_MODE) $(OUR_CFLAGS) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# The files that need PostgreSQL's own headers: SCRAM and SASLprep of libpgcommon, psql's lexer.
# Their attributes are for the compiler that built PostgreSQL: clang does not know gnu_printf.
$(BUILD)/obj/sql/scram.o $(BUILD)/obj/sqlfiles/sql_script.o: OUR_CFLAGS += -I$(PG_SERVER_INCLUDE) -I$(PG_INCLUDE)/internal -Wno-undef -Wno-shadow -Wno-ignored-attributes

# The shipped templates are part of the binary.
$(BUILD)/obj/node/templates.o: src/node/templates.S $(wildcard templates/*.tmpl)
	$(Q)mkdir -p $(@D); echo "  AS    $<"; $(CC_MODE) -c -o $@ $<

$(LIBRARY): $(filter-out $(BUILD)/obj/main.o,$(OBJECTS))
	$(Q)rm -f $@; ar rcs $@ $^

# The objects themselves, not the archive: libpq's wants must find the shim's symbols.
$(BINARY): $(BUILD)/obj/main.o $(OBJECTS)
	$(Q)mkdir -p $(@D); echo "  LINK  $@"; sh mk/link.sh $(CC_MODE) $(OUR_CFLAGS) $(CFLAGS) \
		$(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_AGENT)

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
include $(wildcard mk/*.mk)

# A make of its own builds: this one has asked pg_config before it was installed. Two suites run at
# a time; beside the longest, which comes first, stand those that want little.
SUITES_OF_CHECK := check-cluster check-init check-unit fuzz-smoke format-check check-k8s layers \
	then check-container-15 check-cluster-17
SUITES_OF_CHECK_LONG := check-random check-asan valgrind fuzz then check-container-17
LONG_MINUTES ?= 60
BUILD_ALL := $(MAKE) --no-print-directory -j $(shell nproc)

.PHONY: check check-long
check: deps-test ## install what tests need, build, and run all suites
	$(Q)$(BUILD_ALL) all build-tests && /usr/bin/python3 tests/lib/suites.py $(SUITES_OF_CHECK)

# Fuzzing has one of two lanes for half of the time.
check-long: deps-test ## what wants hundreds of rounds, in about LONG_MINUTES (60)
	$(Q)$(BUILD_ALL) all build-tests && LONG_MINUTES=$(LONG_MINUTES) \
		FUZZ_SECONDS=$$(($(LONG_MINUTES) * 30 / $(words $(FUZZ_TARGETS)))) \
		/usr/bin/python3 tests/lib/suites.py $(SUITES_OF_CHECK_LONG)

.PHONY: build-tests
build-tests: $(UNIT_PROGRAMS:%=$(BUILD)/%) $(FAKE_POSTGRES) fuzz-programs

.PHONY: clean
clean: ## remove all that was built
	rm -rf build
