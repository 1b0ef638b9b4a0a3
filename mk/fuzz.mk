# Fuzzing: each tests/fuzz/X.c is a libFuzzer target. What is known to be worth a try stands in
# tests/fuzz/corpus/X, found crashes are added there and so are tried for ever.
FUZZ_TARGETS := $(patsubst tests/fuzz/%.c,%,$(sort $(wildcard tests/fuzz/*.c)))
FUZZ_BUILD := build/fuzz
FUZZ_SECONDS ?= 600
FUZZ_TARGET ?= $(FUZZ_TARGETS)

# Only the objects that parse: the rooms that a target may reach.
FUZZ_SOURCES := $(wildcard src/base/*.c src/node/*.c src/check/*.c) \
	$(patsubst %,src/init/%.c,control launch pidfile) src/sqlfiles/sql_script.c
FUZZ_OBJECTS = $(FUZZ_SOURCES:src/%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/node/templates.o

.PHONY: fuzz fuzz-smoke fuzz-build fuzz-programs
fuzz-programs:
	$(Q)$(MAKE) --no-print-directory MODE=fuzz fuzz-build

fuzz: fuzz-programs ## fuzz each parser for FUZZ_SECONDS (600); FUZZ_TARGET=name for one
	$(Q)set -e; for t in $(FUZZ_TARGET); do sh mk/fuzz.sh $(FUZZ_BUILD) $$t $(FUZZ_SECONDS); done

fuzz-smoke: ## fuzz each parser for 5 seconds
	$(Q)$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=5

ifeq ($(MODE),fuzz)
fuzz-build: $(FUZZ_TARGETS:%=$(BUILD)/fuzz-%)

$(BUILD)/fuzz-%: tests/fuzz/%.c $(FUZZ_OBJECTS)
	$(Q)echo "  FUZZ  $@"; $(CC_MODE) $(filter-out -MMD -MP,$(OUR_CFLAGS)) $(CFLAGS) \
		-fsanitize=fuzzer $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ -linih -lyaml $(LIBS_LEXER)
endif
