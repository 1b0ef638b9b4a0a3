# Real PostgreSQL, several nodes on loopback; on the real Citus where it is installed, else on the
# stand-in. T=name selects; KILL_SEED, KILL_BOOTSTRAP, KILL_FORMING and KILL_ABANDON steer the
# kill tests.
.PHONY: check-cluster check-kill-long
check-cluster: $(BINARY) ## test real nodes on this machine (T=name selects)
	$(Q)CITUS_INIT=$(abspath $(BINARY)) /usr/bin/python3 -m pytest -q tests/cluster \
		$(if $(T),-k '$(T)')

check-kill-long: $(BINARY) ## 360 kills at random moments
	$(Q)KILL_BOOTSTRAP=225 KILL_FORMING=75 KILL_ABANDON=60 CITUS_INIT=$(abspath $(BINARY)) \
		/usr/bin/python3 -m pytest -q -s tests/cluster/test_kill.py
