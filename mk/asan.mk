# ASan, UBSan and LeakSanitizer: the unit tests, and real nodes run by a dynamic binary.
ASAN_TESTS ?= test_forming.py test_settings.py

.PHONY: check-asan
check-asan: ## unit tests and real nodes with sanitizers (ASAN_TESTS, files of tests/cluster)
	$(Q)$(MAKE) --no-print-directory MODE=asan all check-unit
	$(Q)CITUS_INIT=$(CURDIR)/build/asan/citus-init sh mk/asan.sh \
		/usr/bin/python3 -m pytest -q $(ASAN_TESTS:%=tests/cluster/%) $(if $(T),-k '$(T)')
