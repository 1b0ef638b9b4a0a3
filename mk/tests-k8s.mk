# The manifests as a user would have them: each directory of k8s rendered by the kustomize inside
# kubectl, and proved by the program. Debian 12's kubectl is 1.20, the oldest that must do.
KUBECTL ?= kubectl

.PHONY: check-k8s
check-k8s: $(BINARY) ## render the manifests and all overlays, and prove them
	$(Q)command -v $(KUBECTL) >/dev/null || { \
		echo "LEFT OUT: there is no kubectl, so no overlay has been rendered"; exit 0; }; \
	set -e; $(BINARY) check k8s/*-citus.yaml | tail -n 1; \
	for directory in k8s/base k8s/overlays/*; do \
		$(KUBECTL) kustomize $$directory >build/rendered.yaml 2>build/kustomize.log || \
			{ cat build/kustomize.log; exit 1; }; \
		$(BINARY) check build/rendered.yaml >build/check.log || \
			{ cat build/check.log; exit 1; }; \
		echo "$$directory: $$(tail -n 1 build/check.log)"; \
	done
