#include "init/states.h"

#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "init/leftover.h"
#include "init/pidfile.h"
#include "init/wait_status.h"

#include "base/banned.h"

enum {
	LOCK_PATIENCE_MS = 8 * 1000, /* a former postgres got SIGQUIT: 5 s, then it is killed */
	LOCK_FIRST_MS = 20,
	LOCK_MOST_MS = 500,
	PIDFILE_FIRST_MS = 50,
	PIDFILE_MOST_MS = 1000,
	SCAN_FIRST_MS = 1,
	SCAN_MOST_MS = 50,
};

/* A first look after first_ms. */
static void look_start(struct look *look, int64_t first_ms)
{
	look->delay_ms = first_ms;
	look->at_ms = clock_now_ms() + first_ms;
}

void states_start_agent(struct supervisor *s)
{
	struct err e;

	if (agent_child_start(&s->agent, s->secrets_fd, s->lock.fd, s->environment, &e) == 0) {
		log_debug("agent started, pid=%d", (int)s->agent.pid);
		return;
	}
	agent_child_failed(&s->agent, clock_now_ms());
	log_error("%s; the agent is started again in %lld ms", e.msg,
		(long long)(s->agent.retry_ms - clock_now_ms()));
}

/*
 * What each state does when it is entered. The result is the event that follows
 * at once, if any: an entry never waits.
 */

static enum life_event enter_locking(struct supervisor *s)
{
	char holder[128];
	struct err e;
	int64_t now = clock_now_ms();

	switch (lock_try(&s->lock, &e)) {
	case LOCK_TAKEN: return EVENT_LOCKED;
	case LOCK_FAILED:
		log_error("%s", e.msg);
		s->result = exit_code_of(e.kind);
		return EVENT_FAILED;
	case LOCK_HELD_ELSEWHERE: break;
	}
	lock_holder(&s->lock, holder, sizeof(holder));
	if (s->lock_until_ms == 0) {
		s->lock_until_ms = now + LOCK_PATIENCE_MS;
		log_info("\"%s\" is locked: %s; waiting at most %d s for it to end", s->lock.path,
			holder, LOCK_PATIENCE_MS / 1000);
	} else if (now >= s->lock_until_ms) {
		log_error(
			"the data directory is in use: \"%s\" is locked, and %s; stop that node, or "
			"give this one a volume of its own; nothing was touched",
			s->lock.path, holder);
		s->result = EXIT_BUSY;
		return EVENT_FAILED;
	}
	s->lock_delay_ms = clock_backoff_ms(s->lock_delay_ms, LOCK_FIRST_MS, LOCK_MOST_MS);
	s->deadline_ms = now + clock_jitter_ms(s->lock_delay_ms);
	return EVENT_NONE;
}

static enum life_event enter_preparing(struct supervisor *s)
{
	struct err e;

	/* Nothing of a former data directory lives on in this life. */
	s->agent.retry_ms = -1;
	s->postmaster.started_ms = 0;
	if (prepare_child_start(
		    &s->prepare, s->abandon, s->secrets_fd, s->lock.fd, s->environment, &e) == 0)
		return EVENT_NONE;
	log_error("%s", e.msg);
	s->result = exit_code_of(e.kind);
	return EVENT_FAILED;
}

static enum life_event enter_aborting(struct supervisor *s)
{
	kill(s->prepare.pid, SIGKILL);
	return EVENT_NONE;
}

static enum life_event enter_starting(struct supervisor *s)
{
	struct err e;

	pidfile_remove_stale(s->launch.data_directory, s->launch.socket_lock);
	if (postmaster_start(&s->postmaster, &s->launch, s->lock.fd, &e) < 0) {
		log_error("%s", e.msg);
		return EVENT_DEATH;
	}
	log_debug("postgres started, pid=%d", (int)s->postmaster.pid);
	look_start(&s->pidfile, PIDFILE_FIRST_MS);
	if (s->agent.pid == 0 && s->agent.retry_ms < 0)
		states_start_agent(s);
	return EVENT_NONE;
}

static enum life_event enter_ready(struct supervisor *s)
{
	s->postmaster.was_ready = true;
	log_info("postgres is ready after %lld ms, pid=%d",
		(long long)(clock_now_ms() - s->postmaster.started_ms), (int)s->postmaster.pid);
	return EVENT_NONE;
}

static enum life_event enter_closing(struct supervisor *s)
{
	log_warning("postgres (pid %d) is shutting down, though citus-init did not ask for it",
		(int)s->postmaster.pid);
	return EVENT_NONE;
}

static enum life_event scan(struct supervisor *s, int sig)
{
	char name[32];
	int count = leftover_signal(s->launch.data_directory, sig);

	if (count <= 0)
		return EVENT_CLEAR;
	if (sig)
		log_warning("%d processes of the former postgres are left; sent %s", count,
			signal_name(sig, name, sizeof(name)));
	look_start(&s->scan, SCAN_FIRST_MS);
	return EVENT_NONE;
}

static enum life_event enter_left_wait(struct supervisor *s)
{
	return scan(s, 0);
}

static enum life_event enter_left_quit(struct supervisor *s)
{
	return scan(s, SIGQUIT);
}

static enum life_event enter_left_kill(struct supervisor *s)
{
	return scan(s, SIGKILL);
}

static enum life_event enter_waiting(struct supervisor *s)
{
	const struct launch *l = &s->launch;
	const int64_t window = (int64_t)l->restart_window_s * 1000;
	int64_t now = clock_now_ms();
	enum restart_cause cause = s->disk_full		     ? RESTART_DISK_FULL
				   : s->postmaster.was_ready ? RESTART_WAS_READY
							     : RESTART_NEVER_READY;
	int64_t delay = restart_delay_ms(&s->restart, cause, l->restart_limit, window, now);

	if (delay < 0) {
		log_error("postgres did not stay up: %u restarts in %u s are the limit; its own "
			  "log says why it ended",
			l->restart_limit, l->restart_window_s);
		s->result = EXIT_UNAVAILABLE;
		return EVENT_GIVE_UP;
	}
	delay = clock_jitter_ms(delay);
	s->deadline_ms = now + delay;
	s->restarts++;
	if (s->disk_full)
		log_error("the disk of \"%s\" is full: postgres is started again in %lld s, "
			  "which does not count as a restart; make room, or enlarge the volume",
			l->data_directory, (long long)(delay + 999) / 1000);
	else
		log_warning("postgres is started again in %lld ms: restart %u of %u in %u s",
			(long long)delay, restart_count(&s->restart, window, now), l->restart_limit,
			l->restart_window_s);
	return delay == 0 ? EVENT_TIMER : EVENT_NONE;
}

static enum life_event enter_hushing(struct supervisor *s)
{
	const struct control_message stop = { .type = CONTROL_STOP };

	if (s->agent.fd < 0 || s->agent.killed || control_send(s->agent.fd, &stop) < 0)
		return EVENT_HUSHED;
	return EVENT_NONE;
}

static enum life_event enter_fast(struct supervisor *s)
{
	log_info("fast shutdown: SIGINT to postgres (pid %d)", (int)s->postmaster.pid);
	postmaster_signal(&s->postmaster, SIGINT);
	return EVENT_NONE;
}

static enum life_event enter_immediate(struct supervisor *s)
{
	log_warning("immediate shutdown: SIGQUIT to postgres (pid %d); it recovers at the next "
		    "start",
		(int)s->postmaster.pid);
	postmaster_signal(&s->postmaster, SIGQUIT);
	return EVENT_NONE;
}

static enum life_event enter_killing(struct supervisor *s)
{
	log_error("postgres (pid %d) does not end; SIGKILL to it and to its backends",
		(int)s->postmaster.pid);
	postmaster_signal(&s->postmaster, SIGKILL);
	leftover_signal(s->launch.data_directory, SIGKILL);
	return EVENT_NONE;
}

static enum life_event enter_agent_term(struct supervisor *s)
{
	agent_child_kill(&s->agent, SIGTERM);
	return states_look_for_agent(s);
}

static enum life_event enter_agent_kill(struct supervisor *s)
{
	agent_child_kill(&s->agent, SIGKILL);
	return EVENT_NONE;
}

static enum life_event enter_over(struct supervisor *s)
{
	if (s->notify_fd >= 0)
		unlink(s->launch.notify_socket);
	if (s->abandon[0] && s->result == EXIT_OK) {
		log_error("could not abandon \"%s\": the agent did not end",
			s->launch.data_directory);
		s->result = EXIT_SYSTEM;
	}
	if (s->stop_ms == 0 || s->postmaster.started_ms == 0)
		return EVENT_NONE;
	if (s->result == EXIT_OK && !s->clean)
		s->result = EXIT_UNCLEAN;
	if (s->clean)
		log_info("postgres was shut down cleanly; the stop took %lld ms",
			(long long)(clock_now_ms() - s->stop_ms));
	else
		log_warning("postgres was not shut down cleanly; the stop took %lld ms",
			(long long)(clock_now_ms() - s->stop_ms));
	return EVENT_NONE;
}

static enum life_event (*const entries[LIFE_STATE_COUNT])(struct supervisor *s) = {
	[LIFE_LOCKING] = enter_locking,
	[LIFE_PREPARING] = enter_preparing,
	[LIFE_ABORTING] = enter_aborting,
	[LIFE_STARTING] = enter_starting,
	[LIFE_READY] = enter_ready,
	[LIFE_CLOSING] = enter_closing,
	[LIFE_CLEAR_WAIT] = enter_left_wait,
	[LIFE_CLEAR_QUIT] = enter_left_quit,
	[LIFE_CLEAR_KILL] = enter_left_kill,
	[LIFE_WAITING] = enter_waiting,
	[LIFE_HUSHING] = enter_hushing,
	[LIFE_FAST] = enter_fast,
	[LIFE_IMMEDIATE] = enter_immediate,
	[LIFE_KILLING] = enter_killing,
	[LIFE_DRAIN_WAIT] = enter_left_wait,
	[LIFE_DRAIN_QUIT] = enter_left_quit,
	[LIFE_DRAIN_KILL] = enter_left_kill,
	[LIFE_AGENT_TERM] = enter_agent_term,
	[LIFE_AGENT_KILL] = enter_agent_kill,
	[LIFE_OVER] = enter_over,
};

void states_tell_agent(struct supervisor *s)
{
	struct control_message m = { .type = CONTROL_POSTGRES };

	m.postgres.state = (uint32_t)life_traits[s->state].told;
	m.postgres.pid = s->postmaster.pid;
	m.postgres.restarts = s->restarts;
	m.postgres.agent_restarts = s->agent.restarts;
	agent_child_tell(&s->agent, &m);
}

/* A look at the same thing again, after a longer delay. */
static void look_again(struct look *look, int64_t most_ms)
{
	look->delay_ms = clock_backoff_ms(look->delay_ms, 1, most_ms);
	look->at_ms = clock_now_ms() + look->delay_ms;
}

enum life_event states_look_for_leftovers(struct supervisor *s)
{
	/* What was forked since the last look gets the last rung's signal too. */
	bool last_rung = s->state == LIFE_CLEAR_KILL || s->state == LIFE_DRAIN_KILL;

	if (leftover_signal(s->launch.data_directory, last_rung ? SIGKILL : 0) <= 0)
		return EVENT_CLEAR;
	look_again(&s->scan, SCAN_MOST_MS);
	return EVENT_NONE;
}

enum life_event states_look_for_agent(const struct supervisor *s)
{
	if (s->agent.pid > 0)
		return EVENT_NONE;
	return s->abandon[0] ? EVENT_ANEW : EVENT_ALONE;
}

enum life_event states_look_at_pidfile(struct supervisor *s)
{
	struct pidfile file = pidfile_read(s->launch.data_directory);

	if (file.pid == s->postmaster.pid && file.state == PIDFILE_READY)
		return EVENT_UP;
	look_again(&s->pidfile, PIDFILE_MOST_MS);
	return EVENT_NONE;
}

void states_step(struct supervisor *s, enum life_event event)
{
	while (event != EVENT_NONE) {
		enum life_state next = life_next(s->state, event);

		if (next == LIFE_SAME)
			break;
		if (next != s->state)
			log_debug("%s -> %s", life_traits[s->state].name, life_traits[next].name);
		int64_t limit_ms = life_limit_ms(next, s->launch.stop_deadline_ms);
		s->state = next;
		s->deadline_ms = limit_ms < 0 ? -1 : clock_now_ms() + limit_ms;
		s->pidfile.at_ms = s->scan.at_ms = -1;
		event = entries[next](s);
	}
	states_tell_agent(s);
}
