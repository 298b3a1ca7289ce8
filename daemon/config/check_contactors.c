/* Contactors of one pack: on lines of ours, or driven by the pack's own BMS. */
#include <math.h>
#include <string.h>

#include "config/subject.h"

enum {
	LINES_ANSWER_MS = 1000, /* a contactor on a line answers within */
	SILENCE_LONGEST_MS =
		5000, /* a pack opens so long after its controller died, at the latest */
};

/* 20 % on top: the capacitance is a catalogue value. */
static void check_precharge(const struct subject *subject)
{
	const struct pack_contactors *contactors = &subject->pack->contactors;
	const struct bus_site *bus = &subject->config->site.bus;
	double v = subject->pack->limit.pack_max_v;
	double energy_j = 0.6 * bus->capacitance_f * v * v;
	double long_s = 8.0 * contactors->precharge_ohm * bus->capacitance_f;

	if (!contactors->has[POLE_PRECHARGE])
		return;
	if (isnan(contactors->precharge_ohm))
		PACK_MISTAKE(subject, NULL, "precharge",
			     "precharge.resistor_ohm is missing: a precharge contactor is fitted");
	if (isnan(contactors->precharge_j))
		PACK_MISTAKE(subject, NULL, "precharge",
			     "precharge.resistor_j is missing: a precharge contactor is fitted");
	if (contactors->precharge_j < energy_j)
		PACK_MISTAKE(subject, "precharge", "resistor_j",
			     "precharge.resistor_j %g is too small: one precharge of %g F to %g V "
			     "takes %.0f J with 20 %% margin",
			     contactors->precharge_j, bus->capacitance_f, v, energy_j);
	if (long_s > 10.0)
		PACK_MISTAKE(subject, "precharge", "resistor_ohm",
			     "precharge.resistor_ohm %g with %g F takes up to %.1f s, more than "
			     "10: use a smaller resistor",
			     contactors->precharge_ohm, bus->capacitance_f, long_s);
	if (v / contactors->precharge_ohm > subject->pack->limit.fuse_a)
		PACK_MISTAKE(subject, "precharge", "resistor_ohm",
			     "precharge.resistor_ohm %g lets %.0f A flow into an empty bus, more "
			     "than fuse_a %g",
			     contactors->precharge_ohm, v / contactors->precharge_ohm,
			     subject->pack->limit.fuse_a);
}

static bool names_lines(const struct pack_config *own)
{
	for (int pole = 0; pole < POLE_COUNT; pole++)
		if ((*own->coil[pole] && strcmp(own->coil[pole], "none") != 0) ||
		    (*own->feedback[pole] && strcmp(own->feedback[pole], "none") != 0))
			return true;
	return false;
}

/* The pack's own BMS moves its contactors (hazards rule 9). */
static void check_by_frames(const struct subject *subject)
{
	const struct pack_contactors *contactors = &subject->pack->contactors;
	bool silence = contactors->silence_verified && contactors->silence_ms > 0;

	if (names_lines(&subject->config->pack[subject->k]))
		PACK_MISTAKE(subject, "contactors", "by_frames",
			     "by_frames = true and lines of contactors: the pack's own BMS drives "
			     "them, or lines do");
	if (contactors->silence_verified && contactors->silence_ms <= 0)
		PACK_MISTAKE(subject, "contactors", "silence_verified",
			     "silence_verified without opens_on_silence_s: say how soon the pack "
			     "opens");
	if (!contactors->supply_in_chain &&
	    !(silence && contactors->silence_ms <= SILENCE_LONGEST_MS))
		PACK_MISTAKE(
			subject, "contactors", "by_frames",
			"nothing opens this pack when the controller dies: it must be verified "
			"to open within %g s of silence (opens_on_silence_s, "
			"silence_verified), or supply_in_heartbeat_chain",
			SILENCE_LONGEST_MS / 1000.0);
}

static void check_by_lines(const struct subject *subject)
{
	const struct pack_contactors *contactors = &subject->pack->contactors;
	const struct pack_config *own = &subject->config->pack[subject->k];

	for (int pole = 0; pole < POLE_COUNT; pole++)
		if (own->reports[pole]) {
			PACK_MISTAKE(
				subject, "contactors", "by_frames",
				"the pack's messages report contactors it does not drive: name "
				"a feedback line, or say by_frames = true");
			break;
		}
	if (contactors->close_ms > LINES_ANSWER_MS || contactors->open_ms > LINES_ANSWER_MS)
		PACK_MISTAKE(subject, "contactors", "close_s",
			     "contactors.close_s %g and open_s %g: a contactor on a line answers "
			     "within %g s",
			     contactors->close_ms / 1000.0, contactors->open_ms / 1000.0,
			     LINES_ANSWER_MS / 1000.0);
	if (contactors->close_ms + contactors->open_ms > subject->config->site.plan.settle_ms)
		PACK_MISTAKE(subject, "contactors", "close_s",
			     "contactors.close_s and open_s together exceed plan.settle_s %g: the "
			     "bank would switch on before this pack has answered",
			     subject->config->site.plan.settle_ms / 1000.0);
}

static void check_coils(const struct subject *subject)
{
	const struct pack_contactors *contactors = &subject->pack->contactors;
	const struct pack_config *own = &subject->config->pack[subject->k];
	bool real = strcmp(subject->config->gpio.chip, "sim") != 0;
	static const char *const names[] = {"contactors.negative", "contactors.positive",
					    "contactors.precharge"};
	static const char *const contacts[] = {"contactors.feedback_negative",
					       "contactors.feedback_positive", NULL};

	for (int pole = 0; pole < POLE_COUNT && real; pole++) {
		if (!*own->coil[pole])
			PACK_MISTAKE(subject, NULL, "contactors",
				     "%s is missing: name its line, or \"none\"", names[pole]);
		if (contacts[pole] && !*own->feedback[pole])
			PACK_MISTAKE(subject, NULL, "contactors",
				     "%s is missing: name its line, or \"none\"", contacts[pole]);
	}
	if (!contactors->has[POLE_NEGATIVE] && !contactors->has[POLE_POSITIVE] &&
	    (!real || *own->coil[POLE_NEGATIVE]))
		PACK_MISTAKE(subject, NULL, "contactors",
			     "neither pole has a coil: nothing here could open this pack");
	else if ((!contactors->has[POLE_NEGATIVE] || !contactors->has[POLE_POSITIVE]) &&
		 !contactors->shared_pole && (!real || *own->coil[POLE_NEGATIVE]))
		PACK_MISTAKE(
			subject, NULL, "contactors",
			"only one pole has a coil: say contactors.shared_pole = true, the pack "
			"is then never reported isolated");
	check_by_lines(subject);
}

static void check_contactors(const struct subject *subject)
{
	const struct pack_contactors *contactors = &subject->pack->contactors;

	if (contactors->by_frames)
		check_by_frames(subject);
	else
		check_coils(subject);
	if (contactors->wear_warn > contactors->wear_inhibit)
		PACK_MISTAKE(subject, "contactors", "wear_warn",
			     "contactors.wear_warn %g is above wear_inhibit %g",
			     contactors->wear_warn, contactors->wear_inhibit);
	if (contactors->break_max_a > subject->pack->limit.fuse_a)
		PACK_MISTAKE(subject, "contactors", "break_max_a",
			     "contactors.break_max_a %g is above fuse_a %g",
			     contactors->break_max_a, subject->pack->limit.fuse_a);
}

void check_pack_contactors(struct reader *reader, unsigned k)
{
	struct subject subject = subject_of(reader, k);

	check_precharge(&subject);
	check_contactors(&subject);
}
