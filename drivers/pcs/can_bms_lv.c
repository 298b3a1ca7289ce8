/*
 * The 11-bit family: SMA Sunny Island, Victron and Pylontech low voltage. Layouts of the public
 * protocol sheets; where they disagree there is a quirk.
 */
#include <stdlib.h>

#include "drivers/pcs/can_bms_put.h"
#include "drivers/pcs/can_bms_wire.h"

/* Kinds of trouble these frames can tell. */
enum trouble {
	TROUBLE_OVER_VOLTAGE = 0,
	TROUBLE_UNDER_VOLTAGE,
	TROUBLE_OVER_TEMPERATURE,
	TROUBLE_UNDER_TEMPERATURE,
	TROUBLE_DISCHARGE_CURRENT,
	TROUBLE_CHARGE_CURRENT,
	TROUBLE_CONTACTOR,
	TROUBLE_SYSTEM,
	TROUBLE_IMBALANCE,
	TROUBLE_COUNT
};

#define BIT(evt) (1u << EVT1_##evt)

/* Of whichever rank: the frames have one place for alarms and one for warnings. */
static const uint32_t trouble_bits[TROUBLE_COUNT] = {
	[TROUBLE_OVER_VOLTAGE] = BIT(OVER_VOLT_ALARM) | BIT(OVER_VOLT_WARNING),
	[TROUBLE_UNDER_VOLTAGE] = BIT(UNDER_VOLT_ALARM) | BIT(UNDER_VOLT_WARNING),
	[TROUBLE_OVER_TEMPERATURE] = BIT(OVER_TEMP_ALARM) | BIT(OVER_TEMP_WARNING),
	[TROUBLE_UNDER_TEMPERATURE] = BIT(UNDER_TEMP_ALARM) | BIT(UNDER_TEMP_WARNING),
	[TROUBLE_DISCHARGE_CURRENT] =
		BIT(OVER_DISCHARGE_CURRENT_ALARM) | BIT(OVER_DISCHARGE_CURRENT_WARNING),
	[TROUBLE_CHARGE_CURRENT] =
		BIT(OVER_CHARGE_CURRENT_ALARM) | BIT(OVER_CHARGE_CURRENT_WARNING),
	[TROUBLE_CONTACTOR] = BIT(CONTACTOR),
	[TROUBLE_SYSTEM] = BIT(COMMUNICATION) | BIT(FAN) | BIT(GROUND_FAULT) | BIT(OPEN_DOOR) |
			   BIT(OTHER_ALARM) | BIT(OTHER_WARNING) | BIT(CONFIGURATION_ALARM) |
			   BIT(CONFIGURATION_WARNING),
	[TROUBLE_IMBALANCE] = BIT(VOLTAGE_IMBALANCE) | BIT(TEMPERATURE_IMBALANCE_ALARM) |
			      BIT(TEMPERATURE_IMBALANCE_WARNING) | BIT(CURRENT_IMBALANCE),
};

static bool has(uint32_t bits, enum trouble trouble)
{
	return (bits & trouble_bits[trouble]) != 0;
}

static uint32_t alarms_of(const struct can_bms_battery *battery)
{
	return battery->face.alarms | (battery->alarm ? BIT(OTHER_ALARM) : 0);
}

/* ---- 0x359 --------------------------------------------------------------------------------- */

static void put_359(uint8_t data[2], uint32_t bits, const struct can_bms_quirks *quirk)
{
	static const struct {
		enum trouble trouble;
		uint8_t byte, mask;
	} place[] = {
		{TROUBLE_OVER_VOLTAGE, 0, 0x02},      {TROUBLE_UNDER_VOLTAGE, 0, 0x04},
		{TROUBLE_OVER_TEMPERATURE, 0, 0x08},  {TROUBLE_UNDER_TEMPERATURE, 0, 0x10},
		{TROUBLE_DISCHARGE_CURRENT, 0, 0x80}, {TROUBLE_CHARGE_CURRENT, 1, 0x01},
		{TROUBLE_CONTACTOR, 1, 0x08},         {TROUBLE_SYSTEM, 1, 0x08},
	};

	for (size_t i = 0; i < sizeof place / sizeof place[0]; i++)
		if (has(bits, place[i].trouble))
			data[place[i].byte] |= place[i].mask;
	if (!quirk->fault_bit_7)
		return;
	if (data[0] & 0x08)
		data[0] |= 0x0c;
	if (data[1] & 0x08)
		data[1] = (uint8_t)((data[1] & ~0x08) | 0x80);
}

/* ---- 0x35A --------------------------------------------------------------------------------- */

enum { FIELD_GENERAL = 0, FIELD_HIGH_VOLTAGE, FIELD_LOW_VOLTAGE, FIELD_STATUS = 13 };

/* Fields of two bits, field 0 in the lowest bits of the first byte. Those we cannot tell (too hot
 * or too cold for charging alone, short circuit) stay 00: not supported. */
static const struct {
	enum trouble trouble;
	unsigned field;
} field_of[] = {
	{TROUBLE_OVER_VOLTAGE, FIELD_HIGH_VOLTAGE},
	{TROUBLE_UNDER_VOLTAGE, FIELD_LOW_VOLTAGE},
	{TROUBLE_OVER_TEMPERATURE, 3},
	{TROUBLE_UNDER_TEMPERATURE, 4},
	{TROUBLE_DISCHARGE_CURRENT, 7},
	{TROUBLE_CHARGE_CURRENT, 8},
	{TROUBLE_CONTACTOR, 9},
	{TROUBLE_SYSTEM, 11},
	{TROUBLE_IMBALANCE, 12},
};

static void put_field(uint8_t data[4], unsigned field, bool active,
		      const struct can_bms_quirks *quirk)
{
	unsigned code = active != quirk->active_is_10 ? 1 : 2;

	if (quirk->swapped_voltage && field == FIELD_HIGH_VOLTAGE)
		field = FIELD_LOW_VOLTAGE;
	else if (quirk->swapped_voltage && field == FIELD_LOW_VOLTAGE)
		field = FIELD_HIGH_VOLTAGE;
	data[field / 4] |= (uint8_t)(code << (2 * (field % 4)));
}

static void put_35a(uint8_t data[4], uint32_t bits, const struct can_bms_quirks *quirk)
{
	put_field(data, FIELD_GENERAL, bits != 0, quirk);
	for (size_t i = 0; i < sizeof field_of / sizeof field_of[0]; i++)
		put_field(data, field_of[i].field, has(bits, field_of[i].trouble), quirk);
}

/* ---- the frames ---------------------------------------------------------------------------- */

static void put_limits(struct can_bms_put *put, const struct can_bms_battery *battery)
{
	long raw;

	can_bms_put_word(
		put, 0, (uint16_t)can_bms_scaled(put, battery->charge_v, 0.1, true, 1, UINT16_MAX));
	raw = can_bms_scaled(put, battery->charge_a, 0.1, true, 0, INT16_MAX);
	can_bms_put_word(put, 2, (uint16_t)raw);
	raw = can_bms_scaled(put, battery->discharge_a, 0.1, true, 0, INT16_MAX);
	can_bms_put_word(put, 4, (uint16_t)raw);
	/* Upwards: a higher end of discharge is the safer one. */
	can_bms_put_unsigned(put, 6, ceil(battery->discharge_v / 0.1 - 1e-6), 1.0);
}

static void put_charge(struct can_bms_put *put, const struct can_bms_setup *setup,
		       const struct bank_face *face)
{
	can_bms_put_unsigned(put, 0, face->soc, 0.01);
	can_bms_put_unsigned(put, 2, face->soh, 0.01);
	put->frame->can_dlc = setup->quirk.fine_soc ? 6 : 4;
	if (setup->quirk.fine_soc)
		can_bms_put_unsigned(put, 4, face->soc, 0.0001);
}

static void put_measured(struct can_bms_put *put, const struct can_bms_setup *setup,
			 const struct bank_face *face)
{
	/* The mean would hide the cell that matters; hot is what inverters act on. */
	can_bms_put_signed(put, 0, face->v, setup->quirk.fine_voltage ? 0.01 : 0.1);
	can_bms_put_signed(put, 2, setup->quirk.discharge_positive ? face->a : -face->a, 0.1);
	can_bms_put_signed(put, 4, face->temp_max_c, 0.1);
	put->frame->can_dlc = 6;
}

static void put_alarms_359(struct can_bms_put *put, const struct can_bms_setup *setup,
			   const struct can_bms_battery *battery)
{
	uint8_t *data = put->frame->data;

	put_359(data, alarms_of(battery), &setup->quirk);
	put_359(data + 2, battery->face.warnings, &setup->quirk);
	data[4] = setup->modules;
	data[5] = 'P';
	data[6] = 'N';
	put->frame->can_dlc = 7;
}

static void put_alarms_35a(struct can_bms_put *put, const struct can_bms_setup *setup,
			   const struct can_bms_battery *battery)
{
	uint8_t *data = put->frame->data;
	bool online = battery->face.known && !battery->alarm;

	put_35a(data, alarms_of(battery), &setup->quirk);
	put_35a(data + 4, battery->face.warnings, &setup->quirk);
	data[7] |= (uint8_t)((online ? 2 : 1) << 2); /* system status, not an alarm: 10 = online */
}

static void put_enables(struct can_bms_put *put, const struct can_bms_battery *battery)
{
	bool charge = battery->face.known && battery->face.charge_ok && battery->charge_a > 0.0;
	bool discharge =
		battery->face.known && battery->face.discharge_ok && battery->discharge_a > 0.0;

	put->frame->data[0] = (uint8_t)((charge ? 0x80 : 0) | (discharge ? 0x40 : 0));
	put->frame->can_dlc = 2;
}

/* Pylontech's meaning of 0x370: extremes of temperature and cell voltage. */
static void put_extremes(struct can_bms_put *put, const struct bank_face *face)
{
	can_bms_put_signed(put, 0, face->temp_max_c, 0.1);
	can_bms_put_signed(put, 2, face->temp_min_c, 0.1);
	can_bms_put_unsigned(put, 4, face->cell_max_v, 0.001);
	can_bms_put_unsigned(put, 6, face->cell_min_v, 0.001);
}

static void put_packs(struct can_bms_put *put, const struct bank_face *face)
{
	can_bms_put_word(put, 0, face->packs_online);
	can_bms_put_word(put, 2, face->packs_no_charge);
	can_bms_put_word(put, 4, face->packs_no_discharge);
	can_bms_put_word(put, 6, face->packs_offline);
}

static void put_cells(struct can_bms_put *put, const struct bank_face *face)
{
	can_bms_put_unsigned(put, 0, face->cell_min_v, 0.001);
	can_bms_put_unsigned(put, 2, face->cell_max_v, 0.001);
	can_bms_put_unsigned(put, 4, face->temp_min_c + 273.15, 1.0);
	can_bms_put_unsigned(put, 6, face->temp_max_c + 273.15, 1.0);
}

/* `whose` counts from 1. */
static void put_name(struct can_bms_put *put, const struct can_bms_setup *setup, uint8_t whose)
{
	put->known = whose > 0 && whose <= setup->modules;
	if (put->known)
		can_bms_put_text(put, setup->pack[whose - 1], 0, '\0');
}

static void put_energy(struct can_bms_put *put, const struct bank_face *face)
{
	can_bms_put_long(put, 0, face->wh_cha, 100.0);
	can_bms_put_long(put, 4, face->wh_dis, 100.0);
}

static void put_model(struct can_bms_put *put, const struct can_bms_setup *setup,
		      const struct bank_face *face)
{
	can_bms_put_word(put, 0, setup->model);
	can_bms_put_word(put, 2, setup->version);
	can_bms_put_unsigned(put, 4, face->capacity_ah, 1.0);
}

static void put_one(struct can_bms_put *put, enum can_bms_id id, const struct can_bms_setup *setup,
		    const struct can_bms_battery *battery)
{
	const struct bank_face *face = &battery->face;
	bool extremes = setup->dialect == CAN_BMS_PYLONTECH_LV;

	switch (id) {
	case CAN_BMS_351:
		put_limits(put, battery);
		break;
	case CAN_BMS_355:
		put_charge(put, setup, face);
		break;
	case CAN_BMS_356:
		put_measured(put, setup, face);
		break;
	case CAN_BMS_359:
		put_alarms_359(put, setup, battery);
		break;
	case CAN_BMS_35A:
		put_alarms_35a(put, setup, battery);
		break;
	case CAN_BMS_35C:
		put_enables(put, battery);
		break;
	case CAN_BMS_35E:
		can_bms_put_text(put, setup->manufacturer, 0, ' ');
		break;
	case CAN_BMS_35F:
		put_model(put, setup, face);
		break;
	case CAN_BMS_370:
		if (extremes)
			put_extremes(put, face);
		else
			can_bms_put_text(put, setup->name, 0, '\0');
		break;
	case CAN_BMS_371:
		can_bms_put_text(put, extremes ? "" : setup->name, 8, '\0');
		break;
	case CAN_BMS_372:
		put_packs(put, face);
		break;
	case CAN_BMS_373:
		put_cells(put, face);
		break;
	case CAN_BMS_374:
		put_name(put, setup, face->cell_min_pack);
		break;
	case CAN_BMS_375:
		put_name(put, setup, face->cell_max_pack);
		break;
	case CAN_BMS_376:
		put_name(put, setup, face->temp_min_pack);
		break;
	case CAN_BMS_377:
		put_name(put, setup, face->temp_max_pack);
		break;
	case CAN_BMS_378:
		put_energy(put, face);
		break;
	case CAN_BMS_379:
		can_bms_put_unsigned(put, 0, setup->installed_ah, 1.0);
		put->frame->can_dlc = 2;
		break;
	case CAN_BMS_380:
		can_bms_put_text(put, setup->serial, 0, '\0');
		break;
	case CAN_BMS_381:
		can_bms_put_text(put, setup->serial, 8, '\0');
		break;
	case CAN_BMS_382:
		can_bms_put_text(put, setup->family, 0, '\0');
		break;
	case CAN_BMS_IDS:
		break;
	}
}

/* Of a bank whose readings are not known only the limits and the alarms are told. */
static bool is_reading(enum can_bms_id id)
{
	return id == CAN_BMS_355 || id == CAN_BMS_356 || id == CAN_BMS_35F ||
	       (id >= CAN_BMS_372 && id <= CAN_BMS_378);
}

unsigned can_bms_lv_frames(const struct can_bms_setup *setup, const struct can_bms_battery *battery,
			   uint32_t frames, struct can_frame frame[CAN_BMS_FRAMES_MAX])
{
	unsigned n = 0;

	for (enum can_bms_id id = CAN_BMS_351; id < CAN_BMS_IDS; id++) {
		struct can_bms_put put;
		bool reading = is_reading(id) ||
			       (id == CAN_BMS_370 && setup->dialect == CAN_BMS_PYLONTECH_LV);

		if (!(frames >> id & 1) || (reading && !battery->face.known))
			continue;
		put = can_bms_put_new(&frame[n], can_bms_id_of(id), 8, setup->quirk.big_endian);
		put_one(&put, id, setup, battery);
		n += put.known;
	}
	return n;
}

/* ---- names --------------------------------------------------------------------------------- */

uint32_t can_bms_id_of(enum can_bms_id id)
{
	static const uint16_t ids[CAN_BMS_IDS] = {
		0x351, 0x355, 0x356, 0x359, 0x35a, 0x35c, 0x35e, 0x35f, 0x370, 0x371, 0x372,
		0x373, 0x374, 0x375, 0x376, 0x377, 0x378, 0x379, 0x380, 0x381, 0x382,
	};

	return id < CAN_BMS_IDS ? ids[id] : 0;
}

#define SEND(n) (1u << CAN_BMS_##n)

uint32_t can_bms_standard_frames(enum can_bms_dialect dialect)
{
	static const uint32_t frames[CAN_BMS_DIALECTS] = {
		[CAN_BMS_PYLONTECH_LV] =
			SEND(351) | SEND(355) | SEND(356) | SEND(359) | SEND(35C) | SEND(35E),
		[CAN_BMS_VICTRON] = SEND(351) | SEND(355) | SEND(356) | SEND(35A) | SEND(35E) |
				    SEND(35F) | SEND(370) | SEND(371) | SEND(372) | SEND(373) |
				    SEND(374) | SEND(375) | SEND(376) | SEND(377) | SEND(378) |
				    SEND(379) | SEND(380) | SEND(381) | SEND(382),
		[CAN_BMS_SMA] =
			SEND(351) | SEND(355) | SEND(356) | SEND(35A) | SEND(35E) | SEND(35F),
	};

	return dialect < CAN_BMS_DIALECTS ? frames[dialect] : 0;
}

bool can_bms_frames_parse(const char *text, uint32_t *frames)
{
	*frames = 0;
	while (*text) {
		char *end;
		unsigned long id = strtoul(text, &end, 16);
		enum can_bms_id i = CAN_BMS_351;

		while (i < CAN_BMS_IDS && can_bms_id_of(i) != id)
			i++;
		if (i == CAN_BMS_IDS || (*end && *end != ' '))
			return false;
		*frames |= 1u << i;
		text = end + strspn(end, " ");
	}
	return *frames != 0;
}

const char *can_bms_dialect_word(int dialect)
{
	static const char *const words[CAN_BMS_DIALECTS] = {"pylontech-lv", "victron", "sma",
							    "pylontech-hv"};

	return words[dialect];
}
