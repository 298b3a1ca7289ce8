#include "notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

void notify_open(struct notify *notify)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	uint64_t watchdog_us = 0;
	size_t length = path ? strlen(path) : 0;

	*notify = (struct notify){.fd = -1};
	if (sd_watchdog_enabled(0, &watchdog_us) > 0)
		notify->watchdog_ms = (int64_t)(watchdog_us / 2000);
	if (length < 2 || length >= sizeof address.sun_path)
		return;
	memcpy(address.sun_path, path, length);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (notify->fd >= 0 &&
	    connect(notify->fd, (struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) != 0)
		notify_close(notify);
}

void notify_send(struct notify *notify, const char *state)
{
	if (notify->fd >= 0)
		send(notify->fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void notify_feed(struct notify *notify, int64_t now_ms)
{
	if (!notify->watchdog_ms || now_ms - notify->fed_ms < notify->watchdog_ms)
		return;
	notify_send(notify, "WATCHDOG=1");
	notify->fed_ms = now_ms;
}

void notify_close(struct notify *notify)
{
	if (notify->fd >= 0)
		close(notify->fd);
	notify->fd = -1;
}
