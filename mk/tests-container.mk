# The image in a real Docker engine of this machine, as root; where that cannot be, nothing is
# tested, and that is said. tests/container/engine.sh starts an engine. On the real Citus where
# CITUS_INIT_POSTGRES_BIN_DIR names a PostgreSQL 15 with it, else on the stand-in.
.PHONY: check-container
check-container: ## test the image in a Docker engine (T=name selects)
	$(Q)if ! docker version --format '{{.Server.Version}}' >/dev/null 2>&1; then \
		echo "LEFT OUT: no Docker engine answers, so the image has not been tested;" \
			'"eval $$(tests/container/engine.sh start)" starts one, as root'; \
	elif [ "$$(id -u)" -ne 0 ]; then \
		echo "LEFT OUT: only root can make what the image is built on, so it has not been tested"; \
	else \
		sh mk/deps.sh engine && \
			/usr/bin/python3 -m pytest -q tests/container $(if $(T),-k '$(T)'); \
	fi
