#include "node/settings_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "base/mem.h"
#include "node/address.h"
#include "node/settings_errors.h"

#include "base/banned.h"

/* Paths travel in the fixed fields of struct launch, 1024 bytes each, with something behind them.
 */
enum { TEXT_MOST = 1000, PATH_MOST = 1024 - 64 };

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static int bad(struct err *e, const char *text, const char *why)
{
	return err_set(e, ERR_CONFIG, "\"%s\" is %s", text, why);
}

static bool consists_of(const char *text, const char *characters)
{
	return strspn(text, characters) == strlen(text);
}

static int check_label(const char *text, struct err *e)
{
	size_t length = strlen(text);

	if (length > 63 || !consists_of(text, LOWER DIGITS "-") || text[0] == '-' ||
		text[length - 1] == '-')
		return bad(e, text, "not a DNS label: a-z, 0-9 and \"-\" inside, at most 63");
	return 0;
}

static int parse_number(const char *text, const char **end, long *number)
{
	char *tail;

	if (*text < '0' || *text > '9')
		return -1;
	errno = 0;
	*number = strtol(text, &tail, 10);
	*end = tail;
	return errno ? -1 : 0;
}

static int check_integer(const struct setting *s, const char *text, long *number, struct err *e)
{
	const char *end;

	if (parse_number(text, &end, number) < 0 || *end || *number < s->min || *number > s->max)
		return err_set(e, ERR_CONFIG, "\"%s\" is not a number between %ld and %ld", text,
			s->min, s->max);
	return 0;
}

static int check_seconds(const struct setting *s, const char *text, long *number, struct err *e)
{
	const char *end;
	bool valid = parse_number(text, &end, number) == 0 && *number <= s->max;

	if (valid && strcmp(end, "min") == 0)
		*number *= 60;
	else if (valid && *end && strcmp(end, "s") != 0)
		valid = false;
	if (!valid || *number < s->min || *number > s->max)
		return err_set(e, ERR_CONFIG,
			"\"%s\" is not a time between %ld and %ld seconds, e.g. 25, 25s or 2min",
			text, s->min, s->max);
	return 0;
}

/* The normal form has no double and no closing slash. */
static int check_path(const char *text, char **normal, struct err *e)
{
	if (text[0] != '/')
		return bad(e, text, "not an absolute path");
	_free_ char *path = xcalloc(strlen(text) + 1, 1);
	size_t used = 0;
	for (const char *part = text; *part;) {
		part += strspn(part, "/");
		size_t length = strcspn(part, "/");

		if (length == 0)
			break;
		if ((length == 1 && part[0] == '.') || (length == 2 && !strncmp(part, "..", 2)))
			return bad(e, text, "a path with \".\" or \"..\" in it");
		path[used++] = '/';
		memcpy(path + used, part, length);
		used += length;
		part += length;
	}
	if (used > PATH_MOST)
		return err_set(e, ERR_CONFIG, "the path is longer than %d characters", PATH_MOST);
	*normal = take_ptr(path);
	return 0;
}

static int check_choice(const struct setting *s, const char *text, long *number, struct err *e)
{
	size_t length = strlen(text);

	*number = 0;
	for (const char *word = s->choices; *word; ++*number) {
		size_t n = strcspn(word, " ");

		if (n == length && strncmp(word, text, n) == 0)
			return 0;
		word += n + (word[n] == ' ');
	}
	return err_set(e, ERR_CONFIG, "\"%s\" is none of: %s", text, s->choices);
}

static int check_pgdata(const char *path, struct err *e)
{
	const char *name = strrchr(path, '/');

	if (!name || name == path)
		return bad(e, path,
			"not a data directory: it needs a parent of its own, where the volume "
			"is mounted, e.g. /pgdata/data");
	name++;
	if (strcmp(name, "conf") == 0 || strncmp(name, "conf.", 5) == 0)
		return bad(e, path, "where the configuration files go: use another name");
	return 0;
}

static int check_run_directory(const char *path, struct err *e)
{
	/* As root it is given to the user postgres, which must not happen to /run or /tmp. */
	if (strrchr(path, '/') == path || !*path)
		return bad(e, path, "not a directory of its own, e.g. /run/citus-init");
	return 0;
}

static int check_host_pattern(const char *text, struct err *e)
{
	static const char *const names[] = { "{group}", "{ordinal}", "{namespace}", "{domain}" };

	if (!strstr(text, "{ordinal}"))
		return bad(e, text,
			"not a pattern of host names: all nodes would have one name, {ordinal} "
			"is missing");
	for (const char *at = text; *at;) {
		size_t length = strspn(at, LOWER DIGITS ".-:");

		for (size_t i = 0; length == 0 && i < ARRAY_LEN(names); i++)
			if (strncmp(at, names[i], strlen(names[i])) == 0)
				length = strlen(names[i]);
		if (length == 0)
			return err_set(e, ERR_CONFIG,
				"\"%s\" is not a pattern of host names: at \"%.20s\" there is "
				"neither a-z, 0-9, \".\", \"-\" nor one of {group}, {ordinal}, "
				"{namespace}, {domain}",
				text, at);
		at += length;
	}
	return 0;
}

static int check_listen_addresses(const char *text, struct err *e)
{
	if (!consists_of(text, LOWER UPPER DIGITS "*.:_-%, "))
		return bad(e, text, "not a list of addresses or host names, separated by commas");
	return 0;
}

static int check_preload_libraries(const char *text, struct err *e)
{
	for (const char *at = text; *at;) {
		at += strspn(at, " ");
		size_t length = strcspn(at, ", ");
		const char *end = at + length + strspn(at + length, " ");

		if (length == 0 || strspn(at, LOWER UPPER DIGITS "_-./$") < length ||
			(*end && *end != ',') || (*end == ',' && !end[1]))
			return bad(e, text, "not a list of libraries, separated by commas");
		if (length == 5 && strncmp(at, "citus", 5) == 0)
			return bad(e, text,
				"not right: citus is loaded anyway and must be first; name only "
				"further libraries");
		at = *end ? end + 1 : end;
	}
	return 0;
}

static int check_locale(const char *text, struct err *e)
{
	if (text[0] == '-' || !consists_of(text, LOWER UPPER DIGITS "_.@-"))
		return bad(e, text, "not a name of a locale, e.g. C.UTF-8 or en_US.UTF-8");
	return 0;
}

struct initdb_option {
	const char *name; /* without dashes; a single letter is a short option */
	const char *why;
};

static const char owned[] = "is chosen by citus-init";
static const char authentication[] = "has no effect: pg_hba.conf is made by citus-init";
static const char configuration[] =
	"has no effect, initdb's postgresql.conf is not the one in use: set it by ALTER SYSTEM";
static const char locale[] = "is CITUS_INIT_INITDB_LOCALE";
static const char no_init[] = "keeps initdb from making a data directory";

static const struct initdb_option initdb_refused[] = {
	{ "D", "is PGDATA" },
	{ "pgdata", "is PGDATA" },
	{ "A", authentication },
	{ "auth", authentication },
	{ "auth-host", authentication },
	{ "auth-local", authentication },
	{ "W", authentication },
	{ "pwprompt", authentication },
	{ "pwfile", "is SUPERPASS" },
	{ "U", owned },
	{ "username", owned },
	{ "X", "is refused: the write-ahead log stays in the data directory" },
	{ "waldir", "is refused: the write-ahead log stays in the data directory" },
	{ "L", owned },
	{ "n", "is refused: it leaves litter behind" },
	{ "no-clean", "is refused: it leaves litter behind" },
	{ "no-locale", locale },
	{ "locale", locale },
	{ "T", configuration },
	{ "text-search-config", configuration },
	{ "lc-messages", configuration },
	{ "lc-monetary", configuration },
	{ "lc-numeric", configuration },
	{ "lc-time", configuration },
	{ "c", configuration },
	{ "set", configuration },
	{ "s", no_init },
	{ "show", no_init },
	{ "S", no_init },
	{ "sync-only", no_init },
	{ "V", no_init },
	{ "version", no_init },
	{ "?", no_init },
	{ "help", no_init },
};

/* getopt_long() takes any beginning of a long option that no other shares, so every beginning of
 * a refused one is refused. */
static const struct initdb_option *refused_option(const char *word)
{
	bool is_long = word[1] == '-';
	size_t length = strcspn(word + 2, "=");

	for (size_t i = 0; i < ARRAY_LEN(initdb_refused); i++) {
		const struct initdb_option *o = &initdb_refused[i];
		bool one_letter = o->name[1] == '\0';

		if (is_long && !one_letter && length && !strncmp(o->name, word + 2, length))
			return o;
		if (!is_long && one_letter && strchr(word + 1, o->name[0]))
			return o;
	}
	return NULL;
}

static int check_initdb_word(char *word, const char *before, bool *takes_next, struct err *e)
{
	const char *encoding = NULL;

	if (word[0] != '-' || !word[1]) {
		if (!*takes_next)
			return err_set(e, ERR_CONFIG,
				"\"%s\" is not an option; the data directory is PGDATA", word);
		if (before && (!strcmp(before, "-E") || !strcmp(before, "--encoding")))
			encoding = word;
		*takes_next = false;
	} else if (strncmp(word, "-E", 2) == 0) {
		encoding = word[2] ? word + 2 : NULL;
		*takes_next = !word[2];
	} else if (strncmp(word, "--e", 3) == 0) {
		const char *equals = strchr(word, '=');

		if (strncmp("--encoding", word, strcspn(word, "=")) != 0 ||
			(!equals && strcmp(word, "--encoding") != 0))
			return err_set(e, ERR_CONFIG, "\"%s\": write it as --encoding=UTF8", word);
		encoding = equals ? equals + 1 : NULL;
		*takes_next = !equals;
	} else {
		const struct initdb_option *o = refused_option(word);

		if (o)
			return err_set(e, ERR_CONFIG, "\"%s\": the argument %s%s %s", word,
				o->name[1] ? "--" : "-", o->name, o->why);
		*takes_next = word[1] == '-' && !strchr(word, '=');
	}
	if (encoding && strcasecmp(encoding, "UTF8") != 0 && strcasecmp(encoding, "UTF-8") != 0)
		return err_set(e, ERR_CONFIG, "encoding \"%s\": only UTF8 is supported", encoding);
	return 0;
}

static int check_initdb_arguments(const char *text, struct err *e)
{
	_free_ char *copy = xstrdup(text);
	char *rest = NULL;
	const char *before = NULL;
	bool takes_next = false;

	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		if (check_initdb_word(word, before, &takes_next, e) < 0)
			return -1;
		before = word;
	}
	return 0;
}

static int check_http_address(const char *text, struct err *e)
{
	struct address address;

	return address_parse(text, &address, e);
}

/* What the type alone does not check. */
static int (*const further_checks[SETTING_COUNT])(const char *text, struct err *e) = {
	[SET_PGDATA] = check_pgdata,
	[SET_HOST_PATTERN] = check_host_pattern,
	[SET_LISTEN_ADDRESSES] = check_listen_addresses,
	[SET_PRELOAD_LIBRARIES] = check_preload_libraries,
	[SET_INITDB_LOCALE] = check_locale,
	[SET_INITDB_ARGUMENTS] = check_initdb_arguments,
	[SET_HTTP_ADDRESS] = check_http_address,
	[SET_RUN_DIRECTORY] = check_run_directory,
};

static int check_type(
	const struct setting *s, const char *text, char **normal, long *number, struct err *e)
{
	switch (s->type) {
	case SETTING_TEXT: return 0;
	case SETTING_NAME: return check_label(text, e);
	case SETTING_INTEGER: return check_integer(s, text, number, e);
	case SETTING_SECONDS: return check_seconds(s, text, number, e);
	case SETTING_PATH: return check_path(text, normal, e);
	case SETTING_CHOICE: return check_choice(s, text, number, e);
	}
	return err_set(e, ERR_BUG, "unknown type of setting");
}

int settings_check_value(
	enum setting_id id, const char *text, char **normal, long *number, struct err *e)
{
	const struct setting *s = &settings_table[id];
	_free_ char *changed = NULL;

	*number = 0;
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return err_set(e, ERR_CONFIG,
				"holds a control character (a newline?) at position %d",
				(int)(c - text) + 1);
	if (strlen(text) > TEXT_MOST)
		return err_set(e, ERR_CONFIG, "is longer than %d characters", TEXT_MOST);
	if (check_type(s, text, &changed, number, e) < 0)
		return -1;
	if (further_checks[id] && further_checks[id](changed ? changed : text, e) < 0)
		return -1;
	*normal = changed ? take_ptr(changed) : xstrdup(text);
	return 0;
}

static void check_socket_path(const struct setting_value *values, struct settings_errors *errors)
{
	const char *run = values[SET_RUN_DIRECTORY].text;
	_free_ char *path = xasprintf("%s/socket/.s.PGSQL.%ld", run, values[SET_PORT].number);
	size_t most = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;

	if (strlen(path) > most)
		settings_errors_add(errors,
			"%s: the run directory \"%s\" is too long: the socket's path \"%s\" has %zu "
			"bytes, and the system allows %zu",
			values[SET_RUN_DIRECTORY].origin, run, path, strlen(path), most);
}

/* True when path is inside directory or the same. */
static bool is_within(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	return strncmp(path, directory, length) == 0 &&
	       (path[length] == '/' || path[length] == '\0');
}

static void check_directories(const struct setting_value *values, struct settings_errors *errors)
{
	const char *run = values[SET_RUN_DIRECTORY].text;
	const char *data = values[SET_PGDATA].text;

	if (is_within(run, data) || is_within(data, run))
		settings_errors_add(errors,
			"%s: the run directory \"%s\" and the data directory \"%s\" (%s) must not "
			"lie in each other",
			values[SET_RUN_DIRECTORY].origin, run, data, values[SET_PGDATA].origin);
}

static void check_ports(const struct setting_value *values, struct settings_errors *errors)
{
	struct address http;
	struct err e;

	if (address_parse(values[SET_HTTP_ADDRESS].text, &http, &e) == 0 &&
		http.port == values[SET_PORT].number)
		settings_errors_add(errors, "%s: port %d is already PostgreSQL's (%s)",
			values[SET_HTTP_ADDRESS].origin, http.port, values[SET_PORT].origin);
}

void settings_check_together(const struct setting_value *values, struct settings_errors *errors)
{
	check_socket_path(values, errors);
	check_directories(values, errors);
	check_ports(values, errors);
}
