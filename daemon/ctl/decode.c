/* rebankctl decode: a candump log through a profile, one JSON line per sample. */
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "ctl/candump.h"
#include "ctl/ctl.h"
#include "ctl/isotp_log.h"

enum { BUSES_MAX = 8, BROKEN_SHOWN = 10 };

struct decode {
	const struct wire *wire;
	const char *bus; /* NULL: the only one of the log */
	unsigned n_buses;
	char bus_seen[BUSES_MAX][CANDUMP_BUS_SIZE];
	double every_s; /* 0: one line per message */
	struct wire_state state;
	struct pack_sample sample;
	struct pack_contacts contacts;
	struct isotp_log log[WIRE_CHANNEL_MAX];
	int64_t first_us, next_us, last_us;
	uint64_t frames, taken, other_bus, broken, backwards;
	bool knew_v, knew_a; /* at any time */
	FILE *out;
};

/* Stamps of the decoder are never 0. */
enum { FIRST_MS = 1000 };

static int64_t stamp_ms(const struct decode *decode, int64_t us)
{
	int64_t ms = FIRST_MS + (us - decode->first_us) / 1000;

	return ms > 0 ? ms : 1;
}

/* ---- lines ------------------------------------------------------------------------------- */

static void number_put(FILE *out, const char *name, double value)
{
	if (isnan(value))
		fprintf(out, ",\"%s\":null", name);
	else
		fprintf(out, ",\"%s\":%.7g", name, value);
}

static void numbers_put(FILE *out, const char *name, const double *value, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (i == 0)
			fprintf(out, ",\"%s\":[", name);
		if (isnan(value[i]))
			fprintf(out, "%snull", i ? "," : "");
		else
			fprintf(out, "%s%.7g", i ? "," : "", value[i]);
	}
	if (n > 0)
		fputc(']', out);
}

static void flags_put(FILE *out, uint32_t flags)
{
	static const char *const words[] = {"fault", "wants_open", "no_charge", "no_discharge",
					    "welded"};
	const char *between = "";

	fputs(",\"flags\":[", out);
	for (unsigned i = 0; i < 5; i++) {
		if (!(flags >> i & 1))
			continue;
		fprintf(out, "%s\"%s\"", between, words[i]);
		between = ",";
	}
	fputc(']', out);
}

static void contacts_put(FILE *out, const struct wire *wire, const struct pack_contacts *contacts)
{
	static const char *const poles[POLE_COUNT] = {"negative", "positive", "precharge"};
	static const char *const words[] = {"null", "\"open\"", "\"closed\""};

	for (int pole = 0; pole < POLE_COUNT; pole++)
		if (wire->contacts >> pole & 1)
			fprintf(out, ",\"contact_%s\":%s", poles[pole],
				words[contacts->feedback[pole]]);
}

static void info_put(FILE *out, const struct decode *decode)
{
	for (unsigned i = 0; i < decode->wire->n_info; i++)
		if (!isnan(decode->state.info[i]))
			number_put(out, decode->wire->info[i], decode->state.info[i]);
}

static void groups_put(const struct decode *decode, unsigned groups)
{
	const struct pack_sample *sample = &decode->sample;
	FILE *out = decode->out;

	groups &= decode->wire->groups;
	if (groups & WIRE_ELECTRICAL) {
		number_put(out, "pack_v", sample->pack_v);
		number_put(out, "current_a", sample->current_a);
	}
	if (groups & WIRE_LINK)
		number_put(out, "link_v", sample->link_v);
	if (groups & WIRE_CELLS && sample->n_cells == 0) {
		number_put(out, "cell_min_v", sample->cell_min_v);
		number_put(out, "cell_max_v", sample->cell_max_v);
	} else if (groups & WIRE_CELLS) {
		numbers_put(out, "cell_v", sample->cell_v, sample->cells_ms ? sample->n_cells : 0);
	}
	if (groups & WIRE_TEMPS && sample->n_temps == 0) {
		number_put(out, "temp_min_c", sample->temp_min_c);
		number_put(out, "temp_max_c", sample->temp_max_c);
	} else if (groups & WIRE_TEMPS) {
		numbers_put(out, "temp_c", sample->temp_c, sample->n_temps);
	}
	if (groups & WIRE_BMS) {
		number_put(out, "soc", sample->soc);
		number_put(out, "soh", sample->soh);
		number_put(out, "dis_limit_a", sample->dis_limit_a);
		number_put(out, "cha_limit_a", sample->cha_limit_a);
		number_put(out, "insulation_ohm", sample->insulation_ohm);
		number_put(out, "aux_v", sample->aux_v);
		flags_put(out, sample->bms_flags);
	}
	if (groups & WIRE_CONTACTS)
		contacts_put(out, decode->wire, &decode->contacts);
}

/* Age of each group; left out: never heard. */
static void ages_put(const struct decode *decode, int64_t now_ms)
{
	const struct pack_sample *sample = &decode->sample;
	const struct {
		const char *name;
		int64_t ms;
	} group[] = {{"electrical", sample->electrical_ms},
		     {"link", sample->link_ms},
		     {"cells", sample->cells_ms},
		     {"temps", sample->temps_ms},
		     {"bms", sample->bms_ms},
		     {"contacts", decode->contacts.stamp_ms}};
	const char *between = "";

	fputs(",\"age_s\":{", decode->out);
	for (unsigned i = 0; i < sizeof(group) / sizeof(group[0]); i++) {
		if (group[i].ms == 0)
			continue;
		fprintf(decode->out, "%s\"%s\":%.3f", between, group[i].name,
			(double)(now_ms - group[i].ms) / 1000.0);
		between = ",";
	}
	fputc('}', decode->out);
}

static void message_put(const struct decode *decode, const struct candump_frame *frame)
{
	fprintf(decode->out, "{\"t\":%.3f,\"id\":\"0x%X\"",
		(double)(frame->us - decode->first_us) / 1e6, frame->id);
	groups_put(decode, decode->state.touched);
	fputs("}\n", decode->out);
}

static void sample_put(struct decode *decode, int64_t us)
{
	int64_t now_ms = stamp_ms(decode, us);

	wire_forget(decode->wire, &decode->state, now_ms, &decode->sample);
	fprintf(decode->out, "{\"t\":%.3f", (double)(us - decode->first_us) / 1e6);
	groups_put(decode, ~0u);
	if (decode->sample.serial)
		fprintf(decode->out, ",\"serial\":\"%016" PRIx64 "\"", decode->sample.serial);
	if (decode->state.generation)
		fprintf(decode->out, ",\"generation\":\"%s\"",
			decode->wire->generation[decode->state.generation - 1]);
	info_put(decode->out, decode);
	fprintf(decode->out, ",\"bad_frames\":%u", decode->sample.bad_frames);
	ages_put(decode, now_ms);
	fputs("}\n", decode->out);
}

/* ---- frames ------------------------------------------------------------------------------ */

static enum wire_verdict answer_take(struct decode *decode, int64_t ms, unsigned channel)
{
	const struct wire *wire = decode->wire;
	const struct isotp_log *log = &decode->log[channel];

	for (unsigned r = 0; r < wire->n_requests; r++)
		for (unsigned step = 0;
		     step < wire->request[r].n_steps && wire->request[r].channel == channel; step++)
			if (wire_answers(wire, r, step, log->data, log->have))
				return wire_decode_answer(wire, &decode->state, ms, r, step,
							  log->data, log->have, &decode->sample,
							  &decode->contacts);
	return WIRE_FOREIGN;
}

static enum wire_verdict channels_take(struct decode *decode, const struct candump_frame *frame)
{
	const struct wire *wire = decode->wire;

	for (unsigned c = 0; c < wire->n_channels; c++) {
		const struct wire_channel *channel = &wire->channel[c];
		unsigned skip = channel->has_address;

		if (frame->id != channel->rx_id || frame->ext != channel->ext ||
		    frame->length < skip || (skip && frame->data[0] != channel->rx_address))
			continue;
		if (isotp_log_take(&decode->log[c], frame->data + skip, frame->length - skip))
			return answer_take(decode, stamp_ms(decode, frame->us), c);
	}
	return WIRE_FOREIGN;
}

/* Equal ids of two buses are two messages. False: it is of a bus that was not named. */
static bool bus_note(struct decode *decode, const struct candump_frame *frame)
{
	for (unsigned b = 0; b < decode->n_buses; b++)
		if (strcmp(decode->bus_seen[b], frame->bus) == 0)
			return true;
	if (decode->n_buses < BUSES_MAX)
		memcpy(decode->bus_seen[decode->n_buses++], frame->bus, CANDUMP_BUS_SIZE);
	return decode->n_buses == 1;
}

static void frame_time(struct decode *decode, const struct candump_frame *frame)
{
	if (decode->frames++ == 0) {
		decode->first_us = frame->us;
		decode->next_us = frame->us + (int64_t)(1e6 * decode->every_s);
	} else if (frame->us < decode->last_us) {
		decode->backwards++;
	}
	decode->last_us = frame->us;
}

static void frame_take(struct decode *decode, const struct candump_frame *frame)
{
	enum wire_verdict verdict;

	if (decode->bus && strcmp(decode->bus, frame->bus) != 0) {
		decode->other_bus++;
		return;
	}
	frame_time(decode, frame);
	/* Before this frame: what was known at that instant. */
	while (decode->every_s > 0.0 && frame->us >= decode->next_us) {
		sample_put(decode, decode->next_us);
		decode->next_us += (int64_t)(1e6 * decode->every_s);
	}
	verdict = wire_decode_frame(decode->wire, &decode->state, stamp_ms(decode, frame->us),
				    frame->id, frame->ext, frame->data, frame->length,
				    &decode->sample, &decode->contacts);
	if (verdict == WIRE_FOREIGN)
		verdict = channels_take(decode, frame);
	if (verdict != WIRE_TAKEN)
		return;
	decode->taken++;
	decode->knew_v |= !isnan(decode->sample.pack_v);
	decode->knew_a |= !isnan(decode->sample.current_a);
	if (!(decode->every_s > 0.0) && decode->state.touched)
		message_put(decode, frame);
}

/* Which buses the log has; of a pipe that shows while it is read. */
static void buses_scan(struct decode *decode, FILE *file)
{
	struct candump_frame frame;
	char *line = NULL;
	size_t size = 0;

	if (decode->bus || fseek(file, 0, SEEK_SET) != 0)
		return;
	while (getline(&line, &size, file) > 0)
		if (candump_parse(line, &frame) == CANDUMP_FRAME)
			bus_note(decode, &frame);
	free(line);
	rewind(file);
}

/* False: it has several buses, and which of them is meant was not said. */
static bool log_take(struct decode *decode, const char *path, FILE *file)
{
	struct candump_frame frame;
	char *line = NULL;
	size_t size = 0;
	unsigned number = 0;

	buses_scan(decode, file);
	while (decode->n_buses < 2 && getline(&line, &size, file) > 0) {
		enum candump_line kind = candump_parse(line, &frame);

		number++;
		if (kind == CANDUMP_FRAME) {
			if (decode->bus || bus_note(decode, &frame))
				frame_take(decode, &frame);
		} else if (kind == CANDUMP_BROKEN && decode->broken++ < BROKEN_SHOWN) {
			fprintf(stderr,
				"%s:%u: not a line of a candump log: (1700000000.000000) can0 "
				"1DB#0123456789ABCDEF\n",
				path, number);
		}
	}
	free(line);
	return decode->n_buses < 2;
}

/* ---- the end ----------------------------------------------------------------------------- */

static void complaints_print(const struct decode *decode)
{
	for (unsigned i = 0; i < WIRE_COMPLAINT_COUNT; i++)
		if (decode->state.complaint[i])
			fprintf(stderr, "  %u x %s, last 0x%X\n", decode->state.complaint[i],
				wire_complaint_text((enum wire_complaint)i),
				decode->state.complaint_id[i]);
}

static int verdict_of(const struct decode *decode, const char *path)
{
	fprintf(stderr,
		"%s: %" PRIu64 " frames, %" PRIu64 " taken by profile %s, %" PRIu64
		" of other buses, %" PRIu64 " broken lines\n",
		path, decode->frames, decode->taken, decode->wire->profile, decode->other_bus,
		decode->broken);
	complaints_print(decode);
	if (decode->backwards)
		fprintf(stderr,
			"%s: %" PRIu64 " stamps run backwards: the log is not in order, and ages "
			"are wrong\n",
			path, decode->backwards);
	if (decode->taken > 0 && !(decode->knew_v && decode->knew_a))
		fprintf(stderr, "%s: warning: %s never known: a pack like that is not used\n", path,
			decode->knew_v   ? "current_a was"
			: decode->knew_a ? "pack_v was"
					 : "pack_v and current_a were");
	if (decode->taken == 0)
		fprintf(stderr, "%s: nothing here is of profile %s: another bus or profile?\n",
			path, decode->wire->profile);
	return decode->taken > 0 && decode->broken == 0 ? CTL_OK : CTL_FAILED;
}

static int buses_refuse(const struct decode *decode, const struct subcommand *self)
{
	char names[BUSES_MAX * (CANDUMP_BUS_SIZE + 5)] = "";
	size_t at = 0;

	for (unsigned b = 0; b < decode->n_buses; b++)
		at += (size_t)snprintf(names + at, sizeof names - at, "%s%s",
				       b == 0                     ? ""
				       : b + 1 == decode->n_buses ? " and "
								  : ", ",
				       decode->bus_seen[b]);
	return ctl_usage(self, "this log has %s: name one with --bus", names);
}

static int decode_run(const struct subcommand *self, struct decode *decode, const char *path,
		      bool reversed)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
	int status;

	if (!file) {
		fprintf(stderr, "%s: %m\n", path);
		return CTL_CONFIG;
	}
	decode->out = stdout;
	wire_start(decode->wire, &decode->state, reversed, &decode->sample, &decode->contacts);
	if (!log_take(decode, path, file))
		status = buses_refuse(decode, self);
	else
		status = ferror(file) ? CTL_CONFIG : verdict_of(decode, path);
	if (file != stdin)
		fclose(file);
	return status;
}

int ctl_decode(const struct subcommand *self, int argc, char **argv)
{
	static const struct option options[] = {{"profile", required_argument, NULL, 'p'},
						{"profiles", required_argument, NULL, 'd'},
						{"bus", required_argument, NULL, 'b'},
						{"every", required_argument, NULL, 'e'},
						{"reversed", no_argument, NULL, 'r'},
						{NULL, 0, NULL, 0}};
	const char *name = NULL, *dir = NULL, *bus = NULL;
	double every_s = 0.0;
	bool reversed = false;
	struct config *config;
	struct decode *decode;
	int option, status;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'p')
			name = optarg;
		else if (option == 'd')
			dir = optarg;
		else if (option == 'b')
			bus = optarg;
		else if (option == 'e' && ctl_parse_duration(optarg, &every_s) && every_s >= 0.001)
			continue;
		else if (option == 'e')
			return ctl_usage(self, "--every takes a time of 0.001 s or more");
		else if (option == 'r')
			reversed = true;
		else
			return ctl_usage(self, "unknown option");
	}
	if (!name || optind + 1 != argc)
		return ctl_usage(self, "name a profile and one log");
	config = calloc(1, sizeof(*config));
	decode = calloc(1, sizeof(*decode));
	if (!config || !decode)
		abort();
	status = profile_load(name, dir, config, NULL, stderr) ? CTL_CONFIG : CTL_OK;
	decode->wire = config->pack[0].wire;
	decode->bus = bus;
	decode->every_s = every_s;
	if (status == CTL_OK && (!decode->wire || decode->wire->n_blocks > 0)) {
		fprintf(stderr, "profile %s has no can group: nothing to decode\n", name);
		status = CTL_CONFIG;
	}
	if (status == CTL_OK)
		status = decode_run(self, decode, argv[optind], reversed);
	config_free(config);
	free(decode);
	free(config);
	return status;
}
