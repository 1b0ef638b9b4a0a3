#include "local/nodes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/exit_code.h"
#include "base/file.h"
#include "base/http_get.h"
#include "base/mem.h"
#include "base/proc.h"
#include "local/environment.h"
#include "local/report.h"

#include "base/banned.h"

enum {
	/* Of starts: at once, then 1 s to 10 s; a node that has lived for 30 s begins anew. */
	START_FIRST_MS = 1000,
	START_MOST_MS = 10 * 1000,
	START_FORGET_MS = 30 * 1000,
	STARTS_OF_NO_USE = 4,
	/* Of questions: every node listens on this machine, so an answer comes at once or never. */
	ASK_FIRST_MS = 20,
	ASK_MOST_MS = 250,
	ASK_WATCH_MS = 5000,
	ASK_TIMEOUT_MS = 1000,
	/* A reason that passes by itself is not worth a line. */
	REASON_PATIENCE_MS = 3000,
	LEFTOVER_PATIENCE_MS = 10 * 1000,
};

static int make_directory(const struct nodes *nodes, const struct node *node, struct err *e)
{
	if (file_make_directory(node->directory, 0700, e) < 0)
		return -1;
	_close_ int fd = open(node->directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "could not open directory \"%s\"", node->directory);
	if (nodes->user->change && fchown(fd, nodes->user->uid, nodes->user->gid) < 0)
		return err_sys(e, "could not give \"%s\" to user \"%s\"", node->directory,
			nodes->user->name);
	return 0;
}

int nodes_open(struct nodes *nodes, const struct state *state, const struct node_user *user,
	char *const *environment, struct err *e)
{
	*nodes = (struct nodes){ .state = state,
		.user = user,
		.environment = environment,
		.hopeless = -1,
		.count = state->nodes };
	nodes->items = xcalloc((size_t)nodes->count, sizeof(*nodes->items));
	for (int k = 0; k < nodes->count; k++) {
		struct node *node = &nodes->items[k];

		node->ordinal = k;
		snprintf(node->name, sizeof(node->name), "%s-%d", environment_group, k);
		network_host(&state->network, k, node->host);
		node->directory = state_path(state, node->name);
		node->log = xasprintf("%s/log", node->directory);
		node->pid_file = xasprintf("%s/pid", node->directory);
		if (make_directory(nodes, node, e) < 0)
			return -1;
	}
	return 0;
}

void nodes_close(struct nodes *nodes)
{
	for (int k = 0; k < nodes->count; k++) {
		free(nodes->items[k].directory);
		free(nodes->items[k].log);
		free(nodes->items[k].pid_file);
	}
	free(nodes->items);
	nodes->items = NULL;
	nodes->count = 0;
}

/* Replaced whole, so that a reader finds a pid or nothing; no sync, for it means nothing after a
 * crash of the machine. The node's user owns the directory: no link of its making is followed. */
static int write_pid_file(const struct node *node, struct err *e)
{
	_free_ char *temporary = xasprintf("%s.tmp", node->pid_file);

	unlink(temporary);
	_close_ int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || dprintf(fd, "%d\n", (int)node->pid) < 0 ||
		rename(temporary, node->pid_file) < 0)
		return err_sys(e, "could not write \"%s\"", node->pid_file);
	return 0;
}

/* No link of the node's user is followed, no pipe of its making waited for, and no file written
 * that has another name elsewhere. */
static int open_log(const struct node *node, struct err *e)
{
	struct stat st;

	_close_ int fd = open(node->log,
		O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
		0644);
	if (fd < 0 && errno != ELOOP && errno != EISDIR && errno != ENXIO)
		return err_sys(e, "could not open \"%s\"", node->log);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1)
		return err_set(e, ERR_REFUSED,
			"\"%s\" is not a file of its own, as citus-init makes it: remove it",
			node->log);
	return take_fd(&fd);
}

static int spawn(const struct nodes *nodes, struct node *node, struct err *e)
{
	static const char *const argv[] = { "citus-init", "run", NULL };

	_close_ int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null < 0)
		return err_sys(e, "could not open \"/dev/null\"");
	_close_ int log = open_log(node, e);
	if (log < 0)
		return -1;
	char **environment = environment_of_node(nodes->environment, nodes->state, node->ordinal);
	struct proc_spec spec = {
		.path = PROC_SELF,
		.argv = argv,
		.envp = (const char *const *)environment,
		.change_user = nodes->user->change,
		.uid = nodes->user->uid,
		.gid = nodes->user->gid,
		/* When local is killed, its nodes stop as if asked to, instead of staying. */
		.death_signal = SIGTERM,
		.new_session = true,
		.directory = node->directory,
		.fds = { { null, 0 }, { log, 1 }, { log, 2 } },
	};
	pid_t pid = proc_spawn(&spec, e);
	environment_free(environment);
	if (pid < 0)
		return -1;
	node->pid = pid;
	return write_pid_file(node, e);
}

static void plan_start(struct node *node, int64_t now)
{
	if (now - node->started_ms > START_FORGET_MS)
		node->delay_ms = 0;
	node->start_at_ms = now + node->delay_ms;
	node->delay_ms = clock_backoff_ms(node->delay_ms, START_FIRST_MS, START_MOST_MS);
}

static void start(struct nodes *nodes, struct node *node)
{
	struct err e;
	int64_t now = clock_now_ms();

	node->started_ms = now;
	if (spawn(nodes, node, &e) < 0)
		report_event(node->name, "%s", e.msg);
	if (!node->pid) {
		plan_start(node, now);
		return;
	}
	node->starts++;
	node->ready = false;
	node->reason[0] = '\0';
	node->ask_delay_ms = ASK_FIRST_MS;
	node->ask_at_ms = now + ASK_FIRST_MS;
	report_event(node->name, "%s on %s, pid %d", node->starts > 1 ? "started again" : "started",
		node->host, (int)node->pid);
}

/* Takes the body's first line for the reason, and tells it once when it does not pass. */
static void note_reason(const struct nodes *nodes, struct node *node, const char *text, int64_t now)
{
	size_t length = strcspn(text, "\n");

	if (length >= sizeof(node->reason))
		length = sizeof(node->reason) - 1;
	if (strncmp(node->reason, text, length) != 0 || node->reason[length]) {
		memcpy(node->reason, text, length);
		node->reason[length] = '\0';
		node->reason_since_ms = now;
		node->reason_told = false;
	}
	bool patient =
		nodes->stage == NODES_WATCHED || now - node->reason_since_ms >= REASON_PATIENCE_MS;
	if (patient && !node->reason_told && node->reason[0]) {
		node->reason_told = true;
		report_event(node->name, "not ready yet: %s", node->reason);
	}
}

static void ask(struct nodes *nodes, struct node *node)
{
	_free_ char *body = NULL;
	struct err e;
	int status = 0;
	int answered = http_get(node->host, nodes->state->network.http_port, "/readyz",
		ASK_TIMEOUT_MS, &status, &body, &e);
	int64_t now = clock_now_ms();
	bool ready = answered == 0 && status == 200;

	if (ready && !node->ready) {
		report_event(node->name, "ready");
		node->reason[0] = '\0';
	} else if (!ready && node->ready) {
		report_event(node->name, "not ready any more");
		node->ask_delay_ms = 0;
	}
	node->ready = ready;
	if (ready) {
		node->ask_at_ms = nodes->stage == NODES_WATCHED ? now + ASK_WATCH_MS : INT64_MAX;
		return;
	}
	if (answered == 0)
		note_reason(nodes, node, body, now);
	else
		snprintf(node->silence, sizeof(node->silence), "%.255s", e.msg);
	node->ask_delay_ms = clock_backoff_ms(node->ask_delay_ms, ASK_FIRST_MS,
		nodes->stage == NODES_FORMING ? ASK_MOST_MS : ASK_WATCH_MS);
	node->ask_at_ms = now + clock_jitter_ms(node->ask_delay_ms);
}

void nodes_turn(struct nodes *nodes)
{
	if (nodes->stage == NODES_STOPPING || nodes->hopeless >= 0)
		return;
	for (int k = 0; k < nodes->count; k++) {
		struct node *node = &nodes->items[k];
		int64_t now = clock_now_ms();

		if (!node->pid && node->start_at_ms <= now)
			start(nodes, node);
		else if (node->pid && nodes->stage == NODES_WATCHED && node->ask_at_ms == INT64_MAX)
			node->ask_at_ms = now + ASK_WATCH_MS;
		else if (node->pid && node->ask_at_ms <= now)
			ask(nodes, node);
	}
}

int64_t nodes_next_ms(const struct nodes *nodes)
{
	int64_t next = INT64_MAX;

	if (nodes->stage == NODES_STOPPING)
		return next;
	for (int k = 0; k < nodes->count; k++) {
		const struct node *node = &nodes->items[k];
		int64_t due = node->pid ? node->ask_at_ms : node->start_at_ms;

		if (due < next)
			next = due;
	}
	return next;
}

/* Whether another start would end the same: run says so, or postgres never stayed up, which run
 * has tried several times each. */
static bool is_hopeless(const struct node *node, int wait_status)
{
	switch (WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 0) {
	case EXIT_USAGE:
	case EXIT_REFUSED:
	case EXIT_SETTINGS: return true;
	case EXIT_UNAVAILABLE: return node->starts >= STARTS_OF_NO_USE;
	default: return false;
	}
}

bool nodes_on_exit(struct nodes *nodes, pid_t pid, int wait_status)
{
	struct node *node = NULL;
	char words[160];

	for (int k = 0; k < nodes->count; k++)
		if (nodes->items[k].pid == pid)
			node = &nodes->items[k];
	if (!node)
		return false;

	bool clean = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0;
	report_status(wait_status, words, sizeof(words));
	node->pid = 0;
	node->ready = false;
	node->unclean = !clean;
	unlink(node->pid_file);
	if (nodes->stage == NODES_STOPPING) {
		report_event(node->name, "stopped%s%s", clean ? "" : ", ", clean ? "" : words);
		return true;
	}
	if (nodes->stage == NODES_FORMING && nodes->hopeless < 0 &&
		is_hopeless(node, wait_status)) {
		report_event(node->name, "ended, %s", words);
		nodes->hopeless = node->ordinal;
		nodes->hopeless_code = WEXITSTATUS(wait_status);
	}
	plan_start(node, clock_now_ms());
	if (nodes->hopeless < 0)
		report_event(node->name, "ended, %s; will be started again%s", words,
			node->start_at_ms > clock_now_ms() ? " after a while" : "");
	return true;
}

void nodes_signal(struct nodes *nodes, int signal)
{
	for (int k = 0; k < nodes->count; k++)
		if (nodes->items[k].pid)
			kill(nodes->items[k].pid, signal);
}

int nodes_count_running(const struct nodes *nodes)
{
	int count = 0;

	for (int k = 0; k < nodes->count; k++)
		count += nodes->items[k].pid != 0;
	return count;
}

bool nodes_are_ready(const struct nodes *nodes)
{
	for (int k = 0; k < nodes->count; k++)
		if (!nodes->items[k].ready)
			return false;
	return true;
}

bool nodes_were_unclean(const struct nodes *nodes)
{
	for (int k = 0; k < nodes->count; k++)
		if (nodes->items[k].unclean)
			return true;
	return false;
}

struct leftovers {
	int signal; /* 0 to count only */
	int found;
};

/* Only what calls itself postgres: a person's shell may have that working directory too. */
static void on_leftover(pid_t pid, void *ctx)
{
	struct leftovers *leftovers = ctx;
	_free_ char *path = xasprintf("/proc/%d/comm", (int)pid);
	_free_ char *comm = NULL;
	struct err gone;

	if (file_read(path, 64, &comm, NULL, &gone) < 0 || strcmp(comm, "postgres\n") != 0)
		return;
	leftovers->found++;
	kill(pid, leftovers->signal);
}

static int each_leftover(const struct nodes *nodes, int signal)
{
	static const char *const names[] = { "data", "data.new" };
	struct leftovers leftovers = { .signal = signal };

	for (int k = 0; k < nodes->count; k++)
		for (size_t i = 0; i < ARRAY_LEN(names); i++) {
			_free_ char *path = xasprintf("%s/%s", nodes->items[k].directory, names[i]);

			proc_with_cwd(path, on_leftover, &leftovers);
		}
	return leftovers.found;
}

int nodes_clear_leftovers(const struct nodes *nodes)
{
	int64_t deadline = clock_now_ms() + LEFTOVER_PATIENCE_MS;

	while (each_leftover(nodes, 0) > 0) {
		if (clock_now_ms() >= deadline)
			return each_leftover(nodes, SIGKILL);
		poll(NULL, 0, 50);
	}
	return 0;
}
