/*
 * The settings that citus-init would have in a pod, loaded and judged by its
 * own code: from the container's variables, the INI file and the passwords, as
 * far as the manifests hold them. What they do not hold is taken as right.
 */
#pragma once

#include "check/pod.h"
#include "node/settings.h"

/* One of the passwords, and how the pod gets it. */
struct pod_secret {
	enum setting_id id;
	const struct pod_variable *variable;	  /* NULL: not as a variable */
	const struct pod_variable *file_variable; /* ..._FILE; NULL: not as a file */
	struct pod_value file;
};

struct pod_settings {
	struct pod_variables variables;
	struct pod_value ini;
	const char *ini_name; /* what messages call the INI file */
	struct pod_secret secrets[SETTING_COUNT];
	size_t secret_count;
	struct settings *settings; /* wrong and missing values are NULL */
	struct settings_errors errors;
};

void pod_settings_load(const struct pod *pod, struct pod_settings *s);
void pod_settings_fini(struct pod_settings *s);

/* A password's value, or NULL when the manifests do not tell. Borrowed. */
const char *pod_secret_text(const struct pod_secret *secret);
