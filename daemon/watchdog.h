/*
 * The board's own watchdog (/dev/watchdog), which resets it when nobody feeds it: for the death of the
 * kernel or of process 1, which systemd's watchdog does not outlive. A reset board releases its pins.
 */
#ifndef REBANK_WATCHDOG_H
#define REBANK_WATCHDOG_H

#include <stdbool.h>

enum { WATCHDOG_S = 10 }; /* a Raspberry Pi's is at most 15 s */

struct watchdog {
	int fd; /* -1: none configured */
};

/* path "": none. False: it cannot be had, and a line on stderr says why. */
bool watchdog_open(struct watchdog *watchdog, const char *path);

void watchdog_feed(const struct watchdog *watchdog);

/* `orderly`: the bank was opened in order, and the watchdog is told to rest. Otherwise it goes on, and
 * resets the board unless a new daemon feeds it in time. */
void watchdog_close(struct watchdog *watchdog, bool orderly);

#endif
