/* The effective site, in the syntax of the file; the keys as a reference; the hardware layers. */
#include <math.h>
#include <string.h>

#include "config/key.h"

struct printer {
	FILE *out;
	const struct config *config;
	struct bases bases;
	unsigned depth;
};

static void group_print(const struct printer *printer, const struct group *group);

static void indent(const struct printer *printer)
{
	for (unsigned i = 0; i < printer->depth; i++)
		fputc('\t', printer->out);
}

static void text_print(const struct printer *printer, const char *text)
{
	fputc('"', printer->out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', printer->out);
		fputc(*text, printer->out);
	}
	fputs("\";\n", printer->out);
}

/* A libconfig float needs a point or an exponent. */
static void real_print(const struct printer *printer, double value)
{
	char text[32];

	number_text(value, text, sizeof(text));
	fprintf(printer->out, "%s%s;\n", text, strpbrk(text, ".e") ? "" : ".0");
}

static void count_print(const struct printer *printer, double value)
{
	fprintf(printer->out, "%.0f%s;\n", value, value > 2147483647.0 ? "L" : "");
}

/* The value behind "key = ", or nothing and false when there is none. */
static bool value_is_there(const struct key *key, const struct printer *printer)
{
	const char *at = key_text(key, printer->bases);
	double value;

	if (key->type == KEY_TEXT || key->type == KEY_ID || key->type == KEY_LINE ||
	    key->type == KEY_FILE || key->type == KEY_NAME)
		return *at != '\0';
	if (key->type == KEY_PACK)
		return key_load(key, printer->bases) >= 0.0;
	value = key_load(key, printer->bases);
	/* An optional value outside its range stands for "does not apply". */
	if (key->type == KEY_REAL && key->need == NEED_OPTIONAL)
		return value >= key->lo && value <= key->hi;
	return isfinite(value);
}

static void value_print(const struct printer *printer, const struct key *key)
{
	double value = key_load(key, printer->bases);

	if (!value_is_there(key, printer)) {
		if (isinf(value)) {
			indent(printer);
			fprintf(printer->out, "# %s: %s\n", key->name, key->text);
		}
		return;
	}
	indent(printer);
	fprintf(printer->out, "%s = ", key->name);
	switch (key->type) {
	case KEY_REAL:
	case KEY_SECONDS:
		real_print(printer, value);
		break;
	case KEY_COUNT:
		count_print(printer, value);
		break;
	case KEY_BOOL:
		fputs(value > 0.0 ? "true;\n" : "false;\n", printer->out);
		break;
	case KEY_WORD:
		text_print(printer, key->words->word((int)value));
		break;
	case KEY_PACK:
		text_print(printer, printer->config->site.pack[(int)value].id);
		break;
	case KEY_TEXT:
	case KEY_ID:
	case KEY_LINE:
	case KEY_FILE:
	case KEY_NAME:
		text_print(printer, key_text(key, printer->bases));
		break;
	case KEY_GROUP:
	case KEY_LIST:
	case KEY_WIRE:
		break;
	}
}

static void list_print(const struct printer *printer, const struct key *key)
{
	const struct list *list = key->list;
	struct config *config = (struct config *)(uintptr_t)printer->config;
	struct printer element = *printer;
	struct bases site = bases_of_site(config);
	unsigned n;

	memcpy(&n, site.at[list->count_base] + list->count_offset, sizeof(n));
	if (n == list->first)
		return;
	indent(printer);
	fprintf(printer->out, "%s = (\n", key->name);
	element.depth += 2;
	for (unsigned i = list->first; i < n; i++) {
		list->place(config, i, &element.bases);
		indent(printer);
		fputs("\t{\n", printer->out);
		group_print(&element, list->element);
		indent(printer);
		fprintf(printer->out, "\t}%s\n", i + 1 < n ? "," : "");
	}
	indent(printer);
	fputs(");\n", printer->out);
}

static bool group_is_there(const struct printer *printer, const struct group *group)
{
	if (group == &mqtt_group)
		return printer->config->mqtt.enabled;
	if (group == &sunspec_group)
		return printer->config->sunspec.enabled;
	if (group == &can_bms_group) {
		const void *own = printer->bases.at[BASE_OWN];

		return ((const struct pcs_config *)own)->can_bms.dialect >= 0;
	}
	return group != &simulation_group || printer->config->simulated;
}

static void group_print(const struct printer *printer, const struct group *group)
{
	struct printer below = *printer;

	below.depth++;
	for (unsigned i = 0; i < group->n_keys; i++) {
		const struct key *key = &group->key[i];

		if (key->type == KEY_LIST) {
			list_print(printer, key);
		} else if (key->type != KEY_GROUP) {
			value_print(printer, key);
		} else if (group_is_there(printer, key->group)) {
			indent(printer);
			fprintf(printer->out, "%s = {\n", key->name);
			group_print(&below, key->group);
			indent(printer);
			fputs("};\n", printer->out);
		}
	}
}

void config_print(const struct config *config, FILE *out)
{
	struct printer printer = {out, config, {{NULL, NULL}}, 0};

	/* The tables serve reader and printer alike; printing only reads. */
	printer.bases = bases_of_site((struct config *)(uintptr_t)config);
	group_print(&printer, &root_group);
}

/* ---- reference --------------------------------------------------------------------------- */

static void words_print(FILE *out, const struct words *words)
{
	for (int i = words->first; i < words->count; i++)
		fprintf(out, "%s`\"%s\"`", i > words->first ? ", " : "", words->word(i));
}

static void kind_print(FILE *out, const struct key *key)
{
	char lo[32], hi[32];

	switch (key->type) {
	case KEY_REAL:
	case KEY_SECONDS:
	case KEY_COUNT:
		fprintf(out, "%s%s..%s", key->type == KEY_COUNT ? "whole, " : "",
			number_text(key->lo, lo, sizeof(lo)), number_text(key->hi, hi, sizeof(hi)));
		break;
	case KEY_BOOL:
		fputs("true or false", out);
		break;
	case KEY_WORD:
		words_print(out, key->words);
		break;
	case KEY_TEXT:
		fprintf(out, "text, up to %zu bytes", key->size - 1);
		break;
	case KEY_ID:
		fputs("id", out);
		break;
	case KEY_LINE:
		fputs("line", out);
		break;
	case KEY_FILE:
		fputs("file", out);
		break;
	case KEY_PACK:
	case KEY_NAME:
		fputs("id of a pack", out);
		break;
	case KEY_GROUP:
	case KEY_LIST:
	case KEY_WIRE:
		break;
	}
}

static void standard_print(FILE *out, const struct key *key)
{
	char text[32];

	if (key->need == NEED_REQUIRED)
		fputs("required", out);
	else if (key->need == NEED_OPTIONAL)
		fputs(key->text, out);
	else if (key->text)
		fprintf(out, "`\"%s\"`", key->text);
	else if (key->type == KEY_WORD)
		fprintf(out, "`\"%s\"`", key->words->word((int)key->standard));
	else if (key->type == KEY_BOOL)
		fputs(key->standard > 0.0 ? "true" : "false", out);
	else
		fputs(number_text(key->standard, text, sizeof(text)), out);
}

static void group_describe(FILE *out, const struct group *group)
{
	if (*group->path) {
		fprintf(out, "\n### `%s`\n\n%s\n\n", group->path, group->help);
		fputs("| key | values | default | meaning |\n|---|---|---|---|\n", out);
	}
	for (unsigned i = 0; i < group->n_keys && *group->path; i++) {
		const struct key *key = &group->key[i];

		if (key->type == KEY_GROUP || key->type == KEY_LIST)
			continue;
		fprintf(out, "| `%s` | ", key->name);
		kind_print(out, key);
		fputs(" | ", out);
		standard_print(out, key);
		fprintf(out, " | %s |\n", key->help);
	}
	for (unsigned i = 0; i < group->n_keys; i++) {
		const struct key *key = &group->key[i];

		if (key->type == KEY_GROUP)
			group_describe(out, key->group);
		else if (key->type == KEY_LIST)
			group_describe(out, key->list->element);
	}
}

void config_print_keys(FILE *out)
{
	group_describe(out, &root_group);
}

/* ---- layers ------------------------------------------------------------------------------ */

void config_print_layers(const struct config *config, FILE *out)
{
	static const char *const names[LAYER_COUNT] = {
		"over-voltage", "under-voltage", "over-current", "over-temperature", "isolation"};

	fputs("# Hardware that acts without Rebank:\n", out);
	for (unsigned k = 0; k < config->site.n_packs; k++) {
		for (int i = 0; i < LAYER_COUNT; i++) {
			const char *text = config->pack[k].layer[i];

			fprintf(out, "#   %-32s  %-16s  %s\n", i ? "" : config->site.pack[k].id,
				names[i], *text ? text : "nothing stated");
		}
	}
}

void config_print_doubts(const struct config *config, FILE *out)
{
	bool first = true;

	for (unsigned k = 0; k < config->site.n_packs; k++) {
		const struct pack_config *own = &config->pack[k];

		if (!own->wire || strcmp(own->bus, "sim") == 0)
			continue;
		if (first)
			fputs("# Not verified on a pack, try it on a bench first:\n", out);
		first = false;
		fprintf(out, "#   %s, profile %s: %s\n", config->site.pack[k].id,
			own->wire->profile, own->unverified);
	}
}
