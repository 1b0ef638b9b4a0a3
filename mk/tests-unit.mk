# Unit tests: every tests/unit/test_X.c provides "Suite *suite_X(void)" and is in the runner by
# being there. Those below tests/scripted are a program of their own, in which a script stands for
# PostgreSQL, and virtual time for the clock. One suite: make check-unit T=X. Golden files anew:
# make golden-update.
UNIT_PROGRAMS := unit scripted
UNIT_LDFLAGS := $(if $(filter release,$(MODE)),-pie,$(OUR_LDFLAGS))
T ?=

# Check forks a process for each test, in which a leak checker would take what the runner holds
# for leaks; LeakSanitizer's own word counts when the whole suite runs in one process.
.PHONY: check-unit valgrind golden-update
check-unit: $(UNIT_PROGRAMS:%=$(BUILD)/%) ## run the unit tests (T=suite for one; MODE=asan with sanitizers)
	$(Q)for program in $^; do \
		$(if $(filter asan,$(MODE)),CK_FORK=no) $(if $(T),CK_RUN_SUITE=$(T)) $$program \
			|| failed=1; \
	done; [ -z "$$failed" ]

valgrind: $(UNIT_PROGRAMS:%=$(BUILD)/%) ## run the unit tests under valgrind: errors, leaks, descriptors
	$(Q)mkdir -p build/lint; set -e; for program in $^; do \
		sh mk/valgrind.sh $$program build/lint/valgrind.log; done

golden-update: $(BUILD)/unit ## write the expected files of tests and the generated docs anew
	$(Q)GOLDEN_UPDATE=1 $(BUILD)/unit

# A program: its files, the list of its suites, and the runner, which is the same for all.
define UNIT_PROGRAM
$(1)_SOURCES := $$(sort $$(wildcard tests/$(1)/*.c) tests/unit/main.c)
$(1)_OBJECTS := $$($(1)_SOURCES:tests/%.c=$(BUILD)/obj-$(1)/%.o)

$(BUILD)/generated/$(1)/suites.h: FORCE
	$$(Q)mkdir -p $$(@D); { printf '#pragma once\n#define SUITES(X)'; \
		printf ' X(%s)' $$(patsubst tests/$(1)/test_%.c,%,$$(sort $$(wildcard tests/$(1)/test_*.c))); \
		echo; } >$$@.$$$$$$$$; cmp -s $$@.$$$$$$$$ $$@ && rm $$@.$$$$$$$$ || mv $$@.$$$$$$$$ $$@

# An argv made of literals is all that the tests want of them.
$(BUILD)/obj-$(1)/%.o: tests/%.c | $(GENERATED)
	$$(Q)mkdir -p $$(@D); echo "  CC    $$<"; $$(CC_MODE) -I$(BUILD)/generated/$(1) \
		$$(OUR_CFLAGS) -Itests/unit -Wno-write-strings $$(CPPFLAGS) $$(CFLAGS) -c -o $$@ $$<

$(BUILD)/obj-$(1)/unit/main.o: $(BUILD)/generated/$(1)/suites.h

# The objects before the library: what a test puts in a file's place is taken first.
$(BUILD)/$(1): $$($(1)_OBJECTS) $(LIBRARY)
	$$(Q)echo "  LINK  $$@"; $$(CC_MODE) $$(OUR_CFLAGS) $$(CFLAGS) $$(UNIT_LDFLAGS) $$(LDFLAGS) \
		-o $$@ $$^ $$(LIBS_AGENT) -lcheck_pic -lsubunit -lrt -lm

-include $$($(1)_OBJECTS:.o=.d)
endef
$(foreach program,$(UNIT_PROGRAMS),$(eval $(call UNIT_PROGRAM,$(program))))
