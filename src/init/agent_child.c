#include "init/agent_child.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/launch_fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "init/self.h"

#include "base/banned.h"

enum {
	FIRST_MS = 1000,
	MOST_MS = 30 * 1000,
	LIVED_MS = 60 * 1000, /* one that lived so long starts the back-off anew */
	ASLEEP_MS = 5 * 1000, /* PID 1 itself was frozen when it wakes so late */
	/* More in that time is a flood. A sound agent sends a message in ten seconds, and what
	 * waits in a full socket for a PID 1 that was frozen is less (net.core.wmem_default: some
	 * 300). */
	FLOOD_MESSAGES = 1000,
	FLOOD_MS = 1000,
};

void agent_child_init(struct agent_child *a, int64_t silence_ms)
{
	*a = (struct agent_child){ .fd = -1, .retry_ms = -1, .silence_ms = silence_ms };
}

int agent_child_start(
	struct agent_child *a, int secrets_fd, int lock_fd, char *const *environment, struct err *e)
{
	const char *const argv[] = { "citus-init", "agent", NULL };
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "could not make the control socket");
	_close_ int ours = pair[0];
	_close_ int theirs = pair[1];
	const struct proc_fd fds[PROC_MAX_FDS] = { { secrets_fd, LAUNCH_FD_SECRETS },
		{ theirs, LAUNCH_FD_CONTROL }, { lock_fd, LAUNCH_FD_LOCK } };
	pid_t pid = self_start(argv, environment, fds, e);
	if (pid < 0)
		return -1;
	a->pid = pid;
	a->fd = take_fd(&ours);
	a->started_ms = a->heard_ms = clock_now_ms();
	a->retry_ms = -1;
	a->killed = a->complained = a->owed = false;
	a->told = (struct control_message){ 0 };
	a->counted_ms = a->count = 0;
	return 0;
}

void agent_child_tell(struct agent_child *a, const struct control_message *postgres)
{
	if (a->fd < 0)
		return;
	if (!a->owed && memcmp(&a->told, postgres, sizeof(*postgres)) == 0)
		return;
	a->told = *postgres;
	/* A full buffer has room again later; a broken socket is noticed by its end. */
	a->owed = control_send(a->fd, postgres) < 0 && (errno == EAGAIN || errno == ENOBUFS);
}

void agent_child_kill(struct agent_child *a, int sig)
{
	if (a->pid > 0)
		kill(a->pid, sig);
	if (sig == SIGKILL)
		a->killed = true;
}

static void close_socket(struct agent_child *a)
{
	if (a->fd >= 0)
		close(a->fd);
	a->fd = -1;
	a->owed = false;
}

/* The signal does no harm to a process that is ending anyway. */
static void cut_off(struct agent_child *a)
{
	close_socket(a);
	agent_child_kill(a, SIGKILL);
}

static bool floods(struct agent_child *a, int64_t now_ms)
{
	if (now_ms - a->counted_ms >= FLOOD_MS) {
		a->counted_ms = now_ms;
		a->count = 0;
	}
	return ++a->count > FLOOD_MESSAGES;
}

static void complain(struct agent_child *a)
{
	if (!a->complained)
		log_warning("agent (pid %d) sent something that is not a message; it is dropped, "
			    "and so are any others",
			(int)a->pid);
	a->complained = true;
}

enum agent_word agent_child_receive(struct agent_child *a, struct control_message *message)
{
	int got = a->fd < 0 ? 0 : control_receive(a->fd, message);
	bool is_wrong = got < 0 && errno == EPROTO;

	if (got == 0)
		return AGENT_NOTHING;
	if (got < 0 && !is_wrong) {
		cut_off(a);
		return AGENT_NOTHING;
	}
	int64_t now = clock_now_ms();
	if (floods(a, now)) {
		log_error("agent (pid %d) sent more than %d messages within a second; it is killed "
			  "and replaced, postgres goes on",
			(int)a->pid, FLOOD_MESSAGES);
		cut_off(a);
		return AGENT_NOTHING;
	}
	if (is_wrong) {
		complain(a);
		return AGENT_DROPPED;
	}
	a->heard_ms = now;
	return AGENT_MESSAGE;
}

void agent_child_failed(struct agent_child *a, int64_t now_ms)
{
	a->backoff_ms = clock_backoff_ms(a->backoff_ms, FIRST_MS, MOST_MS);
	a->retry_ms = now_ms + clock_jitter_ms(a->backoff_ms);
}

void agent_child_ended(struct agent_child *a, int64_t now_ms)
{
	bool lived = now_ms - a->started_ms >= LIVED_MS;

	close_socket(a);
	a->pid = 0;
	a->restarts++;
	if (lived || a->restarts == 1) {
		a->backoff_ms = 0;
		a->retry_ms = now_ms;
	} else {
		agent_child_failed(a, now_ms);
	}
}

int64_t agent_child_deadline(const struct agent_child *a)
{
	if (a->pid > 0)
		return a->killed ? -1 : a->heard_ms + a->silence_ms;
	return a->retry_ms;
}

void agent_child_watch(struct agent_child *a, int64_t now_ms)
{
	if (a->pid == 0 || a->killed || now_ms < a->heard_ms + a->silence_ms)
		return;
	if (now_ms > a->heard_ms + a->silence_ms + ASLEEP_MS) {
		/* The whole container was paused: the agent had no chance to speak either. */
		a->heard_ms = now_ms;
		return;
	}
	log_error("agent (pid %d) has been silent for %lld s; it is killed and replaced, postgres "
		  "goes on",
		(int)a->pid, (long long)(now_ms - a->heard_ms) / 1000);
	agent_child_kill(a, SIGKILL);
}
