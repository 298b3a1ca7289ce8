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

void sequence_drive(struct bank *bank, unsigned k, enum pole pole, bool on)
{
	struct contactor *contactor = &bank->contactor[k];
	const struct pack_contactors *site = &bank->site.pack[k].contactors;

	if (!site->has[pole] || contactor->coil[pole] == on)
		return;
	contactor->coil[pole] = on;
	contactor->coil_ms[pole] = bank->now_ms;
	if (on) {
		bool makes = pole != POLE_PRECHARGE && contactor->state == CONTACTOR_CLOSE_SECOND;
		double fraction = contactor->by_precharge && makes
					  ? bank->now.bus_v / bank->now.pack[k].pack_v
					  : 1.;
		life_count_make(&bank->life[k], pole, makes ? contactor->predicted_a : 0.,
				makes ? bank->now.pack[k].pack_v - bank->now.bus_v : 0., fraction,
				site->wear_rated_a);
	} else {
		bool breaks = pole != POLE_PRECHARGE && contactor->connected;
		life_count_break(&bank->life[k], pole,
				 breaks ? num_or(sequence_current_a(bank, k), 0.) : 0.,
				 bank->now.bus_v, site->wear_rated_a, site->break_max_a);
	}
}

void sequence_enter(struct bank *bank, unsigned k, enum contactor_state state)
{
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

	if (!site->has[pole])
		return true;
	if (site->feedback[pole])
		return bank->now.pack[k].feedback[pole] == wanted;
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

void sequence_weld(struct bank *bank, unsigned k, enum pole pole, struct bank_outputs *out)
{
	struct contactor *contactor = &bank->contactor[k];

	if (contactor->welded[pole])
		return;
	contactor->welded[pole] = true;
	contactor->trip_weld = !contactor->planned && contactor->state >= CONTACTOR_OPEN_FIRST;
	protect_trip(bank, out, (int)k, REASON_WELDED, (double)sequence_elapsed_ms(bank, k),
		     bank->site.pack[k].contactors.open_ms);
}
