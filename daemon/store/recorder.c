#include "store/recorder.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "store/crc32.h"
#include "store/delta.h"
#include "store/recording.h"

_Static_assert(sizeof(struct bank) % 8 == 0 && sizeof(struct bank_inputs) % 8 == 0 &&
		       sizeof(struct bank_outputs) % 8 == 0,
	       "deltas work on whole words");

enum {
	SEGMENTS_MAX = 16,
	OUTPUTS_ROOM = sizeof(struct bank_outputs) / 8 * DELTA_WORD_MAX,
	/* A snapshot in which every word is set (tokens of adjacent words take one byte), and some
	 * steps after it. */
	SEGMENT_MIN = (sizeof(struct bank) + sizeof(struct bank_inputs)) / 8 * 10 + OUTPUTS_ROOM +
		      (64 << 10),
};

struct segment {
	uint8_t *data;
	size_t used;
	uint64_t number;    /* 1, 2, ... in the order of time; 0: never used */
	atomic_bool pinned; /* being written out by another thread */
};

struct recorder {
	struct segment segment[SEGMENTS_MAX];
	unsigned n, at;
	size_t segment_size;
	bool open;           /* a segment is in work */
	struct record *step; /* the record between before and after; NULL: none */
	struct delta_out delta;
	uint64_t number, steps, bytes, lost;
	unsigned n_packs;
	unsigned pin[SEGMENTS_MAX], n_pinned; /* oldest first */
	atomic_bool busy;                     /* a pin is being written */
	struct recording_header header;
	struct bank_inputs in; /* as recorded last */
	struct bank_outputs out;
};

struct recorder *recorder_new(size_t bytes)
{
	struct recorder *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	recording_header_fill(&r->header);
	r->n = bytes / SEGMENT_MIN > SEGMENTS_MAX ? SEGMENTS_MAX : (unsigned)(bytes / SEGMENT_MIN);
	if (r->n < 2)
		r->n = 2;
	r->segment_size = bytes / r->n > SEGMENT_MIN ? bytes / r->n & ~(size_t)7 : SEGMENT_MIN;
	for (unsigned i = 0; i < r->n; i++) {
		r->segment[i].data = malloc(r->segment_size);
		if (!r->segment[i].data) {
			recorder_free(r);
			return NULL;
		}
	}
	return r;
}

void recorder_free(struct recorder *recorder)
{
	if (!recorder)
		return;
	for (unsigned i = 0; i < recorder->n; i++)
		free(recorder->segment[i].data);
	free(recorder);
}

/* Reserves the next record of the segment in work; NULL when it could not hold `least` bytes more.
 */
static struct record *record_begin(struct recorder *r, uint32_t kind, size_t least)
{
	struct segment *s = &r->segment[r->at];
	struct record *record = (void *)(s->data + s->used);

	if (r->segment_size - s->used < sizeof *record + least)
		return NULL;
	*record = (struct record){.kind = kind};
	delta_start(&r->delta, (uint8_t *)(record + 1), r->segment_size - s->used - sizeof *record);
	return record;
}

static void record_end(struct recorder *r, struct record *record)
{
	struct segment *s = &r->segment[r->at];
	size_t size = (size_t)(r->delta.at - (uint8_t *)record);

	record->crc = crc32_add(0, &record->kind, size - sizeof record->crc);
	while (size % 8) /* the next record starts aligned; readers skip the same way */
		((uint8_t *)record)[size++] = 0;
	s->used += size;
	r->bytes += size;
}

/* Takes the oldest segment and begins it with a snapshot. */
static bool segment_begin(struct recorder *r, const struct bank *bank, const struct bank_inputs *in)
{
	unsigned next = (r->at + 1) % r->n;
	struct segment *s = &r->segment[next];
	struct record *record;

	r->open = false;
	if (atomic_load(&s->pinned))
		return false;
	r->at = next;
	s->used = 0;
	s->number = ++r->number;
	record = record_begin(r, RECORD_SNAPSHOT, 0);
	delta_put(&r->delta, bank, NULL, 0, sizeof *bank);
	record->size[0] = (uint32_t)(r->delta.at - (uint8_t *)(record + 1));
	r->delta.next = 0;
	delta_put(&r->delta, in, NULL, 0, sizeof *in);
	if (r->delta.full)
		return false;
	record->size[1] = (uint32_t)(r->delta.at - (uint8_t *)(record + 1)) - record->size[0];
	record_end(r, record);
	r->n_packs = bank->site.n_packs;
	r->in = *in;
	memset(&r->out, 0, sizeof r->out);
	return r->open = true;
}

static bool step_begin(struct recorder *r, const struct bank_inputs *in)
{
	struct range range[INPUT_RANGES];

	r->step = record_begin(r, RECORD_STEP, OUTPUTS_ROOM + 8);
	if (!r->step)
		return false;
	r->delta.end -= OUTPUTS_ROOM + 8;
	recording_input_ranges(r->n_packs, in->n_commands, range);
	for (unsigned i = 0; i < INPUT_RANGES; i++)
		delta_put(&r->delta, in, &r->in, range[i].begin, range[i].end);
	if (r->delta.full) {
		r->step = NULL;
		return false;
	}
	r->step->size[0] = (uint32_t)(r->delta.at - (uint8_t *)(r->step + 1));
	r->delta.end += OUTPUTS_ROOM;
	r->delta.next = 0;
	return true;
}

void recorder_before(struct recorder *recorder, const struct bank *bank,
		     const struct bank_inputs *in)
{
	recorder->step = NULL;
	if (recorder->open && step_begin(recorder, in))
		return;
	if (!segment_begin(recorder, bank, in) || !step_begin(recorder, in))
		recorder->lost++;
}

void recorder_after(struct recorder *recorder, const struct bank_outputs *out)
{
	struct recorder *r = recorder;
	struct range range[OUTPUT_RANGES];

	if (!r->step)
		return;
	recording_output_ranges(r->n_packs, out->n_events, out->n_acks, range);
	for (unsigned i = 0; i < OUTPUT_RANGES; i++)
		delta_put(&r->delta, out, &r->out, range[i].begin, range[i].end);
	r->step->size[1] = (uint32_t)(r->delta.at - (uint8_t *)(r->step + 1)) - r->step->size[0];
	record_end(r, r->step);
	r->step = NULL;
	r->steps++;
}

/* Used segments, oldest first; returns how many. */
static unsigned segments_in_order(const struct recorder *r, unsigned at[SEGMENTS_MAX])
{
	unsigned n = 0;

	for (unsigned i = 1; i <= r->n; i++) {
		unsigned k = (r->at + i) % r->n;

		if (r->segment[k].number && r->segment[k].used)
			at[n++] = k;
	}
	return n;
}

size_t recorder_size(const struct recorder *recorder)
{
	return sizeof recorder->header + recorder->n * recorder->segment_size +
	       sizeof(struct record);
}

size_t recorder_freeze(struct recorder *recorder, void *buffer, size_t size)
{
	unsigned at[SEGMENTS_MAX], n = segments_in_order(recorder, at);
	const struct record end = recording_end();
	uint8_t *to = buffer;
	size_t used = sizeof recorder->header;

	if (size < used + sizeof end)
		return 0;
	size -= sizeof end;
	memcpy(to, &recorder->header, used);
	for (unsigned i = 0; i < n; i++) {
		const struct segment *s = &recorder->segment[at[i]];

		if (s->used > size - used)
			break;
		memcpy(to + used, s->data, s->used);
		used += s->used;
	}
	memcpy(to + used, &end, sizeof end);
	return used + sizeof end;
}

bool recorder_pin(struct recorder *recorder)
{
	struct recorder *r = recorder;
	unsigned at[SEGMENTS_MAX], n;

	if (!r->steps || atomic_load(&r->busy))
		return false;
	n = segments_in_order(r, at);
	r->n_pinned = 0;
	/* With the ring full the oldest segment stays free: the next step needs it at once. */
	for (unsigned i = n == r->n ? 1 : 0; i < n; i++) {
		atomic_store(&r->segment[at[i]].pinned, true);
		r->pin[r->n_pinned++] = at[i];
	}
	r->open = false;
	atomic_store(&r->busy, true);
	return true;
}

void recorder_unpin(struct recorder *recorder)
{
	for (unsigned i = 0; i < recorder->n_pinned; i++)
		atomic_store(&recorder->segment[recorder->pin[i]].pinned, false);
	atomic_store(&recorder->busy, false);
}

int recorder_write_pinned(struct recorder *recorder, const char *path)
{
	struct iovec part[SEGMENTS_MAX + 2] = {{&recorder->header, sizeof recorder->header}};
	struct record end = recording_end();
	int error;

	if (!atomic_load(&recorder->busy))
		return -EINVAL;
	for (unsigned i = 0; i < recorder->n_pinned; i++) {
		const struct segment *s = &recorder->segment[recorder->pin[i]];

		part[1 + i] = (struct iovec){s->data, s->used};
	}
	part[1 + recorder->n_pinned] = (struct iovec){&end, sizeof end};
	error = recording_write_parts(path, part, 2 + recorder->n_pinned);
	recorder_unpin(recorder);
	return error;
}

uint64_t recorder_steps(const struct recorder *recorder)
{
	return recorder->steps;
}

uint64_t recorder_bytes(const struct recorder *recorder)
{
	return recorder->bytes;
}

uint64_t recorder_lost(const struct recorder *recorder)
{
	return recorder->lost;
}
