/*
 * The 29-bit family of Pylontech's high-voltage batteries: the inverter asks (0x4200), the battery
 * answers with everything. Byte order, offset and sign differ between inverters: quirks.
 */
#include "drivers/pcs/can_bms_put.h"
#include "drivers/pcs/can_bms_wire.h"

enum { STATUS_SLEEP = 0, STATUS_CHARGE, STATUS_DISCHARGE, STATUS_IDLE };

enum { FORBIDDEN = 0xaa };

static const double offset_a = 3000.0, offset_c = 100.0;
static const double module_max_v = 65.535;
static const double idle_a = 1.0; /* below, the battery is called idle */

#define BIT(evt) (1u << EVT1_##evt)

struct answer {
	const struct can_bms_setup *setup;
	struct can_frame *frame;
	unsigned n;
};

static struct can_bms_put begin(const struct answer *answer, uint32_t id)
{
	return can_bms_put_new(&answer->frame[answer->n],
			       (id + answer->setup->address) | CAN_EFF_FLAG, 8,
			       answer->setup->quirk.big_endian);
}

static void end(struct answer *answer, const struct can_bms_put *put)
{
	answer->n += put->known;
}

static void put_current(struct can_bms_put *put, unsigned at, double a,
			const struct can_bms_quirks *quirk)
{
	if (quirk->no_offset)
		can_bms_put_signed(put, at, a, 0.1);
	else
		can_bms_put_unsigned(put, at, a + offset_a, 0.1);
}

static void put_temperature(struct can_bms_put *put, unsigned at, double c)
{
	can_bms_put_unsigned(put, at, c + offset_c, 0.1);
}

static void put_percent(struct can_bms_put *put, unsigned at, double share)
{
	put->frame->data[at] = (uint8_t)can_bms_scaled(put, share, 0.01, false, 0, 100);
}

static void answer_measured(struct answer *answer, const struct bank_face *face)
{
	const struct can_bms_quirks *quirk = &answer->setup->quirk;
	struct can_bms_put put = begin(answer, 0x4210);

	can_bms_put_unsigned(&put, 0, face->v, 0.1);
	put_current(&put, 2, quirk->discharge_positive ? face->a : -face->a, quirk);
	put_temperature(&put, 4, face->temp_max_c);
	put_percent(&put, 6, face->soc);
	put_percent(&put, 7, face->soh);
	end(answer, &put);
}

static void answer_limits(struct answer *answer, const struct can_bms_battery *battery)
{
	const struct can_bms_quirks *quirk = &answer->setup->quirk;
	struct can_bms_put put = begin(answer, 0x4220);
	double charge_a = floor(battery->charge_a / 0.1 + 1e-6) * 0.1;
	double discharge_a = floor(battery->discharge_a / 0.1 + 1e-6) * 0.1;

	can_bms_put_word(
		&put, 0,
		(uint16_t)can_bms_scaled(&put, battery->charge_v, 0.1, true, 1, UINT16_MAX));
	can_bms_put_unsigned(&put, 2, ceil(battery->discharge_v / 0.1 - 1e-6), 1.0);
	put_current(&put, 4, charge_a, quirk);
	put_current(&put, 6, quirk->negative_discharge ? -discharge_a : discharge_a, quirk);
	end(answer, &put);
}

/* Ids of modules and cells are not told: 0. */
static void answer_cells(struct answer *answer, const struct bank_face *face)
{
	struct can_bms_put put = begin(answer, 0x4230);

	can_bms_put_unsigned(&put, 0, face->cell_max_v, 0.001);
	can_bms_put_unsigned(&put, 2, face->cell_min_v, 0.001);
	end(answer, &put);
}

static void answer_temperatures(struct answer *answer, uint32_t id, const struct bank_face *face)
{
	struct can_bms_put put = begin(answer, id);

	put_temperature(&put, 0, face->temp_max_c);
	put_temperature(&put, 2, face->temp_min_c);
	end(answer, &put);
}

/* A pack is a module. Its voltage in mV has 16 bits: made for modules of 48 V, left out beyond. */
static void answer_modules(struct answer *answer, const struct bank_face *face)
{
	struct can_bms_put put = begin(answer, 0x4260);

	put.known = face->pack_max_v <= module_max_v && face->pack_min_pack > 0;
	can_bms_put_unsigned(&put, 0, face->pack_max_v, 0.001);
	can_bms_put_unsigned(&put, 2, face->pack_min_v, 0.001);
	can_bms_put_word(&put, 4, (uint16_t)(face->pack_max_pack - 1));
	can_bms_put_word(&put, 6, (uint16_t)(face->pack_min_pack - 1));
	end(answer, &put);
}

/* Bits of the alarm and of the protection word, which share one layout. */
static uint16_t trouble_word(uint32_t bits)
{
	static const struct {
		uint32_t bits;
		uint16_t mask;
	} place[] = {
		{BIT(UNDER_VOLT_ALARM) | BIT(UNDER_VOLT_WARNING), 1u << 0},
		{BIT(OVER_VOLT_ALARM) | BIT(OVER_VOLT_WARNING), 1u << 1},
		{BIT(UNDER_TEMP_ALARM) | BIT(UNDER_TEMP_WARNING), 1u << 4 | 1u << 6},
		{BIT(OVER_TEMP_ALARM) | BIT(OVER_TEMP_WARNING), 1u << 5 | 1u << 7},
		{BIT(OVER_CHARGE_CURRENT_ALARM) | BIT(OVER_CHARGE_CURRENT_WARNING), 1u << 8},
		{BIT(OVER_DISCHARGE_CURRENT_ALARM) | BIT(OVER_DISCHARGE_CURRENT_WARNING), 1u << 9},
	};
	uint16_t word = 0;

	for (size_t i = 0; i < sizeof place / sizeof place[0]; i++)
		if (bits & place[i].bits)
			word |= place[i].mask;
	return word;
}

/* Everything of the error byte that is not of its own cause: "other". */
static uint8_t error_byte(const struct can_bms_battery *battery)
{
	uint32_t bits = battery->face.alarms;

	return (uint8_t)((bits & BIT(COMMUNICATION) ? 1u << 2 : 0) |
			 (bits & BIT(CONTACTOR) ? 1u << 5 : 0) |
			 (battery->alarm || bits & (BIT(OTHER_ALARM) | BIT(GROUND_FAULT) |
						    BIT(CONFIGURATION_ALARM) | BIT(OPEN_DOOR))
				  ? 1u << 7
				  : 0));
}

static uint8_t status_of(const struct can_bms_battery *battery)
{
	if (!battery->face.known)
		return STATUS_SLEEP;
	if (battery->face.a > idle_a)
		return STATUS_DISCHARGE;
	return battery->face.a < -idle_a ? STATUS_CHARGE : STATUS_IDLE;
}

static void answer_status(struct answer *answer, const struct can_bms_battery *battery)
{
	struct can_bms_put put = begin(answer, 0x4250);

	put.frame->data[0] = status_of(battery);
	put.frame->data[3] = error_byte(battery);
	can_bms_put_word(&put, 4, trouble_word(battery->face.warnings));
	can_bms_put_word(&put, 6, trouble_word(battery->face.alarms));
	end(answer, &put);
}

static void answer_forbidden(struct answer *answer, const struct can_bms_battery *battery)
{
	const struct bank_face *face = &battery->face;
	struct can_bms_put put = begin(answer, 0x4280);

	if (!(face->known && face->charge_ok && battery->charge_a > 0.0))
		put.frame->data[0] = FORBIDDEN;
	if (!(face->known && face->discharge_ok && battery->discharge_a > 0.0))
		put.frame->data[1] = FORBIDDEN;
	end(answer, &put);
}

static void answer_info(struct answer *answer)
{
	const struct can_bms_setup *setup = answer->setup;
	struct can_bms_put put = begin(answer, 0x7310);

	put.frame->data[0] = (uint8_t)(setup->model & 0xff);
	put.frame->data[2] = (uint8_t)(setup->version >> 8);
	put.frame->data[3] = (uint8_t)(setup->version & 0xff);
	end(answer, &put);
	put = begin(answer, 0x7320);
	can_bms_put_word(&put, 0, setup->cells);
	put.frame->data[2] = setup->modules;
	put.frame->data[3] = (uint8_t)(setup->cells > UINT8_MAX ? UINT8_MAX : setup->cells);
	can_bms_put_unsigned(&put, 4, setup->nominal_v, 1.0);
	can_bms_put_unsigned(&put, 6, setup->installed_ah, 1.0);
	end(answer, &put);
	put = begin(answer, 0x7330);
	can_bms_put_text(&put, setup->manufacturer, 0, '\0');
	end(answer, &put);
	put = begin(answer, 0x7340);
	can_bms_put_text(&put, setup->manufacturer, 8, '\0');
	end(answer, &put);
}

unsigned can_bms_hv_frames(const struct can_bms_setup *setup, const struct can_bms_battery *battery,
			   unsigned requests, struct can_frame frame[CAN_BMS_FRAMES_MAX])
{
	struct answer answer = {setup, frame, 0};

	if (requests & CAN_BMS_ASKS_INFO)
		answer_info(&answer);
	if (!(requests & CAN_BMS_ASKS_DATA))
		return answer.n;
	if (battery->face.known)
		answer_measured(&answer, &battery->face);
	answer_limits(&answer, battery);
	if (battery->face.known) {
		answer_cells(&answer, &battery->face);
		answer_temperatures(&answer, 0x4240, &battery->face);
	}
	answer_status(&answer, battery);
	if (battery->face.known) {
		answer_modules(&answer, &battery->face);
		answer_temperatures(&answer, 0x4270, &battery->face);
	}
	answer_forbidden(&answer, battery);
	return answer.n;
}
