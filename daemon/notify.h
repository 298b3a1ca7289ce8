/*
 * State for systemd, from a socket that is opened once: sd_notify opens one each time and may wait
 * for the service manager, which the control thread must not.
 */
#ifndef REBANK_NOTIFY_H
#define REBANK_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

struct notify {
	int fd;              /* -1: not started by systemd */
	int64_t watchdog_ms; /* half of the watchdog's time; 0: no watchdog */
	int64_t fed_ms;
};

void notify_open(struct notify *notify);
/* "READY=1", "STOPPING=1", "STATUS=..."; lost when the manager does not listen just now. */
void notify_send(struct notify *notify, const char *state);
/* Call after every healthy tick; sends when half of the time has passed. */
void notify_feed(struct notify *notify, int64_t now_ms);
void notify_close(struct notify *notify);

#endif
