# The same steps by citus-init and by hand, in turns. RUNS=n of each side, ONLY=name for one.
RUNS ?= 7
ONLY ?=

.PHONY: bench
bench: deps-test ## compare with the same steps by hand (RUNS=7, ONLY=name); keeps the table
	$(Q)$(MAKE) --no-print-directory all
	$(Q)CITUS_INIT=$(BINARY) /usr/bin/python3 bench/bench.py --runs $(RUNS) \
		$(if $(ONLY),--only $(ONLY),--readme)
