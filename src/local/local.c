#include "local/local.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/exit_code.h"
#include "base/mem.h"
#include "base/proc.h"
#include "local/environment.h"
#include "local/nodes.h"
#include "local/options.h"
#include "local/preflight.h"
#include "local/report.h"

#include "base/banned.h"

extern char **environ;

enum {
	FORM_LIMIT_MS = 5 * 60 * 1000,
	/* What a node may take beyond its own stop deadline before it is killed. */
	STOP_MARGIN_MS = 5 * 1000,
	/* For COMMAND, after a signal that asked it to end. */
	COMMAND_PATIENCE_MS = 10 * 1000,
	/* So many logs are shown when the cluster does not form. */
	TAILS_MAX = 3,
	SHELL_SIGNAL_BASE = 128,
};

enum stage { FORMING, COMMANDING, SERVING, STOPPING };

struct local {
	struct options options;
	char *program; /* COMMAND's path */
	struct preflight ground;
	struct nodes nodes;
	int signals; /* signalfd */
	enum stage stage;
	int64_t began_ms;
	int64_t deadline_ms; /* of the stage, INT64_MAX for none */
	int stop_requests;
	pid_t command; /* 0 when it does not run */
	int exit_code;
};

static void begin_stop(struct local *l)
{
	l->stage = STOPPING;
	l->nodes.stage = NODES_STOPPING;
	l->deadline_ms = clock_now_ms() + l->ground.stop_deadline_s * 1000 + STOP_MARGIN_MS;
	report_event(NULL, "stopping all nodes");
	nodes_signal(&l->nodes, SIGTERM);
}

static void fail(struct local *l, int code, const char *message)
{
	report_error(message);
	l->exit_code = code;
	begin_stop(l);
}

/* What each node waits for by its own word, and the logs of those that say nothing. */
static void report_missing(const struct local *l)
{
	int tails = 0;

	for (int k = 0; k < l->nodes.count; k++) {
		const struct node *node = &l->nodes.items[k];

		if (node->ready)
			continue;
		fprintf(stderr, "  %s: %s\n", node->name,
			node->reason[0] ? node->reason : node->silence);
		if ((!node->reason[0] || node->starts > 1) && tails++ < TAILS_MAX)
			report_tail(node->log);
	}
}

static void start_command(struct local *l)
{
	char **environment = environment_of_command(environ, &l->ground.state);
	struct proc_spec spec = {
		.path = l->program,
		.argv = (const char *const *)l->options.command,
		.envp = (const char *const *)environment,
	};
	struct err e;
	pid_t pid = proc_spawn(&spec, &e);

	environment_free(environment);
	if (pid < 0) {
		fail(l, EXIT_USAGE, e.msg);
		return;
	}
	l->command = pid;
	l->stage = COMMANDING;
	l->nodes.stage = NODES_SERVING;
}

/* The status command as a child: what it prints is then the same as everywhere. */
static void show_status(const struct local *l)
{
	_free_ char *address =
		xasprintf("%s:%d", l->nodes.items[0].host, l->ground.state.network.http_port);
	const char *const argv[] = { "citus-init", "status", "--address", address, NULL };
	struct proc_spec spec = {
		.path = PROC_SELF, .argv = argv, .envp = (const char *const *)environ
	};
	struct err e;
	pid_t pid = proc_spawn(&spec, &e);

	if (pid < 0)
		report_error(e.msg);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void start_serving(struct local *l)
{
	const struct state *s = &l->ground.state;

	l->stage = SERVING;
	l->nodes.stage = NODES_WATCHED;
	show_status(l);
	printf("\nconnect:  . %s/env && psql\n"
	       "status:   %s status --address %s:%d\n"
	       "logs:     %s/%s-*/log\n"
	       "stop:     Ctrl-C%s\n\n",
		s->directory, program_invocation_name, l->nodes.items[0].host, s->network.http_port,
		s->directory, environment_group,
		s->is_temporary ? "; then all of it is removed" : "");
	fflush(stdout);
}

static void on_stop_request(struct local *l, const struct signalfd_siginfo *signal)
{
	int number = (int)signal->ssi_signo;

	switch (l->stage) {
	case FORMING:
		if (l->program)
			l->exit_code = SHELL_SIGNAL_BASE + number;
		begin_stop(l);
		break;
	case SERVING: begin_stop(l); break;
	case COMMANDING:
		/* The terminal sends Ctrl-C to COMMAND too, and only COMMAND knows what it means:
		 * for psql, to cancel a query. A kill(2) is meant for us and passed on. */
		if (signal->ssi_code == SI_KERNEL)
			break;
		kill(l->command, number);
		l->deadline_ms = clock_now_ms() + COMMAND_PATIENCE_MS;
		break;
	case STOPPING:
		l->stop_requests++;
		report_event(NULL, l->stop_requests == 1 ? "stopping faster" : "killing all nodes");
		nodes_signal(&l->nodes, l->stop_requests == 1 ? SIGTERM : SIGKILL);
		break;
	}
}

static void read_signals(struct local *l)
{
	struct signalfd_siginfo signal;

	while (read(l->signals, &signal, sizeof(signal)) == (ssize_t)sizeof(signal))
		if (signal.ssi_signo != SIGCHLD)
			on_stop_request(l, &signal);
}

static void reap(struct local *l)
{
	int status;

	for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0;
		pid = waitpid(-1, &status, WNOHANG)) {
		if (nodes_on_exit(&l->nodes, pid, status) || pid != l->command)
			continue; /* any other is an orphan that came to us as the subreaper */
		l->command = 0;
		l->exit_code = WIFEXITED(status) ? WEXITSTATUS(status)
						 : SHELL_SIGNAL_BASE + WTERMSIG(status);
		begin_stop(l);
	}
}

static void form(struct local *l)
{
	if (l->nodes.hopeless >= 0) {
		const struct node *node = &l->nodes.items[l->nodes.hopeless];
		_free_ char *message = xasprintf("%s cannot be started", node->name);

		report_tail(node->log);
		fail(l, l->nodes.hopeless_code, message);
	} else if (nodes_are_ready(&l->nodes)) {
		l->deadline_ms = INT64_MAX;
		report_event(NULL, "the cluster is formed and every node ready after %.1f s",
			(double)(clock_now_ms() - l->began_ms) / 1000);
		if (l->program)
			start_command(l);
		else
			start_serving(l);
	} else if (clock_now_ms() >= l->deadline_ms) {
		report_missing(l);
		fail(l, EXIT_UNAVAILABLE,
			"the cluster was not formed in time; the nodes above are "
			"not ready");
	}
}

static void on_deadline(struct local *l)
{
	l->deadline_ms = INT64_MAX;
	if (l->stage == COMMANDING) {
		report_event(NULL, "the command did not end after the signal: killing it");
		kill(l->command, SIGKILL);
	} else if (l->stage == STOPPING) {
		report_event(NULL, "%d nodes did not stop in time: killing them",
			nodes_count_running(&l->nodes));
		nodes_signal(&l->nodes, SIGKILL);
	}
}

static void wait_for_event(const struct local *l)
{
	struct pollfd p = { .fd = l->signals, .events = POLLIN };
	int64_t next = nodes_next_ms(&l->nodes);
	int64_t left;

	if (l->deadline_ms < next)
		next = l->deadline_ms;
	left = next == INT64_MAX ? -1 : next - clock_now_ms();
	if (next != INT64_MAX && left < 0)
		left = 0;
	poll(&p, 1, (int)left);
}

static void loop(struct local *l)
{
	l->began_ms = clock_now_ms();
	l->deadline_ms = l->began_ms + FORM_LIMIT_MS;
	for (;;) {
		read_signals(l);
		reap(l);
		nodes_turn(&l->nodes);
		if (l->stage == FORMING)
			form(l);
		else if (clock_now_ms() >= l->deadline_ms)
			on_deadline(l);
		if (l->stage == STOPPING && nodes_count_running(&l->nodes) == 0)
			return;
		wait_for_event(l);
	}
}

static int run_cluster(struct local *l, struct err *e)
{
	const struct state *s = &l->ground.state;
	char host[NETWORK_HOST_SIZE];

	if (nodes_open(&l->nodes, s, &l->ground.user, environ, e) < 0)
		return -1;
	network_host(&s->network, 0, host);
	report_event(NULL, "%s cluster in %s, nodes: %d, the first on %s, port %d",
		s->is_new ? "a new" : "the", s->directory, s->nodes, host, s->network.port);
	loop(l);
	int killed = nodes_clear_leftovers(&l->nodes);
	if (killed)
		report_event(NULL, "killed %d processes that were left behind", killed);
	if (!l->program && l->exit_code == EXIT_OK && nodes_were_unclean(&l->nodes))
		l->exit_code = EXIT_UNCLEAN;
	return 0;
}

/* Descriptors 0 to 2 must be something: what is opened later would else land there. */
static void fill_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR); /* kept over exec: COMMAND has them too */
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* All signals come over one descriptor; a hang-up that the caller ignores (nohup) stays ignored. */
static int take_signals(struct err *e)
{
	static const int wanted[] = { SIGCHLD, SIGINT, SIGTERM, SIGQUIT, SIGHUP };
	struct sigaction now;
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		if (wanted[i] != SIGHUP || sigaction(SIGHUP, NULL, &now) < 0 ||
			now.sa_handler != SIG_IGN)
			sigaddset(&set, wanted[i]);
	signal(SIGCHLD, SIG_DFL); /* an ignored one would reap for us */
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return fd < 0 ? err_sys(e, "could not make a signalfd") : fd;
}

static int end(struct local *l, int code)
{
	struct err e;

	nodes_close(&l->nodes);
	if (state_close(&l->ground.state, &e) < 0)
		report_error(e.msg);
	free(l->program);
	return code;
}

int local_main(int argc, char **argv)
{
	struct local l = { .ground = { .state = STATE_CLOSED }, .nodes = { .hopeless = -1 } };
	struct err e;

	fill_standard_descriptors();
	if (options_parse(&l.options, argc, argv, &e) < 0) {
		report_error(e.msg);
		return EXIT_USAGE;
	}
	if (l.options.command) {
		l.program = options_find_program(
			l.options.command[0], environment_get(environ, "PATH"), &e);
		if (!l.program) {
			report_error(e.msg);
			return EXIT_USAGE;
		}
	}
	/* The servers of a run that was killed come to us, and are reaped. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	_close_ int signals = take_signals(&e);
	l.signals = signals;
	if (signals < 0 || preflight(&l.ground, &l.options, environ, &e) < 0 ||
		run_cluster(&l, &e) < 0) {
		report_error(e.msg);
		return end(&l, (int)exit_code_of(e.kind));
	}
	return end(&l, l.exit_code);
}
