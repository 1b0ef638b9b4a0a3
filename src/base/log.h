/*
 * Log lines to stderr, text or JSON: time, level, role, message, key=value
 * context at the message's end. One line is one write(2) of at most PIPE_BUF
 * bytes, so PID 1, agent and postgres can share the pipe without a lock.
 *
 * Messages follow PostgreSQL's style: lower case, no full stop, names quoted,
 * what was attempted, why it failed, what to do.
 */
#pragma once

#include <stdbool.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/* What a full stderr does: PID 1 must never wait for a reader. */
enum log_when_full { LOG_WAIT, LOG_DROP };

/* role is borrowed for the life of the process, e.g. "run", "agent". */
void log_init(const char *role, enum log_when_full when_full);
void log_configure(enum log_level threshold, enum log_format format);

/* Keeps errno. Blocks only under LOG_WAIT. */
void log_emit(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_debug(...)	 log_emit(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...)	 log_emit(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warning(...) log_emit(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_error(...)	 log_emit(LOG_LEVEL_ERROR, __VA_ARGS__)
