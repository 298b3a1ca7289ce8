/* The keys of the site around the packs. */
#include <math.h>
#include <stddef.h>

#include "config/key.h"

#define FLAG(name, at, standard_value, text)                                                       \
	{                                                                                          \
		name, KEY_BOOL, at, STANDARD(standard_value), .help = text                         \
	}

static const char *start_word(int start)
{
	return start == START_AUTO ? "auto" : "command";
}

static const struct words start_words = {start_word, START_AUTO, START_COMMAND + 1};

static const struct key bank_keys[] = {
	{"id", KEY_ID, AT_SITE(site, id),
	 .help = "name of the bank in every topic: a-z, 0-9 and -"},
	{"start", KEY_WORD, AT_SITE(site, start), STANDARD(START_AUTO), .words = &start_words,
	 .help = "auto: packs are brought onto the bus when healthy; command: on `start`"},
	{"mixed_chemistry", KEY_BOOL, AT_SITE(site, mixed_chemistry), STANDARD(0),
	 .help = "packs of different chemistry share the bus on purpose"},
	{"tick_s", KEY_SECONDS, AT_SITE(site, tick_ms), RANGE(0.05, 0.2), STANDARD(0.1),
	 .help = "period of the control loop; the heartbeat relay must fit to it"},
	{"clock_file", KEY_TEXT, AT_OWN(config, clock_file),
	 STANDARD_TEXT("/run/systemd/timesync/synchronized"),
	 .help = "file that is touched whenever the clock is synchronised: systemd-timesyncd's"},
	{"watchdog", KEY_TEXT, AT_OWN(config, watchdog), WITHOUT("none"),
	 .help = "watchdog of the board to feed on healthy steps, such as /dev/watchdog0"},
};

static const struct group bank_group = {"bank", "", "The bank as a whole.", GROUP_KEYS(bank_keys)};

static const struct key plan_keys[] = {
	{"soc_floor", KEY_REAL, AT_SITE(site, plan.soc_floor), RANGE(0.0, 0.9), STANDARD(0.10),
	 .help = "a pack leaves at its own floor"},
	{"soc_ceiling", KEY_REAL, AT_SITE(site, plan.soc_ceiling), RANGE(0.1, 1.0), STANDARD(0.90),
	 .help = "a pack leaves at its own ceiling"},
	{"rejoin_margin", KEY_REAL, AT_SITE(site, plan.rejoin_margin), RANGE(0.0, 0.5),
	 STANDARD(0.03), .help = "fraction of capacity to be gained before it is taken back"},
	{"join_max_v", KEY_REAL, AT_SITE(site, plan.join_max_v), RANGE(0.1, 10.0), STANDARD(1.5),
	 .help = "voltage difference allowed at a join, on top of the current rule"},
	{"min_on_s", KEY_SECONDS, AT_SITE(site, plan.min_on_ms), RANGE(0.0, 86400.0),
	 STANDARD(600.0), .help = "a pack stays on at least so long unless protection opens it"},
	{"min_off_s", KEY_SECONDS, AT_SITE(site, plan.min_off_ms), RANGE(0.0, 86400.0),
	 STANDARD(600.0), .help = "a pack stays off at least so long"},
	{"pack_ops_day_max", KEY_COUNT, AT_SITE(site, plan.pack_ops_day_max), RANGE(1, 1000),
	 STANDARD(12), .help = "closings of one pack per day, failed ones too"},
	{"bank_ops_hour_max", KEY_COUNT, AT_SITE(site, plan.bank_ops_hour_max), RANGE(1, 1000),
	 STANDARD(30), .help = "closings of the bank per hour, failed ones too"},
	{"settle_s", KEY_SECONDS, AT_SITE(site, plan.settle_ms), RANGE(0.5, 60.0), STANDARD(2.0),
	 .help = "between two contactor events of the bank"},
	{"t_ramp_s", KEY_SECONDS, AT_SITE(site, plan.t_ramp_ms), RANGE(0.05, 0.5), STANDARD(0.5),
	 .help = "steering of power before an ordered leave; coils follow at the latest then"},
	{"idle_open_s", KEY_SECONDS, AT_SITE(site, plan.idle_open_ms), RANGE(0.0, 604800.0),
	 STANDARD(0.0), .help = "open after so long without a setpoint; 0: never"},
	{"set_rise_per_s", KEY_REAL, AT_SITE(site, plan.set_rise_per_s), RANGE(0.005, 0.05),
	 STANDARD(0.05), .help = "rise of power per second after a change of set, of the rating"},
};

static const struct group plan_group = {"plan", "",
					"Which packs are connected, and how often that changes.",
					GROUP_KEYS(plan_keys)};

static const struct key bus_keys[] = {
	{"voltage_source", KEY_TEXT, AT_OWN(config, sensor.bus_voltage),
	 .help = "name what measures the bus every 50 ms independently of the converters, "
		 "\"meter:<id>\" or the sensor behind a pack's contactors, \"pack:<id>\": there "
		 "is no precharge and no join without it"},
	{"voltage_steps_accepted_because", KEY_TEXT, AT_OWN(config, sensor.steps_accepted_because),
	 STANDARD_TEXT(""),
	 .help = "why steps of that source too coarse for a join may do, in words"},
	{"min_v", KEY_REAL, AT_SITE(site, bus.min_v), RANGE(10.0, 1500.0),
	 .help = "least voltage of everything on the bus but packs and converters"},
	{"max_v", KEY_REAL, AT_SITE(site, bus.max_v), RANGE(10.0, 1500.0),
	 .help = "what everything on the bus but packs and converters withstands"},
	{"capacitance_f", KEY_REAL, AT_SITE(site, bus.capacitance_f), RANGE(0.0, 1.0),
	 .help = "converters' and filters' capacitors: sets precharge time and energy"},
	{"resistance_ohm", KEY_REAL, AT_SITE(site, bus.resistance_ohm), RANGE(0.0, 1.0),
	 .help = "packs' bar to the converters, both conductors"},
	{"stale_s", KEY_SECONDS, AT_SITE(site, bus.stale_ms), RANGE(0.02, 0.1), STANDARD(0.1),
	 .help = "age beyond which the bus voltage is unknown; older proves no precharge"},
	{"dead_v", KEY_REAL, AT_SITE(site, bus.dead_v), RANGE(5.0, 60.0), STANDARD(60.0),
	 .help = "de-energised below"},
	{"discharge_s", KEY_SECONDS, AT_SITE(site, bus.discharge_ms), RANGE(0.1, 120.0),
	 STANDARD(5.0), .help = "an isolated bus falls below 90 % within"},
};

static const struct group bus_group = {"bus", "", "The DC bus.", GROUP_KEYS(bus_keys)};

static const struct key grid_keys[] = {
	FLAG("measured_at_ac", AT_SITE(site, grid.measured_at_ac), 1,
	     "power, limits and setpoints refer to the AC side"),
	{"p_max_w", KEY_REAL, AT_SITE(site, grid.p_max_w), RANGE(100.0, 1e8),
	 .help = "rating of the site in either direction"},
	{"export_max_w", KEY_REAL, AT_SITE(site, grid.export_max_w), RANGE(0.0, 1e8),
	 WITHOUT("no cap"), .help = "hard cap at the grid point, export"},
	{"import_max_w", KEY_REAL, AT_SITE(site, grid.import_max_w), RANGE(0.0, 1e8),
	 WITHOUT("no cap"), .help = "hard cap at the grid point, import, a magnitude"},
	{"meter", KEY_TEXT, AT_OWN(config, sensor.meter), STANDARD_TEXT("none"),
	 .help = "meter at the grid point, \"meter:<id>\"; \"none\": the caps bind the bank's own "
		 "power"},
	{"no_meter_export_w", KEY_REAL, AT_SITE(site, grid.no_meter_export_w), RANGE(0.0, 1e8),
	 WITHOUT("needed with a meter"), .help = "export cap while the meter is lost"},
	{"no_meter_import_w", KEY_REAL, AT_SITE(site, grid.no_meter_import_w), RANGE(0.0, 1e8),
	 WITHOUT("needed with a meter"), .help = "import cap while the meter is lost"},
	{"meter_stale_s", KEY_SECONDS, AT_SITE(site, grid.meter_stale_ms), RANGE(0.1, 60.0),
	 STANDARD(2.0), .help = "the meter is lost after"},
	{"ramp_w_s", KEY_REAL, AT_SITE(site, grid.ramp_w_s), RANGE(1.0, 1e8),
	 .help = "normal ramp of the bank"},
	{"ramp_min_w_s", KEY_REAL, AT_SITE(site, grid.ramp_min_w_s), RANGE(0.1, 1e8),
	 WITHOUT("ramp_w_s / 10"), .help = "slowest ramp a command may ask for"},
	{"expiry_ramp_max_s", KEY_SECONDS, AT_SITE(site, grid.expiry_ramp_max_ms), RANGE(0.5, 60.0),
	 STANDARD(10.0), .help = "0 W is reached within, after a setpoint ends"},
	{"tracking_w", KEY_REAL, AT_SITE(site, grid.tracking_w), RANGE(10.0, 1e7),
	 WITHOUT("5 % of p_max_w, at least 500"),
	 .help = "measured power may be off by so much before it is an event"},
	{"tracking_drop_s", KEY_SECONDS, AT_SITE(site, grid.tracking_drop_ms), RANGE(10.0, 3600.0),
	 STANDARD(60.0), .help = "then 0 W after"},
};

static const struct group grid_group = {"grid", "", "The grid connection.", GROUP_KEYS(grid_keys)};

static const struct key protection_keys[] = {
	{"imd", KEY_TEXT, AT_OWN(config, sensor.imd), STANDARD_TEXT("none"),
	 .help = "insulation monitor of the bus"},
	{"imd_stale_s", KEY_SECONDS, AT_SITE(site, imd_stale_ms), RANGE(0.5, 60.0), STANDARD(5.0),
	 .help = "age beyond which its reading is unknown"},
	{"supply", KEY_TEXT, AT_OWN(config, sensor.supply), STANDARD_TEXT("none"),
	 .help = "what measures the coil supply"},
	{"supply_close_min_v", KEY_REAL, AT_SITE(site, supply_close_min_v), RANGE(5.0, 60.0),
	 WITHOUT("needed with a supply reading"), .help = "no closing below"},
	{"supply_open_v", KEY_REAL, AT_SITE(site, supply_open_v), RANGE(5.0, 60.0),
	 WITHOUT("needed with a supply reading"), .help = "ordered opening below"},
	{"supply_hold_up_s", KEY_REAL, AT_OWN(config, sensor.supply_hold_up_s), RANGE(2.0, 3600.0),
	 WITHOUT("needed with a supply reading and real contactors"),
	 .help = "the coil supply feeds the coils so long after its own input failed"},
};

static const struct group protection_group = {
	"protection", "",
	"Readings of the whole bank that protection uses; limits of the packs are "
	"in packs[].limits.",
	GROUP_KEYS(protection_keys)};

#define PROOF_DAYS(name, test, days, text)                                                         \
	{                                                                                          \
		name, KEY_REAL, AT_SITE(site, proof.period_d[test]), RANGE(0.0, 3650.0),           \
			STANDARD(days), .help = text                                               \
	}

static const struct key proof_keys[] = {
	PROOF_DAYS("weld_days", PROOF_WELD, 90.0,
		   "an opening of each pack's contactors is proven; seen whenever a pack is open and "
		   "its contacts say so"),
	PROOF_DAYS("estop_days", PROOF_ESTOP, 365.0,
		   "the emergency stop is pressed and released; seen at its input"),
	PROOF_DAYS("heartbeat_days", PROOF_HEARTBEAT, 365.0,
		   "the safety relay drops without heartbeat; told by `rebankctl proof`"),
	PROOF_DAYS("dead_man_days", PROOF_DEAD_MAN, 365.0,
		   "converters with a dead-man end at 0 W; seen while every driver reads it back"),
	PROOF_DAYS("insulation_days", PROOF_INSULATION, 365.0,
		   "the insulation monitor tests itself; told by `rebankctl proof`"),
	{"warn_days", KEY_REAL, AT_SITE(site, proof.warn_d), RANGE(0.0, 365.0), STANDARD(14.0),
	 .help = "a warning so long before"},
};

static const struct group proof_group = {
	"proof", "",
	"What must be seen working once in so many days; 0: not required. Overdue: nothing new "
	"closes.",
	GROUP_KEYS(proof_keys)};

#define OUTPUT(name, field, text)                                                                  \
	{                                                                                          \
		name, KEY_LINE, AT_OWN(config, gpio.field), WITHOUT("not wired"), .help = text     \
	}
static const char *persistence_word(int persistence)
{
	return persistence == PERSISTENCE_REFUSE ? "refuse" : "alarm";
}

static const struct words persistence_words = {persistence_word, PERSISTENCE_REFUSE,
					       PERSISTENCE_ALARM + 1};

#define INPUT(name, id, text)                                                                      \
	{name, KEY_LINE, AT_OWN(config, gpio.input[id]), WITHOUT("not wired"), .help = text},      \
	{                                                                                          \
		name "_debounce_s", KEY_SECONDS, AT_SITE(site, input[id].debounce_ms),             \
			RANGE(0.0, id == INPUT_ESTOP ? 0.02 : 5.0),                                \
			STANDARD(id == INPUT_ESTOP ? 0.01 : 0.1),                                  \
			.help = "the level must hold so long"                                      \
	}

static const struct key gpio_keys[] = {
	{"chip", KEY_TEXT, AT_OWN(config, gpio.chip),
	 .help = "name the chip of every line that names none (its label)"},
	OUTPUT("pcs_enable", pcs_enable,
	       "hard-wired enable of the converters: falls before a coil"),
	{"pcs_enable_absent_because", KEY_TEXT, AT_OWN(config, gpio.pcs_enable_absent_because),
	 WITHOUT(""), .help = "why real contactors may do without, in words"},
	OUTPUT("heartbeat", heartbeat, "toggles on healthy ticks: keeps the safety relay closed"),
	OUTPUT("alarm_relay", alarm_relay, "energised while healthy"),
	OUTPUT("fire_relay", fire_relay, "energised while healthy: towards the fire panel"),
	OUTPUT("fan", fan, "ventilation"),
	FLAG("fan_in_smoke", AT_SITE(site, fan_in_smoke), 0,
	     "fans run while there is smoke, as the fire concept of the site has it; else they stand"),
	INPUT("estop", INPUT_ESTOP, "emergency stop"),
	INPUT("interlock", INPUT_INTERLOCK, "high-voltage interlock loop"),
	INPUT("smoke", INPUT_SMOKE, "smoke detector"),
	INPUT("gas", INPUT_GAS, "off-gas detector"),
	INPUT("door", INPUT_DOOR, "door or cover contact"),
	INPUT("insulation", INPUT_INSULATION, "relay of an insulation monitor"),
	{"insulation_absent_because", KEY_TEXT, AT_OWN(config, gpio.insulation_absent_because),
	 WITHOUT(""),
	 .help = "why real contactors may close without it and without protection.imd, in words"},
	INPUT("remote", INPUT_REMOTE, "local/remote switch: remote commands only when closed"),
	INPUT("fan_feedback", INPUT_FAN, "the fans turn"),
	INPUT("mains", INPUT_MAINS, "mains present"),
	OUTPUT("supply", supply,
	       "coil supply present: reads as protection.supply_close_min_v, and as 0 V when lost"),
	OUTPUT("imd_pwm", imd_pwm, "pulse-width output of a Bender IR155: protection.imd = \"pwm\""),
	OUTPUT("imd_ok", imd_ok, "its OK output"),
	{"imd_response_ohm", KEY_REAL, AT_OWN(config, gpio.imd_response_ohm), RANGE(1e3, 1e7),
	 STANDARD(100e3),
	 .help = "its response value: with a resistance above, a dropped OK is a fault of the "
		 "monitor"},
	{"persistent_outputs", KEY_WORD, AT_OWN(config, gpio.persistent_outputs),
	 STANDARD(PERSISTENCE_REFUSE), .words = &persistence_words,
	 .help = "where the kernel keeps outputs driven after their process has died: refuse to "
		 "start, or run with an alarm"},
};

static const struct group gpio_group = {
	"gpio", "",
	"Lines of the board, \"[chip:]line[,option]...\". Inputs are wired so that a lost "
	"wire trips.\nOne that chatters trips when it was read tripped for its debounce time.",
	GROUP_KEYS(gpio_keys)};

static const struct key pcs_keys[] = {
	{"id", KEY_ID, AT_SITE(pcs_site, id), .help = "name of the converter: a-z, 0-9 and -"},
	{"driver", KEY_TEXT, AT_OWN(pcs_config, driver),
	 .help = "how it is spoken to: \"sim\", \"sunspec\", docs/converters.md"},
	{"url", KEY_TEXT, AT_OWN(pcs_config, url), WITHOUT(""),
	 .help = "where it is: \"tcp://192.0.2.10:502/1\", \"rtu:///dev/ttyUSB0?baud=9600&unit=1\""},
	{"map", KEY_ID, AT_OWN(pcs_config, map), WITHOUT("\"victron-gx\" for \"victron\""),
	 .help = "its register map, pcs/<map>.conf; for drivers \"registers\" and \"victron\""},
	{"poll_s", KEY_SECONDS, AT_OWN(pcs_config, poll_ms), RANGE(0.05, 1.0), STANDARD(0.5),
	 .help = "how often its readings are asked for"},
	{"timeout_s", KEY_SECONDS, AT_OWN(pcs_config, timeout_ms), RANGE(0.02, 2.0), STANDARD(0.3),
	 .help = "it answers a request within"},
	FLAG("dc_inverted", AT_OWN(pcs_config, dc_inverted), 0,
	     "it counts DC current and power with + as charging"),
	{"p_max_w", KEY_REAL, AT_SITE(pcs_site, p_max_w), RANGE(100.0, 1e8),
	 .help = "rating in either direction"},
	{"dis_max_w", KEY_REAL, AT_SITE(pcs_site, dis_max_w), RANGE(0.0, 1e8), WITHOUT("p_max_w"),
	 .help = "most it may feed to the grid"},
	{"cha_max_w", KEY_REAL, AT_SITE(pcs_site, cha_max_w), RANGE(0.0, 1e8), WITHOUT("p_max_w"),
	 .help = "most it may take from the grid, a magnitude"},
	{"dc_min_v", KEY_REAL, AT_SITE(pcs_site, dc_min_v), RANGE(10.0, 1500.0),
	 .help = "least DC voltage it works at"},
	{"dc_max_v", KEY_REAL, AT_SITE(pcs_site, dc_max_v), RANGE(10.0, 1500.0),
	 .help = "highest DC voltage it works at"},
	{"dc_max_a", KEY_REAL, AT_SITE(pcs_site, dc_max_a), RANGE(1.0, 10000.0),
	 .help = "most DC current in either direction"},
	{"efficiency", KEY_REAL, AT_SITE(pcs_site, efficiency), RANGE(0.5, 1.0), STANDARD(0.95),
	 .help = "at rated power, one direction"},
	{"standby_w", KEY_REAL, AT_SITE(pcs_site, standby_w), RANGE(0.0, 10000.0), STANDARD(100.0),
	 .help = "drawn from the DC bus while running"},
	{"min_w", KEY_REAL, AT_SITE(pcs_site, min_w), RANGE(0.0, 1e7), STANDARD(0.0),
	 .help = "it cannot hold less: what is smaller goes to the others, or is 0 W"},
	{"resolution_w", KEY_REAL, AT_SITE(pcs_site, resolution_w), RANGE(0.0, 1e6), STANDARD(0.0),
	 .help = "its steps: commands are multiples, and two steps are no deviation"},
	{"stale_s", KEY_SECONDS, AT_SITE(pcs_site, stale_ms), RANGE(0.2, 2.0), STANDARD(2.0),
	 .help = "link lost after: it is switched off, the others yield to what it may be doing"},
	{"dead_man_s", KEY_SECONDS, AT_SITE(pcs_site, dead_man_ms), RANGE(0.0, 600.0),
	 STANDARD(0.0), .help = "it goes to 0 W by itself after, proven; 0: it does not"},
	{"can_bms", KEY_GROUP, .need = NEED_OPTIONAL, .group = &can_bms_group,
	 .help = "an inverter that follows its battery over CAN"},
};

static const struct group pcs_group = {"pcs[]", "", "The converters, 1 to 4 of them.",
				       GROUP_KEYS(pcs_keys)};

static void pcs_place(struct config *config, unsigned index, struct bases *bases)
{
	bases->at[BASE_SITE] = (char *)&config->site.pcs[index];
	bases->at[BASE_OWN] = (char *)&config->pcs[index];
}

static const struct list pcs_list = {.element = &pcs_group,
				     .max = PCS_MAX,
				     .count_base = BASE_SITE,
				     .count_offset = offsetof(struct site, n_pcs),
				     .place = pcs_place};

/* Counts from mqtt.rate_per_s[index]. */
struct rate {
	double per_s;
};

static const struct key source_keys[] = {
	{"id", KEY_ID, AT_SITE(source_site, id), .help = "name of the source in its topics"},
	{"priority", KEY_COUNT, AT_SITE(source_site, priority), RANGE(1, 250),
	 .help = "lower wins; every source has its own, `local` has 0"},
	FLAG("may_setpoint", AT_SITE(source_site, may_setpoint), 1, "may send setpoints"),
	FLAG("may_command", AT_SITE(source_site, may_command), 0,
	     "may enable and disable packs and clear latches"),
	{"valid_max_s", KEY_REAL, AT_SITE(source_site, valid_max_s), RANGE(1.0, 3600.0),
	 STANDARD(300.0), .help = "longest lifetime it may give a setpoint"},
	{"stale_s", KEY_REAL, AT_SITE(source_site, stale_s), RANGE(0.5, 60.0), STANDARD(5.0),
	 .help = "older commands are refused"},
	{"future_s", KEY_REAL, AT_SITE(source_site, future_s), RANGE(0.1, 60.0), STANDARD(2.0),
	 .help = "commands dated further ahead are refused"},
	{"rate_per_s", KEY_REAL, AT_OWN(rate, per_s), RANGE(0.0, 1000.0), STANDARD(10.0),
	 .help = "commands per second; 0: unlimited"},
};

static const struct group source_group = {"mqtt.sources[]", "", "Who may send commands.",
					  GROUP_KEYS(source_keys)};

static void source_place(struct config *config, unsigned index, struct bases *bases)
{
	bases->at[BASE_SITE] = (char *)&config->site.source[index];
	bases->at[BASE_OWN] = (char *)&config->mqtt.rate_per_s[index];
}

static const struct list sources_list = {.element = &source_group,
					 .max = SOURCE_MAX - 1,
					 .count_base = BASE_OWN,
					 .count_offset = offsetof(struct config, mqtt.n_sources),
					 .first = 1,
					 .place = source_place};

static const struct key mqtt_keys[] = {
	{"url", KEY_TEXT, AT_OWN(config, mqtt.url),
	 .help = "the broker: mqtts://host:8883 or mqtt://127.0.0.1:1883"},
	FLAG("allow_plain", AT_OWN(config, mqtt.allow_plain), 0,
	     "mqtt:// to another host, without encryption, is meant"),
	{"username", KEY_TEXT, AT_OWN(config, mqtt.username), WITHOUT(""),
	 .help = "for the broker"},
	{"password_file", KEY_FILE, AT_OWN(config, mqtt.password_file), WITHOUT(""),
	 .help = "file whose first line is the password"},
	{"ca_file", KEY_FILE, AT_OWN(config, mqtt.ca_file), WITHOUT("needed for mqtts"),
	 .help = "certificates that may sign the broker's, PEM"},
	{"cert_file", KEY_FILE, AT_OWN(config, mqtt.cert_file), WITHOUT(""),
	 .help = "our certificate, PEM"},
	{"key_file", KEY_FILE, AT_OWN(config, mqtt.key_file), WITHOUT(""),
	 .help = "its private key, PEM"},
	{"prefix", KEY_TEXT, AT_OWN(config, mqtt.prefix), STANDARD_TEXT("rebank/v1"),
	 .help = "root of every topic"},
	{"client_id", KEY_TEXT, AT_OWN(config, mqtt.client_id), WITHOUT("rebank-<bank id>"),
	 .help = "MQTT client id; contains the bank id"},
	{"keepalive_s", KEY_COUNT, AT_OWN(config, mqtt.keepalive_s), RANGE(5, 600), STANDARD(30),
	 .help = "MQTT keep-alive"},
	{"telemetry_s", KEY_REAL, AT_OWN(config, mqtt.telemetry_s), RANGE(0.1, 10.0), STANDARD(1.0),
	 .help = "period of the bank's telemetry"},
	{"pack_telemetry_s", KEY_REAL, AT_OWN(config, mqtt.pack_telemetry_s), RANGE(0.5, 3600.0),
	 STANDARD(5.0), .help = "period of each pack's telemetry"},
	{"sources", KEY_LIST, .need = NEED_OPTIONAL, .list = &sources_list,
	 .help = "who may send commands"},
};

const struct group mqtt_group = {"mqtt", "",
				 "The broker. Without this group the bank obeys the "
				 "local socket only.",
				 GROUP_KEYS(mqtt_keys)};

static const struct key store_keys[] = {
	{"state_dir", KEY_TEXT, AT_OWN(config, state_dir), STANDARD_TEXT("/var/lib/rebank"),
	 .help = "ledger and recordings; relative: to where the daemon is started"},
	{"run_dir", KEY_TEXT, AT_OWN(config, run_dir), STANDARD_TEXT("/run/rebank"),
	 .help = "socket and lock"},
};

static const struct group store_group = {"store", "", "Where files are kept.",
					 GROUP_KEYS(store_keys)};

static const struct key root_keys[] = {
	{"bank", KEY_GROUP, .group = &bank_group, .help = "bank = { id = \"...\"; };"},
	{"packs", KEY_LIST, .list = &packs_list, .help = "packs = ( { id = \"...\"; ... } );"},
	{"pcs", KEY_LIST, .list = &pcs_list, .help = "pcs = ( { id = \"...\"; ... } );"},
	{"meters", KEY_LIST, .need = NEED_OPTIONAL, .list = &meters_list,
	 .help = "meters on Modbus"},
	{"bus", KEY_GROUP, .group = &bus_group, .help = "the DC bus"},
	{"grid", KEY_GROUP, .group = &grid_group, .help = "the grid connection"},
	{"gpio", KEY_GROUP, .group = &gpio_group, .help = "lines of the board"},
	{"plan", KEY_GROUP, .group = &plan_group, .help = "connecting and disconnecting"},
	{"protection", KEY_GROUP, .group = &protection_group, .help = "readings of the bank"},
	{"proof", KEY_GROUP, .group = &proof_group, .help = "proof tests"},
	{"mqtt", KEY_GROUP, .need = NEED_OPTIONAL, .group = &mqtt_group, .help = "the broker"},
	{"sunspec", KEY_GROUP, .need = NEED_OPTIONAL, .group = &sunspec_group,
	 .help = "the bank as SunSpec registers"},
	{"store", KEY_GROUP, .group = &store_group, .help = "files"},
	{"simulation", KEY_GROUP, .need = NEED_OPTIONAL, .group = &simulation_group,
	 .help = "the simulated plant"},
};

const struct group root_group = {"", "", "The site file.", GROUP_KEYS(root_keys)};
