#include "node/identity.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

#include "base/banned.h"

enum { HOST_MOST = 255, LABEL_MOST = 63, RESOLV_CONF_MOST = 64 * 1024 };

/* The part of a search entry behind "svc." or "NAMESPACE.svc.", or NULL. */
static const char *domain_of_entry(const char *entry, const char *namespace)
{
	size_t length = strlen(namespace);

	if (strncmp(entry, namespace, length) == 0 && entry[length] == '.')
		entry += length + 1;
	return strncmp(entry, "svc.", 4) == 0 ? entry + 4 : NULL;
}

static bool is_domain(const char *text)
{
	return *text && *text != '.' &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-") == strlen(text);
}

/*
 * The cluster's domain from the search list that the kubelet writes:
 * "search default.svc.cluster.local svc.cluster.local cluster.local". The last search line
 * counts (resolv.conf(5)).
 */
static char *domain_of(const char *resolv_conf, const char *namespace)
{
	_free_ char *copy = xstrdup(resolv_conf ? resolv_conf : "");
	_free_ char *domain = NULL;
	char *lines = NULL;

	for (char *line = strtok_r(copy, "\n", &lines); line; line = strtok_r(NULL, "\n", &lines)) {
		char *words = NULL;
		char *word = strtok_r(line, " \t\r", &words);

		if (!word || strcmp(word, "search") != 0)
			continue;
		free(take_ptr(domain));
		while (!domain && (word = strtok_r(NULL, " \t\r", &words))) {
			const char *rest = domain_of_entry(word, namespace);
			size_t length = rest ? strlen(rest) : 0;

			if (length > 0 && rest[length - 1] == '.')
				word[strlen(word) - 1] = '\0';
			if (rest && is_domain(rest))
				domain = xstrdup(rest);
		}
	}
	return domain ? take_ptr(domain) : xstrdup("cluster.local");
}

/* A copy of text with each "{name}" replaced. */
static char *fill(const char *text, const char *name, const char *value)
{
	_free_ char *placeholder = xasprintf("{%s}", name);
	char *result = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&result, &size);

	for (const char *at; (at = strstr(text, placeholder)); text = at + strlen(placeholder))
		fprintf(out, "%.*s%s", (int)(at - text), text, value);
	fputs(text, out);
	fclose(out);
	return result;
}

/*
 * "citus-2" of group "citus" is 2. where says whose name it is, for the messages.
 */
static int ordinal_of(
	const char *name, const char *group, const char *where, int *ordinal, struct err *e)
{
	const char *dash = strrchr(name, '-');
	const char *digits = dash ? dash + 1 : "";
	size_t length = strlen(digits);

	if (length == 0 || strspn(digits, "0123456789") != length)
		return err_set(e, ERR_CONFIG,
			"%s: \"%s\" does not end in an ordinal: a node of the group \"%s\" is "
			"called %s-0, %s-1, ...",
			where, name, group, group, group);
	if ((size_t)(dash - name) != strlen(group) || strncmp(name, group, strlen(group)) != 0)
		return err_set(e, ERR_CONFIG,
			"%s: \"%s\" is not a node of POD_GROUP \"%s\": its group is \"%.*s\"; "
			"POD_GROUP must be the name of the StatefulSet",
			where, name, group, (int)(dash - name), name);
	if ((digits[0] == '0' && length > 1) || length > 5)
		return err_set(e, ERR_CONFIG,
			"%s: \"%s\" is not an ordinal of \"%s\": leading zeros and more than "
			"five digits are not allowed",
			where, digits, name);
	*ordinal = (int)strtol(digits, NULL, 10);
	return 0;
}

static int check_lengths(const struct identity *id, const struct settings *s, struct err *e)
{
	int last = id->ordinal > id->size - 1 ? id->ordinal : id->size - 1;
	_free_ char *host = identity_host_of(id, last);
	_free_ char *name = identity_name_of(id, last);

	if (strlen(name) > LABEL_MOST)
		return err_set(e, ERR_CONFIG,
			"%s: the node name \"%s\" is longer than %d characters, the most that a "
			"label of a host name may have: choose a shorter group",
			settings_origin(s, SET_POD_GROUP), name, LABEL_MOST);
	if (strlen(host) > HOST_MOST)
		return err_set(e, ERR_CONFIG,
			"CITUS_INIT_CLUSTER_HOST_PATTERN (%s): the host name \"%s\" is longer "
			"than %d characters",
			settings_origin(s, SET_HOST_PATTERN), host, HOST_MOST);
	return 0;
}

struct identity *identity_of(
	const struct settings *s, const char *hostname, const char *resolv_conf, struct err *e)
{
	const char *group = settings_text(s, SET_POD_GROUP);
	const char *namespace = settings_text(s, SET_POD_NAMESPACE);
	const char *given = settings_text(s, SET_POD_NAME);
	struct identity *id = xcalloc(1, sizeof(*id));

	id->group = xstrdup(group);
	id->name = given ? xstrdup(given) : xstrndup(hostname, strcspn(hostname, "."));
	id->size = (int)settings_number(s, SET_SET_SIZE);
	id->port = (int)settings_number(s, SET_PORT);

	_free_ char *domain = domain_of(resolv_conf, namespace);
	_free_ char *with_group = fill(settings_text(s, SET_HOST_PATTERN), "group", group);
	_free_ char *with_namespace = fill(with_group, "namespace", namespace);
	id->pattern = fill(with_namespace, "domain", domain);

	const char *where =
		given ? settings_origin(s, SET_POD_NAME) : "the host name (POD_NAME is not set)";
	if (ordinal_of(id->name, group, where, &id->ordinal, e) < 0 ||
		check_lengths(id, s, e) < 0) {
		identity_free(id);
		return NULL;
	}
	id->role = id->ordinal == 0 ? ROLE_COORDINATOR : ROLE_WORKER;
	id->host = identity_host_of(id, id->ordinal);
	return id;
}

struct identity *identity_here(const struct settings *s, struct err *e)
{
	char hostname[HOST_MOST + 1] = "";
	_free_ char *resolv_conf = NULL;
	struct err ignored;

	if (gethostname(hostname, sizeof(hostname) - 1) < 0) {
		err_sys(e, "could not read the host name");
		return NULL;
	}
	/* A machine without resolv.conf has no domain to offer: then the default is right. */
	if (file_read("/etc/resolv.conf", RESOLV_CONF_MOST, &resolv_conf, NULL, &ignored) < 0)
		resolv_conf = NULL;
	return identity_of(s, hostname, resolv_conf, e);
}

void identity_free(struct identity *id)
{
	if (!id)
		return;
	free(id->group);
	free(id->name);
	free(id->host);
	free(id->pattern);
	free(id);
}

char *identity_host_of(const struct identity *id, int ordinal)
{
	char digits[16];

	snprintf(digits, sizeof(digits), "%d", ordinal);
	return fill(id->pattern, "ordinal", digits);
}

char *identity_name_of(const struct identity *id, int ordinal)
{
	return xasprintf("%s-%d", id->group, ordinal);
}

int identity_ordinal_of(const struct identity *id, const char *name)
{
	struct err ignored;
	int ordinal;

	return ordinal_of(name, id->group, "", &ordinal, &ignored) < 0 ? -1 : ordinal;
}

bool identity_is_leaving(const struct identity *id)
{
	return id->ordinal >= id->size;
}

const char *role_name(enum role role)
{
	return role == ROLE_COORDINATOR ? "coordinator" : "worker";
}
