/*
 * libconfig text -> validated `struct config`. Every semantic mistake is reported in one run, compiler
 * style: `site.conf:41: packs[2] "leaf-c": what is wrong, remedy`. Nothing is half-loaded: with one
 * mistake or more the caller must not use the result.
 */
#ifndef REBANK_CONFIG_CONFIG_H
#define REBANK_CONFIG_CONFIG_H

#include <stdio.h>

#include "core/site.h"
#include "drivers/sim/twin.h"

enum { PATH_SIZE = 256, TEXT_SIZE = 128 };

struct mqtt_config {
	bool enabled;
	bool tls;
	char host[TEXT_SIZE];
	uint16_t port;
	char username[TEXT_SIZE], password_file[PATH_SIZE];
	char ca_file[PATH_SIZE], cert_file[PATH_SIZE], key_file[PATH_SIZE];
	char prefix[64];               /* rebank/v1 */
	char client_id[64];            /* contains the bank id */
	unsigned keepalive_s;          /* 5..600 */
	double telemetry_s;            /* 0.1..10 */
	double pack_telemetry_s;       /* 5 */
	double rate_per_s[SOURCE_MAX]; /* per source; 0: unlimited. Index as site.source */
};

struct config {
	struct site site;
	struct mqtt_config mqtt;
	struct twin_config sim;        /* used when a pack's bus, pcs or gpio chip is "sim" */
	bool simulated;                /* any part is on the simulator */
	char state_dir[PATH_SIZE];     /* ledger, recordings; /var/lib/rebank */
	char run_dir[PATH_SIZE];       /* socket, lock; /run/rebank */
	char digest[65];               /* SHA-256-size hex digest of the effective site */
};

/* Reads `path` (and the profiles it names, from `profile_dir`, NULL: the file's own directory
 * /packs, then the installed one). Prints each mistake to `errors` as one line. Returns their number;
 * -1 when the file cannot be read (also printed). */
int config_load(const char *path, const char *profile_dir, struct config *config, FILE *errors);

/* Prints the effective site: every value in force, in the syntax of the file. */
void config_print(const struct config *config, FILE *out);

#endif
