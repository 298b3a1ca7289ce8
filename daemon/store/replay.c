/* A recording through bank_step again. */
#include "store/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/crc32.h"
#include "store/delta.h"
#include "store/recording.h"

enum { REPRODUCED = 0, DIFFERS = 1, UNREADABLE = 2 };

struct replay {
	const char *path;
	FILE *out;
	bool verbose, exact, begun;
	uint64_t steps, segments, events;
	int64_t first_ms, last_ms;
	struct bank bank;
	struct bank_inputs in;
	struct bank_outputs recorded, replayed;
};

/* False and a line when the file cannot be what this program replays. */
static bool header_check(struct replay *r, const uint8_t *data, size_t size)
{
	struct recording_header own, header;

	recording_header_fill(&own);
	if (size < sizeof header || memcmp(data, RECORDING_MAGIC, sizeof header.magic) != 0) {
		fprintf(r->out, "%s: not a Rebank recording\n", r->path);
		return false;
	}
	memcpy(&header, data, sizeof header);
	header.build[BUILD_ID_SIZE - 1] = '\0';
	if (header.order != own.order || header.bank_size != own.bank_size ||
	    header.inputs_size != own.inputs_size || header.outputs_size != own.outputs_size) {
		fprintf(r->out,
			"%s: recorded by an incompatible build (%s); replay it with that version, "
			"this is %s\n",
			r->path, header.build, own.build);
		return false;
	}
	r->exact = strcmp(header.build, own.build) == 0;
	fprintf(r->out, "%s: recorded by %s: comparing %s\n", r->path,
		r->exact ? "this build" : header.build,
		r->exact ? "every output bit by bit"
			 : "decisions and events exactly, numbers to 1e-9");
	return true;
}

/* The whole record at `at`, or NULL when what is there is torn. Sets the offset of the next one. */
static const struct record *record_at(const uint8_t *data, size_t size, size_t at, size_t *next)
{
	const struct record *record = (const void *)(data + at);
	uint64_t bytes;

	if (at > size || size - at < sizeof *record)
		return NULL;
	bytes = sizeof *record + (uint64_t)record->size[0] + record->size[1];
	if (bytes > size - at ||
	    record->crc != crc32_add(0, &record->kind, (size_t)bytes - sizeof record->crc))
		return NULL;
	*next = at + (((size_t)bytes + 7) & ~(size_t)7);
	return record;
}

/* A snapshot sets the bank; its own inputs come with it. */
static bool snapshot_take(struct replay *r, const struct record *record)
{
	const uint8_t *stream = (const uint8_t *)(record + 1);

	memset(&r->bank, 0, sizeof r->bank);
	memset(&r->in, 0, sizeof r->in);
	memset(&r->recorded, 0, sizeof r->recorded);
	r->segments++;
	r->begun = delta_apply(stream, record->size[0], &r->bank, sizeof r->bank) &&
		   delta_apply(stream + record->size[0], record->size[1], &r->in, sizeof r->in) &&
		   r->bank.site.n_packs <= PACK_MAX && r->bank.site.n_pcs <= PCS_MAX &&
		   r->bank.site.n_sources <= SOURCE_MAX;
	return r->begun;
}

static bool step_take(struct replay *r, const struct record *record)
{
	const uint8_t *stream = (const uint8_t *)(record + 1);

	return r->begun && delta_apply(stream, record->size[0], &r->in, sizeof r->in) &&
	       delta_apply(stream + record->size[0], record->size[1], &r->recorded,
			   sizeof r->recorded) &&
	       r->in.n_commands <= COMMAND_MAX && r->recorded.n_events <= EVENT_MAX &&
	       r->recorded.n_acks <= ACK_MAX;
}

static void events_print(const struct replay *r)
{
	for (unsigned i = 0; i < r->replayed.n_events; i++) {
		const struct event *e = &r->replayed.event[i];
		const struct reason_text *text = reason_text(e->reason);
		bool of_pack = e->pack >= 0 && (unsigned)e->pack < r->bank.site.n_packs;

		fprintf(r->out, "%12.3f s  %-20s %s: %s", (double)e->at_ms / 1000.0,
			of_pack ? r->bank.site.pack[e->pack].id : r->bank.site.id, text->word,
			text->sentence);
		if (e->value == e->value)
			fprintf(r->out, " (%.6g %s)", e->value, text->unit);
		fprintf(r->out, "\n");
	}
}

/* True when the step came out as recorded. */
static bool step_run(struct replay *r)
{
	char text[256];

	if (r->steps++ == 0)
		r->first_ms = r->in.now_ms;
	r->last_ms = r->in.now_ms;
	bank_step(&r->bank, &r->in, &r->replayed);
	r->events += r->replayed.n_events;
	if (r->verbose)
		events_print(r);
	if (!outputs_differ(&r->recorded, &r->replayed, r->bank.site.n_packs, r->exact, text,
			    sizeof text))
		return true;
	fprintf(r->out, "%s: step %" PRIu64 " at %.3f s differs: %s\n", r->path, r->steps,
		(double)r->in.now_ms / 1000.0, text);
	return false;
}

static int records_replay(struct replay *r, const uint8_t *data, size_t size)
{
	size_t at = sizeof(struct recording_header), next;

	for (;;) {
		const struct record *record = record_at(data, size, at, &next);
		bool good = record && (record->kind == RECORD_SNAPSHOT ? snapshot_take(r, record)
				       : record->kind == RECORD_STEP   ? step_take(r, record)
								       : false);

		if (record && record->kind == RECORD_END && next == size)
			break;
		if (!good) {
			fprintf(r->out,
				"%s: torn at byte %zu of %zu: %" PRIu64
				" steps before it were replayed and agree\n",
				r->path, at, size, r->steps);
			return UNREADABLE;
		}
		if (record->kind == RECORD_STEP && !step_run(r))
			return DIFFERS;
		at = next;
	}
	if (r->steps == 0) {
		fprintf(r->out, "%s: holds no steps\n", r->path);
		return UNREADABLE;
	}
	fprintf(r->out,
		"%s: reproduced: %" PRIu64 " steps, %.1f s, %" PRIu64 " events, %" PRIu64
		" snapshots, bank %s\n",
		r->path, r->steps, (double)(r->last_ms - r->first_ms) / 1000.0, r->events,
		r->segments, r->bank.site.id);
	return REPRODUCED;
}

static int mapped_replay(const char *path, const uint8_t *data, size_t size, bool verbose,
			 FILE *out)
{
	struct replay *r = calloc(1, sizeof *r);
	int result = UNREADABLE;

	if (!r) {
		fprintf(out, "%s: out of memory\n", path);
		return UNREADABLE;
	}
	r->path = path;
	r->out = out;
	r->verbose = verbose;
	if (header_check(r, data, size))
		result = records_replay(r, data, size);
	free(r);
	return result;
}

int recording_replay(const char *path, bool verbose, FILE *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), result = UNREADABLE;
	struct stat status;
	void *data;

	if (fd < 0 || fstat(fd, &status) != 0) {
		fprintf(out, "%s: %s\n", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return UNREADABLE;
	}
	if (!S_ISREG(status.st_mode) || status.st_size == 0) {
		fprintf(out, "%s: not a Rebank recording\n", path);
		close(fd);
		return UNREADABLE;
	}
	data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (data == MAP_FAILED) {
		fprintf(out, "%s: %s\n", path, strerror(errno));
		return UNREADABLE;
	}
	result = mapped_replay(path, data, (size_t)status.st_size, verbose, out);
	munmap(data, (size_t)status.st_size);
	return result;
}
