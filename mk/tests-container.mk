# The image in a real Docker engine of this machine, as root; where that cannot be, nothing is
# tested, and that is said. tests/container/engine.sh starts an engine, which is found here. Each
# PostgreSQL has an image and a run of its own. On the real Citus where
# tests/container/real-citus.sh finds one for the major, else on the stand-in.
MAJORS := 15 17

.PHONY: check-container $(MAJORS:%=check-container-%)
check-container: ## test the image in a Docker engine, one PostgreSQL after the other (T=name)
	$(Q)$(MAKE) --no-print-directory --keep-going $(MAJORS:%=check-container-%)

$(MAJORS:%=check-container-%): check-container-%:
	$(Q)if ! variables=$$(tests/container/engine.sh answers); then \
		echo "LEFT OUT: no Docker engine answers, so the image with PostgreSQL $* has not been" \
			'tested; "tests/container/engine.sh start" starts one, as root'; \
	elif [ "$$(id -u)" -ne 0 ]; then \
		echo "LEFT OUT: only root can make what the image with PostgreSQL $* is built on"; \
	else \
		eval "$$variables"; sh mk/deps.sh engine && /usr/bin/python3 -m pytest -q \
			tests/container --major $* --durations=5 $(if $(T),-k '$(T)'); \
	fi
