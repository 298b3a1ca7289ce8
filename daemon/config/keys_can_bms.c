/* The keys of an inverter that follows its battery over CAN. */
#include <stddef.h>

#include "config/key.h"

static const struct words dialect_words = {can_bms_dialect_word, CAN_BMS_PYLONTECH_LV,
					   CAN_BMS_DIALECTS};

static const char *without_setpoint_word(int value)
{
	return value == WITHOUT_SETPOINT_FREE ? "free" : "zero";
}

static const struct words without_setpoint_words = {without_setpoint_word, WITHOUT_SETPOINT_FREE,
						    WITHOUT_SETPOINT_ZERO + 1};

#define QUIRK(name, field, text)                                                                   \
	{                                                                                          \
		name, KEY_BOOL, AT_OWN(pcs_config, can_bms.quirk.field), STANDARD(0), .help = text \
	}

static const struct key can_bms_keys[] = {
	{"dialect", KEY_WORD, AT_OWN(pcs_config, can_bms.dialect), .words = &dialect_words,
	 .help = "the battery that the inverter is set to"},
	{"without_setpoint", KEY_WORD, AT_OWN(pcs_config, can_bms.without_setpoint),
	 STANDARD(WITHOUT_SETPOINT_FREE), .words = &without_setpoint_words,
	 .help = "with no setpoint alive: the bank's limits, or 0 A both ways; \"zero\" of one "
		 "holds "
		 "for all"},
	{"frames", KEY_TEXT, AT_OWN(pcs_config, can_bms.frames), WITHOUT("those of the dialect"),
	 .help = "ids sent, in hex and with spaces: \"351 355 356 359 35C 35E\""},
	{"period_s", KEY_SECONDS, AT_OWN(pcs_config, can_bms.period_ms), RANGE(0.1, 2.0),
	 STANDARD(1.0),
	 .help = "how often the frames are sent; inverters give up after 3 s without 351"},
	QUIRK("big_endian", big_endian, "most significant byte first"),
	QUIRK("discharge_positive", discharge_positive,
	      "the measured current is sent with + as discharge"),
	{"fine_voltage", KEY_BOOL, AT_OWN(pcs_config, can_bms.quirk.fine_voltage), STANDARD(1),
	 .help = "356 in 0.01 V, up to 327.67 V; false: in 0.1 V"},
	QUIRK("fine_soc", fine_soc, "355 carries the state of charge in 0.01 % too"),
	QUIRK("fault_bit_7", fault_bit_7,
	      "359: over-temperature as 0x0C and a system fault as bit 7"),
	QUIRK("active_is_10", active_is_10, "35A: 10 is active and 01 is fine"),
	QUIRK("swapped_voltage", swapped_voltage, "35A: bits of high and low voltage exchanged"),
	QUIRK("no_offset", no_offset, "4210 and 4220: currents without the offset of 30000"),
	QUIRK("negative_discharge", negative_discharge,
	      "4220: the discharge limit is sent below zero"),
	{"address", KEY_COUNT, AT_OWN(pcs_config, can_bms.address), RANGE(0, 15), STANDARD(0),
	 .help = "of the battery, \"pylontech-hv\""},
	{"manufacturer", KEY_TEXT, AT_OWN(pcs_config, can_bms.manufacturer),
	 STANDARD_TEXT("REBANK"), .help = "what 35E says; some inverters accept \"PYLON\" only"},
	{"name", KEY_TEXT, AT_OWN(pcs_config, can_bms.name), WITHOUT("the bank's id"),
	 .help = "what 370 and 371 say, \"victron\""},
	{"model", KEY_COUNT, AT_OWN(pcs_config, can_bms.model), RANGE(0, 65535), STANDARD(0),
	 .help = "what 35F says"},
	{"version", KEY_COUNT, AT_OWN(pcs_config, can_bms.version), RANGE(0, 65535), STANDARD(256),
	 .help = "what 35F says; 256 is 1.0"},
};

const struct group can_bms_group = {"pcs[].can_bms", "can_bms.",
				    "How the bank shows itself to an inverter that follows its "
				    "battery over CAN (driver \"can-bms\").",
				    GROUP_KEYS(can_bms_keys)};
