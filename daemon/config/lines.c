#include "config/lines.h"

#include <string.h>

struct site_line {
	enum gpio_role role;
	unsigned index;
	const char *key;
	size_t offset; /* of the text in struct gpio_config */
};

#define LINE(role, key)                                                                            \
	{                                                                                          \
		role, 0, #key, offsetof(struct gpio_config, key)                                   \
	}
#define INPUT(id, key)                                                                             \
	{                                                                                          \
		GPIO_INPUT, id, key, offsetof(struct gpio_config, input[id])                       \
	}

static const struct site_line site_lines[] = {
	LINE(GPIO_PCS_ENABLE, pcs_enable),
	LINE(GPIO_HEARTBEAT, heartbeat),
	LINE(GPIO_ALARM_RELAY, alarm_relay),
	LINE(GPIO_FIRE_RELAY, fire_relay),
	LINE(GPIO_FAN, fan),
	LINE(GPIO_SUPPLY, supply),
	LINE(GPIO_IMD_PWM, imd_pwm),
	LINE(GPIO_IMD_OK, imd_ok),
	INPUT(INPUT_ESTOP, "estop"),
	INPUT(INPUT_INTERLOCK, "interlock"),
	INPUT(INPUT_SMOKE, "smoke"),
	INPUT(INPUT_GAS, "gas"),
	INPUT(INPUT_DOOR, "door"),
	INPUT(INPUT_INSULATION, "insulation"),
	INPUT(INPUT_REMOTE, "remote"),
	INPUT(INPUT_FAN, "fan_feedback"),
	INPUT(INPUT_MAINS, "mains"),
};

enum { SITE_LINES = sizeof site_lines / sizeof site_lines[0] };
_Static_assert(SITE_LINES == 8 + (int)INPUT_COUNT, "every line of the site is in the table");
_Static_assert(SITE_LINES + PACK_MAX * (2 * POLE_COUNT + 1) <= GPIO_USES_MAX, "all lines fit");

static bool is_wired(const char *text)
{
	return *text && strcmp(text, "none") != 0;
}

static unsigned lines_of_pack(const struct config *config, unsigned k, struct config_line *line)
{
	static const char *const keys[2][POLE_COUNT] = {
		{"negative", "positive", "precharge"},
		{"feedback_negative", "feedback_positive", "feedback_precharge"}};
	const struct pack_config *own = &config->pack[k];
	unsigned n = 0;

	for (unsigned pole = 0; pole < POLE_COUNT; pole++) {
		if (is_wired(own->coil[pole]))
			line[n++] = (struct config_line){
				GPIO_COIL, k, pole, true, keys[0][pole], own->coil[pole]};
		if (is_wired(own->feedback[pole]))
			line[n++] = (struct config_line){
				GPIO_FEEDBACK, k, pole, true, keys[1][pole], own->feedback[pole]};
	}
	if (is_wired(own->boost))
		line[n++] = (struct config_line){GPIO_BOOST, k, 0, true, "boost", own->boost};
	return n;
}

unsigned config_lines(const struct config *config, struct config_line *line)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SITE_LINES; i++) {
		const struct site_line *of = &site_lines[i];
		const char *text = (const char *)&config->gpio + of->offset;

		if (is_wired(text))
			line[n++] =
				(struct config_line){of->role, 0, of->index, false, of->key, text};
	}
	for (unsigned k = 0; k < config->site.n_packs; k++)
		n += lines_of_pack(config, k, line + n);
	return n;
}

void config_line_name(const struct config *config, const struct config_line *line, char *text,
		      size_t size)
{
	if (line->of_pack)
		snprintf(text, size, "%s of %s", line->key, config->site.pack[line->pack].id);
	else
		snprintf(text, size, "%s", line->key);
}
