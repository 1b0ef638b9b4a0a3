# The same steps by citus-init and by hand, and the image and the way of the official ones, in turns.
# RUNS=n of each side, ONLY=name for one. Where no Docker engine answers the image is left out, and
# that is said.
RUNS ?= 7
ONLY ?=

.PHONY: bench
bench: deps-test ## compare with the same steps by hand (RUNS=7, ONLY=name); keeps the tables
	$(Q)$(MAKE) --no-print-directory all
	$(Q)CITUS_INIT=$(BINARY) /usr/bin/python3 bench/bench.py --runs $(RUNS) \
		$(if $(ONLY),--only $(ONLY),--readme)
