/* The keys of a pack and of a pack profile. */
#include <stddef.h>

#include "config/key.h"

static const char *pole_word(int pole)
{
	static const char *const words[POLE_COUNT] = {"negative", "positive", "precharge"};

	return words[pole];
}

static const char *chemistry_word(int chemistry)
{
	return chemistry_text((enum chemistry)chemistry)->word;
}

const struct words pole_words = {pole_word, 0, POLE_COUNT};
const struct words chemistry_words = {chemistry_word, CHEMISTRY_UNKNOWN + 1, CHEMISTRY_COUNT};

#define LIMIT(name, field, low, high, way, text)                                                   \
	{                                                                                          \
		name, KEY_REAL, AT_SITE(pack_site, limit.field), RANGE(low, high), .inward = way,  \
										   .help = text    \
	}
#define UP   INWARD_UP
#define DOWN INWARD_DOWN

static const struct key limits_keys[] = {
	LIMIT("cell_min_v", cell_min_v, 1.0, 5.0, UP, "no discharge below, per cell"),
	LIMIT("cell_max_v", cell_max_v, 1.0, 5.0, DOWN, "no charge above, per cell"),
	LIMIT("cell_trip_low_v", cell_trip_low_v, 1.0, 5.0, UP, "opens and latches below"),
	LIMIT("cell_trip_high_v", cell_trip_high_v, 1.0, 5.0, DOWN, "opens and latches above"),
	LIMIT("pack_min_v", pack_min_v, 10.0, 1500.0, UP, "no discharge below, pack terminals"),
	LIMIT("pack_max_v", pack_max_v, 10.0, 1500.0, DOWN, "no charge above, pack terminals"),
	LIMIT("dis_max_a", dis_max_a, 1.0, 2000.0, DOWN,
	      "continuous discharge current at 25 C and full health"),
	LIMIT("cha_max_a", cha_max_a, 1.0, 2000.0, DOWN,
	      "continuous charge current at 25 C and full health, a magnitude"),
	LIMIT("fuse_a", fuse_a, 1.0, 3000.0, DOWN, "rated current of the pack fuse"),
	LIMIT("charge_min_c", charge_min_c, -40.0, 80.0, UP, "no charge below this temperature"),
	LIMIT("charge_max_c", charge_max_c, -40.0, 80.0, DOWN, "no charge above this temperature"),
	LIMIT("discharge_min_c", discharge_min_c, -40.0, 80.0, UP,
	      "no discharge below this temperature"),
	LIMIT("discharge_max_c", discharge_max_c, -40.0, 80.0, DOWN,
	      "no discharge above this temperature"),
	LIMIT("temp_warn_c", temp_warn_c, 0.0, 80.0, DOWN, "hottest sensor, warning"),
	LIMIT("temp_trip_c", temp_trip_c, 0.0, 90.0, DOWN, "hottest sensor, opens and latches"),
	LIMIT("temp_spread_warn_k", temp_spread_warn_k, 1.0, 40.0, DOWN,
	      "hottest minus coldest sensor, warning"),
	LIMIT("temp_rise_trip_k_s", temp_rise_trip_k_s, 0.05, 5.0, DOWN,
	      "rise of the hottest sensor that counts as thermal runaway"),
	LIMIT("cell_spread_warn_v", cell_spread_warn_v, 0.005, 1.0, DOWN,
	      "highest minus lowest cell, warning"),
	LIMIT("cell_spread_derate_v", cell_spread_derate_v, 0.005, 1.0, DOWN,
	      "highest minus lowest cell, less current"),
	LIMIT("cell_spread_trip_v", cell_spread_trip_v, 0.005, 1.0, DOWN,
	      "highest minus lowest cell, opens and latches"),
	LIMIT("insulation_warn_ohm", insulation_warn_ohm, 1e3, 1e8, UP, "insulation warning below"),
	LIMIT("insulation_trip_ohm", insulation_trip_ohm, 1e3, 1e8, UP, "opens below"),
	LIMIT("aux_min_v", aux_min_v, 0.0, 60.0, UP,
	      "least 12/24 V supply of the pack BMS; 0: not supervised"),
};

static const struct group limits_group = {
	"packs[].limits", "",
	"Limits of the pack. None has a default: the profile or the pack "
	"carries every one, and a pack may only narrow its profile's.",
	GROUP_KEYS(limits_keys)};

static const struct key model_keys[] = {
	{"chemistry", KEY_WORD, AT_SITE(pack_site, model.chemistry), .words = &chemistry_words,
	 .inward = INWARD_FIXED, .help = "family of the open-circuit-voltage curve"},
	{"cells_series", KEY_COUNT, AT_SITE(pack_site, model.cells_series), RANGE(1, CELL_MAX),
	 .inward = INWARD_FIXED, .help = "cells in series"},
	{"nominal_ah", KEY_REAL, AT_SITE(pack_site, model.nominal_ah), RANGE(1.0, 2000.0),
	 .help = "capacity when new"},
	{"capacity_ah", KEY_REAL, AT_SITE(pack_site, model.capacity_ah), RANGE(0.5, 2000.0),
	 WITHOUT("passport.intake.capacity_ah, or nominal_ah x soh"),
	 .help = "capacity believed now"},
	{"r_fast_ohm", KEY_REAL, AT_SITE(pack_site, model.r_fast_ohm), RANGE(0.001, 10.0),
	 .help = "resistance when new, 25 C, under 1 s"},
	{"r_10s_ohm", KEY_REAL, AT_SITE(pack_site, model.r_10s_ohm), RANGE(0.001, 10.0),
	 .help = "resistance when new, 25 C, after 10 s"},
	{"tau_s", KEY_REAL, AT_SITE(pack_site, model.tau_s), RANGE(0.5, 3600.0),
	 .help = "time constant between the two"},
	{"r_growth", KEY_REAL, AT_SITE(pack_site, model.r_growth), RANGE(1.0, 10.0),
	 WITHOUT("passport.intake.r_10s_ohm / r_10s_ohm, or 1 + 3 (1 - capacity / nominal)"),
	 .help = "resistance believed now, times new"},
	{"v_offset_max_v", KEY_REAL, AT_SITE(pack_site, model.v_offset_max_v), RANGE(0.0, 20.0),
	 .inward = DOWN,
	 .help = "worst offset of the pack's voltage sensor against the bus sensor"},
	{"i_offset_max_a", KEY_REAL, AT_SITE(pack_site, model.i_offset_max_a), RANGE(0.0, 20.0),
	 .inward = DOWN, .help = "worst offset of the pack's current sensor"},
};

static const struct group model_group = {"packs[].model", "model.",
					 "What is believed of the pack before it is measured.",
					 GROUP_KEYS(model_keys)};

#define STALE(name, field, low, high, text)                                                        \
	{                                                                                          \
		name, KEY_SECONDS, AT_SITE(pack_site, field), RANGE(low, high), .inward = DOWN,    \
										.help = text       \
	}

static const struct key stale_keys[] = {
	STALE("electrical_s", electrical_stale_ms, 0.02, 2.5, "pack voltage and current"),
	STALE("link_s", link_stale_ms, 0.02, 1.0, "bus-side voltage of the pack"),
	STALE("cells_s", cells_stale_ms, 0.05, 60.0, "cell voltages"),
	STALE("temps_s", temps_stale_ms, 0.05, 120.0, "temperatures"),
	STALE("bms_s", bms_stale_ms, 0.05, 60.0, "status and limits of the pack BMS"),
};

static const struct group stale_group = {"packs[].stale", "stale.",
					 "Age beyond which a reading counts as unknown.",
					 GROUP_KEYS(stale_keys)};

#define PERIOD(name, field, text)                                                                  \
	{                                                                                          \
		name, KEY_SECONDS, AT_OWN(pack_config, field), RANGE(0.001, 60.0),                 \
			WITHOUT("stale is not compared with it"), .help = text                     \
	}

static const struct key period_keys[] = {
	PERIOD("electrical_s", electrical_period_ms, "pack voltage and current"),
	PERIOD("link_s", link_period_ms, "bus-side voltage of the pack"),
	PERIOD("cells_s", cells_period_ms, "cell voltages"),
	PERIOD("temps_s", temps_period_ms, "temperatures"),
	PERIOD("bms_s", bms_period_ms, "status and limits of the pack BMS"),
};

static const struct group period_group = {
	"packs[].period", "period.",
	"How often the pack sends, or is asked for, each group of readings.",
	GROUP_KEYS(period_keys)};

static const struct key readings_keys[] = {
	{"link_v", KEY_BOOL, AT_SITE(pack_site, has_link_v), STANDARD(0),
	 .help = "the pack measures the bus side of its contactors"},
	{"cells_required", KEY_BOOL, AT_SITE(pack_site, cells_required), STANDARD(1),
	 .help = "no cell voltages: the pack leaves"},
	{"temps_required", KEY_BOOL, AT_SITE(pack_site, temps_required), STANDARD(1),
	 .help = "no temperatures: the pack leaves"},
	{"bms_required", KEY_BOOL, AT_SITE(pack_site, bms_required), STANDARD(1),
	 .help = "no BMS status: the pack leaves"},
	{"current_reversed", KEY_BOOL, AT_OWN(pack_config, current_reversed), STANDARD(0),
	 .help = "the current counts the other way round than the profile says"},
};

static const struct group readings_group = {"packs[].readings", "readings.",
					    "Which readings the pack has and must have.",
					    GROUP_KEYS(readings_keys)};

#define COIL(name, field, pole, without, text)                                                     \
	{                                                                                          \
		name, KEY_LINE, AT_OWN(pack_config, field[pole]), WITHOUT(without), .help = text   \
	}

#define REPORTS(name, pole, text)                                                                  \
	{                                                                                          \
		name, KEY_BOOL, AT_OWN(pack_config, reports[pole]), STANDARD(0),                   \
			.help = "by_frames: the pack's messages carry the state " text             \
	}

static const struct key contactors_keys[] = {
	COIL("negative", coil, POLE_NEGATIVE, "<id>-negative on the simulator",
	     "line of the main negative's coil; \"none\": not ours to drive"),
	COIL("positive", coil, POLE_POSITIVE, "<id>-positive on the simulator",
	     "line of the main positive's coil; \"none\": not ours to drive"),
	COIL("precharge", coil, POLE_PRECHARGE, "<id>-precharge on the simulator",
	     "line of the precharge coil; \"none\": not fitted"),
	COIL("feedback_negative", feedback, POLE_NEGATIVE,
	     "<id>-feedback-negative on the simulator",
	     "auxiliary contact of the negative; \"none\": not wired"),
	COIL("feedback_positive", feedback, POLE_POSITIVE,
	     "<id>-feedback-positive on the simulator",
	     "auxiliary contact of the positive; \"none\": not wired"),
	COIL("feedback_precharge", feedback, POLE_PRECHARGE, "\"none\"",
	     "auxiliary contact of the precharge contactor; \"none\": not wired"),
	{"by_frames", KEY_BOOL, AT_SITE(pack_site, contactors.by_frames), STANDARD(0),
	 .help = "the pack's own BMS drives its contactors and pre-charges, on our messages: there "
		 "are no lines"},
	REPORTS("reports_negative", POLE_NEGATIVE, "of its negative contactor"),
	REPORTS("reports_positive", POLE_POSITIVE, "of its positive contactor, or of both"),
	REPORTS("reports_precharge", POLE_PRECHARGE, "of its precharge"),
	{"opens_on_silence_s", KEY_SECONDS, AT_SITE(pack_site, contactors.silence_ms),
	 RANGE(0.0, 60.0), STANDARD(0),
	 .help = "by_frames: the pack opens when our messages stop for so long; 0: not known"},
	{"silence_verified", KEY_BOOL, AT_SITE(pack_site, contactors.silence_verified), STANDARD(0),
	 .help = "opens_on_silence_s was tried on a pack of this type"},
	{"supply_in_heartbeat_chain", KEY_BOOL, AT_SITE(pack_site, contactors.supply_in_chain),
	 STANDARD(0),
	 .help = "by_frames: the heartbeat relay cuts the supply of the pack's contactors"},
	{"shared_pole", KEY_BOOL, AT_SITE(pack_site, contactors.shared_pole), STANDARD(0),
	 .help = "a pole is shared or missing: the pack is never reported isolated"},
	{"polarised", KEY_BOOL, AT_SITE(pack_site, contactors.polarised), STANDARD(0),
	 .help = "breaks well in one direction only: the pole that opens first follows the "
		 "current"},
	{"boost", KEY_LINE, AT_OWN(pack_config, boost), WITHOUT("not wired"),
	 .help = "line that gives the coils full voltage while they pull in"},
	{"boost_s", KEY_SECONDS, AT_SITE(pack_site, contactors.boost_ms), RANGE(0.0, 2.0),
	 STANDARD(0),
	 .help = "full coil voltage for so long after a coil is switched on, where an "
		 "economiser needs it; 0: no such line"},
	{"close_s", KEY_SECONDS, AT_SITE(pack_site, contactors.close_ms), RANGE(0.02, 30.0),
	 STANDARD(0.2),
	 .help = "feedback follows a closing within; by_frames: the pack has pre-charged and "
		 "closed "
		 "within, else at most 1"},
	{"open_s", KEY_SECONDS, AT_SITE(pack_site, contactors.open_ms), RANGE(0.02, 10.0),
	 STANDARD(0.1), .help = "feedback follows an opening within; not by_frames: at most 1"},
	{"make_max_a", KEY_REAL, AT_SITE(pack_site, contactors.make_max_a), RANGE(0.5, 500.0),
	 .inward = DOWN, .help = "predicted peak current allowed at a join"},
	{"break_max_a", KEY_REAL, AT_SITE(pack_site, contactors.break_max_a), RANGE(0.5, 500.0),
	 .inward = DOWN, .help = "a planned opening waits until the current is below"},
	{"wear_rated_a", KEY_REAL, AT_SITE(pack_site, contactors.wear_rated_a), RANGE(1.0, 2000.0),
	 STANDARD(100.0), .help = "current at which the contacts last 50000 operations"},
	{"wear_warn", KEY_REAL, AT_SITE(pack_site, contactors.wear_warn), RANGE(0.01, 1.0),
	 STANDARD(0.8), .help = "warning when a contactor has used so much of its life"},
	{"wear_inhibit", KEY_REAL, AT_SITE(pack_site, contactors.wear_inhibit), RANGE(0.01, 2.0),
	 STANDARD(1.0),
	 .help = "the pack closes no more when a contactor has used so much of its life"},
};

static const struct group contactors_group = {"packs[].contactors", "contactors.",
					      "Contactors of the pack and their lines.",
					      GROUP_KEYS(contactors_keys)};

static const struct key precharge_keys[] = {
	{"resistor_ohm", KEY_REAL, AT_SITE(pack_site, contactors.precharge_ohm), RANGE(1.0, 2000.0),
	 WITHOUT("only when no precharge contactor is fitted"), .help = "precharge resistor"},
	{"resistor_j", KEY_REAL, AT_SITE(pack_site, contactors.precharge_j), RANGE(1.0, 1e6),
	 WITHOUT("only when no precharge contactor is fitted"),
	 .help = "energy the resistor may take from cold"},
	{"cool_s", KEY_REAL, AT_SITE(pack_site, contactors.precharge_cool_s), RANGE(1.0, 3600.0),
	 STANDARD(60.0), .help = "time constant of its cooling"},
};

static const struct group precharge_group = {"packs[].precharge", "precharge.",
					     "The precharge resistor.", GROUP_KEYS(precharge_keys)};

static const struct key intake_keys[] = {
	{"capacity_ah", KEY_REAL, AT_OWN(pack_config, passport.intake_capacity_ah),
	 RANGE(0.5, 2000.0), WITHOUT("not measured"), .help = "capacity measured at intake"},
	{"r_10s_ohm", KEY_REAL, AT_OWN(pack_config, passport.intake_r_10s_ohm), RANGE(0.001, 20.0),
	 WITHOUT("not measured"), .help = "10 s resistance measured at intake, at 25 C"},
	{"date", KEY_TEXT, AT_OWN(pack_config, passport.intake_date), WITHOUT(""),
	 .help = "of the intake test, YYYY-MM-DD"},
};

static const struct group intake_group = {"packs[].passport.intake", "passport.intake.",
					  "The intake test.", GROUP_KEYS(intake_keys)};

static const struct key passport_keys[] = {
	{"serial", KEY_TEXT, AT_OWN(pack_config, passport.serial), WITHOUT("not checked"),
	 .help = "serial number the pack must report"},
	{"maker", KEY_TEXT, AT_OWN(pack_config, passport.maker), WITHOUT(""), .help = "maker"},
	{"manufactured", KEY_TEXT, AT_OWN(pack_config, passport.manufactured), WITHOUT(""),
	 .help = "YYYY-MM"},
	{"status", KEY_TEXT, AT_OWN(pack_config, passport.status), WITHOUT(""),
	 .help = "\"repurposed\", \"reused\", ... of Regulation (EU) 2023/1542"},
	{"intake", KEY_GROUP, .group = &intake_group, .help = "the intake test"},
};

static const struct group passport_group = {
	"packs[].passport", "passport.", "Where the pack comes from.", GROUP_KEYS(passport_keys)};

#define LAYER(name, index, words)                                                                  \
	{                                                                                          \
		name, KEY_TEXT, AT_OWN(pack_config, layer[index]),                                 \
			WITHOUT("only on the simulator"), .help = words                            \
	}

static const struct key layer_keys[] = {
	LAYER("over_voltage", LAYER_OVER_VOLTAGE, "what stops charging a full pack"),
	LAYER("under_voltage", LAYER_UNDER_VOLTAGE, "what stops discharging an empty pack"),
	LAYER("over_current", LAYER_OVER_CURRENT, "what breaks a short circuit"),
	LAYER("over_temperature", LAYER_OVER_TEMPERATURE, "what stops a hot pack"),
	LAYER("isolation", LAYER_ISOLATION, "what notices an earth fault"),
};

static const struct group layer_group = {"packs[].independent", "independent.",
					 "Hardware that protects the pack without Rebank, in "
					 "words. Rebank is supervisory and never the "
					 "only safety function.",
					 GROUP_KEYS(layer_keys)};

#define PACK_GROUPS                                                                                \
	{"model", KEY_GROUP, .group = &model_group, .help = "what is believed of the pack"},       \
		{"limits", KEY_GROUP, .group = &limits_group, .help = "limits of the pack"},       \
		{"stale", KEY_GROUP, .group = &stale_group, .help = "age limits of readings"},     \
		{"period", KEY_GROUP, .group = &period_group, .help = "periods of readings"},      \
		{"readings", KEY_GROUP, .group = &readings_group, .help = "readings it has"},      \
		{"contactors", KEY_GROUP, .group = &contactors_group, .help = "its contactors"},   \
		{"precharge", KEY_GROUP, .group = &precharge_group, .help = "its resistor"},       \
	{                                                                                          \
		"independent", KEY_GROUP, .group = &layer_group, .help = "hardware protection"     \
	}

#define DESCRIPTION                                                                                \
	{                                                                                          \
		"description", KEY_TEXT, AT_OWN(pack_config, description), WITHOUT(""),            \
			.help = "for people"                                                       \
	}

static const struct key profile_keys[] = {
	DESCRIPTION,
	PACK_GROUPS,
	{"provenance", KEY_WIRE, .need = NEED_OPTIONAL, .help = "where its facts come from"},
	{"can", KEY_WIRE, .need = NEED_OPTIONAL, .help = "frames, requests and what is sent"},
	{"modbus", KEY_WIRE, .need = NEED_OPTIONAL, .help = "registers"},
};
const struct group profile_group = {"", "", "A pack profile.", GROUP_KEYS(profile_keys)};

static const struct key pack_keys[] = {
	{"id", KEY_ID, AT_SITE(pack_site, id), .help = "name of the pack: a-z, 0-9 and -"},
	{"profile", KEY_ID, AT_SITE(pack_site, profile), WITHOUT("the pack carries every limit"),
	 .help = "file packs/<profile>.conf"},
	DESCRIPTION,
	{"bus", KEY_TEXT, AT_OWN(pack_config, bus),
	 .help = "where the pack talks: \"sim\", a CAN interface (\"can0\"), or a Modbus bus "
		 "(\"tcp://192.0.2.20:502\", \"rtu:///dev/ttyUSB0\")"},
	{"unit", KEY_COUNT, AT_OWN(pack_config, unit), RANGE(0, 247), STANDARD(0),
	 .help = "Modbus unit of the pack; 0: the bus's address names it"},
	{"timeout_s", KEY_SECONDS, AT_OWN(pack_config, timeout_ms), RANGE(0.02, 0.9), STANDARD(0.2),
	 .help = "Modbus: an answer comes within; a dead pack costs its neighbours this much"},
	{"soh", KEY_REAL, AT_OWN(pack_config, soh), RANGE(0.2, 1.2), WITHOUT("a capacity is given"),
	 .help = "capacity now over nominal, when no capacity was measured"},
	PACK_GROUPS,
	{"passport", KEY_GROUP, .group = &passport_group, .help = "where it comes from"},
};

const struct group pack_group = {"packs[]", "", "The packs, 1 to 64 of them.",
				 GROUP_KEYS(pack_keys)};

static void pack_place(struct config *config, unsigned index, struct bases *bases)
{
	bases->at[BASE_SITE] = (char *)&config->site.pack[index];
	bases->at[BASE_OWN] = (char *)&config->pack[index];
}

const struct list packs_list = {.element = &pack_group,
				.max = PACK_MAX,
				.count_base = BASE_SITE,
				.count_offset = offsetof(struct site, n_packs),
				.place = pack_place};
