/* A status document of the daemon as people read it: the same words as on MQTT. */
#include <string.h>
#include <time.h>

#include "ctl/remote.h"
#include "core/reason.h"
#include "ctl/scenario_parts.h"

static const char *string_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "-";
}

/* A number in `format`, or "-" where it is unknown. */
static const char *number_of(const json_t *object, const char *key, int decimals, char *text,
			     size_t size)
{
	const json_t *value = json_object_get(object, key);

	if (json_is_number(value))
		snprintf(text, size, "%.*f", decimals, json_number_value(value));
	else
		snprintf(text, size, "-");
	return text;
}

static const char *time_of(const json_t *object, const char *key, char *text, size_t size)
{
	const json_t *value = json_object_get(object, key);
	time_t seconds = (time_t)(json_integer_value(value) / 1000);
	struct tm local;

	if (!json_is_integer(value) || !localtime_r(&seconds, &local))
		snprintf(text, size, "-");
	else
		strftime(text, size, "%H:%M:%S", &local);
	return text;
}

/* "word (sentence)"; only "word" where the sentence adds nothing. */
static const char *reason_of(const json_t *object, const char *key, char *text, size_t size)
{
	const char *word = string_of(object, key);
	enum reason reason;

	if (reason_parse(word, &reason) && reason != REASON_OK)
		snprintf(text, size, "%s: %s", word, reason_text(reason)->sentence);
	else
		snprintf(text, size, "%s", word);
	return text;
}

static void print_bank(const json_t *status, FILE *out)
{
	const json_t *telemetry = json_object_get(status, "telemetry");
	const json_t *active = json_object_get(status, "active");
	char a[160], b[64];

	fprintf(out, "bank %s: %s", string_of(status, "bank"), string_of(telemetry, "state"));
	if (strcmp(string_of(telemetry, "state_reason"), "ok") != 0)
		fprintf(out, " (%s)", reason_of(telemetry, "state_reason", a, sizeof(a)));
	fprintf(out, ", %s%s%s, %s\n",
		json_is_true(json_object_get(status, "connected")) ? "broker connected"
								   : "no broker",
		json_is_true(json_object_get(active, "locked")) ? ", locked" : "",
		json_is_true(json_object_get(active, "stopped")) ? ", stopped" : "",
		time_of(status, "ts", b, sizeof(b)));
	if (json_is_false(json_object_get(status, "commissioned")))
		fprintf(out, "contactors stay open: %s\n", string_of(status, "commissioning"));
}

static void print_power(const json_t *status, FILE *out)
{
	const json_t *telemetry = json_object_get(status, "telemetry");
	const json_t *active = json_object_get(status, "active");
	char a[160], b[64], c[64];

	fprintf(out, "power      %s", power_text(json_object_get(telemetry, "p_w"), b, sizeof(b)));
	fprintf(out, ", target %s",
		power_text(json_object_get(active, "p_target_w"), b, sizeof(b)));
	fprintf(out, ", by %s", string_of(active, "mode"));
	if (json_is_string(json_object_get(active, "source")))
		fprintf(out, " from %s until %s", string_of(active, "source"),
			time_of(active, "expires", c, sizeof(c)));
	if (strcmp(string_of(active, "reason"), "ok") != 0)
		fprintf(out, " (%s)", reason_of(active, "reason", a, sizeof(a)));
	fprintf(out, "\n");
}

/* One direction: how much now, what bounds it, how much energy is left. */
static void print_direction(const json_t *limits, const char *title, const char *power,
			    const char *reason, const char *pack, const char *energy, FILE *out)
{
	const json_t *wh = json_object_get(limits, energy);
	const char *by = json_string_value(json_object_get(limits, pack));
	char text[64];

	fprintf(out, "%-10s up to %s (%s%s%s)", title,
		power_text(json_object_get(limits, power), text, sizeof(text)),
		string_of(limits, reason), by ? " of " : "", by ? by : "");
	if (json_is_number(wh))
		fprintf(out, ", %.1f kWh", json_number_value(wh) / 1e3);
	fputc('\n', out);
}

static void print_limits(const json_t *status, FILE *out)
{
	const json_t *limits = json_object_get(status, "limits");
	const json_t *telemetry = json_object_get(status, "telemetry");
	char a[64], b[64], c[64];

	print_direction(limits, "discharge", "p_dis_max_w", "dis_reason", "dis_pack", "e_dis_wh",
			out);
	print_direction(limits, "charge", "p_cha_max_w", "cha_reason", "cha_pack", "e_cha_wh", out);
	fprintf(out, "DC bus     %s V, %s A, ", number_of(telemetry, "dc_v", 1, a, sizeof(a)),
		number_of(telemetry, "dc_a", 1, b, sizeof(b)));
	fprintf(out, "SoC %s %%, ", number_of(telemetry, "soc_pct", 1, c, sizeof(c)));
	fprintf(out, "%s..%s C, ", number_of(telemetry, "t_min_c", 0, a, sizeof(a)),
		number_of(telemetry, "t_max_c", 0, b, sizeof(b)));
	fprintf(out, "%lld of %lld packs connected\n",
		(long long)json_integer_value(json_object_get(telemetry, "packs_connected")),
		(long long)json_integer_value(json_object_get(telemetry, "packs_total")));
}

static void print_pack(const json_t *pack, int id_width, FILE *out)
{
	const json_t *t = json_object_get(pack, "telemetry"), *s = json_object_get(pack, "state");
	const char *reason = string_of(s, "reason");
	char v[32], a[32], soc[32], soh[32], lo[32], hi[32], temp[32], dis[32], cha[32];

	fprintf(out, "%-*s  %-11s %6s %6s %7s %7s  %5s %5s  %4s  %5s %5s  ", id_width,
		string_of(pack, "id"), string_of(t, "state"),
		number_of(t, "soc_pct", 1, soc, sizeof(soc)),
		number_of(t, "soh_pct", 0, soh, sizeof(soh)), number_of(t, "dc_v", 1, v, sizeof(v)),
		number_of(t, "a", 1, a, sizeof(a)), number_of(t, "cell_min_v", 3, lo, sizeof(lo)),
		number_of(t, "cell_max_v", 3, hi, sizeof(hi)),
		number_of(t, "t_max_c", 0, temp, sizeof(temp)),
		number_of(t, "lim_dis_a", 0, dis, sizeof(dis)),
		number_of(t, "lim_cha_a", 0, cha, sizeof(cha)));
	if (strcmp(reason, "ok") != 0)
		fprintf(out, "%s: %s", reason, string_of(s, "text"));
	fprintf(out, "%s\n", json_is_true(json_object_get(s, "latched")) ? " (latched)" : "");
}

/* What stands, in the words of its event. */
static void print_standing(const json_t *standing, FILE *out)
{
	size_t i;
	json_t *event;

	json_array_foreach(standing, i, event)
		fprintf(out, "%-10s %s: %s\n", string_of(event, "severity"), string_of(event, "code"),
			string_of(event, "text"));
}

/* Only what is due within a month: the rest is in `status --json`. */
static void print_proofs(const json_t *proofs, FILE *out)
{
	size_t i;
	json_t *proof;

	json_array_foreach(proofs, i, proof)
	{
		double left_d = json_number_value(json_object_get(proof, "left_d"));
		const char *pack = json_string_value(json_object_get(proof, "pack"));

		if (left_d >= 30.0)
			continue;
		fprintf(out, "proof      %s%s%s %s %.0f days\n", string_of(proof, "proof"),
			pack ? " of " : "", pack ? pack : "",
			left_d < 0.0 ? "overdue since" : "due in", left_d < 0.0 ? -left_d : left_d);
	}
}

void table_print(const json_t *status, FILE *out)
{
	const json_t *packs = json_object_get(status, "packs"), *pack;
	int id_width = 4;
	size_t i;

	print_bank(status, out);
	if (!json_is_object(json_object_get(status, "telemetry"))) {
		fprintf(out, "the first control step has not run yet\n");
		return;
	}
	print_power(status, out);
	print_limits(status, out);
	print_standing(json_object_get(status, "standing"), out);
	print_proofs(json_object_get(status, "proofs"), out);
	json_array_foreach(packs, i, pack) if ((int)strlen(string_of(pack, "id")) > id_width)
		id_width = (int)strlen(string_of(pack, "id"));
	fprintf(out, "\n%-*s  %-11s %6s %6s %7s %7s  %5s %5s  %4s  %5s %5s  %s\n", id_width, "pack",
		"state", "SoC %", "SoH %", "V", "A", "cell", "V", "C", "dis A", "cha A", "why");
	json_array_foreach(packs, i, pack) print_pack(pack, id_width, out);
}

void table_print_line(const json_t *status, FILE *out)
{
	const json_t *telemetry = json_object_get(status, "telemetry");
	const json_t *active = json_object_get(status, "active");
	char a[64], b[64], c[64];

	fprintf(out, "%s %s %s, target ", time_of(status, "ts", a, sizeof(a)),
		string_of(telemetry, "state"),
		power_text(json_object_get(telemetry, "p_w"), b, sizeof(b)));
	fprintf(out, "%s, SoC %s %%, ",
		power_text(json_object_get(active, "p_target_w"), b, sizeof(b)),
		number_of(telemetry, "soc_pct", 1, c, sizeof(c)));
	fprintf(out, "%lld of %lld packs\n",
		(long long)json_integer_value(json_object_get(telemetry, "packs_connected")),
		(long long)json_integer_value(json_object_get(telemetry, "packs_total")));
}

void table_print_event(const json_t *event, FILE *out)
{
	char at[32];

	fprintf(out, "%s %s%s %s\n", time_of(event, "ts", at, sizeof(at)),
		string_of(event, "severity"),
		strcmp(string_of(event, "kind"), "cleared") == 0 ? " cleared" : "",
		string_of(event, "text"));
}
