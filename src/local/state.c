#include "local/state.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/secret.h"

#include "base/banned.h"

enum { DEFAULT_NODES = 3, STATE_FILE_MAX = 4096, REMOVE_TRIES = 20 };

static const char state_file[] = "cluster.ini";

/* The file's keys: numbers with their range, and passwords (most == 0). */
static const struct key {
	const char *name;
	size_t offset;
	int least, most;
} keys[] = {
	{ "nodes", offsetof(struct state, nodes), 1, NETWORK_MAX_NODES },
	{ "network_a", offsetof(struct state, network.a), 1, 254 },
	{ "network_b", offsetof(struct state, network.b), 0, 255 },
	{ "port", offsetof(struct state, network.port), 1, 65535 },
	{ "http_port", offsetof(struct state, network.http_port), 1, 65535 },
	{ "superpass", offsetof(struct state, superpass), 0, 0 },
	{ "adminpass", offsetof(struct state, adminpass), 0, 0 },
	{ "reppass", offsetof(struct state, reppass), 0, 0 },
};

char *state_path(const struct state *s, const char *name)
{
	return xasprintf("%s/%s", s->directory, name);
}

char *state_format(const struct state *s)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return xstrdup("");
	fprintf(out, "; made by citus-init local: what a later start goes on with\n[cluster]\n");
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *value = (const char *)s + keys[i].offset;

		if (keys[i].most)
			fprintf(out, "%s = %d\n", keys[i].name, *(const int *)(const void *)value);
		else
			fprintf(out, "%s = %s\n", keys[i].name, value);
	}
	fclose(out);
	return text;
}

struct parsing {
	struct state *s;
	unsigned seen; /* a bit for each key */
};

static int set_key(struct state *s, const struct key *key, const char *value)
{
	char *to = (char *)s + key->offset;

	if (!key->most) {
		if (strlen(value) != STATE_PASSWORD_LENGTH)
			return -1;
		memcpy(to, value, STATE_PASSWORD_LENGTH + 1);
		return 0;
	}
	char *end;
	errno = 0;
	long number = strtol(value, &end, 10);
	if (errno || *end || end == value || number < key->least || number > key->most)
		return -1;
	*(int *)(void *)to = (int)number;
	return 0;
}

/* inih's callback: 0 is an error, which ini_parse_string() reports as the line's number. */
static int on_key(void *ctx, const char *section, const char *name, const char *value)
{
	struct parsing *p = ctx;

	for (size_t i = 0; strcmp(section, "cluster") == 0 && i < ARRAY_LEN(keys); i++) {
		if (strcmp(name, keys[i].name) != 0)
			continue;
		p->seen |= 1U << i;
		return set_key(p->s, &keys[i], value) == 0;
	}
	return 0;
}

int state_parse(struct state *s, const char *text, struct err *e)
{
	struct parsing p = { .s = s };
	int line = ini_parse_string(text, on_key, &p);

	if (line != 0)
		return err_set(
			e, ERR_REFUSED, "line %d is not one that citus-init local writes", line);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (!(p.seen & 1U << i))
			return err_set(e, ERR_REFUSED, "it lacks \"%s\"", keys[i].name);
	return 0;
}

/* Letters, digits, - and _ need no quoting in URLs, shells and connection strings. */
static int draw_password(char password[STATE_PASSWORD_LENGTH + 1], struct err *e)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789-_";
	unsigned char random[STATE_PASSWORD_LENGTH];

	_Static_assert(sizeof(letters) == 64 + 1, "six bits a letter");
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return err_sys(e, "could not draw a password");
	for (size_t i = 0; i < sizeof(random); i++)
		password[i] = letters[random[i] & 63];
	password[STATE_PASSWORD_LENGTH] = '\0';
	explicit_bzero(random, sizeof(random));
	return 0;
}

/* Root's directory must let the nodes' user through to their own ones, and nobody else matters. */
static mode_t directory_mode(void)
{
	return geteuid() == 0 ? 0711 : 0700;
}

static int make_temporary(struct state *s, struct err *e)
{
	const char *parent = getenv("TMPDIR");
	_free_ char *path = xasprintf(
		"%s/citus-init-local.XXXXXX", parent && parent[0] == '/' ? parent : "/tmp");

	if (!mkdtemp(path))
		return err_sys(e,
			"could not make a temporary directory \"%s\"; TMPDIR chooses where", path);
	s->directory = take_ptr(path);
	s->is_temporary = true;
	if (chmod(s->directory, directory_mode()) < 0)
		return err_sys(e, "could not set the mode of \"%s\"", s->directory);
	return 0;
}

static int make_named(const char *path, struct err *e)
{
	if (mkdir(path, directory_mode()) == 0) {
		if (chmod(path, directory_mode()) < 0) /* whatever the umask says */
			return err_sys(e, "could not set the mode of \"%s\"", path);
	} else if (errno != EEXIST) {
		return err_sys(e, "could not make directory \"%s\"", path);
	}
	return 0;
}

static int lock_directory(struct state *s, struct err *e)
{
	struct stat st;

	s->lock = open(s->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->lock < 0 || fstat(s->lock, &st) < 0)
		return err_sys(e, "could not open directory \"%s\"", s->directory);
	if (geteuid() == 0 && (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH))))
		return err_set(e, ERR_REFUSED,
			"others than root can write to the directory \"%s\" (uid %u, mode %04o), and "
			"could lead root out of it by links; nothing was touched: name a new "
			"directory, or make it root's",
			s->directory, st.st_uid, st.st_mode & 07777);
	if (flock(s->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return err_sys(e, "could not lock directory \"%s\"", s->directory);
	return err_set(e, ERR_BUSY, "directory \"%s\" is in use by another citus-init local",
		s->directory);
}

/* A temporary file of file_replace() is what a kill at the very start leaves: as good as empty. */
static int check_empty(const struct state *s, struct err *e)
{
	_dir_ DIR *dir = opendir(s->directory);

	if (!dir)
		return err_sys(e, "could not read directory \"%s\"", s->directory);
	for (struct dirent *d = readdir(dir); d; d = readdir(dir)) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0 ||
			strcmp(d->d_name, "cluster.ini.tmp") == 0)
			continue;
		return err_set(e, ERR_REFUSED,
			"directory \"%s\" is not empty (\"%s\") and holds no cluster of "
			"citus-init local (no \"%s\"); nothing was touched: name an empty or a "
			"new directory",
			s->directory, d->d_name, state_file);
	}
	return 0;
}

static int load(struct state *s, int nodes, struct err *e)
{
	_free_ char *path = state_path(s, state_file);
	char *text = NULL;

	if (access(path, F_OK) < 0 && errno == ENOENT) {
		s->is_new = true;
		s->nodes = nodes ? nodes : DEFAULT_NODES;
		if (check_empty(s, e) < 0 || draw_password(s->superpass, e) < 0 ||
			draw_password(s->adminpass, e) < 0 || draw_password(s->reppass, e) < 0)
			return -1;
		return 0;
	}
	if (file_read(path, STATE_FILE_MAX, &text, NULL, e) < 0)
		return -1;
	int result = state_parse(s, text, e);
	secret_free(text);
	if (result < 0)
		return err_wrap(e, "\"%s\" is not right", path);
	if (nodes && nodes < s->nodes)
		return err_set(e, ERR_REFUSED,
			"the cluster in \"%s\" has %d nodes: %d would leave the rows of the others "
			"behind, so it can only grow; nothing was touched",
			s->directory, s->nodes, nodes);
	if (nodes)
		s->nodes = nodes;
	return 0;
}

int state_open(struct state *s, const char *directory, int nodes, struct err *e)
{
	*s = STATE_CLOSED;
	if (directory ? make_named(directory, e) < 0 : make_temporary(s, e) < 0)
		return -1;
	char *real = realpath(directory ? directory : s->directory, NULL);
	if (!real)
		return err_sys(e, "could not resolve \"%s\"", directory ? directory : s->directory);
	free(s->directory);
	s->directory = real;
	return lock_directory(s, e) < 0 ? -1 : load(s, nodes, e);
}

int state_save(const struct state *s, struct err *e)
{
	_free_ char *path = state_path(s, state_file);
	char *text = state_format(s);
	int result = file_replace(path, text, strlen(text), 0600, e);

	secret_free(text);
	return result;
}

/* A process that is just ending may still write a file where one was removed. */
static int remove_patiently(const char *directory, struct err *e)
{
	for (int tries = 1; file_remove_tree(directory, e) < 0; tries++) {
		if (tries == REMOVE_TRIES)
			return -1;
		poll(NULL, 0, 100);
	}
	return 0;
}

int state_close(struct state *s, struct err *e)
{
	int result = s->is_temporary ? remove_patiently(s->directory, e) : 0;

	if (s->network.hold >= 0)
		close(s->network.hold);
	if (s->lock >= 0)
		close(s->lock);
	free(s->directory);
	explicit_bzero(s, sizeof(*s));
	*s = STATE_CLOSED;
	return result;
}
