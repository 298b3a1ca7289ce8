#include "core/bank.h"
#include "core/num.h"
#include "core/sequence.h"

double sequence_current_a(const struct bank *bank, unsigned k)
{
	return fabs(bank->now.pack[k].current_a);
}

bool sequence_may_hold(const struct bank *bank, unsigned k)
{
	return bank->protect.pack[k].permit.hold && bank->protect.permit.hold;
}

/* The first coil of a closing rises: it wears, whatever comes of it. */
static void count_operation(struct bank *bank, unsigned k)
{
	for (int pole = 0; pole < POLE_COUNT; pole++)
		if (bank->contactor[k].coil[pole])
			return;
	bank->contactor[k].ops_today++;
	bank->plan.ops_hour++;
}

/* What the precharge resistor lets pass. */
static double resistor_a(const struct bank *bank, unsigned k)
{
	double across_v = fabs(bank->now.pack[k].pack_v - bank->now.bus_v);

	return num_or(across_v / bank->site.pack[k].contactors.precharge_ohm, 0.);
}

static void count_make(struct bank *bank, unsigned k, enum pole pole)
{
	const struct contactor *contactor = &bank->contactor[k];
	const struct pack_contactors *site = &bank->site.pack[k].contactors;
	bool joins = site->by_frames && !contactor->by_precharge;
	bool makes = joins || contactor->state == CONTACTOR_CLOSE_SECOND;
	double dv_v = num_or(bank->now.pack[k].pack_v - bank->now.bus_v, 0.);

	if (pole == POLE_PRECHARGE)
		life_count_make(&bank->life[k], pole, resistor_a(bank, k), dv_v, 1.,
				site->wear_rated_a);
	else if (makes)
		life_count_make(&bank->life[k], pole, contactor->predicted_a, dv_v,
				contactor->by_precharge ? bank->now.bus_v / bank->now.pack[k].pack_v
							: 1.,
				site->wear_rated_a);
	else /* the pole that closes first makes nothing */
		life_count_make(&bank->life[k], pole, 0., 0., 1., site->wear_rated_a);
}

static void count_break(struct bank *bank, unsigned k, enum pole pole)
{
	const struct contactor *contactor = &bank->contactor[k];
	const struct pack_contactors *site = &bank->site.pack[k].contactors;
	double current_a = 0.;

	if (pole == POLE_PRECHARGE)
		current_a = resistor_a(bank, k);
	else if (contactor->connected)
		current_a = num_or(sequence_current_a(bank, k), 0.);
	life_count_break(&bank->life[k], pole, current_a, bank->now.bus_v, site->wear_rated_a,
			 site->break_max_a);
}

void sequence_drive(struct bank *bank, unsigned k, enum pole pole, bool on)
{
	struct contactor *contactor = &bank->contactor[k];

	if (!bank->site.pack[k].contactors.has[pole] || contactor->coil[pole] == on)
		return;
	if (on)
		count_operation(bank, k);
	contactor->coil[pole] = on;
	contactor->coil_ms[pole] = bank->now_ms;
	if (on)
		count_make(bank, k, pole);
	else
		count_break(bank, k, pole);
}

void sequence_enter(struct bank *bank, unsigned k, enum contactor_state state)
{
	if (state == CONTACTOR_OPEN || state == CONTACTOR_CLOSED)
		bank->contactor[k].joining = false;
	bank->contactor[k].state = state;
	bank->contactor[k].since_ms = bank->now_ms;
}

int64_t sequence_elapsed_ms(const struct bank *bank, unsigned k)
{
	return bank->now_ms - bank->contactor[k].since_ms;
}

/* Feedback shows the pole as wanted; without feedback only time can tell. */
bool sequence_is_proven(const struct bank *bank, unsigned k, enum pole pole, enum contact wanted,
			int32_t blind_ms)
{
	const struct pack_contactors *site = &bank->site.pack[k].contactors;

	if (site->feedback[pole] && (site->has[pole] || site->by_frames))
		return bank->now.pack[k].feedback[pole] == wanted;
	if (!site->has[pole])
		return true;
	return bank->now_ms - bank->contactor[k].coil_ms[pole] >= blind_ms;
}

enum pole sequence_first_pole(const struct pack_contactors *site)
{
	return site->has[POLE_NEGATIVE] ? POLE_NEGATIVE : POLE_POSITIVE;
}

enum pole sequence_second_pole(const struct pack_contactors *site)
{
	return site->has[POLE_POSITIVE] ? POLE_POSITIVE : POLE_NEGATIVE;
}

void sequence_release(struct bank *bank, unsigned k)
{
	sequence_drive(bank, k, POLE_PRECHARGE, false);
	sequence_drive(bank, k, POLE_POSITIVE, false);
	sequence_drive(bank, k, POLE_NEGATIVE, false);
}

void sequence_tell_unproven(struct bank *bank, unsigned k, struct bank_outputs *out)
{
	struct contactor *contactor = &bank->contactor[k];

	if (!contactor->unproven_told)
		bank_event(bank, out, EVENT_NOTE, REASON_OPEN_UNPROVEN, (int)k, NAN, NAN);
	contactor->unproven_told = true;
}

void sequence_weld(struct bank *bank, unsigned k, enum pole pole, struct bank_outputs *out)
{
	struct contactor *contactor = &bank->contactor[k];

	if (contactor->welded[pole])
		return;
	contactor->welded[pole] = true;
	if (bank->site.pack[k].contactors.by_frames && contactor->stray_ms == 0)
		contactor->stray_ms = bank->now_ms; /* in the books until it says that it is open */
	contactor->trip_weld = !contactor->planned && contactor->state >= CONTACTOR_OPEN_FIRST;
	protect_trip(bank, out, (int)k, REASON_WELDED, (double)sequence_elapsed_ms(bank, k),
		     bank->site.pack[k].contactors.open_ms);
}
