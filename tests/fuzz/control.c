/* What the other side of the control socket may send: arbitrary datagrams, several in a row. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "init/control.h"
#include "init/launch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_message(const struct control_message *message)
{
	if (message->magic != CONTROL_MAGIC || message->type >= CONTROL_TYPE_COUNT)
		abort();
	if (message->type == CONTROL_WANT_ABANDON &&
		(!memchr(message->abandon.cluster_id, '\0', sizeof(message->abandon.cluster_id)) ||
			!uuid_is_valid(message->abandon.cluster_id)))
		abort();
	if (message->type == CONTROL_POSTGRES && message->postgres.state >= POSTGRES_STATE_COUNT)
		abort();
}

/* Each datagram begins with its length in one byte; half of them get the right magic. */
static void fuzz_control(const uint8_t *data, size_t size)
{
	struct control_message message;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0)
		abort();
	while (size > 0) {
		uint8_t datagram[256];
		size_t length = data[0] & 0x7f;
		uint32_t magic = CONTROL_MAGIC;

		if (length > size - 1)
			length = size - 1;
		memcpy(datagram, data + 1, length);
		if ((data[0] & 0x80) && length >= sizeof(magic))
			memcpy(datagram, &magic, sizeof(magic));
		if (send(ends[0], datagram, length, MSG_NOSIGNAL) < 0)
			break;
		data += length + 1;
		size -= length + 1;
		if (control_receive(ends[1], &message) == 1)
			check_message(&message);
	}
	close(ends[0]);
	while (control_receive(ends[1], &message) == 1)
		check_message(&message);
	close(ends[1]);
}

/* The other message that PID 1 reads from a child. */
static void fuzz_launch(const uint8_t *data, size_t size)
{
	struct launch launch = { .magic = LAUNCH_MAGIC };
	struct err e;

	memcpy((char *)&launch + sizeof(launch.magic), data,
		size < sizeof(launch) - sizeof(launch.magic)
			? size
			: sizeof(launch) - sizeof(launch.magic));
	if (launch_check(&launch, &e) == 0 &&
		(launch.postgres[0] != '/' || !memchr(launch.node, '\0', sizeof(launch.node))))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] == 'l')
		fuzz_launch(data + 1, size - 1);
	else
		fuzz_control(data + 1, size - 1);
	return 0;
}
