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

enum { PATH_SIZE = 256, TEXT_SIZE = 128, LINE_SIZE = 64 };

struct mqtt_config {
	bool enabled;
	char url[PATH_SIZE]; /* as given; host, port and tls are its parts */
	bool allow_plain;    /* mqtt:// to another host was asked for in so many words */
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

/* Hardware that acts without Rebank; "": nothing stated. */
enum layer {
	LAYER_OVER_VOLTAGE = 0,
	LAYER_UNDER_VOLTAGE,
	LAYER_OVER_CURRENT,
	LAYER_OVER_TEMPERATURE,
	LAYER_ISOLATION,
	LAYER_COUNT
};

/* What the file says of a pack and the core need not know. Lines are "chip:line", "none" when not
 * fitted. */
struct pack_config {
	char description[TEXT_SIZE];
	char bus[LINE_SIZE]; /* "sim" */
	char coil[POLE_COUNT][LINE_SIZE], feedback[POLE_COUNT][LINE_SIZE];
	int32_t electrical_period_ms, link_period_ms, cells_period_ms, temps_period_ms, bms_period_ms;
	double soh; /* NaN: not given */
	struct {
		char serial[TEXT_SIZE], maker[TEXT_SIZE];
		char manufactured[16], status[32], intake_date[16];
		double intake_capacity_ah, intake_r_10s_ohm; /* NaN: not measured */
	} passport;
	char layer[LAYER_COUNT][TEXT_SIZE];
};

struct pcs_config {
	char driver[LINE_SIZE], url[PATH_SIZE];
};

/* "" where nothing is wired. */
struct gpio_config {
	char chip[LINE_SIZE]; /* of every line that names none */
	char pcs_enable[LINE_SIZE], heartbeat[LINE_SIZE];
	char alarm_relay[LINE_SIZE], fire_relay[LINE_SIZE], fan[LINE_SIZE];
	char input[INPUT_COUNT][LINE_SIZE];
	char pcs_enable_absent_because[TEXT_SIZE];
};

/* Drivers of single sensors; "none": not fitted. */
struct sensor_config {
	char bus_voltage[LINE_SIZE], meter[LINE_SIZE], imd[LINE_SIZE], supply[LINE_SIZE];
};

/* About 180 kB: keep it static or on the heap. */
struct config {
	struct site site;
	struct mqtt_config mqtt;
	struct pack_config pack[PACK_MAX]; /* index as site.pack */
	struct pcs_config pcs[PCS_MAX];    /* index as site.pcs */
	struct gpio_config gpio;
	struct sensor_config sensor;
	struct twin_config sim;        /* used when a pack's bus, pcs or gpio chip is "sim" */
	bool simulated;                /* any part is on the simulator */
	char state_dir[PATH_SIZE];     /* ledger, recordings; /var/lib/rebank */
	char run_dir[PATH_SIZE];       /* socket, lock; /run/rebank */
	char digest[65]; /* hex, over config_print's text: shows a change, is no protection from forgery */
};

/* Reads `path` (and the profiles it names, from `profile_dir`, NULL: the file's own directory
 * /packs, then the installed one). Prints each mistake to `errors` as one line. Returns their number;
 * -1 when the file cannot be read (also printed). */
int config_load(const char *path, const char *profile_dir, struct config *config, FILE *errors);

/* Prints the effective site: every value in force, in the syntax of the file. */
void config_print(const struct config *config, FILE *out);

/* Prints, as comments, which hardware covers what for each pack, whatever Rebank does. */
void config_print_layers(const struct config *config, FILE *out);

/* Prints every key with type, range, default and meaning, as docs/configuration.md carries it. */
void config_print_keys(FILE *out);

/* Replaces the broker of a loaded config (rebankd --mqtt-url). False, and a line to `errors`, when
 * the url does not hold. */
bool config_set_mqtt_url(struct config *config, const char *url, FILE *errors);

/* Digest of a pack's serial number for site.pack[].serial and pack_sample.serial; 0 only for "". */
uint64_t config_serial_digest(const char *serial);

#endif
