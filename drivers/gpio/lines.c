#include "drivers/gpio/lines.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/gpio/imd_pwm.h"
#include "drivers/gpio/persist.h"

enum {
	CHANGES_AT_ONCE = 64,
	ENABLE_FOLLOW_MS = 200, /* the enable's pad shows what was written within */
};

struct lines {
	struct gpio_setup setup;
	struct gpio_board *board;
	uint64_t found;    /* packs found driven, until it was told */
	bool persists;     /* the kernel keeps outputs driven after us */
	uint64_t has_line; /* packs with a line of their own */
	bool heartbeat;    /* level of the heartbeat line */
	bool enable;       /* written to the converters' enable */
	bool write_failed;
	int64_t enable_off_ms; /* the enable does not read as written since; 0: it does */
	struct digital_input input[INPUT_COUNT];
	bool pulsed[INPUT_COUNT]; /* tripped since the last gather, however short */
	int64_t contact_edge_ms[PACK_MAX][POLE_COUNT]; /* of auxiliary contacts */
	struct imd_pwm imd;
};

/* ---- in ---------------------------------------------------------------------------------- */

static enum contact contact_of(int active)
{
	return active < 0 ? CONTACT_UNKNOWN : active ? CONTACT_CLOSED : CONTACT_OPEN;
}

/* Level by read-back; a trip that was over before anybody looked is shown once. */
static void gather_input(struct lines *lines, unsigned id, int active, int64_t now_ms)
{
	struct digital_input *input = &lines->input[id];
	enum level level = active < 0 ? LEVEL_UNKNOWN : active ? LEVEL_OK : LEVEL_TRIPPED;

	if (lines->pulsed[id] && level == LEVEL_OK)
		level = LEVEL_TRIPPED;
	else if (level != input->level && input->edge_ms <= input->stamp_ms)
		input->edge_ms = now_ms; /* no edge was heard of it */
	lines->pulsed[id] = false;
	input->level = level;
	input->stamp_ms = now_ms;
}

/* An enable that does not follow cannot be relied on for the one thing it is for. */
static void watch_enable(struct lines *lines, int active, int64_t now_ms)
{
	if (active < 0 || (active != 0) == lines->enable)
		lines->enable_off_ms = 0;
	else if (lines->enable_off_ms == 0)
		lines->enable_off_ms = now_ms;
}

static void gather_use(struct lines *lines, unsigned i, struct bank_inputs *in)
{
	const struct gpio_use *use = &lines->setup.use[i];
	struct pack_contacts *contacts = &in->contacts[use->pack];
	int active = gpio_board_get(lines->board, i);

	switch (use->role) {
	case GPIO_COIL:
		contacts->readback[use->index] = contact_of(active);
		break;
	case GPIO_FEEDBACK:
		contacts->feedback[use->index] = contact_of(active);
		contacts->edge_ms[use->index] = lines->contact_edge_ms[use->pack][use->index];
		break;
	case GPIO_INPUT:
		gather_input(lines, use->index, active, in->now_ms);
		break;
	case GPIO_SUPPLY:
		in->supply_v = active < 0 ? (double)NAN : active ? lines->setup.supply_ok_v : 0.0;
		in->supply_ms = in->now_ms;
		break;
	case GPIO_PCS_ENABLE:
		watch_enable(lines, active, in->now_ms);
		break;
	case GPIO_BOOST:
	case GPIO_HEARTBEAT:
	case GPIO_ALARM_RELAY:
	case GPIO_FIRE_RELAY:
	case GPIO_FAN:
	case GPIO_IMD_PWM:
	case GPIO_IMD_OK:
		break;
	}
}

static void gather_imd(const struct lines *lines, struct bank_inputs *in)
{
	bool wired = false;
	int ok = -1;

	for (unsigned i = 0; i < lines->setup.n_uses; i++) {
		if (lines->setup.use[i].role == GPIO_IMD_PWM)
			wired = true;
		if (lines->setup.use[i].role == GPIO_IMD_OK)
			ok = gpio_board_get(lines->board, i) > 0;
	}
	if (wired)
		in->imd =
			imd_pwm_sample(&lines->imd, in->now_ms, ok, lines->setup.imd_response_ohm);
}

/* Edges that waited. True: one of them may trip something. */
static bool take_changes(struct lines *lines)
{
	struct gpio_change change[CHANGES_AT_ONCE];
	unsigned n = gpio_board_changes(lines->board, change, CHANGES_AT_ONCE);
	bool urgent = false;

	for (unsigned i = 0; i < n; i++) {
		const struct gpio_use *use = &lines->setup.use[change[i].use];

		if (use->role == GPIO_IMD_PWM) {
			imd_pwm_edge(&lines->imd, change[i].at_ns, change[i].active);
			continue;
		}
		urgent = true;
		if (use->role == GPIO_FEEDBACK)
			lines->contact_edge_ms[use->pack][use->index] = change[i].at_ns / 1000000;
		if (use->role != GPIO_INPUT)
			continue;
		lines->input[use->index].edge_ms = change[i].at_ns / 1000000;
		if (!change[i].active)
			lines->pulsed[use->index] = true;
	}
	return urgent;
}

static bool urgent(void *self, int64_t now_ms)
{
	(void)now_ms;
	return take_changes(self);
}

static void gather(void *self, struct bank_inputs *in)
{
	struct lines *lines = self;
	bool outputs;

	take_changes(lines);
	outputs = gpio_board_read(lines->board);
	for (unsigned k = 0; k < lines->setup.n_packs; k++)
		if (lines->has_line >> k & 1)
			in->contacts[k] = (struct pack_contacts){.stamp_ms = in->now_ms};
	for (unsigned i = 0; i < lines->setup.n_uses; i++)
		gather_use(lines, i, in);
	memcpy(in->input, lines->input, sizeof in->input);
	gather_imd(lines, in);
	in->outputs_persist = lines->persists;
	in->found_driven = lines->found;
	lines->found = 0;
	in->gpio = outputs && !lines->write_failed &&
				   (lines->enable_off_ms == 0 ||
				    in->now_ms - lines->enable_off_ms < ENABLE_FOLLOW_MS)
			   ? GPIO_OK
			   : GPIO_GONE;
	in->gpio_ms = in->now_ms;
}

/* ---- out --------------------------------------------------------------------------------- */

static bool output_of(struct lines *lines, const struct gpio_use *use,
		      const struct bank_outputs *out)
{
	switch (use->role) {
	case GPIO_COIL:
		return out->pack[use->pack].coil[use->index];
	case GPIO_BOOST:
		return out->pack[use->pack].boost;
	case GPIO_PCS_ENABLE:
		return lines->enable = out->pcs_enable;
	case GPIO_HEARTBEAT:
		return lines->heartbeat;
	case GPIO_ALARM_RELAY:
		return out->relay_healthy;
	case GPIO_FIRE_RELAY:
		return out->fire_healthy;
	case GPIO_FAN:
		return out->fan;
	case GPIO_FEEDBACK:
	case GPIO_INPUT:
	case GPIO_SUPPLY:
	case GPIO_IMD_PWM:
	case GPIO_IMD_OK:
		break;
	}
	return false;
}

/* The heartbeat moves with the outputs of its tick, and not after one that a chip did not take. */
static void apply(void *self, int64_t now_ms, const struct bank_outputs *out)
{
	struct lines *lines = self;

	(void)now_ms;
	if (out->heartbeat && !lines->write_failed)
		lines->heartbeat = !lines->heartbeat;
	for (unsigned i = 0; i < lines->setup.n_uses; i++)
		if (gpio_role_is_output(lines->setup.use[i].role))
			gpio_board_set(lines->board, i,
				       output_of(lines, &lines->setup.use[i], out));
	lines->write_failed = !gpio_board_flush(lines->board);
}

/* ---- open and close ---------------------------------------------------------------------- */

static void lines_close(void *self)
{
	struct lines *lines = self;

	for (unsigned i = 0; i < lines->setup.n_uses; i++)
		gpio_board_set(lines->board, i, false);
	gpio_board_flush(lines->board);
	gpio_board_close(lines->board);
	free(lines);
}

static void packs_note(struct lines *lines)
{
	for (unsigned i = 0; i < lines->setup.n_uses; i++) {
		const struct gpio_use *use = &lines->setup.use[i];

		if (use->role == GPIO_COIL || use->role == GPIO_FEEDBACK)
			lines->has_line |= 1ull << use->pack;
		if (use->role == GPIO_COIL && gpio_board_found(lines->board, i))
			lines->found |= 1ull << use->pack;
	}
}

/* False: the outputs would outlive this process, and nobody said that they may. */
static bool check_persistence(struct lines *lines, struct gpio_trouble *trouble)
{
	char module[64];

	lines->persists = gpio_outputs_persist(lines->board, "/sys", module, sizeof module);
	if (!lines->persists || lines->setup.persistence_allowed)
		return true;
	gpio_trouble_set(
		trouble, GPIO_TROUBLE_CONFIG,
		"the kernel keeps outputs driven after this process dies (%s."
		"persist_gpio_outputs is on): put dtparam=strict_gpiod into config.txt, or "
		"%s.persist_gpio_outputs=n on the kernel's command line, and reboot; or say "
		"gpio.persistent_outputs = \"alarm\"",
		module, module);
	return false;
}

static bool lines_take(struct lines *lines, struct gpio_trouble *trouble)
{
	lines->board = gpio_board_find(lines->setup.use, lines->setup.n_uses, trouble);
	return lines->board && check_persistence(lines, trouble) &&
	       gpio_board_take(lines->board, "rebankd", false, trouble) &&
	       gpio_board_listen(lines->board, "rebankd", trouble);
}

bool gpio_lines_open(struct driver *driver, const struct gpio_setup *setup,
		     struct gpio_trouble *trouble)
{
	struct lines *lines = calloc(1, sizeof *lines);

	if (!lines) {
		gpio_trouble_set(trouble, GPIO_TROUBLE_SYSTEM, "out of memory");
		return false;
	}
	lines->setup = *setup;
	if (!lines_take(lines, trouble)) {
		gpio_board_close(lines->board);
		free(lines);
		return false;
	}
	packs_note(lines);
	lines->write_failed = !gpio_board_settle(lines->board, GPIO_SETTLE_MS);
	*driver = (struct driver){.name = "gpio",
				  .self = lines,
				  .gather = gather,
				  .apply = apply,
				  .urgent_fd = gpio_board_fd(lines->board),
				  .urgent = urgent,
				  .close = lines_close};
	return true;
}
