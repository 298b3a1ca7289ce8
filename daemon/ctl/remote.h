/* Finding the daemon's local socket and talking to it. */
#ifndef REBANK_CTL_REMOTE_H
#define REBANK_CTL_REMOTE_H

#include <getopt.h>
#include <jansson.h>

#include "ctl/ctl.h"

struct remote {
	const char *socket, *config, *bank;
	int timeout_ms;
};

/* Option letters that remote_option takes; above every character. */
enum { OPTION_SOCKET = 256, OPTION_CONFIG, OPTION_BANK, OPTION_TIMEOUT };

#define REMOTE_OPTIONS                                                                             \
	{"socket", required_argument, NULL, OPTION_SOCKET},                                        \
		{"config", required_argument, NULL, OPTION_CONFIG},                                \
		{"bank", required_argument, NULL, OPTION_BANK},                                    \
	{                                                                                          \
		"timeout", required_argument, NULL, OPTION_TIMEOUT                                 \
	}

void remote_init(struct remote *remote);
/* False when the option is none of REMOTE_OPTIONS or its value does not hold. */
bool remote_option(struct remote *remote, int option, const char *value);

/* The open socket; or -1, a line on stderr, and the exit status in *status. */
int remote_open(const struct remote *remote, int *status);

/* Sends the request (taking its reference) and returns the first line of the answer; NULL, a line
 * on stderr, and the exit status in *status. */
json_t *remote_ask(int fd, const struct remote *remote, json_t *request, int *status);

/* Prints an `ack`, `ok` or `error` line in words; returns the exit status. */
int remote_print_answer(const json_t *answer);

/* "5.00 kW", "800 W"; "unknown" for null. */
const char *power_text(const json_t *value, char *text, size_t size);

/* The table of `status` and `watch`, from a status line of the daemon. */
void table_print(const json_t *status, FILE *out);
/* The same in one line. */
void table_print_line(const json_t *status, FILE *out);
/* One event in one line. */
void table_print_event(const json_t *event, FILE *out);

#endif
