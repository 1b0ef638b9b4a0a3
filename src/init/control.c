#include "init/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/banned.h"

int control_send(int fd, const struct control_message *message)
{
	struct control_message out = *message;

	out.magic = CONTROL_MAGIC;
	return send(fd, &out, sizeof(out), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1 : 0;
}

static int is_valid(const struct control_message *m)
{
	if (m->magic != CONTROL_MAGIC || m->type >= CONTROL_TYPE_COUNT)
		return 0;
	if (m->type == CONTROL_POSTGRES)
		return m->postgres.state < POSTGRES_STATE_COUNT && m->postgres.pid >= 0;
	if (m->type == CONTROL_WANT_ABANDON)
		return memchr(m->abandon.cluster_id, '\0', sizeof(m->abandon.cluster_id)) &&
		       uuid_is_valid(m->abandon.cluster_id);
	return 1;
}

int control_receive(int fd, struct control_message *message)
{
	char buf[sizeof(*message) + 1];
	ssize_t n;

	do
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -1;
	if (n == 0) {
		errno = ECONNRESET;
		return -1;
	}
	memcpy(message, buf, sizeof(*message));
	if (n != (ssize_t)sizeof(*message) || !is_valid(message)) {
		errno = EPROTO;
		return -1;
	}
	return 1;
}
