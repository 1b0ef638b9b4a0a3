# Style and static checks: each is clean on the whole tree. LINT_JOBS says how many at a time.
LINT_JOBS ?= $(shell nproc)
LINT_C := $(wildcard src/*.c src/*/*.c tests/*/*.c)
LINT_FORMAT := $(LINT_C) $(wildcard src/*/*.h tests/*/*.h)
LINT_SHELL := $(wildcard .ci/run *.sh */*.sh */*/*.sh)
LINT_PYTHON := $(wildcard *.py */*.py */*/*.py)
LINT_CFLAGS := -std=gnu11 -D_GNU_SOURCE -Isrc -Itests/unit -I$(BUILD)/generated \
	-I$(BUILD)/generated/unit -I$(PG_INCLUDE) \
	-I$(PG_SERVER_INCLUDE) -I$(PG_INCLUDE)/internal
LINT_GENERATED := $(GENERATED) $(BUILD)/generated/unit/suites.h

.PHONY: lint lint-tidy lint-cppcheck lint-scripts layers format format-check
lint: layers lint-cppcheck lint-scripts lint-tidy ## layers, clang-tidy, cppcheck, shellcheck, Python

layers: ## check the includes against the rooms, and what PID 1 may call
	$(Q)/usr/bin/python3 tests/lib/layers.py

# What is in .clang-tidy; its chatter is shown only when something is found.
lint-tidy: $(LINT_GENERATED)
	$(Q)echo "  TIDY  $(words $(LINT_C)) files"; printf '%s\n' $(LINT_C) | \
		xargs -P $(LINT_JOBS) -n 3 sh -c 'out=$$(clang-tidy --quiet "$$@" -- \
			$(LINT_CFLAGS) 2>&1) || { printf "%s\n" "$$out" | \
			grep -v "warnings* generated"; exit 1; }' sh

lint-cppcheck:
	$(Q)echo "  CPPCHECK"; cppcheck -j $(LINT_JOBS) --quiet --error-exitcode=1 --std=c11 \
		--enable=warning,style,performance,portability --suppressions-list=mk/cppcheck.suppress \
		--library=posix,gnu -D_GNU_SOURCE -D__linux__ -Isrc src

lint-scripts:
	$(Q)echo "  CHECK $(words $(LINT_SHELL)) shell scripts, $(words $(LINT_PYTHON)) Python files"; \
		shellcheck $(LINT_SHELL) && PYTHONPYCACHEPREFIX=$(CURDIR)/build/lint/python \
		/usr/bin/python3 -m py_compile $(LINT_PYTHON)

format: ## format the C files
	$(Q)clang-format -i $(LINT_FORMAT)

format-check: ## name the C files that are not formatted
	$(Q)printf '%s\n' $(LINT_FORMAT) | xargs -P $(LINT_JOBS) -n 20 clang-format --dry-run -Werror
