#include "ctl/preflight_run.h"

#include <stdarg.h>
#include <string.h>

enum {
	SPIN_UP_MS = 1500, /* the heartbeat relay and the coil supply come up */
	REST_MS = 300,     /* between two pulses */
	LATE_MS = 300,     /* on top of close_s and open_s before "nothing moved" */
	FAN_MS = 10000,
	READBACK_MS = 50,
};

static struct preflight_item *item_new(struct preflight *p, const char *what)
{
	struct preflight_item *item = &p->item[p->n_items];

	if (p->n_items + 1 < PREFLIGHT_ITEMS_MAX)
		p->n_items++;
	*item = (struct preflight_item){.close_ms = -1, .open_ms = -1};
	snprintf(item->what, sizeof(item->what), "%s", what);
	return item;
}

static void item_end(struct preflight *p, struct preflight_item *item, enum verdict verdict,
		     const char *format, ...) __attribute__((format(printf, 4, 5)));

static void item_end(struct preflight *p, struct preflight_item *item, enum verdict verdict,
		     const char *format, ...)
{
	va_list args;

	item->verdict = verdict;
	va_start(args, format);
	vsnprintf(item->text, sizeof(item->text), format, args);
	va_end(args);
	p->say(p->context, item);
}

/* ---- time and lines ---------------------------------------------------------------------- */

static int find(const struct preflight *p, enum gpio_role role, unsigned pack, unsigned index)
{
	for (unsigned i = 0; i < p->setup->n_uses; i++)
		if (p->setup->use[i].role == role && p->setup->use[i].pack == pack &&
		    p->setup->use[i].index == index)
			return (int)i;
	return -1;
}

static void set(struct preflight *p, int use, bool active)
{
	if (use >= 0)
		gpio_board_set(p->board, (unsigned)use, active);
}

static int64_t now_ms(const struct preflight *p)
{
	return p->now_ms(p->context);
}

static void beat(struct preflight *p)
{
	if (!p->beating || now_ms(p) - p->beat_ms < p->config->site.tick_ms)
		return;
	p->beat_ms = now_ms(p);
	p->beat = !p->beat;
	set(p, find(p, GPIO_HEARTBEAT, 0, 0), p->beat);
}

/* One step of time; the levels are those after it. False: it is to end. */
static bool step(struct preflight *p)
{
	beat(p);
	gpio_board_flush(p->board);
	if (!p->aborted)
		p->aborted = !p->wait(p->context, PREFLIGHT_STEP_MS);
	gpio_board_read(p->board);
	return !p->aborted;
}

static bool pass_time(struct preflight *p, int ms)
{
	int64_t end_ms = now_ms(p) + ms;

	while (now_ms(p) < end_ms)
		if (!step(p))
			return false;
	return true;
}

/* Milliseconds until a line reads `active`; -1: not within `most_ms`. */
static int wait_for(struct preflight *p, int use, bool active, int most_ms)
{
	int64_t start_ms = now_ms(p);

	do {
		if (gpio_board_get(p->board, (unsigned)use) == (int)active)
			return (int)(now_ms(p) - start_ms);
		if (!step(p))
			return -1;
	} while (now_ms(p) - start_ms <= most_ms);
	return -1;
}

/* ---- contacts ---------------------------------------------------------------------------- */

struct contacts {
	int level[GPIO_USES_MAX];
};

static void contacts_take(const struct preflight *p, struct contacts *contacts)
{
	for (unsigned i = 0; i < p->setup->n_uses; i++)
		contacts->level[i] =
			p->setup->use[i].role == GPIO_FEEDBACK ? gpio_board_get(p->board, i) : 0;
}

/* A feedback other than `own` that is not as it was; -1: none. */
static int contact_moved(const struct preflight *p, const struct contacts *before, int own)
{
	for (unsigned i = 0; i < p->setup->n_uses; i++)
		if (p->setup->use[i].role == GPIO_FEEDBACK && (int)i != own &&
		    gpio_board_get(p->board, i) != before->level[i])
			return (int)i;
	return -1;
}

static void check_contacts_at_rest(struct preflight *p)
{
	for (unsigned i = 0; i < p->setup->n_uses; i++) {
		const struct gpio_use *use = &p->setup->use[i];

		if (use->role != GPIO_FEEDBACK || gpio_board_get(p->board, i) == 0)
			continue;
		item_end(p, item_new(p, use->name), VERDICT_FAIL,
			 "reads closed with every coil off: inverted (active-low or not), its wire "
			 "lost, swapped, or the contact is welded");
	}
}

/* ---- coils ------------------------------------------------------------------------------- */

static void coil_set(struct preflight *p, const struct gpio_use *use, int coil, bool active)
{
	set(p, coil, active);
	set(p, find(p, GPIO_BOOST, use->pack, 0), active);
}

/* Which way a coil fails that did not move its own contact. */
static void coil_blame(struct preflight *p, struct preflight_item *item, int own, int other,
		       bool inverted)
{
	if (inverted)
		item_end(p, item, VERDICT_FAIL,
			 "%s reads open when the coil is driven: it is wired inverted, add or drop "
			 "active-low",
			 p->setup->use[own].name);
	else if (other >= 0)
		item_end(p, item, VERDICT_FAIL, "moves %s%s%s: coil or feedback is swapped",
			 p->setup->use[other].name,
			 own >= 0 ? " and not " : ", and has no feedback of its own",
			 own >= 0 ? p->setup->use[own].name : "");
	else
		item_end(p, item, VERDICT_FAIL,
			 "%s did not move: coil, its supply (heartbeat relay, emergency stop) or "
			 "the "
			 "contact is not connected",
			 p->setup->use[own].name);
}

/* The coil is driven: does what shall move, and nothing else? True: go on with the opening. */
static bool coil_closes(struct preflight *p, struct preflight_item *item, int own,
			const struct contacts *before, int most_ms)
{
	bool inverted = own >= 0 && before->level[own] == 1;
	int other;

	if (own >= 0 && !inverted) {
		item->close_ms = wait_for(p, own, true, most_ms + LATE_MS);
		pass_time(p, READBACK_MS);
	} else {
		pass_time(p, most_ms + LATE_MS);
		inverted = inverted && gpio_board_get(p->board, (unsigned)own) == 0;
	}
	other = contact_moved(p, before, own);
	if (inverted || other >= 0 || (own >= 0 && item->close_ms < 0)) {
		if (!p->aborted)
			coil_blame(p, item, own, other, inverted);
		return false;
	}
	return true;
}

static void coil_judge(struct preflight *p, struct preflight_item *item,
		       const struct pack_contactors *contactors, int own)
{
	if (own < 0)
		item_end(p, item, VERDICT_UNPROVEN,
			 "was pulsed; it has no auxiliary contact: listen to it");
	else if (item->open_ms < 0)
		item_end(p, item, VERDICT_FAIL,
			 "%s stays closed after the coil was let go: welded, "
			 "or the coil is held by something else",
			 p->setup->use[own].name);
	else if (item->close_ms > contactors->close_ms || item->open_ms > contactors->open_ms)
		item_end(p, item, VERDICT_FAIL,
			 "closes in %d ms and opens in %d ms, slower than close_s or open_s",
			 item->close_ms, item->open_ms);
	else
		item_end(p, item, VERDICT_PASS, "closes in %d ms, opens in %d ms", item->close_ms,
			 item->open_ms);
}

static void check_coil(struct preflight *p, unsigned i)
{
	const struct gpio_use *use = &p->setup->use[i];
	const struct pack_contactors *contactors = &p->config->site.pack[use->pack].contactors;
	int own = find(p, GPIO_FEEDBACK, use->pack, use->index);
	struct preflight_item *item = item_new(p, use->name);
	struct contacts before;
	bool closed, readback;

	contacts_take(p, &before);
	coil_set(p, use, (int)i, true);
	step(p);
	readback = gpio_board_get(p->board, i) == 1;
	closed = readback && coil_closes(p, item, own, &before, contactors->close_ms);
	coil_set(p, use, (int)i, false);
	step(p);
	if (!readback && !p->aborted)
		item_end(p, item, VERDICT_FAIL,
			 "the line does not read as driven: it is shorted, or "
			 "not the board's to drive");
	if (closed && own >= 0)
		item->open_ms = wait_for(p, own, false, contactors->open_ms + LATE_MS);
	if (closed && !p->aborted)
		coil_judge(p, item, contactors, own);
	pass_time(p, REST_MS);
}

/* ---- the rest ---------------------------------------------------------------------------- */

/* Inputs that read as they like on a site that is sound. */
static bool is_free(unsigned id)
{
	return id == INPUT_REMOTE || id == INPUT_FAN;
}

static void check_inputs(struct preflight *p)
{
	for (unsigned i = 0; i < p->setup->n_uses; i++) {
		const struct gpio_use *use = &p->setup->use[i];
		bool healthy = gpio_board_get(p->board, i) == 1;

		if ((use->role != GPIO_INPUT || is_free(use->index)) && use->role != GPIO_SUPPLY)
			continue;
		item_end(p, item_new(p, use->name), healthy ? VERDICT_PASS : VERDICT_FAIL, "%s",
			 healthy ? "reads healthy"
				 : "reads tripped: released, closed, and wired normally-closed?");
	}
}

static void check_estop(struct preflight *p)
{
	int estop = find(p, GPIO_INPUT, 0, INPUT_ESTOP);
	struct preflight_item *item;
	bool pressed, released;

	if (estop < 0 || gpio_board_get(p->board, (unsigned)estop) != 1)
		return; /* not wired, or said to be tripped already */
	item = item_new(p, "emergency stop");
	p->ask(p->context, "press the emergency stop now");
	pressed = wait_for(p, estop, false, PREFLIGHT_ESTOP_WAIT_MS) >= 0;
	if (pressed)
		p->ask(p->context, "release the emergency stop");
	released = pressed && wait_for(p, estop, true, PREFLIGHT_ESTOP_WAIT_MS) >= 0;
	if (p->aborted)
		return;
	item_end(p, item, released ? VERDICT_PASS : VERDICT_FAIL, "%s",
		 released  ? "was seen pressed and released"
		 : pressed ? "was not released within a minute"
			   : "was not seen pressed within a minute: is the line the right one?");
}

static void check_fan(struct preflight *p)
{
	int fan = find(p, GPIO_FAN, 0, 0), turns = find(p, GPIO_INPUT, 0, INPUT_FAN), ms;
	struct preflight_item *item;

	if (fan < 0)
		return;
	item = item_new(p, "fan");
	set(p, fan, true);
	ms = turns >= 0 ? wait_for(p, turns, true, FAN_MS) : -1;
	if (turns < 0)
		pass_time(p, 1000);
	set(p, fan, false);
	step(p);
	if (p->aborted)
		return;
	if (turns < 0)
		item_end(p, item, VERDICT_UNPROVEN, "was on for a second; it has no feedback");
	else
		item_end(p, item, ms >= 0 ? VERDICT_PASS : VERDICT_FAIL,
			 ms >= 0 ? "turns after %d ms" : "does not turn within %d ms",
			 ms >= 0 ? ms : FAN_MS);
}

/* The first coil whose contact passed; -1: none. */
static int proven_coil(const struct preflight *p)
{
	for (unsigned n = 0; n < p->n_items; n++)
		for (unsigned i = 0; i < p->setup->n_uses; i++)
			if (p->item[n].verdict == VERDICT_PASS &&
			    p->setup->use[i].role == GPIO_COIL &&
			    strcmp(p->item[n].what, p->setup->use[i].name) == 0)
				return (int)i;
	return -1;
}

/* With a coil driven and the heartbeat standing, the relay must let the contactor go by itself. */
static void check_heartbeat(struct preflight *p)
{
	int coil = proven_coil(p), own, ms;
	struct preflight_item *item;

	if (find(p, GPIO_HEARTBEAT, 0, 0) < 0)
		return;
	item = item_new(p, "heartbeat relay");
	if (coil < 0) {
		item_end(p, item, VERDICT_UNPROVEN,
			 "no contactor with a proven feedback to see it by");
		return;
	}
	own = find(p, GPIO_FEEDBACK, p->setup->use[coil].pack, p->setup->use[coil].index);
	coil_set(p, &p->setup->use[coil], coil, true);
	wait_for(p, own, true, 1000);
	p->beating = false;
	ms = wait_for(p, own, false, PREFLIGHT_RELAY_MAX_MS + LATE_MS);
	coil_set(p, &p->setup->use[coil], coil, false);
	p->beating = true;
	pass_time(p, REST_MS);
	if (p->aborted)
		return;
	if (ms < 0)
		item_end(p, item, VERDICT_FAIL,
			 "%s stays closed %d ms after the heartbeat stopped: the coil supply does "
			 "not "
			 "hang on the relay, or its time is too long",
			 p->setup->use[coil].name, PREFLIGHT_RELAY_MAX_MS + LATE_MS);
	else if (ms < 2 * p->config->site.tick_ms || ms > PREFLIGHT_RELAY_MAX_MS)
		item_end(p, item, VERDICT_FAIL,
			 "lets go %d ms after the last edge: set it to 400-600 ms at a tick of 100 "
			 "ms",
			 ms);
	else
		item_end(p, item, VERDICT_PASS, "lets go %d ms after the heartbeat stopped", ms);
}

static void all_off(struct preflight *p)
{
	p->beating = false;
	for (unsigned i = 0; i < p->setup->n_uses; i++)
		if (gpio_role_is_output(p->setup->use[i].role))
			set(p, (int)i, false);
	gpio_board_flush(p->board);
}

bool preflight_run(struct preflight *p)
{
	bool good = true;

	p->aborted = false;
	p->beating = true;
	pass_time(p, SPIN_UP_MS);
	if (!p->aborted) {
		check_inputs(p);
		check_contacts_at_rest(p);
	}
	for (unsigned i = 0; i < p->setup->n_uses && !p->aborted; i++)
		if (p->setup->use[i].role == GPIO_COIL)
			check_coil(p, i);
	if (!p->aborted)
		check_fan(p);
	if (!p->aborted)
		check_heartbeat(p);
	if (!p->aborted)
		check_estop(p);
	all_off(p);
	for (unsigned n = 0; n < p->n_items; n++)
		good = good && p->item[n].verdict != VERDICT_FAIL;
	return good && !p->aborted;
}
