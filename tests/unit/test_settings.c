/*
 * The settings: what each may be, where values come from and which wins, and
 * that all errors are told at once, none with a password in it.
 */
#include <check.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/secret.h"
#include "scratch.h"
#include "settings_made.h"

extern char **environ;

#define VARIABLES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static bool some_message_has(const struct settings_errors *errors, const char *part)
{
	for (size_t i = 0; i < errors->count; i++)
		if (strstr(errors->messages[i], part))
			return true;
	return false;
}

static char *all_messages(const struct settings_errors *errors)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < errors->count; i++)
		fprintf(out, "%s\n", errors->messages[i]);
	fclose(out);
	return text;
}

#define assert_message(errors, part)                                                               \
	do {                                                                                       \
		_free_ char *all_ = all_messages(errors);                                          \
		ck_assert_msg(                                                                     \
			some_message_has(errors, part), "no message has \"%s\":\n%s", part, all_); \
	} while (0)

/* The variables are refused, with exactly one message, which has the part. */
static void assert_refused(const char *const *variables, const char *part)
{
	struct settings_errors errors;
	struct settings *s = settings_made_with(variables, &errors);

	ck_assert_msg(s == NULL, "%s is taken", variables[0]);
	assert_message(&errors, part);
	ck_assert_msg(errors.count == 1, "%s: %zu messages", variables[0], errors.count);
	settings_errors_free(&errors);
}

static const struct {
	enum setting_id id;
	const char *given;
	const char *text; /* NULL: as given */
	long number;
} good[] = {
	{ SET_POD_GROUP, "c", NULL, 0 },
	{ SET_SET_SIZE, "1", NULL, 1 },
	{ SET_SET_SIZE, "255", NULL, 255 },
	{ SET_POD_NAMESPACE, "team-7", NULL, 0 },
	{ SET_POD_IP, "10.0.0.1", NULL, 0 },
	{ SET_ETCD_HOST, "etcd:2379", NULL, 0 },
	{ SET_PGDATA, "/pgdata//data/", "/pgdata/data", 0 },
	{ SET_PGDATA, "/var/lib/pg data/x", NULL, 0 },
	{ SET_HOST_PATTERN, "127.1.2.{ordinal}", NULL, 0 },
	{ SET_HOST_PATTERN, "{group}-{ordinal}.{group}.{namespace}.svc.{domain}", NULL, 0 },
	{ SET_PORT, "1", NULL, 1 },
	{ SET_PORT, "65535", NULL, 65535 },
	{ SET_LISTEN_ADDRESSES, "127.0.0.1, ::1", NULL, 0 },
	{ SET_BIN_DIR, "/usr/lib/postgresql/15/bin", NULL, 0 },
	{ SET_PRELOAD_LIBRARIES, "pg_stat_statements", NULL, 0 },
	{ SET_PRELOAD_LIBRARIES, "a, b ,$libdir/c", NULL, 0 },
	{ SET_PRELOAD_LIBRARIES, "citus_columnar", NULL, 0 },
	{ SET_INITDB_LOCALE, "en_US.UTF-8", NULL, 0 },
	{ SET_INITDB_LOCALE, "de_DE.utf8@euro", NULL, 0 },
	{ SET_INITDB_ARGUMENTS, "--wal-segsize=64", NULL, 0 },
	{ SET_INITDB_ARGUMENTS, "--wal-segsize 64 -k -g", NULL, 0 },
	{ SET_INITDB_ARGUMENTS, "-E UTF8", NULL, 0 },
	{ SET_INITDB_ARGUMENTS, "-Eutf-8 --encoding=UTF8", NULL, 0 },
	{ SET_INITDB_ARGUMENTS, "--locale-provider=icu --icu-locale=en --lc-collate=C", NULL, 0 },
	{ SET_HTTP_ADDRESS, "127.0.0.1:80", NULL, 0 },
	{ SET_HTTP_ADDRESS, "[::]:8008", NULL, 0 },
	{ SET_RUN_DIRECTORY, "/run/x/", "/run/x", 0 },
	{ SET_LOG_FORMAT, "text", NULL, 0 },
	{ SET_LOG_FORMAT, "json", NULL, 1 },
	{ SET_LOG_LEVEL, "debug", NULL, 0 },
	{ SET_LOG_LEVEL, "error", NULL, 3 },
	{ SET_RESTART_LIMIT, "0", NULL, 0 },
	{ SET_RESTART_LIMIT, "1000", NULL, 1000 },
	{ SET_RESTART_WINDOW, "2min", NULL, 120 },
	{ SET_RESTART_WINDOW, "1", NULL, 1 },
	{ SET_STOP_DEADLINE, "5s", NULL, 5 },
	{ SET_STOP_DEADLINE, "60min", NULL, 3600 },
	{ SET_GRACE_PERIOD, "1", NULL, 1 },
	{ SET_GRACE_PERIOD, "10min", NULL, 600 },
	{ SET_PAUSE, "no", NULL, 0 },
	{ SET_PAUSE, "yes", NULL, 1 },
};

START_TEST(takes_good_values)
{
	_free_ char *variable = xasprintf("%s=%s", settings_table[good[_i].id].env, good[_i].given);
	struct settings *s = settings_made(VARIABLES(variable));
	_free_ char *origin = xasprintf("environment variable %s", settings_table[good[_i].id].env);

	ck_assert_str_eq(
		settings_text(s, good[_i].id), good[_i].text ? good[_i].text : good[_i].given);
	ck_assert_int_eq(settings_number(s, good[_i].id), good[_i].number);
	ck_assert_str_eq(settings_origin(s, good[_i].id), origin);
	settings_free(s);
}
END_TEST

static const struct {
	const char *variable;
	const char *message;
} bad[] = {
	{ "POD_GROUP=Citus", "environment variable POD_GROUP: \"Citus\" is not a DNS label" },
	{ "POD_GROUP=-c", "not a DNS label" },
	{ "POD_GROUP=c-", "not a DNS label" },
	{ "POD_GROUP=a.b", "not a DNS label" },
	{ "POD_GROUP=a123456789012345678901234567890123456789012345678901234567890123",
		"not a DNS label" },
	{ "POD_GROUP=", "POD_GROUP is not set" },
	{ "POD_GROUP", "POD_GROUP is not set" },
	{ "SET_SIZE", "SET_SIZE is not set" },
	{ "SET_SIZE=0", "\"0\" is not a number between 1 and 255" },
	{ "SET_SIZE=256", "not a number between 1 and 255" },
	{ "SET_SIZE=-1", "not a number between 1 and 255" },
	{ "SET_SIZE=3x", "not a number between 1 and 255" },
	{ "SET_SIZE= 3", "not a number between 1 and 255" },
	{ "SET_SIZE=99999999999999999999", "not a number between 1 and 255" },
	{ "SET_SIZE=three", "not a number between 1 and 255" },
	{ "POD_NAMESPACE=a b", "not a DNS label" },
	{ "POD_NAME=citus-1.citus", "not a DNS label" },
	{ "POD_IP=1\n2", "control character" },
	{ "PGDATA=pgdata", "not an absolute path" },
	{ "PGDATA=/data", "needs a parent of its own" },
	{ "PGDATA=/", "needs a parent of its own" },
	{ "PGDATA=/pgdata/../data", "\"..\"" },
	{ "PGDATA=/pgdata/./data", "\".\"" },
	{ "PGDATA=/pgdata/conf", "where the configuration files go" },
	{ "PGDATA=/pgdata/conf.new", "where the configuration files go" },
	{ "CITUS_INIT_CLUSTER_HOST_PATTERN=node.example", "{ordinal} is missing" },
	{ "CITUS_INIT_CLUSTER_HOST_PATTERN={ordinal}.{domian}", "at \"{domian}\"" },
	{ "CITUS_INIT_CLUSTER_HOST_PATTERN={ordinal}/x", "at \"/x\"" },
	{ "CITUS_INIT_CLUSTER_HOST_PATTERN=N{ordinal}", "at \"N{ordinal}\"" },
	{ "CITUS_INIT_POSTGRES_PORT=0", "not a number between 1 and 65535" },
	{ "CITUS_INIT_POSTGRES_PORT=65536", "not a number between 1 and 65535" },
	{ "CITUS_INIT_POSTGRES_PORT=tcp://10.0.0.1:5432", "enableServiceLinks: false" },
	{ "CITUS_INIT_POSTGRES_LISTEN_ADDRESSES=a'b", "not a list of addresses" },
	{ "CITUS_INIT_POSTGRES_BIN_DIR=bin", "not an absolute path" },
	{ "CITUS_INIT_POSTGRES_PRELOAD_LIBRARIES=citus", "citus is loaded anyway" },
	{ "CITUS_INIT_POSTGRES_PRELOAD_LIBRARIES=a, citus", "citus is loaded anyway" },
	{ "CITUS_INIT_POSTGRES_PRELOAD_LIBRARIES=a,", "not a list of libraries" },
	{ "CITUS_INIT_POSTGRES_PRELOAD_LIBRARIES=,a", "not a list of libraries" },
	{ "CITUS_INIT_POSTGRES_PRELOAD_LIBRARIES=a b", "not a list of libraries" },
	{ "CITUS_INIT_POSTGRES_PRELOAD_LIBRARIES=a'", "not a list of libraries" },
	{ "CITUS_INIT_INITDB_LOCALE=--pwfile", "not a name of a locale" },
	{ "CITUS_INIT_INITDB_LOCALE=C UTF-8", "not a name of a locale" },
	{ "CITUS_INIT_INITDB_ARGUMENTS=-D /x", "the argument -D is PGDATA" },
	{ "CITUS_INIT_INITDB_ARGUMENTS=-kD/x", "the argument -D is PGDATA" },
	{ "CITUS_INIT_INITDB_ARGUMENTS=--pgdata=/x", "--pgdata is PGDATA" },
	{ "CITUS_INIT_INITDB_ARGUMENTS=--pgd=/x", "--pgdata is PGDATA" },
	{ "CITUS_INIT_INITDB_ARGUMENTS=-A trust", "the argument -A has no effect" },
	{ "CITUS_INIT_INITDB_ARGUMENTS=-k --auth=md5", "the argument --auth has no effect" },
	{ "CITUS_INIT_INITDB_ARGUMENTS=--auth-host=md5", "the argument --auth-host" },
	{ "CITUS_INIT_INITDB_ARGUMENTS=--pwfile=/x", "--pwfile is SUPERPASS" },
	{ "CITUS_INIT_INITDB_ARGUMENTS=-W", "the argument -W" },
	{ "CITUS_INIT_INITDB_ARGUMENTS=-U me", "the argument -U is chosen" },
	{ "CITUS_INIT_INITDB_ARGUMENTS=--username=me", "the argument --username is chosen" },
	{ "CITUS_INIT_INITDB_ARGUMENTS=-X /wal", "the argument -X is refused" },
	{ "CITUS_INIT_INITDB_ARGUMENTS=--waldir=/wal", "the argument --waldir is refused" },
	{ "CITUS_INIT_INITDB_ARGUMENTS=-E LATIN1", "only UTF8" },
	{ "CITUS_INIT_INITDB_ARGUMENTS=-ELATIN1", "only UTF8" },
	{ "CITUS_INIT_INITDB_ARGUMENTS=--encoding=LATIN1", "only UTF8" },
	{ "CITUS_INIT_INITDB_ARGUMENTS=--encoding LATIN1", "only UTF8" },
	{ "CITUS_INIT_INITDB_ARGUMENTS=--enc=LATIN1", "only UTF8" },
	{ "CITUS_INIT_INITDB_ARGUMENTS=--locale=C", "CITUS_INIT_INITDB_LOCALE" },
	{ "CITUS_INIT_INITDB_ARGUMENTS=--no-locale", "CITUS_INIT_INITDB_LOCALE" },
	{ "CITUS_INIT_INITDB_ARGUMENTS=--lc-messages=C", "ALTER SYSTEM" },
	{ "CITUS_INIT_INITDB_ARGUMENTS=-S", "keeps initdb from making a data directory" },
	{ "CITUS_INIT_INITDB_ARGUMENTS=/other", "not an option" },
	{ "CITUS_INIT_INITDB_ARGUMENTS=--wal-segsize=1 /other", "not an option" },
	{ "CITUS_INIT_HTTP_ADDRESS=8008", "not ADDRESS:PORT" },
	{ "CITUS_INIT_HTTP_ADDRESS=:8008", "not ADDRESS:PORT" },
	{ "CITUS_INIT_HTTP_ADDRESS=localhost:8008", "not a literal address" },
	{ "CITUS_INIT_HTTP_ADDRESS=::1:8008", "not a literal address" },
	{ "CITUS_INIT_HTTP_ADDRESS=[127.0.0.1]:8008", "not a literal address" },
	{ "CITUS_INIT_HTTP_ADDRESS=0.0.0.0:", "not a port" },
	{ "CITUS_INIT_HTTP_ADDRESS=0.0.0.0:0", "not a port" },
	{ "CITUS_INIT_HTTP_ADDRESS=0.0.0.0:5432", "port 5432 is already PostgreSQL's" },
	{ "CITUS_INIT_RUN_DIRECTORY=run", "not an absolute path" },
	{ "CITUS_INIT_RUN_DIRECTORY=/tmp", "not a directory of its own" },
	{ "CITUS_INIT_RUN_DIRECTORY=/", "not a directory of its own" },
	{ "CITUS_INIT_RUN_DIRECTORY=/pgdata/data/run", "must not lie in each other" },
	{ "CITUS_INIT_RUN_DIRECTORY=/run/"
	  "a1234567890123456789012345678901234567890123456789012345678901234567890123456789012345"
	  "678",
		"and the system allows 107" },
	{ "CITUS_INIT_LOG_FORMAT=xml", "none of: text json" },
	{ "CITUS_INIT_LOG_FORMAT=tex", "none of: text json" },
	{ "CITUS_INIT_LOG_LEVEL=debug info", "none of: debug info warning error" },
	{ "CITUS_INIT_RESTART_LIMIT=1001", "not a number between 0 and 1000" },
	{ "CITUS_INIT_RESTART_WINDOW=0", "not a time between 1 and 86400 seconds" },
	{ "CITUS_INIT_STOP_DEADLINE=4", "not a time between 5 and 3600 seconds" },
	{ "CITUS_INIT_STOP_DEADLINE=25m", "not a time between" },
	{ "CITUS_INIT_STOP_DEADLINE=61min", "not a time between" },
	{ "CITUS_INIT_STOP_DEADLINE=min", "not a time between" },
	{ "CITUS_INIT_GRACE_PERIOD=0", "not a time between 1 and 86400 seconds" },
	{ "CITUS_INIT_PAUSE=true", "none of: no yes" },
	{ "CITUS_INIT_CONFIG_FILE=/nonexistent/citus-init.ini",
		"environment variable CITUS_INIT_CONFIG_FILE: could not open" },
	{ "SUPERPASS", "SUPERPASS is not set, and there is no default password: set SUPERPASS, or "
		       "SUPERPASS_FILE" },
	{ "ADMINPASS=", "environment variable ADMINPASS: the password is empty" },
	{ "REPPASS=a\nb", "environment variable REPPASS: holds a control character" },
	{ "SUPERPASS_FILE=/x", "SUPERPASS and SUPERPASS_FILE are both set" },
	{ "CITUS_INIT_POSTGRES_PROT=1",
		"environment variable CITUS_INIT_POSTGRES_PROT: there is no such setting; did you "
		"mean \"CITUS_INIT_POSTGRES_PORT\"?" },
	{ "CITUS_INIT_WHATEVER=1", "environment variable CITUS_INIT_WHATEVER: there is no such" },
	{ "CITUS_INIT_POSTGRE_PORT=5432", "did you mean \"CITUS_INIT_POSTGRES_PORT\"?" },
};

START_TEST(refuses_bad_values)
{
	assert_refused(VARIABLES(bad[_i].variable), bad[_i].message);
}
END_TEST

START_TEST(has_defaults)
{
	struct settings *s = settings_made(NULL);

	ck_assert_str_eq(settings_text(s, SET_PGDATA), "/pgdata/data");
	ck_assert_str_eq(settings_origin(s, SET_PGDATA), "default");
	ck_assert_int_eq(settings_number(s, SET_PORT), 5432);
	ck_assert_int_eq(settings_number(s, SET_STOP_DEADLINE), 25);
	ck_assert_int_eq(settings_number(s, SET_LOG_LEVEL), 1);
	ck_assert_int_eq(settings_number(s, SET_GRACE_PERIOD), 60);
	ck_assert_int_eq(settings_number(s, SET_PAUSE), 0);
	ck_assert_ptr_null(settings_text(s, SET_BIN_DIR));
	ck_assert_str_eq(settings_secret(s, SET_REPPASS), "rep-secret");
	settings_free(s);
}
END_TEST

START_TEST(ignores_variables_of_services)
{
	struct settings *s = settings_made(VARIABLES("CITUS_INIT_SERVICE_HOST=10.0.0.1",
		"CITUS_INIT_SERVICE_PORT=80", "CITUS_INIT_SERVICE_PORT_HTTP=80",
		"CITUS_INIT_PORT=tcp://10.0.0.1:80", "CITUS_INIT_PORT_80_TCP=tcp://10.0.0.1:80",
		"CITUS_INIT_PORT_80_TCP_ADDR=10.0.0.1", "CITUS_INIT_WEB_PORT=tcp://10.0.0.1:80",
		"CITUS_INIT_LOCAL_SUPERPASS=x", "CITUS_INITIAL=1", "CITUS_INIT_LOG_LEVEL="));

	settings_free(s);
}
END_TEST

START_TEST(tells_all_errors_together)
{
	struct settings_errors errors;
	struct settings *s =
		settings_made_with(VARIABLES("POD_GROUP", "SET_SIZE=0", "SUPERPASS",
					   "CITUS_INIT_LOG_LEVEL=loud", "CITUS_INIT_NONSENSE=1"),
			&errors);

	ck_assert_ptr_null(s);
	ck_assert_uint_eq(errors.count, 5);
	assert_message(&errors, "POD_GROUP is not set");
	assert_message(&errors, "SET_SIZE");
	assert_message(&errors, "SUPERPASS is not set");
	assert_message(&errors, "CITUS_INIT_LOG_LEVEL");
	assert_message(&errors, "CITUS_INIT_NONSENSE");
	settings_errors_free(&errors);
}
END_TEST

static const struct {
	const char *text;
	size_t length;
	const char *value; /* NULL: refused */
	const char *message;
} secret_files[] = {
	{ "pass word", 9, "pass word", NULL },
	{ "pass\n", 5, "pass", NULL },
	{ "pass\n\n", 6, NULL, "SUPERPASS_FILE \"" },
	{ "pa\nss", 5, NULL, "control character" },
	{ "pass\r\n", 6, NULL, "control character" },
	{ "pa\0ss", 5, NULL, "zero byte" },
	{ "", 0, NULL, "is empty" },
	{ "\n", 1, NULL, "is empty" },
};

START_TEST(reads_secret_files)
{
	_free_ char *path = scratch_path("secret");
	_free_ char *variable = xasprintf("SUPERPASS_FILE=%s", path);

	scratch_write("secret", secret_files[_i].text, secret_files[_i].length, 0600);
	const char *const *variables = VARIABLES("SUPERPASS", variable);
	if (!secret_files[_i].value) {
		assert_refused(variables, secret_files[_i].message);
		return;
	}
	struct settings *s = settings_made(variables);
	ck_assert_str_eq(settings_secret(s, SET_SUPERPASS), secret_files[_i].value);
	ck_assert_ptr_nonnull(strstr(settings_origin(s, SET_SUPERPASS), path));
	settings_free(s);
}
END_TEST

START_TEST(refuses_a_missing_secret_file)
{
	assert_refused(VARIABLES("REPPASS", "REPPASS_FILE=/nonexistent/reppass"),
		"REPPASS_FILE: could not open \"/nonexistent/reppass\"");
}
END_TEST

/* The descriptor that PID 1 hands on. */
START_TEST(reads_sealed_secrets)
{
	struct settings_errors errors;
	struct err e;
	char *plain[] = { (char *)"POD_GROUP=citus", (char *)"SET_SIZE=3", NULL };
	char *doubled[] = { (char *)"POD_GROUP=citus", (char *)"SET_SIZE=3",
		(char *)"ADMINPASS_FILE=/x", NULL };

	setenv("SUPERPASS", "one", 1);
	setenv("ADMINPASS", "two", 1);
	setenv("REPPASS", "three", 1);
	_close_ int fd = secret_seal_environment(&e);
	ck_assert_int_ge(fd, 0);
	ck_assert_ptr_null(getenv("SUPERPASS"));
	struct settings *s = settings_load(plain, fd, &errors);
	ck_assert_ptr_nonnull(s);
	ck_assert_str_eq(settings_secret(s, SET_SUPERPASS), "one");
	ck_assert_str_eq(settings_secret(s, SET_REPPASS), "three");
	settings_free(s);
	ck_assert_ptr_null(settings_load(doubled, fd, &errors));
	assert_message(&errors, "ADMINPASS and ADMINPASS_FILE are both set");
	settings_errors_free(&errors);
}
END_TEST

/* Every secret of the table is one that PID 1 hides, and the other way round. */
START_TEST(knows_the_same_secrets_as_pid_1)
{
	size_t count = 0;

	for (size_t i = 0; i < SETTING_COUNT; i++) {
		if (!(settings_table[i].flags & SETTING_SECRET))
			continue;
		ck_assert_ptr_nonnull(secret_names[count]);
		ck_assert_str_eq(settings_table[i].env, secret_names[count]);
		count++;
	}
	ck_assert_ptr_null(secret_names[count]);
}
END_TEST

/* All ways to get a password wrong; "hunter" is in each. */
static const char *const leaks[] = { "SUPERPASS=hunter2\nhunter3", "SUPERPASS=hunter2\x01",
	"SUPERPASS_FILE=hunter2", "SUPERPASS_FILE=hunter2/hunter", NULL };
static const char *const leaking_inis[] = {
	"[secrets]\nsuperpass hunter2\n",
	"[secrets]\nsuperpass hunter2 = \n",
	"[secrets]\nhunter2!=\n",
	"[secrets]\nsuperpass = hunter2\x01\n",
	"[secrets]\nsuperpass = hunter2\nsuperpass = hunter3\n",
	"[cluster]\nsuperpass = hunter2\n",
	"superpass = hunter2\n",
	"[secrets hunter2]\nsuperpass = hunter2\n",
};

static void assert_no_leak(const char *const *variables)
{
	struct settings_errors errors;

	ck_assert_ptr_null(settings_made_with(variables, &errors));
	_free_ char *all = all_messages(&errors);
	ck_assert_uint_ge(errors.count, 1);
	ck_assert_msg(!strstr(all, "hunter"), "%s", all);
	settings_errors_free(&errors);
}

START_TEST(tells_no_passwords)
{
	_free_ char *path = scratch_path("leak.ini");
	_free_ char *variable = xasprintf("CITUS_INIT_CONFIG_FILE=%s", path);
	_free_ char *too_long = xasprintf("SUPERPASS=hunter%01100d", 1);

	for (size_t i = 0; leaks[i]; i++)
		assert_no_leak(VARIABLES(strstr(leaks[i], "_FILE") ? "SUPERPASS" : "X=", leaks[i]));
	assert_no_leak(VARIABLES(too_long));
	for (size_t i = 0; i < ARRAY_LEN(leaking_inis); i++) {
		scratch_write_text("leak.ini", leaking_inis[i]);
		assert_no_leak(VARIABLES("SUPERPASS", variable));
	}
}
END_TEST

static struct settings *load_ini(
	const char *text, const char *const *more, struct settings_errors *errors)
{
	static char variable[128];
	const char *variables[16] = { variable };

	snprintf(variable, sizeof(variable), "CITUS_INIT_CONFIG_FILE=%s/x.ini", scratch_directory);
	scratch_write_text("x.ini", text);
	for (size_t i = 0; more && more[i]; i++)
		variables[i + 1] = more[i];
	return settings_made_with(variables, errors);
}

START_TEST(reads_the_ini_file)
{
	struct settings_errors errors;
	struct settings *s = load_ini("# comment\r\n\n[cluster]\r\n  group = shop ; why\n\tsize=7\n"
				      "[postgres]\nport: 5433\npreload_libraries = a,b\n",
		VARIABLES("POD_GROUP", "SET_SIZE"), &errors);

	ck_assert_ptr_nonnull(s);
	ck_assert_str_eq(settings_text(s, SET_POD_GROUP), "shop");
	ck_assert_int_eq(settings_number(s, SET_SET_SIZE), 7);
	ck_assert_int_eq(settings_number(s, SET_PORT), 5433);
	_free_ char *origin = xasprintf("%s/x.ini:5", scratch_directory);
	ck_assert_str_eq(settings_origin(s, SET_SET_SIZE), origin);
	settings_free(s);
}
END_TEST

START_TEST(environment_wins_but_for_live_settings)
{
	struct settings_errors errors;
	struct settings *s = load_ini(
		"[cluster]\nsize=7\n[postgres]\nport=5433\n[log]\nlevel=debug\n",
		VARIABLES("SET_SIZE=4", "CITUS_INIT_POSTGRES_PORT=5434", "CITUS_INIT_LOG_LEVEL="),
		&errors);

	ck_assert_ptr_nonnull(s);
	ck_assert_int_eq(settings_number(s, SET_SET_SIZE), 7);
	ck_assert_int_eq(settings_number(s, SET_PORT), 5434);
	ck_assert_int_eq(settings_number(s, SET_LOG_LEVEL), 0);
	settings_free(s);
}
END_TEST

/* The message begins with FILE:LINE: and goes on as told. */
static const struct {
	const char *text;
	int line;
	const char *message;
} bad_inis[] = {
	{ "[cluster]\n\ngroop = x\n", 3,
		"unknown key \"groop\" in section [cluster]; did you mean \"group\"?" },
	{ "[clutser]\ngroup = x\n", 2, "unknown section [clutser]; did you mean \"cluster\"?" },
	{ "[zzz]\na=1\n", 2, "unknown section [zzz]" },
	{ "port = 1\n", 1, "key \"port\" comes before any [section]" },
	{ "[postgres]\nport = 1\nport = 2\n", 3, "\"port\" is already set in line 2" },
	{ "[postgres]\nport = 0\n", 2, "port: \"0\" is not a number between 1 and 65535" },
	{ "[postgres]\nport =\n", 2, "\"port\" has no value" },
	{ "[postgres]\nport\n", 2, "neither \"[section]\" nor \"key = value\" nor a comment" },
	{ "[postgres\n", 1, "neither" },
	{ "[postgres]\n\n\nbin_dir = /123456789/123456789/123456789/123456789/123456789/123456789/"
	  "123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456789/"
	  "123456789/123456789/123456789/123456789/123456789\n",
		4, "the line is longer than 198 characters" },
	{ "[cluster]\nsize = 300 ; too many\n", 2, "size: \"300\" is not a number" },
	{ "[run]\npgdata = /x/y\n", 2, "unknown key \"pgdata\"" },
};

START_TEST(tells_the_line_of_the_ini_file)
{
	struct settings_errors errors;

	ck_assert_ptr_null(load_ini(bad_inis[_i].text, NULL, &errors));
	_free_ char *expected = xasprintf(
		"%s/x.ini:%d: %s", scratch_directory, bad_inis[_i].line, bad_inis[_i].message);
	assert_message(&errors, expected);
	ck_assert_uint_eq(errors.count, 1);
	settings_errors_free(&errors);
}
END_TEST

START_TEST(refuses_a_binary_ini_file)
{
	struct settings_errors errors;
	_free_ char *path = scratch_path("b.ini");
	_free_ char *variable = xasprintf("CITUS_INIT_CONFIG_FILE=%s", path);

	scratch_write("b.ini", "[postgres]\0\n", 12, 0600);
	ck_assert_ptr_null(settings_made_with(VARIABLES(variable), &errors));
	assert_message(&errors, "zero byte");
	settings_errors_free(&errors);
}
END_TEST

START_TEST(prints_every_setting)
{
	char *help = NULL;
	char *markdown = NULL;
	size_t size;
	FILE *out = open_memstream(&help, &size);

	settings_print_help(out);
	fclose(out);
	out = open_memstream(&markdown, &size);
	settings_print_markdown(out);
	fclose(out);
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		_free_ char *row = xasprintf("| `%s`", settings_table[i].env);

		ck_assert_ptr_nonnull(strstr(markdown, row));
		ck_assert_ptr_nonnull(strstr(markdown, settings_table[i].help));
		if (!(settings_table[i].flags & SETTING_UNUSED))
			ck_assert_ptr_nonnull(strstr(help, settings_table[i].env));
	}
	free(help);
	free(markdown);
}
END_TEST

Suite *suite_settings(void);

Suite *suite_settings(void)
{
	Suite *s = suite_create("settings");
	TCase *values = tcase_create("values");
	TCase *sources = tcase_create("sources");

	tcase_add_loop_test(values, takes_good_values, 0, ARRAY_LEN(good));
	tcase_add_loop_test(values, refuses_bad_values, 0, ARRAY_LEN(bad));
	tcase_add_test(values, has_defaults);
	tcase_add_test(values, ignores_variables_of_services);
	tcase_add_test(values, tells_all_errors_together);
	tcase_add_test(values, knows_the_same_secrets_as_pid_1);
	tcase_add_test(values, prints_every_setting);
	suite_add_tcase(s, values);

	tcase_add_checked_fixture(sources, scratch_make, scratch_remove);
	tcase_add_loop_test(sources, reads_secret_files, 0, ARRAY_LEN(secret_files));
	tcase_add_test(sources, refuses_a_missing_secret_file);
	tcase_add_test(sources, reads_sealed_secrets);
	tcase_add_test(sources, tells_no_passwords);
	tcase_add_test(sources, reads_the_ini_file);
	tcase_add_test(sources, environment_wins_but_for_live_settings);
	tcase_add_loop_test(sources, tells_the_line_of_the_ini_file, 0, ARRAY_LEN(bad_inis));
	tcase_add_test(sources, refuses_a_binary_ini_file);
	suite_add_tcase(s, sources);
	return s;
}
