/*
 * libconfig text -> validated `struct config`. Every semantic mistake is reported in one run, compiler
 * style: `site.conf:41: packs[2] "leaf-c": what is wrong, remedy`. Nothing is half-loaded: with one
 * mistake or more the caller must not use the result.
 */
#ifndef REBANK_CONFIG_CONFIG_H
#define REBANK_CONFIG_CONFIG_H

#include <stdio.h>

#include "core/site.h"
#include "drivers/pack/wire.h"
#include "drivers/pcs/can_bms_wire.h"
#include "drivers/pcs/map.h"
#include "drivers/sim/twin.h"

enum { PATH_SIZE = 256, TEXT_SIZE = 128, LINE_SIZE = 128 };

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
	unsigned n_sources;            /* of site.source, `local` included: who may use the broker */
};

/* What may be written to the SunSpec server. */
enum sunspec_allow {
	ALLOW_SETPOINT = 1u << 0,
	ALLOW_OPERATE = 1u << 1,
	ALLOW_PACKS = 1u << 2,
	ALLOW_CLEAR = 1u << 3,
	ALLOW_ANY = 0xf,
};

/* Our own SunSpec server; its writer is a source of the site. */
struct sunspec_config {
	bool enabled;
	char listen[TEXT_SIZE]; /* as given; host and port are its parts */
	bool allow_network;     /* listening elsewhere than here was asked for in so many words */
	char host[TEXT_SIZE];
	uint16_t port;
	uint8_t unit;
	char allow[TEXT_SIZE];
	unsigned allowed; /* enum sunspec_allow */
	char writer[ID_SIZE];
	uint8_t priority;
	double valid_max_s, hold_s, rate_per_s;
	unsigned source; /* index into site.source; 0: it is read only */
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
	uint8_t unit;       /* on a Modbus bus; 0: as its address says */
	int32_t timeout_ms; /* of one request there */
	char bus[LINE_SIZE]; /* "sim" */
	char coil[POLE_COUNT][LINE_SIZE], feedback[POLE_COUNT][LINE_SIZE], boost[LINE_SIZE];
	bool reports[POLE_COUNT]; /* poles whose state the pack's BMS reports */
	int32_t electrical_period_ms, link_period_ms, cells_period_ms, temps_period_ms, bms_period_ms;
	double soh; /* NaN: not given */
	struct {
		char serial[TEXT_SIZE], maker[TEXT_SIZE];
		char manufactured[16], status[32], intake_date[16];
		double intake_capacity_ah, intake_r_10s_ohm; /* NaN: not measured */
	} passport;
	char layer[LAYER_COUNT][TEXT_SIZE];
	char unverified[6 * TEXT_SIZE]; /* what its profile was never verified to say */
	bool current_reversed; /* its current counts the other way round than its profile says */
	const struct wire *wire; /* of its profile; NULL: none. config->wire owns it */
};

enum without_setpoint { WITHOUT_SETPOINT_FREE = 0, WITHOUT_SETPOINT_ZERO };

/* How the bank shows itself to an inverter that follows its battery. */
struct can_bms_config {
	int dialect; /* enum can_bms_dialect; < 0: not given */
	int without_setpoint; /* enum without_setpoint */
	char frames[TEXT_SIZE]; /* "": those of the dialect */
	int32_t period_ms;
	struct can_bms_quirks quirk;
	uint8_t address;
	char manufacturer[17], name[17]; /* "": the bank's id */
	unsigned model, version;
};

struct pcs_config {
	char driver[LINE_SIZE], url[PATH_SIZE];
	struct can_bms_config can_bms;
	char map[ID_SIZE]; /* name of a register map; "": none */
	struct register_map registers; /* what it says */
	int32_t poll_ms, timeout_ms;
	bool dc_inverted;
};

enum { METERS_MAX = 8 };

/* A meter on Modbus: of the grid point, of the DC bus. */
struct meter_config {
	char id[ID_SIZE];
	char driver[LINE_SIZE], url[PATH_SIZE];
	char map[ID_SIZE];
	struct register_map registers;
	int32_t poll_ms, timeout_ms;
	bool inverted;
};

/* What to do where the kernel keeps outputs driven after the process that drove them has ended. */
enum persistence { PERSISTENCE_REFUSE = 0, PERSISTENCE_ALARM };

/* "" where nothing is wired. */
struct gpio_config {
	char chip[LINE_SIZE]; /* of every line that names none */
	char pcs_enable[LINE_SIZE], heartbeat[LINE_SIZE];
	char alarm_relay[LINE_SIZE], fire_relay[LINE_SIZE], fan[LINE_SIZE];
	char input[INPUT_COUNT][LINE_SIZE];
	char supply[LINE_SIZE], imd_pwm[LINE_SIZE], imd_ok[LINE_SIZE];
	double imd_response_ohm;
	enum persistence persistent_outputs;
	char pcs_enable_absent_because[TEXT_SIZE], insulation_absent_because[TEXT_SIZE];
};

/* Drivers of single sensors; "none": not fitted. */
struct sensor_config {
	char steps_accepted_because[TEXT_SIZE]; /* of a bus voltage in coarse steps */
	char bus_voltage[LINE_SIZE], meter[LINE_SIZE], imd[LINE_SIZE], supply[LINE_SIZE];
	double supply_hold_up_s; /* nothing computes with it: it is stated, and required */
};

/* About 250 kB: keep it static or on the heap. */
struct config {
	struct site site;
	struct mqtt_config mqtt;
	struct sunspec_config sunspec;
	struct pack_config pack[PACK_MAX]; /* index as site.pack */
	struct pcs_config pcs[PCS_MAX];    /* index as site.pcs */
	unsigned n_meters;
	struct meter_config meter[METERS_MAX];
	struct gpio_config gpio;
	struct sensor_config sensor;
	struct twin_config sim;        /* used when a pack's bus, pcs or gpio chip is "sim" */
	bool simulated;                /* any part is on the simulator */
	char state_dir[PATH_SIZE];     /* ledger, recordings; /var/lib/rebank */
	char clock_file[PATH_SIZE];    /* touched when the clock is synchronised */
	char watchdog[PATH_SIZE];      /* "/dev/watchdog0"; "": none */
	char run_dir[PATH_SIZE];       /* socket, lock; /run/rebank */
	unsigned n_wires;
	struct wire *wire[PACK_MAX]; /* of the profiles, one each */
	char digest[65]; /* hex, over config_print's text: shows a change, is no protection from forgery */
};

/* Reads `path` (and the profiles it names, from `profile_dir`, NULL: the file's own directory
 * /packs, then the installed one). Prints each mistake to `errors` as one line. Returns their number;
 * -1 when the file cannot be read (also printed). */
int config_load(const char *path, const char *profile_dir, struct config *config, FILE *errors);

/* Reads one pack profile: a file, or a name to be found in `dir` (NULL: config/packs here, then the
 * installed ones). config then has one pack, without id and bus. Prints each mistake to `errors` and
 * returns their number. `show`, when not NULL, gets what the profile reads and sends. */
int profile_load(const char *name, const char *dir, struct config *config, FILE *show,
		 FILE *errors);

/* Frees what a load has allocated. */
void config_free(struct config *config);

/* Prints the effective site: every value in force, in the syntax of the file. */
void config_print(const struct config *config, FILE *out);

/* Prints, as comments, which hardware covers what for each pack, whatever Rebank does. */
void config_print_layers(const struct config *config, FILE *out);

/* Prints, as comments, what the profiles of packs on real buses were not verified to say. */
void config_print_doubts(const struct config *config, FILE *out);

/* Prints every key with type, range, default and meaning, as docs/configuration.md carries it. */
void config_print_keys(FILE *out);

/* Replaces the broker of a loaded config (rebankd --mqtt-url). False, and a line to `errors`, when
 * the url does not hold. */
bool config_set_mqtt_url(struct config *config, const char *url, FILE *errors);

/* Index of the pack that bus.voltage_source = "pack:<id>" names; -1: none. */
int config_voltage_pack(const struct config *config);

/* True when a bus of that name is a CAN interface. */
bool driver_is_can(const char *bus);

/* Modbus unit of pack k; < 0: none is given. */
int config_pack_unit(const struct config *config, unsigned k);

/* Digest of a pack's serial number for site.pack[].serial and pack_sample.serial; 0 only for "". */
uint64_t config_serial_digest(const char *serial);

#endif
