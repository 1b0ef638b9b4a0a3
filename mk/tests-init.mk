# PID 1 as a real PID 1, with a fake PostgreSQL.
FAKE_POSTGRES := build/tests/fake-postgres

$(FAKE_POSTGRES): tests/init/fake_postmaster.c
	$(Q)mkdir -p $(@D); echo "  CC    $<"; \
		$(CC) -std=gnu11 -D_GNU_SOURCE -O1 -Wall -Wextra -Wshadow $(CFLAGS) -o $@ $<

.PHONY: check-init
check-init: $(BINARY) $(FAKE_POSTGRES) ## test PID 1 in a PID namespace of its own (T=name selects)
	$(Q)CITUS_INIT=$(abspath $(BINARY)) /usr/bin/python3 -m pytest -q tests/init -n 4 \
		--durations=5 $(if $(T),-k '$(T)')
