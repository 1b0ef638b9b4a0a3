# What the two commands of the README need of the system: nothing happens when all of it is there.
.PHONY: deps-build deps-test
deps-build: ## install what building and "make local" need (Debian, as root or with sudo)
	$(Q)sh mk/deps.sh build

deps-test: ## install what the tests need besides
	$(Q)sh mk/deps.sh test
