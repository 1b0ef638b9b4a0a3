#include "cli/status_json.h"

#include <stdio.h>
#include <string.h>

#include "base/http_get.h"
#include "base/mem.h"
#include "cli/clean.h"

#include "base/banned.h"

enum { TIMEOUT_MS = 5000 };

json_t *status_json_parse(const char *text, struct err *e)
{
	json_error_t where;
	json_t *root = json_loads(text, 0, &where);

	if (!root) {
		char why[sizeof(where.text)];
		snprintf(why, sizeof(why), "%s", where.text);
		clean_text(why);
		err_set(e, ERR_NET, "the answer is not JSON (line %d: %s)", where.line, why);
		return NULL;
	}
	if (json_is_object(json_object_get(root, "node")))
		return root;
	json_decref(root);
	err_set(e, ERR_NET, "the answer is JSON, but not the status of a citus-init");
	return NULL;
}

char *status_json_ask_text(const struct ask_target *to, struct err *e)
{
	_free_ char *body = NULL;
	int status = 0;

	if (http_get(to->host, to->port, "/status", TIMEOUT_MS, &status, &body, e) < 0)
		return NULL;
	if (status == 200)
		return take_ptr(body);
	err_set(e, ERR_NET,
		"%s:%d answered with HTTP status %d: is that the HTTP address of a citus-init?",
		to->host, to->port, status);
	return NULL;
}

json_t *status_json_ask(const struct ask_target *to, struct err *e)
{
	_free_ char *text = status_json_ask_text(to, e);
	json_t *status = text ? status_json_parse(text, e) : NULL;

	if (text && !status)
		err_wrap(e, "could not read the status of %s:%d", to->host, to->port);
	return status;
}

const char *status_json_words(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value && *value ? value : NULL;
}

bool status_json_is_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

const json_t *status_json_cluster(const json_t *status, struct err *e)
{
	const json_t *cluster = json_object_get(status, "cluster");

	if (json_is_array(json_object_get(cluster, "members")))
		return cluster;
	err_set(e, ERR_REFUSED,
		"the node that was asked is not the coordinator: only ordinal 0 "
		"knows the cluster");
	return NULL;
}

const json_t *status_json_member(const json_t *status, const char *name)
{
	const json_t *cluster = json_object_get(status, "cluster");
	const json_t *member;
	size_t i;

	json_array_foreach(json_object_get(cluster, "members"), i, member)
	{
		const char *its = status_json_words(member, "name");

		if (its && strcmp(its, name) == 0)
			return member;
	}
	return NULL;
}
