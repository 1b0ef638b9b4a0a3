/* What postgres does, as PID 1 tells it and the agent knows it. */
#pragma once

enum postgres_state {
	POSTGRES_DOWN,	   /* not running; back-off or waiting for left-over backends */
	POSTGRES_STARTING, /* running, recovery or start-up not finished */
	POSTGRES_READY,	   /* it has said READY=1 */
	POSTGRES_STOPPING,
	POSTGRES_STATE_COUNT
};
