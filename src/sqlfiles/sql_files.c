#include "sqlfiles/sql_files.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/timer.h"
#include "node/databases.h"
#include "sql/sql.h"
#include "sqlfiles/sql_script.h"
#include "statements.h"

#include "base/banned.h"

enum {
	FILE_MOST = 16 * 1024 * 1024,
	/* A load of data may take hours; a server that froze is found out by others. */
	STATEMENT_TIMEOUT_MS = 12 * 3600 * 1000,
	RETRY_FIRST_MS = 1000,
	RETRY_MOST_MS = 60 * 1000,
	/* How soon a file that was added later is seen. */
	LIST_EVERY_MS = 60 * 1000,
	/* Before and after the statements of a file. */
	STEPS_BEFORE = 2,
	STEPS_AFTER = 2,
	HASH_SIZE = 2 * SHA256_DIGEST_LENGTH + 1,
};

struct sql_file {
	char *name;
	bool is_applied;
	bool is_compared; /* with what was applied, once in this process's life */
	char applied_hash[HASH_SIZE];
};

struct sql_files {
	const char *directory;
	struct sql_files_view *view;
	struct sql *sql;
	struct event *timer;
	int64_t retry_ms;
	bool is_started;
	struct sql_file *files; /* by name */
	size_t count;
	/* The file under way. */
	struct sql_file *current;
	char hash[HASH_SIZE];
	struct sql_script script;
	struct sql_step *steps;
};

static void go_on(struct sql_files *f);

/* The directory's files. */

static bool has_suffix(const char *name, const char *suffix)
{
	size_t length = strlen(name);
	size_t most = strlen(suffix);

	return length > most && strcmp(name + length - most, suffix) == 0;
}

/* The kubelet's own names in a mounted volume begin with a dot. */
static int is_sql_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && has_suffix(entry->d_name, ".sql");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static const struct sql_file *find(const struct sql_file *files, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(files[i].name, name) == 0)
			return &files[i];
	return NULL;
}

static void free_files(struct sql_file *files, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(files[i].name);
	free(files);
}

/* What was known of a file stays known. A directory that is not there has no files. */
static int list(struct sql_files *f, struct err *e)
{
	struct dirent **found = NULL;
	int count = scandir(f->directory, &found, is_sql_file, by_name);

	if (count < 0 && errno != ENOENT)
		return err_sys(e, "could not read directory \"%s\"", f->directory);
	if (count < 0)
		count = 0;
	/* One more than there are, for there may be none. */
	struct sql_file *files = xcalloc((size_t)count + 1, sizeof(*files));
	for (int i = 0; i < count; i++) {
		const struct sql_file *known = find(f->files, f->count, found[i]->d_name);
		if (known)
			files[i] = *known;
		files[i].name = xstrdup(found[i]->d_name);
		free(found[i]);
	}
	free(found);
	free_files(f->files, f->count);
	f->files = files;
	f->count = (size_t)count;
	return 0;
}

static int read_text(const struct sql_files *f, const char *name, char **text, char hash[HASH_SIZE],
	struct err *e)
{
	_free_ char *path = xasprintf("%s/%s", f->directory, name);
	unsigned char digest[SHA256_DIGEST_LENGTH];
	size_t length;

	if (file_read(path, FILE_MOST, text, &length, e) < 0)
		return -1;
	if (strlen(*text) != length)
		return err_set(e, ERR_CONFIG, "\"%s\" holds a NUL byte: it is not text", path);
	SHA256((const unsigned char *)*text, length, digest);
	hex_encode(digest, sizeof(digest), hash);
	return 0;
}

/* A file that has been run is not run again; who changed it believes otherwise. */
static void compare(const struct sql_files *f, struct sql_file *file)
{
	_free_ char *text = NULL;
	char hash[HASH_SIZE];
	struct err e;

	if (file->is_compared || read_text(f, file->name, &text, hash, &e) < 0)
		return;
	file->is_compared = true;
	if (strcmp(hash, file->applied_hash) != 0)
		log_warning("\"%s/%s\" has changed since it was run: it is not run again; put what "
			    "is new into a file with a new name",
			f->directory, file->name);
}

/* The state for the operator. */

static void count_files(struct sql_files *f)
{
	f->view->applied = f->view->waiting = 0;
	for (size_t i = 0; i < f->count; i++) {
		f->view->applied += f->files[i].is_applied;
		f->view->waiting += !f->files[i].is_applied;
	}
}

static void fail(struct sql_files *f, int line, const char *why)
{
	char where[128] = "";
	char error[sizeof(f->view->error)];

	if (f->current && line > 0)
		snprintf(where, sizeof(where), "%.100s line %d: ", f->current->name, line);
	else if (f->current)
		snprintf(where, sizeof(where), "%.100s: ", f->current->name);
	snprintf(error, sizeof(error), "%s%s", where, why);
	if (strcmp(error, f->view->error) != 0)
		log_error("SQL file %s; nothing of it is kept, it is tried again, and later files "
			  "wait",
			error);
	memcpy(f->view->error, error, sizeof(error));
	f->retry_ms = clock_backoff_ms(f->retry_ms, RETRY_FIRST_MS, RETRY_MOST_MS);
	timer_set(f->timer, clock_jitter_ms(f->retry_ms));
}

/* What the database remembers. */

static int on_applied(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct sql_files *f = ctx;

	(void)e;
	for (size_t i = 0; i < f->count; i++) {
		struct sql_file *file = &f->files[i];
		if (strcmp(file->name, sql_field(result, row, 0)) != 0)
			continue;
		file->is_applied = true;
		sql_copy_field(file->applied_hash, sizeof(file->applied_hash), result, row, 1);
	}
	return 0;
}

static const struct sql_step recall[] = {
	{ .name = "create table \"citus_init.sql_file\"", .sql = sql_sqlfiles_create_record },
	{ .name = "read which SQL files have been run",
		.sql = sql_sqlfiles_read_record,
		.on_row = on_applied },
};

static void on_recalled(void *ctx, const struct err *failure)
{
	struct sql_files *f = ctx;

	f->current = NULL;
	if (failure) {
		fail(f, 0, failure->msg);
		return;
	}
	for (size_t i = 0; i < f->count; i++)
		if (f->files[i].is_applied)
			compare(f, &f->files[i]);
	count_files(f);
	go_on(f);
}

/* One file. */

static int bind_record(void *ctx, const char *parameters[])
{
	const struct sql_files *f = ctx;

	parameters[0] = f->current->name;
	parameters[1] = f->hash;
	return 2;
}

static const struct sql_step before[STEPS_BEFORE] = {
	{ .name = "begin the transaction", .sql = "begin" },
	/* As in a session of the user's own. */
	{ .name = "set the session's search_path",
		.sql = "set local search_path = \"$user\", public" },
};

static const struct sql_step after[STEPS_AFTER] = {
	{ .name = "remember that it was run", .sql = sql_sqlfiles_remember, .bind = bind_record },
	{ .name = "commit", .sql = "commit" },
};

static void forget_script(struct sql_files *f)
{
	sql_script_fini(&f->script);
	free(f->steps);
	f->steps = NULL;
}

static void on_ran(void *ctx, const struct err *failure)
{
	struct sql_files *f = ctx;
	struct sql_failure at = sql_last_failure(f->sql);

	if (failure) {
		bool is_in_file =
			at.step >= STEPS_BEFORE && at.step - STEPS_BEFORE < f->script.count;
		const struct sql_statement *statement =
			is_in_file ? &f->script.statements[at.step - STEPS_BEFORE] : NULL;
		/* active_sql_transaction: such a statement has its own transactions. */
		const char *hint = strcmp(failure->sqlstate, "25001") == 0
					   ? " (a file is one transaction: run this by hand)"
					   : "";
		_free_ char *why = xasprintf("%s%s", failure->msg, hint);
		fail(f, statement ? sql_script_line(statement, at.position) : 0, why);
	} else {
		log_info("SQL file \"%s\" has been run: %zu statements", f->current->name,
			f->script.count);
		f->current->is_applied = f->current->is_compared = true;
		f->retry_ms = 0;
		f->view->error[0] = '\0';
		count_files(f);
	}
	forget_script(f);
	if (!failure)
		go_on(f);
}

static int load(struct sql_files *f, struct err *e)
{
	_free_ char *text = NULL;

	if (read_text(f, f->current->name, &text, f->hash, e) < 0 ||
		sql_script_parse(text, &f->script, e) < 0)
		return -1;
	size_t count = STEPS_BEFORE + f->script.count + STEPS_AFTER;
	f->steps = xcalloc(count, sizeof(*f->steps));
	memcpy(f->steps, before, sizeof(before));
	for (size_t i = 0; i < f->script.count; i++)
		f->steps[STEPS_BEFORE + i] =
			(struct sql_step){ .name = "run it", .sql = f->script.statements[i].text };
	memcpy(f->steps + STEPS_BEFORE + f->script.count, after, sizeof(after));
	return 0;
}

/* The first file that has not been run; none: a look at the directory from time to time. */
static void go_on(struct sql_files *f)
{
	struct err e;

	f->current = NULL;
	for (size_t i = 0; i < f->count && !f->current; i++)
		if (!f->files[i].is_applied)
			f->current = &f->files[i];
	if (!f->current) {
		sql_disconnect(f->sql);
		timer_set(f->timer, clock_jitter_ms(LIST_EVERY_MS));
	} else if (load(f, &e) < 0) {
		forget_script(f);
		fail(f, 0, e.msg);
	} else {
		sql_run(f->sql, f->steps, STEPS_BEFORE + f->script.count + STEPS_AFTER, f, on_ran);
	}
}

static bool has_new(const struct sql_files *f)
{
	for (size_t i = 0; i < f->count; i++)
		if (!f->files[i].is_applied)
			return true;
	return false;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct sql_files *f = arg;
	struct err e;

	(void)fd;
	(void)what;
	f->current = NULL;
	if (list(f, &e) < 0) {
		fail(f, 0, e.msg);
		return;
	}
	/* What others did to the record meanwhile is seen, and nothing is asked for nothing. */
	if (has_new(f))
		sql_run(f->sql, recall, ARRAY_LEN(recall), f, on_recalled);
	else
		timer_set(f->timer, clock_jitter_ms(LIST_EVERY_MS));
}

struct sql_files *sql_files_open(struct event_base *loop, const struct settings *settings,
	struct node_view *view, const char *socket_directory)
{
	struct sql_files *f = xcalloc(1, sizeof(*f));

	f->directory = settings_text(settings, SET_SQL_DIRECTORY);
	f->view = &view->sql_files;
	f->sql = sql_open_local(
		loop, socket_directory, view->identity->port, DATABASE_CITUS, STATEMENT_TIMEOUT_MS);
	f->timer = evtimer_new(loop, on_timer, f);
	return f;
}

void sql_files_close(struct sql_files *f)
{
	if (!f)
		return;
	sql_files_stop(f);
	sql_close(f->sql);
	event_free(f->timer);
	free_files(f->files, f->count);
	free(f);
}

void sql_files_start(struct sql_files *f)
{
	if (f->is_started)
		return;
	f->is_started = true;
	on_timer(-1, 0, f);
}

void sql_files_stop(struct sql_files *f)
{
	f->is_started = false;
	evtimer_del(f->timer);
	sql_reset(f->sql);
	forget_script(f);
	/* The database may be another one when the server is back. */
	for (size_t i = 0; i < f->count; i++)
		f->files[i].is_applied = false;
}
