# Real PostgreSQL, several nodes on loopback; on the real Citus where it is installed, else on the
# stand-in. T=name selects; KILL_SEED, KILLS, KILL_SECONDS, LONG_RUN_SEED and LONG_RUN_SECONDS steer
# the tests at random moments. AT_ONCE tests run side by side: most of them wait most of the time.
AT_ONCE ?= 3

.PHONY: check-cluster check-cluster-17 check-random
check-cluster: $(BINARY) ## test real nodes on this machine (T=name selects)
	$(Q)CITUS_INIT=$(abspath $(BINARY)) /usr/bin/python3 -m pytest -q tests/cluster \
		-n $(AT_ONCE) --dist loadgroup --durations=15 $(if $(T),-k '$(T)')

# Debian 13's PostgreSQL wants a newer glibc than Debian 12's: it runs in a tree of its own.
# CLUSTER_17 is a module of tests/cluster, or several.
CLUSTER_17 ?= test_forming.py

check-cluster-17: $(BINARY) ## test real nodes of PostgreSQL 17, in a tree of Debian 13, as root
	$(Q)if [ "$$(id -u)" -ne 0 ]; then \
		echo "LEFT OUT: only root can make a tree of Debian 13, so no node ran PostgreSQL 17"; \
	else \
		sh mk/deps.sh engine && CITUS_INIT=$(abspath $(BINARY)) tests/container/in-tree.sh 17 \
			/usr/bin/python3 -m pytest -q -p no:cacheprovider --durations=5 \
			$(CLUSTER_17:%=tests/cluster/%) $(if $(T),-k '$(T)'); \
	fi

check-random: $(BINARY) ## kills and faults at random moments, for LONG_MINUTES
	$(Q)KILLS=500 KILL_SECONDS=$$(($(LONG_MINUTES) * 24)) \
		LONG_RUN_SECONDS=$$(($(LONG_MINUTES) * 24)) CITUS_INIT=$(abspath $(BINARY)) \
		/usr/bin/python3 -m pytest -q -rP -n 2 tests/cluster/test_kill.py \
		tests/cluster/test_long_run.py
