/* The black box with a small deterministic controller in place of the real one. */
#include <CUnit/Basic.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/delta.h"
#include "store/recorder.h"
#include "store/recording.h"

static double skew; /* what another machine's libm would do to a number */
static bool lie;    /* a controller that decides otherwise from now on */

/* Remembers a sum, reports crossings, answers commands: every kind of output depends on history. */
void bank_step(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out)
{
	memset(out, 0, sizeof *out);
	bank->steps++;
	out->heartbeat = in->tick;
	for (unsigned k = 0; k < bank->site.n_packs; k++) {
		bank->dt_s += in->pack[k].pack_v * 1e-3 + in->pack[k].cell_v[7];
		out->pack[k].coil[POLE_POSITIVE] = in->pack[k].current_a > 0;
	}
	out->pcs[0].p_w = bank->dt_s * (1 + skew);
	out->bus_max_v = NAN;
	out->next_step_ms = in->now_ms + 100;
	if (bank->steps % 50 == 0) {
		out->event[out->n_events++] = (struct event){.at_ms = in->now_ms,
							     .seq = ++bank->event_seq,
							     .reason = REASON_STATE,
							     .pack = (int16_t)(lie ? 1 : -1),
							     .value = bank->dt_s,
							     .threshold = NAN};
	}
	for (unsigned i = 0; i < in->n_commands; i++) {
		struct ack *ack = &out->ack[out->n_acks++];

		ack->status = ACK_ACCEPTED;
		memcpy(ack->id, in->command[i].id, sizeof ack->id);
		ack->p_req_w = in->command[i].p_w;
	}
}

struct run {
	struct recorder *recorder;
	struct bank bank;
	struct bank_inputs in;
	struct bank_outputs out;
	uint64_t random;
};

static double draw(struct run *run)
{
	run->random = run->random * 6364136223846793005u + 1442695040888963407u;
	return (double)(run->random >> 11) / 9007199254740992.0;
}

static struct run *run_new(size_t bytes, unsigned n_packs)
{
	struct run *run = calloc(1, sizeof *run);

	run->recorder = recorder_new(bytes);
	run->random = 7;
	run->bank.site.n_packs = n_packs;
	snprintf(run->bank.site.id, sizeof run->bank.site.id, "demo");
	run->in.now_ms = 1000;
	CU_ASSERT_PTR_NOT_NULL_FATAL(run->recorder);
	return run;
}

static void run_free(struct run *run)
{
	recorder_free(run->recorder);
	free(run);
}

static void run_steps(struct run *run, int steps)
{
	for (int i = 0; i < steps; i++) {
		struct bank_inputs *in = &run->in;

		in->now_ms += 100;
		in->utc_ms = in->now_ms + 1700000000000;
		in->tick = i % 7 != 0;
		for (unsigned k = 0; k < run->bank.site.n_packs; k++) {
			struct pack_sample *p = &in->pack[k];

			p->electrical_ms = in->now_ms - 3;
			p->electrical_count++;
			p->pack_v = 360 + (int)(draw(run) * 4) * 0.5;
			p->current_a = draw(run) < 0.1 ? (double)NAN : draw(run) * 80 - 40;
			for (unsigned c = 0; c < 96 && i % 10 == 0; c++)
				p->cell_v[c] = (3700 + (int)(draw(run) * 9)) * 0.001;
		}
		in->n_commands = i % 40 == 5 ? 2 : 0;
		for (unsigned c = 0; c < in->n_commands; c++) {
			snprintf(in->command[c].id, sizeof in->command[c].id, "c-%d-%u", i, c);
			in->command[c].p_w = draw(run) * 5000;
		}
		recorder_before(run->recorder, &run->bank, in);
		bank_step(&run->bank, in, &run->out);
		recorder_after(run->recorder, &run->out);
	}
}

static char path[] = "/tmp/test_recorder.XXXXXX";

static size_t run_write(struct run *run)
{
	size_t size = recorder_size(run->recorder);
	void *buffer = malloc(size);

	size = recorder_freeze(run->recorder, buffer, size);
	CU_ASSERT_EQUAL(recording_write(path, buffer, size), 0);
	free(buffer);
	return size;
}

static int replay(char *text, size_t size)
{
	FILE *out = fmemopen(text, size, "w");
	int result = recording_replay(path, false, out);

	fclose(out);
	return result;
}

static void patch_file(off_t at, const void *bytes, size_t size)
{
	int fd = open(path, O_WRONLY);

	CU_ASSERT_EQUAL(pwrite(fd, bytes, size, at), (ssize_t)size);
	close(fd);
}

static void a_run_is_reproduced_bit_by_bit(void)
{
	struct run *run = run_new(0, 8);
	char text[4096];

	run_steps(run, 1500);
	run_write(run);
	CU_ASSERT_EQUAL(replay(text, sizeof text), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "every output bit by bit"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "reproduced: 1500 steps"));
	run_free(run);
}

static void a_full_ring_keeps_the_latest_steps_and_still_replays(void)
{
	struct run *run = run_new(0, 64);
	char text[4096];
	unsigned steps;

	run_steps(run, 3000);
	CU_ASSERT(recorder_bytes(run->recorder) > recorder_size(run->recorder));
	run_write(run);
	CU_ASSERT_EQUAL(replay(text, sizeof text), 0);
	CU_ASSERT_EQUAL_FATAL(sscanf(strstr(text, "reproduced: "), "reproduced: %u", &steps), 1);
	CU_ASSERT(steps > 100 && steps < 3000);
	CU_ASSERT_EQUAL(recorder_lost(run->recorder), 0);
	run_free(run);
}

static void a_number_off_by_one_bit_is_found_in_the_same_build(void)
{
	struct run *run = run_new(0, 3);
	char text[4096];

	run_steps(run, 200);
	run_write(run);
	skew = 1e-15;
	CU_ASSERT_EQUAL(replay(text, sizeof text), 1);
	skew = 0;
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "pcs[0].p_w: recorded "));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "step "));
	run_free(run);
}

static void another_build_may_differ_in_the_last_digits_but_not_in_decisions(void)
{
	struct run *run = run_new(0, 3);
	char text[4096];

	run_steps(run, 200);
	run_write(run);
	patch_file(offsetof(struct recording_header, build), "9.9.9", 5);
	skew = 1e-11;
	CU_ASSERT_EQUAL(replay(text, sizeof text), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "numbers to 1e-9"));
	skew = 1e-8;
	CU_ASSERT_EQUAL(replay(text, sizeof text), 1);
	skew = 0;
	lie = true;
	CU_ASSERT_EQUAL(replay(text, sizeof text), 1);
	lie = false;
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "step 50 at 6.000 s differs: event[0].pack: recorded "
					    "-1, replayed 1"));
	run_free(run);
}

static void a_build_with_other_structs_is_refused_by_name(void)
{
	struct run *run = run_new(0, 3);
	uint32_t other = sizeof(struct bank) + 8;
	char text[4096];

	run_steps(run, 20);
	run_write(run);
	patch_file(offsetof(struct recording_header, bank_size), &other, sizeof other);
	CU_ASSERT_EQUAL(replay(text, sizeof text), 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "incompatible build"));
	run_free(run);
}

static void a_torn_tail_is_reported_and_the_rest_replayed(void)
{
	struct run *run = run_new(0, 3);
	size_t size;
	char text[4096];
	unsigned steps = 0;

	run_steps(run, 200);
	size = run_write(run);
	CU_ASSERT_EQUAL(truncate(path, (off_t)size - 100), 0);
	CU_ASSERT_EQUAL(replay(text, sizeof text), 2);
	CU_ASSERT_PTR_NOT_NULL_FATAL(strstr(text, ": torn at byte "));
	sscanf(strrchr(text, ':'), ": %u steps before", &steps);
	CU_ASSERT(steps >= 190 && steps < 200);
	run_free(run);
}

/* Also where the cut falls between two records. */
static void every_cut_of_the_tail_is_noticed(void)
{
	struct run *run = run_new(0, 2);
	char text[4096];
	size_t size;

	run_steps(run, 5);
	size = run_write(run);
	CU_ASSERT_EQUAL(replay(text, sizeof text), 0);
	for (size_t cut = 1; cut < size; cut++) {
		CU_ASSERT_EQUAL(truncate(path, (off_t)(size - cut)), 0);
		CU_ASSERT_EQUAL(replay(text, sizeof text), 2);
	}
	run_free(run);
}

static void every_flipped_byte_is_noticed(void)
{
	struct run *run = run_new(0, 2);
	size_t size, at = sizeof(struct recording_header);
	char text[4096];

	run_steps(run, 3);
	size = run_write(run);
	for (int i = 0; i < 300; i++) {
		uint8_t byte;
		off_t where = (off_t)(at + (size_t)(draw(run) * (double)(size - at)));
		int fd = open(path, O_RDWR);

		CU_ASSERT_EQUAL(pread(fd, &byte, 1, where), 1);
		byte ^= 0x41;
		CU_ASSERT_EQUAL(pwrite(fd, &byte, 1, where), 1);
		/* Up to seven bytes between two records belong to none. */
		if (replay(text, sizeof text) != 2)
			CU_ASSERT(byte == 0x41 && strstr(text, "reproduced: 3 steps"));
		byte ^= 0x41;
		CU_ASSERT_EQUAL(pwrite(fd, &byte, 1, where), 1);
		close(fd);
	}
	run_free(run);
}

static void files_that_are_no_recordings_are_refused(void)
{
	char text[4096];

	CU_ASSERT_EQUAL(recording_write(path, "hello, this is a letter", 23), 0);
	CU_ASSERT_EQUAL(replay(text, sizeof text), 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "not a Rebank recording"));
	CU_ASSERT_EQUAL(recording_write(path, "", 0), 0);
	CU_ASSERT_EQUAL(replay(text, sizeof text), 2);
	unlink(path);
	CU_ASSERT_EQUAL(replay(text, sizeof text), 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "No such file"));
}

static void a_pin_is_written_while_recording_goes_on(void)
{
	struct run *run = run_new(0, 8);
	char text[4096];

	CU_ASSERT_FALSE(recorder_pin(run->recorder));
	run_steps(run, 300);
	CU_ASSERT_TRUE(recorder_pin(run->recorder));
	CU_ASSERT_FALSE(recorder_pin(run->recorder));
	run_steps(run, 100);
	CU_ASSERT_EQUAL(recorder_write_pinned(run->recorder, path), 0);
	CU_ASSERT_EQUAL(replay(text, sizeof text), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "reproduced: 300 steps"));
	CU_ASSERT_EQUAL(recorder_lost(run->recorder), 0);
	CU_ASSERT_TRUE(recorder_pin(run->recorder));
	CU_ASSERT_EQUAL(recorder_write_pinned(run->recorder, path), 0);
	CU_ASSERT_EQUAL(replay(text, sizeof text), 0);
	run_free(run);
}

static void a_writer_that_never_ends_costs_steps_that_are_counted_not_the_pinned_ones(void)
{
	struct run *run = run_new(0, 64);
	char text[4096];

	run_steps(run, 600);
	CU_ASSERT_TRUE(recorder_pin(run->recorder));
	run_steps(run, 3000);
	CU_ASSERT(recorder_lost(run->recorder) > 0);
	CU_ASSERT_EQUAL(recorder_write_pinned(run->recorder, path), 0);
	CU_ASSERT_EQUAL(replay(text, sizeof text), 0);
	run_steps(run, 10);
	run_write(run);
	CU_ASSERT_EQUAL(replay(text, sizeof text), 0);
	run_free(run);
}

static void a_disk_that_fills_up_leaves_no_half_file_and_recording_goes_on(void)
{
	struct run *run = run_new(0, 2);
	struct rlimit limit, little = {4096, RLIM_INFINITY};

	run_steps(run, 200);
	unlink(path);
	CU_ASSERT_TRUE(recorder_pin(run->recorder));
	getrlimit(RLIMIT_FSIZE, &limit);
	signal(SIGXFSZ, SIG_IGN);
	little.rlim_max = limit.rlim_max;
	setrlimit(RLIMIT_FSIZE, &little);
	CU_ASSERT_EQUAL(recorder_write_pinned(run->recorder, path), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &limit);
	CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
	CU_ASSERT_TRUE(recorder_pin(run->recorder));
	CU_ASSERT_EQUAL(recorder_write_pinned(run->recorder, "/nonexistent/x.rec"), -ENOENT);
	run_steps(run, 20);
	CU_ASSERT_EQUAL(recorder_lost(run->recorder), 0);
	run_free(run);
}

static void deltas_keep_every_bit_of_every_word(void)
{
	enum { WORDS = 64 };
	const double plain[] = {0.0, -0.0, NAN, INFINITY, 3.712, 3712 * 0.001, 1e300, -0.1, 40.5};
	uint64_t now[WORDS], last[WORDS] = {0}, copy[WORDS] = {0}, random = 99;
	uint8_t stream[WORDS * DELTA_WORD_MAX];

	for (int round = 0; round < 5000; round++) {
		struct delta_out out;

		for (unsigned i = 0; i < WORDS; i++) {
			double v;

			random = random * 6364136223846793005u + 1442695040888963407u;
			v = plain[random >> 60 & 7] + (double)(random >> 40 & 15) * 0.001;
			if (random >> 33 & 1)
				memcpy(&now[i], &v, sizeof v);
			else if (random >> 34 & 1)
				now[i] = last[i] + (random >> 50) - 4096;
			else
				now[i] = random >> 35 & 1 ? random : last[i];
		}
		delta_start(&out, stream, sizeof stream);
		delta_put(&out, now, last, 0, sizeof now);
		CU_ASSERT_FALSE_FATAL(out.full);
		CU_ASSERT_TRUE_FATAL(
			delta_apply(stream, (size_t)(out.at - stream), copy, sizeof copy));
		CU_ASSERT_EQUAL_FATAL(memcmp(now, copy, sizeof now), 0);
		CU_ASSERT_EQUAL_FATAL(memcmp(now, last, sizeof now), 0);
	}
}

static void broken_streams_are_refused_without_touching_memory_outside(void)
{
	uint64_t words[8], random = 5;
	uint8_t stream[24];
	int refused = 0;

	for (int round = 0; round < 100000; round++) {
		for (unsigned i = 0; i < sizeof stream; i++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			stream[i] = (uint8_t)(random >> 56);
		}
		memset(words, 0, sizeof words);
		refused += !delta_apply(stream, random >> 40 & 15, words + 1, 6 * 8);
		CU_ASSERT_FATAL(words[0] == 0 && words[7] == 0);
	}
	CU_ASSERT(refused > 50000);
}

int main(void)
{
	CU_pSuite suite;
	int fd = mkstemp(path);

	close(fd);
	CU_initialize_registry();
	suite = CU_add_suite("recorder", NULL, NULL);
	CU_ADD_TEST(suite, a_run_is_reproduced_bit_by_bit);
	CU_ADD_TEST(suite, a_full_ring_keeps_the_latest_steps_and_still_replays);
	CU_ADD_TEST(suite, a_number_off_by_one_bit_is_found_in_the_same_build);
	CU_ADD_TEST(suite, another_build_may_differ_in_the_last_digits_but_not_in_decisions);
	CU_ADD_TEST(suite, a_build_with_other_structs_is_refused_by_name);
	CU_ADD_TEST(suite, a_torn_tail_is_reported_and_the_rest_replayed);
	CU_ADD_TEST(suite, every_cut_of_the_tail_is_noticed);
	CU_ADD_TEST(suite, every_flipped_byte_is_noticed);
	CU_ADD_TEST(suite, files_that_are_no_recordings_are_refused);
	CU_ADD_TEST(suite, a_pin_is_written_while_recording_goes_on);
	CU_ADD_TEST(suite,
		    a_writer_that_never_ends_costs_steps_that_are_counted_not_the_pinned_ones);
	CU_ADD_TEST(suite, a_disk_that_fills_up_leaves_no_half_file_and_recording_goes_on);
	CU_ADD_TEST(suite, deltas_keep_every_bit_of_every_word);
	CU_ADD_TEST(suite, broken_streams_are_refused_without_touching_memory_outside);
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	unlink(path);
	return CU_get_number_of_failures() > 0 || CU_get_error() != CUE_SUCCESS;
}
