#include "init/supervisor.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/data_directory.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "init/notify.h"
#include "init/states.h"
#include "init/wait_status.h"

#include "base/banned.h"

extern char **environ;

/* Messages of one source, or ended children, before the others have their turn. */
enum { BATCH = 32 };

/*
 * Everything is blocked and read from one descriptor; there are no handlers.
 * Four are ignored instead: a blocked SIGPIPE would come back with each log
 * line into a broken pipe, and a terminal's job control must not stop PID 1.
 */
static int take_signals(struct err *e)
{
	static const int ignored[] = { SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU };
	sigset_t blocked;

	sigfillset(&blocked);
	for (size_t i = 0; i < ARRAY_LEN(ignored); i++) {
		sigdelset(&blocked, ignored[i]);
		signal(ignored[i], SIG_IGN);
	}
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	signal(SIGCHLD, SIG_DFL); /* inherited as ignored, it would reap by itself */
	int fd = signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? err_sys(e, "could not make the descriptor for signals") : fd;
}

static int boot(struct supervisor *s, struct err *e)
{
	const char *data_directory = getenv("PGDATA");

	s->signal_fd = take_signals(e);
	if (s->signal_fd < 0)
		return -1;
	/* Nobody of the server's user reads our descriptors or memory: the secrets are there. */
	prctl(PR_SET_DUMPABLE, 0);
	if (getpid() != 1 && prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return err_sys(e, "could not become the reaper of orphans");
	/* So that PID 1 keeps no volume busy, and whoever stands in the data directory is one of
	 * postgres' processes. */
	if (chdir("/") < 0)
		return err_sys(e, "could not change to the root directory");
	s->secrets_fd = secret_seal_environment(e);
	if (s->secrets_fd < 0)
		return -1;
	s->environment = environ;
	postmaster_init(&s->postmaster, s->environment);
	return lock_open(&s->lock,
		data_directory && *data_directory ? data_directory : DEFAULT_DATA_DIRECTORY, e);
}

/*
 * From here on root's rights are of no use: PID 1 becomes the user of its
 * children. So it can signal them and read their working directories in /proc
 * in a container without CAP_KILL and CAP_SYS_PTRACE too.
 */
static int drop_privileges(const struct launch *launch, struct err *e)
{
	if (!launch->change_user)
		return 0;
	if (setgroups(0, NULL) < 0 || setresgid(launch->gid, launch->gid, launch->gid) < 0 ||
		setresuid(launch->uid, launch->uid, launch->uid) < 0)
		return err_sys(e,
			"could not become uid %u, gid %u, which postgres runs as (it needs the "
			"capabilities SETUID and SETGID, or a container that starts as that user)",
			launch->uid, launch->gid);
	return 0;
}

static int use_launch(struct supervisor *s, struct err *e)
{
	const struct launch *l = &s->launch;

	log_configure((enum log_level)l->log_level, (enum log_format)l->log_format);
	if (drop_privileges(l, e) < 0)
		return -1;
	if (s->notify_fd >= 0)
		close(s->notify_fd);
	s->notify_fd = notify_open(l->notify_socket, e);
	if (s->notify_fd < 0)
		return -1;
	log_info("node \"%s\": starting \"%s\" on \"%s\"", l->node, l->postgres, l->data_directory);
	return 0;
}

static enum life_event prepare_ended(struct supervisor *s, int status)
{
	struct err e;
	enum exit_code code = prepare_child_ended(&s->prepare, status, &s->launch, &e);

	s->abandon[0] = '\0';
	if (s->state == LIFE_ABORTING)
		return EVENT_FAILED;
	if (code == EXIT_OK && use_launch(s, &e) < 0)
		code = exit_code_of(e.kind);
	if (code == EXIT_OK)
		return EVENT_PREPARED;
	log_error("%s", e.msg);
	s->result = code;
	return EVENT_FAILED;
}

static enum life_event postmaster_ended(struct supervisor *s, int status)
{
	char words[96];
	bool asked_fast = s->state == LIFE_HUSHING || s->state == LIFE_FAST;
	bool asked = life_is_stopping(s->state);
	/* When memory runs out the kernel often kills a backend instead; then postgres says so. */
	const char *hint = !asked && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL
				   ? "; if nobody sent that, the memory limit was reached"
				   : "";

	log_emit(asked ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "postgres (pid %d) %s%s",
		(int)s->postmaster.pid, wait_status_words(status, words, sizeof(words)), hint);
	s->postmaster.pid = 0;
	s->clean = asked_fast && status == 0;
	s->disk_full = status != 0 && postmaster_disk_is_full(s->launch.data_directory);
	return EVENT_DEATH;
}

static void agent_ended(struct supervisor *s, int status)
{
	char words[96];
	pid_t pid = s->agent.pid;
	int64_t now = clock_now_ms();

	agent_child_ended(&s->agent, now);
	if (life_is_stopping(s->state)) {
		log_debug("agent (pid %d) %s", (int)pid,
			wait_status_words(status, words, sizeof(words)));
		states_step(s, EVENT_HUSHED);
		states_step(s, states_look_for_agent(s));
		return;
	}
	log_error("agent (pid %d) %s; the next one starts in %lld ms, postgres goes on", (int)pid,
		wait_status_words(status, words, sizeof(words)),
		(long long)(s->agent.retry_ms - now));
}

/* The only place that waits for children. A child that is none of ours was adopted. */
static void reap(struct supervisor *s)
{
	char words[96];
	int status;
	pid_t pid;

	for (int i = 0; i < BATCH; i++) {
		pid = waitpid(-1, &status, WNOHANG);
		s->more_to_reap = pid > 0;
		if (!s->more_to_reap)
			break;
		if (pid == s->postmaster.pid)
			states_step(s, postmaster_ended(s, status));
		else if (pid == s->agent.pid)
			agent_ended(s, status);
		else if (pid == s->prepare.pid)
			states_step(s, prepare_ended(s, status));
		else
			log_debug("orphan (pid %d) %s", (int)pid,
				wait_status_words(status, words, sizeof(words)));
	}
	if (life_traits[s->state].scans)
		states_step(s, states_look_for_leftovers(s));
}

static void reload(const struct supervisor *s)
{
	if (s->postmaster.pid == 0) {
		log_info("SIGHUP: postgres is not running, so there is nothing to reload");
		return;
	}
	log_info("SIGHUP: postgres (pid %d) reloads its configuration", (int)s->postmaster.pid);
	postmaster_signal(&s->postmaster, SIGHUP);
}

static void request_stop(struct supervisor *s, int sig, enum life_event event)
{
	char name[32];

	signal_name(sig, name, sizeof(name));
	if (s->stop_ms != 0)
		log_warning("%s once more: the stop goes one step further", name);
	else if (s->launch.stop_deadline_ms != 0)
		log_info("%s: stopping, within %u s at most", name,
			s->launch.stop_deadline_ms / 1000);
	else
		log_info("%s: ending before postgres was started", name);
	if (s->stop_ms == 0)
		s->stop_ms = clock_now_ms();
	/* A stop goes on with the ladder that abandoning has begun. */
	bool goes_on = s->abandon[0] && life_is_stopping(s->state) && event == EVENT_STOP;
	if (life_is_stopping(s->state))
		s->abandon[0] = '\0';
	states_step(s, goes_on ? EVENT_NONE : event);
}

static void request_abandon(struct supervisor *s, const char *cluster_id)
{
	if (life_next(s->state, EVENT_ABANDON) == LIFE_SAME) {
		log_debug("the agent asks again to abandon the data directory");
		return;
	}
	log_warning("the agent says that cluster %s is abandoned: postgres is stopped, \"%s\" is "
		    "renamed, and a new one is made",
		cluster_id, s->launch.data_directory);
	memcpy(s->abandon, cluster_id, sizeof(s->abandon));
	states_step(s, EVENT_ABANDON);
}

static void take_signal(struct supervisor *s, const struct signalfd_siginfo *info)
{
	char name[32];
	int sig = (int)info->ssi_signo;

	switch (sig) {
	case SIGCHLD: break; /* reap() follows every batch */
	case SIGTERM:
	case SIGINT: request_stop(s, sig, EVENT_STOP); break;
	case SIGQUIT: request_stop(s, sig, EVENT_STOP_NOW); break;
	case SIGHUP: reload(s); break;
	case SIGWINCH:
	case SIGCONT:
	case SIGURG: log_debug("ignored %s", signal_name(sig, name, sizeof(name))); break;
	default:
		log_info("ignored %s from process %u", signal_name(sig, name, sizeof(name)),
			info->ssi_pid);
	}
}

static void read_signals(struct supervisor *s)
{
	struct signalfd_siginfo infos[BATCH];
	ssize_t n = read(s->signal_fd, infos, sizeof(infos));

	for (size_t i = 0; n > 0 && i < (size_t)n / sizeof(infos[0]); i++)
		take_signal(s, &infos[i]);
	reap(s);
}

static void read_notify(struct supervisor *s)
{
	for (int i = 0; i < BATCH; i++) {
		switch (notify_receive(s->notify_fd, s->postmaster.pid)) {
		case NOTIFY_EMPTY: return;
		case NOTIFY_NOTHING: break;
		case NOTIFY_READY: states_step(s, EVENT_UP); break;
		case NOTIFY_STOPPING: states_step(s, EVENT_CLOSING); break;
		}
	}
}

static void read_agent(struct supervisor *s)
{
	struct control_message m;

	for (int i = 0; i < BATCH; i++) {
		enum agent_word word = agent_child_receive(&s->agent, &m);

		if (word == AGENT_NOTHING)
			break;
		if (word == AGENT_DROPPED)
			continue;
		if (m.type == CONTROL_STOP_READY) {
			states_step(s, EVENT_HUSHED);
		} else if (m.type == CONTROL_WANT_ABANDON) {
			request_abandon(s, m.abandon.cluster_id);
		} else if (m.type != CONTROL_BEAT) {
			log_debug("agent sent message %u, which is not expected now", m.type);
		}
	}
	states_tell_agent(s);
}

static int64_t sooner(int64_t a, int64_t b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

/* For how long poll() may sleep: nothing here wakes without a reason. */
static int sleep_ms(const struct supervisor *s)
{
	int64_t at = s->deadline_ms;

	if (s->more_to_reap)
		return 0;
	at = sooner(at, s->pidfile.at_ms);
	at = sooner(at, s->scan.at_ms);
	if (!life_is_stopping(s->state))
		at = sooner(at, agent_child_deadline(&s->agent));
	if (at < 0)
		return -1;
	int64_t left = at - clock_now_ms();
	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

static bool is_due(int64_t at_ms)
{
	return at_ms >= 0 && clock_now_ms() >= at_ms;
}

static void run_timers(struct supervisor *s)
{
	if (is_due(s->deadline_ms))
		states_step(s, EVENT_TIMER);
	if (is_due(s->pidfile.at_ms))
		states_step(s, states_look_at_pidfile(s));
	if (is_due(s->scan.at_ms))
		states_step(s, states_look_for_leftovers(s));
	if (life_is_stopping(s->state))
		return;
	agent_child_watch(&s->agent, clock_now_ms());
	if (is_due(s->agent.retry_ms)) {
		states_start_agent(s);
		states_tell_agent(s);
	}
}

static void turn(struct supervisor *s)
{
	struct pollfd fds[] = {
		{ .fd = s->notify_fd, .events = POLLIN },
		{ .fd = s->agent.fd, .events = (short)(POLLIN | (s->agent.owed ? POLLOUT : 0)) },
		{ .fd = s->signal_fd, .events = POLLIN },
	};

	if (poll(fds, ARRAY_LEN(fds), sleep_ms(s)) < 0 && errno != EINTR)
		log_error("could not wait for events: %m");
	/* What a child said comes before the news of its end. */
	if (fds[0].revents)
		read_notify(s);
	if (fds[1].revents)
		read_agent(s);
	if (fds[2].revents || s->more_to_reap)
		read_signals(s);
	run_timers(s);
}

/* Returns -1 when the command line is wrong. */
static int parse_options(int argc, char **argv, int64_t *silence_ms)
{
	char *end;

	*silence_ms = CONTROL_SILENCE_MS;
	if (argc == 1)
		return 0;
	if (argc != 3 || strcmp(argv[1], "--agent-silence-ms") != 0)
		return -1;
	*silence_ms = strtol(argv[2], &end, 10);
	return *end == '\0' && *silence_ms > 0 ? 0 : -1;
}

int supervisor_main(int argc, char **argv)
{
	int64_t silence_ms;
	struct err e;

	log_init("run", LOG_DROP);
	if (argc == 2 && strcmp(argv[1], "--print-graph") == 0) {
		life_print_graph(stdout);
		return EXIT_OK;
	}
	if (parse_options(argc, argv, &silence_ms) < 0) {
		log_error(
			"\"run\" takes no such argument; its settings come from the environment and "
			"from the INI file");
		return EXIT_USAGE;
	}

	struct supervisor s = {
		.state = LIFE_LOCKING,
		.notify_fd = -1,
		.deadline_ms = 0, /* locks in the first turn */
		.pidfile.at_ms = -1,
		.scan.at_ms = -1,
		.prepare.pipe_fd = -1,
	};
	agent_child_init(&s.agent, silence_ms);
	if (boot(&s, &e) == 0) {
		while (s.state != LIFE_OVER)
			turn(&s);
	} else {
		log_error("%s", e.msg);
		s.result = exit_code_of(e.kind);
	}
	postmaster_fini(&s.postmaster);
	return s.result;
}
