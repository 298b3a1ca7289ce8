/*
 * Encodes batteries given on stdin, one per line as `key=number` words, and prints their frames as
 * a candump log; the line's number is the time stamp. For can_bms.py.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/pcs/can_bms_wire.h"

static struct can_bms_setup setup;
static struct can_bms_battery battery;

static bool flag(const char *key, double value)
{
	struct can_bms_quirks *quirk = &setup.quirk;
	const struct {
		const char *key;
		bool *at;
	} flags[] = {
		{"big_endian", &quirk->big_endian},
		{"discharge_positive", &quirk->discharge_positive},
		{"fine_voltage", &quirk->fine_voltage},
		{"fine_soc", &quirk->fine_soc},
		{"fault_bit_7", &quirk->fault_bit_7},
		{"active_is_10", &quirk->active_is_10},
		{"swapped_voltage", &quirk->swapped_voltage},
		{"no_offset", &quirk->no_offset},
		{"negative_discharge", &quirk->negative_discharge},
		{"known", &battery.face.known},
		{"charge_ok", &battery.face.charge_ok},
		{"discharge_ok", &battery.face.discharge_ok},
		{"alarm", &battery.alarm},
	};

	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
		if (strcmp(flags[i].key, key) == 0) {
			*flags[i].at = value > 0.0;
			return true;
		}
	}
	return false;
}

static bool real(const char *key, double value)
{
	struct bank_face *face = &battery.face;
	const struct {
		const char *key;
		double *at;
	} reals[] = {
		{"charge_v", &battery.charge_v},
		{"charge_a", &battery.charge_a},
		{"discharge_a", &battery.discharge_a},
		{"discharge_v", &battery.discharge_v},
		{"v", &face->v},
		{"a", &face->a},
		{"soc", &face->soc},
		{"soh", &face->soh},
		{"temp_min_c", &face->temp_min_c},
		{"temp_max_c", &face->temp_max_c},
		{"cell_min_v", &face->cell_min_v},
		{"cell_max_v", &face->cell_max_v},
		{"capacity_ah", &face->capacity_ah},
		{"pack_min_v", &face->pack_min_v},
		{"pack_max_v", &face->pack_max_v},
		{"wh_dis", &face->wh_dis},
		{"wh_cha", &face->wh_cha},
		{"installed_ah", &setup.installed_ah},
		{"nominal_v", &setup.nominal_v},
	};

	for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++) {
		if (strcmp(reals[i].key, key) == 0) {
			*reals[i].at = value;
			return true;
		}
	}
	return false;
}

static bool count(const char *key, double value)
{
	unsigned n = (unsigned)value;

	if (strcmp(key, "dialect") == 0)
		setup.dialect = (enum can_bms_dialect)n;
	else if (strcmp(key, "address") == 0)
		setup.address = (uint8_t)n;
	else if (strcmp(key, "modules") == 0)
		setup.modules = (uint8_t)n;
	else if (strcmp(key, "cells") == 0)
		setup.cells = (uint16_t)n;
	else if (strcmp(key, "model") == 0)
		setup.model = (uint16_t)n;
	else if (strcmp(key, "version") == 0)
		setup.version = (uint16_t)n;
	else if (strcmp(key, "alarms") == 0)
		battery.face.alarms = n;
	else if (strcmp(key, "warnings") == 0)
		battery.face.warnings = n;
	else if (strcmp(key, "cell_min_pack") == 0)
		battery.face.cell_min_pack = (uint8_t)n;
	else if (strcmp(key, "cell_max_pack") == 0)
		battery.face.cell_max_pack = (uint8_t)n;
	else if (strcmp(key, "temp_min_pack") == 0)
		battery.face.temp_min_pack = (uint8_t)n;
	else if (strcmp(key, "temp_max_pack") == 0)
		battery.face.temp_max_pack = (uint8_t)n;
	else if (strcmp(key, "pack_min_pack") == 0)
		battery.face.pack_min_pack = (uint8_t)n;
	else if (strcmp(key, "pack_max_pack") == 0)
		battery.face.pack_max_pack = (uint8_t)n;
	else if (strcmp(key, "packs_online") == 0)
		battery.face.packs_online = (uint8_t)n;
	else if (strcmp(key, "packs_offline") == 0)
		battery.face.packs_offline = (uint8_t)n;
	else if (strcmp(key, "packs_no_charge") == 0)
		battery.face.packs_no_charge = (uint8_t)n;
	else if (strcmp(key, "packs_no_discharge") == 0)
		battery.face.packs_no_discharge = (uint8_t)n;
	else
		return false;
	return true;
}

static void word_take(char *word)
{
	char *equals = strchr(word, '=');
	double value;

	if (!equals)
		return;
	*equals = '\0';
	value = strtod(equals + 1, NULL);
	if (!flag(word, value) && !real(word, value) && !count(word, value)) {
		fprintf(stderr, "unknown word %s\n", word);
		exit(1);
	}
}

static void frames_print(unsigned line)
{
	struct can_frame frame[CAN_BMS_FRAMES_MAX];
	unsigned n = setup.dialect == CAN_BMS_PYLONTECH_HV
			     ? can_bms_hv_frames(&setup, &battery,
						 CAN_BMS_ASKS_DATA | CAN_BMS_ASKS_INFO, frame)
			     : can_bms_lv_frames(&setup, &battery,
						 can_bms_standard_frames(setup.dialect), frame);

	for (unsigned i = 0; i < n; i++) {
		bool ext = (frame[i].can_id & CAN_EFF_FLAG) != 0;

		printf("(%u.000000) can1 %0*X#", line, ext ? 8 : 3,
		       (unsigned)(frame[i].can_id & CAN_EFF_MASK));
		for (unsigned b = 0; b < frame[i].can_dlc; b++)
			printf("%02X", frame[i].data[b]);
		putchar('\n');
	}
}

int main(void)
{
	char line[2048];

	for (unsigned n = 1; fgets(line, sizeof line, stdin); n++) {
		memset(&setup, 0, sizeof setup);
		memset(&battery, 0, sizeof battery);
		strcpy(setup.manufacturer, "PYLON");
		strcpy(setup.name, "north-bank-two");
		strcpy(setup.serial, "north");
		strcpy(setup.family, "Rebank");
		for (unsigned k = 0; k < PACK_MAX; k++)
			snprintf(setup.pack[k], sizeof setup.pack[k], "leaf-%u", k + 1);
		line[strcspn(line, "\n")] = '\0';
		for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
			word_take(word);
		frames_print(n);
	}
	return 0;
}
