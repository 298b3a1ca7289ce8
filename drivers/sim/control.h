/* The simulated plant's control socket: one fault per datagram (drivers/sim/sim.h). */
#ifndef REBANK_DRIVERS_SIM_CONTROL_H
#define REBANK_DRIVERS_SIM_CONTROL_H

#include <stdio.h>
#include <sys/un.h>

#include "drivers/sim/twin.h"

enum { CONTROL_LINE_MAX = 256, CONTROL_ANSWER_MAX = 320 };

struct sim_control {
	int fd; /* -1: none */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int64_t start_ms;
	unsigned n_packs, n_pcs;
	char pack[PACK_MAX][ID_SIZE];
	char pcs[PCS_MAX][ID_SIZE];
};

/* path NULL: no socket, always true. Otherwise false with errno when it cannot be bound; a socket
 * file that nobody listens on is replaced, one that is in use is EADDRINUSE. */
bool sim_control_open(struct sim_control *control, const struct site *site, int64_t start_ms,
		      const char *path);
void sim_control_close(struct sim_control *control);

/* Takes the lines that have arrived, without waiting, and answers those with a return address. */
void sim_control_read(struct sim_control *control, struct twin *twin);

/* One line -> one fault, or *clear. False: `answer` says what is wrong with it. now_ms: on the
 * caller's clock. Public for the fuzzer and the tests. */
bool sim_control_parse(const struct sim_control *control, const char *line, int64_t now_ms,
		       struct twin_fault *fault, bool *clear,
		       char answer[static CONTROL_ANSWER_MAX]);

#endif
