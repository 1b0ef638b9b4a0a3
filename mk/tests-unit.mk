# Unit tests: every tests/unit/test_X.c provides "Suite *suite_X(void)" and is in the runner by
# being there. One suite: make check-unit T=X. Golden files anew: make golden-update.
UNIT_TESTS := $(sort $(wildcard tests/unit/test_*.c))
UNIT_SUITES := $(UNIT_TESTS:tests/unit/test_%.c=%)
UNIT_OBJECTS := $(UNIT_TESTS:tests/unit/%.c=$(BUILD)/obj-unit/%.o) $(BUILD)/obj-unit/main.o
UNIT_LDFLAGS := $(if $(filter release,$(MODE)),-pie,$(OUR_LDFLAGS))
T ?=

# Check forks a process for each test, in which a leak checker would take what the runner holds
# for leaks; LeakSanitizer's own word counts when the whole suite runs in one process.
.PHONY: check-unit golden-update
check-unit: $(BUILD)/unit ## run the unit tests (T=suite for one; MODE=asan with sanitizers)
	$(Q)$(if $(filter asan,$(MODE)),CK_FORK=no) $(if $(T),CK_RUN_SUITE=$(T)) $(BUILD)/unit

golden-update: $(BUILD)/unit ## write the expected files of tests and the generated docs anew
	$(Q)GOLDEN_UPDATE=1 $(BUILD)/unit

$(BUILD)/generated/suites.h: FORCE
	$(Q)mkdir -p $(@D); { printf '#pragma once\n#define SUITES(X)'; \
		printf ' X(%s)' $(UNIT_SUITES); echo; } >$@.$$$$; \
		cmp -s $@.$$$$ $@ && rm $@.$$$$ || mv $@.$$$$ $@

# An argv made of literals is all that the tests want of them.
$(BUILD)/obj-unit/%.o: tests/unit/%.c | $(BUILD)/generated/suites.h $(BUILD)/generated/version.h
	$(Q)mkdir -p $(@D); echo "  CC    $<"; \
		$(CC_MODE) $(OUR_CFLAGS) -Wno-write-strings $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/obj-unit/main.o: $(BUILD)/generated/suites.h

$(BUILD)/unit: $(UNIT_OBJECTS) $(LIBRARY)
	$(Q)echo "  LINK  $@"; $(CC_MODE) $(OUR_CFLAGS) $(CFLAGS) $(UNIT_LDFLAGS) $(LDFLAGS) -o $@ \
		$^ $(LIBS_AGENT) -lcheck_pic -lsubunit -lrt -lm

-include $(UNIT_OBJECTS:.o=.d)
