# The demo. A make of its own builds, for this one has asked pg_config before it was installed.
.PHONY: local
local: deps-build ## show a cluster of three nodes on this machine, until Ctrl-C
	$(Q)$(MAKE) --no-print-directory all
	$(Q)CITUS_INIT=$(BINARY) sh demo/local.sh
