/*
 * The inside of the rules: what each of them sees, how it reports, and the
 * functions behind the table of rules.c.
 */
#pragma once

#include "check/findings.h"
#include "check/pod.h"
#include "check/pod_settings.h"

enum {
	GRACE_MARGIN_S = 5,	 /* between the stop's deadline and the kubelet's SIGKILL */
	LIVENESS_LEAST_S = 75,	 /* PID 1 replaces a silent agent after 60 s */
	INITDB_LEAST_S = 120,	 /* before the agent can answer at all */
	RECOVERY_LEAST_S = 3600, /* of a crash, from the WAL */
};

struct check_options {
	bool is_scaling_down; /* more replicas than nodes are right */
};

struct subject {
	struct pod pod;
	const struct tree *spec; /* of the StatefulSet */
	struct pod_settings settings;
	const struct check_options *options;
	const struct check_rule *rule; /* the one under proof */
	struct findings *findings;
};

/* Reports the rule under proof, at a node of an object; the object itself when at is NULL. */
void report(struct subject *s, const struct object *o, const struct tree *at, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void report_line(struct subject *s, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The port of the HTTP server; 0 when the settings are wrong. */
long http_port_of(const struct subject *s);

/* The number of a port that is given as one, or by the name of one of the container's; 0 when
 * there is none. */
long port_number_of(const struct subject *s, const char *text);

/* The mount of the data's volume and that volume's type; NULL when there is none. */
const struct tree *data_mount_of(const struct subject *s, const char **type);

/* rules_cluster.c */
void rule_replicas(struct subject *s);
void rule_group(struct subject *s);
void rule_service_name(struct subject *s);
void rule_headless_service(struct subject *s);
void rule_not_ready_addresses(struct subject *s);
void rule_selector(struct subject *s);
void rule_client_service(struct subject *s);
void rule_port(struct subject *s);
void rule_pod_management(struct subject *s);
void rule_ordinals(struct subject *s);

/* rules_storage.c */
void rule_volume(struct subject *s);
void rule_volume_at_data(struct subject *s);
void rule_shared_volume(struct subject *s);
void rule_empty_dir(struct subject *s);
void rule_update_strategy(struct subject *s);
void rule_retention(struct subject *s);
void rule_fs_group(struct subject *s);
void rule_run_directory(struct subject *s);

/* rules_life.c */
void rule_grace_period(struct subject *s);
void rule_probe_target(struct subject *s);
void rule_liveness(struct subject *s);
void rule_slow_start(struct subject *s);
void rule_readiness(struct subject *s);

/* rules_settings.c */
void rule_settings(struct subject *s);
void rule_string(struct subject *s);
void rule_missing_key(struct subject *s);
void rule_not_given(struct subject *s);
void rule_sub_path(struct subject *s);
void rule_secret_variable(struct subject *s);
void rule_default_password(struct subject *s);
void rule_image_tag(struct subject *s);
