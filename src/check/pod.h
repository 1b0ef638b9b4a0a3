/*
 * What a container of a StatefulSet is given, as the kubelet would give it and
 * as far as the manifests tell: its variables, its volumes, and the files in
 * those that come from Secrets and ConfigMaps.
 */
#pragma once

#include "check/manifest.h"

struct pod {
	const struct manifest *all;
	const struct object *set;
	const struct tree *template;
	const struct tree *spec; /* the pod's */
	const struct tree *container;
};

enum pod_value_state {
	POD_VALUE_NONE,	     /* it comes from no Secret and no ConfigMap */
	POD_VALUE_FOUND,     /* text holds it */
	POD_VALUE_NO_VOLUME, /* no volume is mounted at its path */
	POD_VALUE_NO_KEY,    /* the object has no such key */
	POD_VALUE_BROKEN,    /* a Secret's value is no valid base64 */
	POD_VALUE_NOT_GIVEN, /* the object is not in the manifests */
	POD_VALUE_UNKNOWN,   /* a volume whose content nobody knows */
};

/* A value of a Secret or a ConfigMap, as a variable or as a file. */
struct pod_value {
	enum pod_value_state state;
	const char *kind, *name; /* of the object; NULL where they do not apply */
	char *key;
	const struct object *object;
	const struct tree *at;	  /* the value in the object, when it has one */
	const struct tree *mount; /* of a file */
	char *text;
};

struct pod_variable {
	char *name;
	char *text;		/* NULL: not known */
	const struct tree *at;	/* where the container gets it */
	struct pod_value value; /* what a reference leads to */
};

struct pod_variables {
	struct pod_variable *list; /* a later one wins over an earlier one of its name */
	size_t count;
	bool is_complete; /* false: there are others, from objects that are not given
			   */
};

void pod_value_fini(struct pod_value *value);

/* The variables of the container, in their order, with $(NAME) resolved. */
void pod_variables_find(const struct pod *pod, struct pod_variables *variables);
void pod_variables_fini(struct pod_variables *variables);

/* The one that counts, or NULL. */
const struct pod_variable *pod_variable_of(const struct pod_variables *variables, const char *name);

/* The mount that holds path: the longest that it begins with; NULL when none
 * does. */
const struct tree *pod_mount_of(const struct pod *pod, const char *path);

/* The volume of a mount, and its type: "emptyDir", "configMap", ..., or
 * "volumeClaimTemplate" with that template. NULL, and NULL, when the pod has
 * none of that name. */
const struct tree *pod_volume_of(
	const struct pod *pod, const struct tree *mount, const char **type);

/* The file at an absolute path. */
void pod_file_find(const struct pod *pod, const char *path, struct pod_value *value);
