/*
 * citus-init check: proves Kubernetes manifests before they are applied. It
 * reads files or standard input, asks no cluster, and changes nothing.
 */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/exit_code.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/plural.h"
#include "check/rules.h"
#include "cli/clean.h"
#include "cli/commands.h"

#include "base/banned.h"

enum { FILE_MOST = 1024 * 1024 };

struct options {
	struct check_options rules;
	bool is_strict;
	bool as_json;
};

static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{ "scaling-down", no_argument, NULL, 'd' },
		{ "strict", no_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	int option;

	*o = (struct options){ 0 };
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'd')
			o->rules.is_scaling_down = true;
		else if (option == 's')
			o->is_strict = true;
		else if (option == 'j')
			o->as_json = true;
		else
			return -1;
	}
	return optind < argc ? 0 : -1;
}

static int read_stream(FILE *in, const char *name, char **text, size_t *length, struct err *e)
{
	_free_ char *all = xcalloc(FILE_MOST + 1, 1);

	*length = fread(all, 1, FILE_MOST + 1, in);
	if (ferror(in))
		return err_sys(e, "could not read %s", name);
	if (*length > FILE_MOST)
		return err_set(e, ERR_CONFIG, "%s is larger than %d bytes", name, FILE_MOST);
	*text = take_ptr(all);
	return 0;
}

/* A shell's <(COMMAND) is a pipe, which file_read() refuses. */
static int read_text(const char *path, char **text, size_t *length, struct err *e)
{
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISFIFO(st.st_mode))
		return file_read(path, FILE_MOST, text, length, e);
	_file_ FILE *in = fopen(path, "re");
	return in ? read_stream(in, path, text, length, e)
		  : err_sys(e, "could not open \"%s\"", path);
}

/* Reads a file's objects; what is wrong with them is a finding, no error. */
static int read_file(const char *path, struct manifest *m, struct findings *findings, struct err *e)
{
	bool is_input = strcmp(path, "-") == 0;
	struct yaml_problem problem;
	_free_ char *text = NULL;
	size_t length;

	/* Not by its name: /dev/stdin cannot be opened when it is another user's pipe. */
	if (is_input ? read_stream(stdin, "standard input", &text, &length, e) < 0
		     : read_text(path, &text, &length, e) < 0)
		return -1;
	if (is_input)
		path = "standard input";
	if (manifest_add(m, path, text, length, &problem) < 0)
		check_add_problem(path, &problem, findings);
	return 0;
}

static void print_finding(const struct finding *f, const struct finding *before)
{
	clean_print(stdout, f->file);
	if (f->line > 0)
		printf(":%d", f->line);
	if (f->column > 0)
		printf(":%d", f->column);
	printf(": %s: ", check_level_name(f->rule->level));
	clean_print(stdout, f->message);
	printf(" [%s]\n", f->rule->name);
	if (!before || before->rule != f->rule)
		printf("    why: %s\n    fix: %s\n", f->rule->why, f->rule->fix);
}

static void print_text(const struct findings *findings, size_t errors, size_t warnings)
{
	for (size_t i = 0; i < findings->count; i++)
		print_finding(&findings->list[i], i ? &findings->list[i - 1] : NULL);
	printf("%zu error%s, %zu warning%s\n", errors, plural((long)errors), warnings,
		plural((long)warnings));
}

/* A message that was cut within a character is no UTF-8. */
static json_t *text_of(const char *text)
{
	json_t *value = json_string(text);

	if (value)
		return value;
	_free_ char *ascii = xstrdup(text);
	for (char *c = ascii; *c; c++)
		if (*c & 0x80)
			*c = '?';
	return json_string(ascii);
}

static json_t *number_or_null(int number)
{
	return number > 0 ? json_integer(number) : json_null();
}

static void print_json(const struct findings *findings, size_t errors, size_t warnings)
{
	json_t *list = json_array();

	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *f = &findings->list[i];

		json_array_append_new(list,
			json_pack("{s:o, s:o, s:o, s:s, s:s, s:o, s:s, s:s}", "file",
				text_of(f->file), "line", number_or_null(f->line), "column",
				number_or_null(f->column), "level",
				check_level_name(f->rule->level), "rule", f->rule->name, "message",
				text_of(f->message), "why", f->rule->why, "fix", f->rule->fix));
	}
	json_t *root = json_pack("{s:o, s:I, s:I}", "findings", list, "errors", (json_int_t)errors,
		"warnings", (json_int_t)warnings);
	json_dumpf(root, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	putchar('\n');
	json_decref(root);
}

static enum exit_code check(const struct options *o, char **files)
{
	struct manifest m = { 0 };
	struct findings findings = { 0 };
	struct err e;

	for (; *files; files++)
		if (read_file(*files, &m, &findings, &e) < 0) {
			fprintf(stderr, "citus-init check: %s\n", e.msg);
			findings_fini(&findings);
			manifest_fini(&m);
			return exit_code_of(e.kind);
		}
	/* Whatever a broken file holds would be reported as missing. */
	if (findings.count == 0)
		check_manifest(&m, &o->rules, &findings);
	const size_t errors = findings_count(&findings, CHECK_ERROR);
	const size_t warnings = findings_count(&findings, CHECK_WARNING);
	(o->as_json ? print_json : print_text)(&findings, errors, warnings);
	findings_fini(&findings);
	manifest_fini(&m);
	return errors || (o->is_strict && warnings) ? EXIT_NOT_READY : EXIT_OK;
}

int cli_check_main(int argc, char **argv)
{
	struct options options;

	if (parse_options(argc, argv, &options) < 0) {
		fprintf(stderr, "usage: citus-init check [--scaling-down] [--strict] [--json] "
				"FILE...\n       \"-\" is standard input\n");
		return EXIT_USAGE;
	}
	return check(&options, argv + optind);
}
