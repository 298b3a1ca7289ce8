#include <CUnit/Basic.h>

#include <linux/can.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drivers/can/bell.h"
#include "drivers/can/raw.h"

static struct wire wire;
static struct can_bell bell;
static const struct pack_limits limit = {.pack_min_v = 300.0,
					 .pack_max_v = 400.0,
					 .dis_max_a = 100.0,
					 .cha_max_a = 50.0,
					 .cell_trip_low_v = 2.8,
					 .cell_trip_high_v = 4.2,
					 .temp_trip_c = 60.0};
static int here, there;

static struct wire_signal *signal_add(enum wire_target target, unsigned start, unsigned length,
				      bool big_endian, bool is_signed)
{
	struct wire_signal *signal = &wire.signal[wire.n_signals++];

	signal->target = target;
	signal->scale = 1.0;
	signal->low = -1e9;
	signal->high = 1e9;
	signal->count = 1;
	CU_ASSERT_TRUE(wire_bits_compile(&signal->bits, start, length, big_endian, is_signed));
	return signal;
}

static void frame_add(uint32_t id, bool ext, unsigned n_signals)
{
	wire.frame[wire.n_frames++] = (struct wire_frame){
		.id = id,
		.ext = ext,
		.electrical = true,
		.message = {.first_signal = (uint16_t)(wire.n_signals - n_signals),
			    .n_signals = (uint16_t)n_signals,
			    .length_min = 8}};
}

/* Frames like those of a Leaf, an i3, a Tesla and one with flags and cells. */
static void describe(void)
{
	struct wire_signal *signal;

	memset(&wire, 0, sizeof wire);
	wire.current_sign = 1.0;
	wire.n_generations = wire.fits = 1;
	wire.groups = WIRE_ELECTRICAL | WIRE_TEMPS | WIRE_CELLS | WIRE_BMS;
	wire.n_cells = 4;
	signal_add(WIRE_TO_CURRENT_A, 7, 11, true, true)->scale = 0.5;
	signal = signal_add(WIRE_TO_PACK_V, 23, 10, true, false);
	signal->scale = 0.5;
	frame_add(0x1db, false, 2);
	signal = signal_add(WIRE_TO_CURRENT_A, 0, 16, false, false);
	signal->scale = 0.1;
	signal->offset = -819.2;
	signal_add(WIRE_TO_PACK_V, 16, 16, false, false)->scale = 0.1;
	frame_add(0x112, false, 2);
	signal_add(WIRE_TO_PACK_V, 0, 16, false, false)->scale = 0.01;
	signal_add(WIRE_TO_CURRENT_A, 16, 16, false, true)->scale = -0.1;
	frame_add(0x18ff0132, true, 2);
	signal = signal_add(WIRE_TO_FLAG, 46, 2, false, false);
	signal->bms_flag = BMS_WANTS_OPEN;
	signal->n_codes = 2;
	signal->code[0] = 1;
	signal->code[1] = 3;
	signal = signal_add(WIRE_TO_CELL_V, 0, 8, false, false);
	signal->scale = 0.02;
	signal->count = 4;
	signal->step_bits = 8;
	signal_add(WIRE_TO_TEMP_MAX_C, 56, 8, false, false)->offset = -40.0;
	frame_add(0x300, false, 3);
	signal = signal_add(WIRE_TO_FLAG, 24, 8, false, false); /* only 0 and 7 raise it */
	signal->bms_flag = BMS_FAULT;
	signal->faulty_codes = true;
	signal->n_codes = 2;
	signal->code[1] = 7;
	frame_add(0x500, false, 1);
	signal_add(WIRE_TO_INFO, 0, 16, false, false);
	frame_add(0x400, false, 1);
	CU_ASSERT_TRUE(wire_index(&wire));
}

/* Whether frame `i` is delivered to the bell. */
static bool compile(bool reversed)
{
	bool any = false;

	describe();
	can_bell_begin(&bell);
	for (unsigned i = 0; i < wire.n_frames; i++)
		any = can_bell_frame(&bell, &wire, i, &limit, reversed);
	can_bell_end(&bell);
	return any;
}

static void connect_bell(void)
{
	int pair[2];

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), 0);
	here = pair[0];
	there = pair[1];
	CU_ASSERT_EQUAL_FATAL(can_raw_ring_for(here, bell.code, bell.n), 0);
}

static void disconnect_bell(void)
{
	close(here);
	close(there);
}

static bool rings(const struct can_frame *frame)
{
	struct can_frame heard;

	send(there, frame, sizeof *frame, 0); /* one that the filter drops is no failure */
	return recv(here, &heard, sizeof heard, MSG_DONTWAIT) > 0;
}

static bool is_urgent(const struct can_frame *frame, bool reversed)
{
	static struct wire_state state;
	static struct pack_sample sample;
	static struct pack_contacts contacts;
	bool ext = frame->can_id & CAN_EFF_FLAG;

	wire_start(&wire, &state, reversed, &sample, &contacts);
	return wire_decode_frame(&wire, &state, 1000, frame->can_id & CAN_EFF_MASK, ext,
				 frame->data, frame->can_dlc, &sample, &contacts) == WIRE_TAKEN &&
	       wire_urgent(&state, &sample, &limit);
}

/* Random bytes, and bytes near the bounds, where rounding would show. */
static struct can_frame frame_of(unsigned i)
{
	const struct wire_frame *of = &wire.frame[i % wire.n_frames];
	struct can_frame frame = {.can_id = of->ext ? of->id | CAN_EFF_FLAG : of->id, .can_dlc = 8};
	int near = rand() % 9 - 4;

	for (unsigned b = 0; b < 8; b++)
		frame.data[b] = (uint8_t)rand();
	if (of->id == 0x112 && i % 2) {
		unsigned raw = (unsigned)(8192 + (i % 4 == 1 ? 1250 : -625) + near);

		frame.data[0] = (uint8_t)raw;
		frame.data[1] = (uint8_t)(raw >> 8);
		raw = (unsigned)((i % 3 ? 4000 : 3000) + near);
		frame.data[2] = (uint8_t)raw;
		frame.data[3] = (uint8_t)(raw >> 8);
	}
	if (of->id == 0x500 && i % 2)
		frame.data[3] = i % 4 == 1 ? 0 : 7;
	if (of->id == 0x300 && i % 2) {
		frame.data[5] = 0x40;
		for (unsigned b = 0; b < 4; b++)
			frame.data[b] = (uint8_t)(i % 4 == 1 ? 140 + rand() % 3 : 209 + rand() % 3);
		frame.data[7] = (uint8_t)(99 + rand() % 3);
	}
	return frame;
}

static void it_never_misses_what_is_urgent(void)
{
	unsigned urgent = 0, calm = 0;

	srand(7);
	for (int reversed = 0; reversed < 2; reversed++) {
		compile(reversed);
		connect_bell();
		for (unsigned i = 0; i < 60000; i++) {
			struct can_frame frame = frame_of(i);
			bool rang = rings(&frame);

			if (is_urgent(&frame, reversed)) {
				urgent++;
				CU_ASSERT_TRUE_FATAL(rang);
			} else if (!rang) {
				calm++;
			}
		}
		disconnect_bell();
	}
	CU_ASSERT_TRUE(urgent > 20000);
	CU_ASSERT_TRUE(calm > 20000);
}

static void it_is_silent_while_readings_are_inside(void)
{
	struct can_frame leaf = {.can_id = 0x1db, .can_dlc = 8},
			 i3 = {.can_id = 0x112, .can_dlc = 8};

	compile(false);
	connect_bell();
	for (unsigned v = 601; v < 800; v++) {
		leaf.data[2] = (uint8_t)(v >> 2);
		leaf.data[3] = (uint8_t)(v << 6);
		CU_ASSERT_FALSE(rings(&leaf));
	}
	leaf.data[2] = 810 >> 2;
	CU_ASSERT_TRUE(rings(&leaf));
	i3.data[2] = 3700 & 0xff;
	i3.data[3] = 3700 >> 8;
	for (unsigned a = 8192 - 499; a < 8192 + 1000; a++) {
		i3.data[0] = (uint8_t)a;
		i3.data[1] = (uint8_t)(a >> 8);
		CU_ASSERT_FALSE(rings(&i3));
	}
	CU_ASSERT_FALSE(
		rings(&(struct can_frame){.can_id = 0x500, .can_dlc = 8, .data = {0, 0, 0, 160}}));
	CU_ASSERT_FALSE(rings(&(struct can_frame){.can_id = 0x400, .can_dlc = 8}));
	CU_ASSERT_FALSE(rings(&(struct can_frame){.can_id = 0x7ff, .can_dlc = 8}));
	/* Equal bits, another kind of id. */
	CU_ASSERT_FALSE(rings(&(struct can_frame){.can_id = 0x112 | CAN_EFF_FLAG, .can_dlc = 8}));
	disconnect_bell();
}

static void the_controllers_own_word_rings(void)
{
	compile(false);
	connect_bell();
	CU_ASSERT_TRUE(rings(&(struct can_frame){.can_id = CAN_ERR_FLAG | 0x40, .can_dlc = 8}));
	disconnect_bell();
}

static void a_frame_that_cannot_be_urgent_need_not_come(void)
{
	CU_ASSERT_FALSE(compile(false)); /* the last one carries a number for people only */
}

static void a_description_too_long_for_the_kernel_rings_always(void)
{
	describe();
	can_bell_begin(&bell);
	for (unsigned i = 0; i < 1000; i++)
		can_bell_frame(&bell, &wire, i % 4, &limit, false);
	can_bell_end(&bell);
	connect_bell();
	CU_ASSERT_TRUE(rings(&(struct can_frame){.can_id = 0x7ff, .can_dlc = 8}));
	disconnect_bell();
}

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(it_never_misses_what_is_urgent),
		TEST(it_is_silent_while_readings_are_inside),
		TEST(the_controllers_own_word_rings),
		TEST(a_frame_that_cannot_be_urgent_need_not_come),
		TEST(a_description_too_long_for_the_kernel_rings_always),
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"bell", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
	unsigned failed;

	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return 2;
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failed = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failed ? 1 : 0;
}
