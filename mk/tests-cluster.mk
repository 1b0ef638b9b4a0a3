# Real PostgreSQL, several nodes on loopback; on the real Citus where it is installed, else on the
# stand-in. T=name selects; KILL_SEED, KILL_BOOTSTRAP, KILL_FORMING and KILL_ABANDON steer the
# kill tests.
.PHONY: check-cluster check-cluster-17 check-kill-long
check-cluster: $(BINARY) ## test real nodes on this machine (T=name selects)
	$(Q)CITUS_INIT=$(abspath $(BINARY)) /usr/bin/python3 -m pytest -q tests/cluster \
		$(if $(T),-k '$(T)')

# Debian 13's PostgreSQL wants a newer glibc than Debian 12's: it runs in a tree of its own.
# CLUSTER_17 is a module of tests/cluster, or several.
CLUSTER_17 ?= test_forming.py

check-cluster-17: $(BINARY) ## test real nodes of PostgreSQL 17, in a tree of Debian 13, as root
	$(Q)if [ "$$(id -u)" -ne 0 ]; then \
		echo "LEFT OUT: only root can make a tree of Debian 13, so no node ran PostgreSQL 17"; \
	else \
		sh mk/deps.sh engine && CITUS_INIT=$(abspath $(BINARY)) tests/container/in-tree.sh 17 \
			/usr/bin/python3 -m pytest -q -p no:cacheprovider $(CLUSTER_17:%=tests/cluster/%) \
			$(if $(T),-k '$(T)'); \
	fi

check-kill-long: $(BINARY) ## 360 kills at random moments
	$(Q)KILL_BOOTSTRAP=225 KILL_FORMING=75 KILL_ABANDON=60 CITUS_INIT=$(abspath $(BINARY)) \
		/usr/bin/python3 -m pytest -q -s tests/cluster/test_kill.py
