/*
 * citus-init form: the two overrides of the guard over the first forming. --without
 * leaves out a worker that will not come; --abandon names a whole cluster, of which
 * this coordinator has lost its part.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/commands.h"
#include "cli/status_json.h"
#include "cli/wish.h"
#include "cli/wish_check.h"

#include "base/banned.h"

struct options {
	const char *without;
	const char *abandon;
	const char *confirm;
};

static bool take_options(int argc, char **argv, struct options *o)
{
	for (int i = 1; i < argc; i += 2) {
		const char **value = strcmp(argv[i], "--without") == 0	 ? &o->without
				     : strcmp(argv[i], "--abandon") == 0 ? &o->abandon
				     : strcmp(argv[i], "--confirm") == 0 ? &o->confirm
									 : NULL;

		if (!value || *value || i + 1 == argc)
			return false;
		*value = argv[i + 1];
	}
	return !o->without != !o->abandon && (o->abandon || !o->confirm);
}

static int form_without(
	const struct place *p, const json_t *status, const struct options *o, struct err *e)
{
	_free_ char *names = NULL;
	enum exit_code code = wish_check_without(status, o->without, &names, e);

	if (code != EXIT_OK)
		return (int)code;
	if (wish_make_exactly(p, WISH_FORM_WITHOUT, names, e) < 0)
		return (int)exit_code_of(e->kind);
	printf("the cluster will be formed without waiting for %s; each joins when it comes\n",
		o->without);
	return EXIT_OK;
}

static int form_abandon(
	const struct place *p, const json_t *status, const struct options *o, struct err *e)
{
	_free_ char *id = NULL, *workers = NULL;
	enum exit_code code =
		wish_check_abandon(status, o->abandon, o->confirm, stdout, &id, &workers, e);

	if (code != EXIT_OK)
		return (int)code;
	if (wish_make(p, WISH_ABANDON, id, workers, e) < 0)
		return (int)exit_code_of(e->kind);
	printf("cluster %s is abandoned: its workers are being told; \"citus-init status\" "
	       "shows how far they are\n",
		id);
	return EXIT_OK;
}

int cli_form_main(int argc, char **argv)
{
	struct options options = { 0 };
	struct err e = { 0 };
	struct place p;

	if (!take_options(argc, argv, &options)) {
		fprintf(stderr,
			"citus-init: usage: citus-init form --without ORDINAL[,ORDINAL...]\n"
			"                   citus-init form --abandon CLUSTER-ID "
			"[--confirm TOKEN]\n");
		return EXIT_USAGE;
	}
	int code = place_find(argv, &p);
	if (code == 0) {
		json_t *status = status_json_ask(&p.http, &e);

		if (!status)
			code = EXIT_UNAVAILABLE;
		else
			code = options.without ? form_without(&p, status, &options, &e)
					       : form_abandon(&p, status, &options, &e);
		json_decref(status);
		if (code != EXIT_OK)
			fprintf(stderr, "citus-init: %s\n", e.msg);
	}
	place_fini(&p);
	return code;
}
