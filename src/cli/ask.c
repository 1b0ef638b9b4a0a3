#include "cli/ask.h"

#include <string.h>

#include "base/exit_code.h"
#include "base/mem.h"
#include "node/address.h"
#include "node/identity.h"

#include "base/banned.h"

extern char **environ;

void ask_target_fini(struct ask_target *to)
{
	free(to->host);
	*to = (struct ask_target){ 0 };
}

struct settings *ask_load_settings(void)
{
	struct settings_errors errors = { 0 };
	struct settings *s = settings_load_without_secrets(environ, &errors);

	if (s)
		return s;
	for (size_t i = 0; i < errors.count; i++)
		fprintf(stderr, "citus-init: %s\n", errors.messages[i]);
	settings_errors_free(&errors);
	return NULL;
}

int ask_this_node(const struct settings *s, struct ask_target *to, struct err *e)
{
	struct address own;

	if (address_parse(settings_text(s, SET_HTTP_ADDRESS), &own, e) < 0)
		return -1;
	if (strcmp(own.host, "0.0.0.0") == 0)
		to->host = xstrdup("127.0.0.1");
	else
		to->host = xstrdup(strcmp(own.host, "::") == 0 ? "::1" : own.host);
	to->port = own.port;
	return 0;
}

/* Ordinal 0's HTTP: its host name, and the port of the HTTP address, the same on every node. */
static int ask_coordinator(const struct settings *s, struct ask_target *to, struct err *e)
{
	struct address own;

	if (address_parse(settings_text(s, SET_HTTP_ADDRESS), &own, e) < 0)
		return -1;
	struct identity *id = identity_here(s, e);
	if (!id)
		return -1;
	to->host = identity_host_of(id, 0);
	to->port = own.port;
	identity_free(id);
	return 0;
}

int ask_target_of(const char *text, struct ask_target *to, struct err *e)
{
	const char *colon = strrchr(text, ':');
	char *end = NULL;
	long port = colon ? strtol(colon + 1, &end, 10) : 0;

	if (!colon || colon == text || *end || port < 1 || port > 65535)
		return err_set(e, ERR_USAGE,
			"\"%s\" is not HOST:PORT, e.g. citus-0:8008 or [::1]:8008", text);
	if (*text == '[' && colon[-1] == ']')
		to->host = xstrndup(text + 1, (size_t)(colon - text) - 2);
	else
		to->host = xstrndup(text, (size_t)(colon - text));
	to->port = (int)port;
	return 0;
}

const char *ask_local_cluster(void)
{
	return getenv("CITUS_INIT_LOCAL_HTTP");
}

int ask_find(const char *address, enum ask_whom whom, struct ask_target *to)
{
	struct err e;

	if (!address && whom == ASK_COORDINATOR)
		address = ask_local_cluster();
	if (address) {
		if (ask_target_of(address, to, &e) == 0)
			return 0;
		fprintf(stderr, "citus-init: %s\n", e.msg);
		return EXIT_USAGE;
	}
	struct settings *s = ask_load_settings();
	if (!s)
		return EXIT_SETTINGS;
	int result = whom == ASK_THIS_NODE ? ask_this_node(s, to, &e) : ask_coordinator(s, to, &e);
	settings_free(s);
	if (result == 0)
		return 0;
	fprintf(stderr, "citus-init: %s\n", e.msg);
	return (int)exit_code_of(e.kind);
}
