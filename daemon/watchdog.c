#include "watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/watchdog.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool watchdog_open(struct watchdog *watchdog, const char *path)
{
	int seconds = WATCHDOG_S;

	watchdog->fd = -1;
	if (!*path)
		return true;
	watchdog->fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
	if (watchdog->fd < 0) {
		fprintf(stderr, "rebankd: watchdog %s: %s%s\n", path, strerror(errno),
			errno == EBUSY ? " (systemd's RuntimeWatchdogSec holds it: use one or the "
					 "other)"
				       : "");
		return false;
	}
	if (ioctl(watchdog->fd, WDIOC_SETTIMEOUT, &seconds) != 0)
		fprintf(stderr, "rebankd: watchdog %s keeps its own time: %s\n", path,
			strerror(errno));
	return true;
}

void watchdog_feed(const struct watchdog *watchdog)
{
	if (watchdog->fd >= 0 && write(watchdog->fd, "", 1) < 0)
		return; /* a watchdog that cannot be fed resets the board: as it should */
}

/* 'V' is the magic close. */
void watchdog_close(struct watchdog *watchdog, bool orderly)
{
	if (watchdog->fd < 0)
		return;
	if (orderly && write(watchdog->fd, "V", 1) < 0)
		fprintf(stderr, "rebankd: the watchdog goes on: %s\n", strerror(errno));
	close(watchdog->fd);
	watchdog->fd = -1;
}
