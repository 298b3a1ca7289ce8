#include <CUnit/Basic.h>

#include <errno.h>
#include <linux/can/error.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "drivers/can/can.h"

/*
 * Two packs of one hand-made description on two buses that are pairs of sockets. It hears 0x100
 * (voltage and current, 10 ms), sends 0x10b (counter and command, 20 ms) while kept alive, and
 * 0x524 (bus voltage, 20 ms) while that is known.
 */
static struct wire wire;
static struct pack_limits limit;
static struct driver driver;
static struct can_setup setup;
static struct bank_inputs in;
static struct bank_outputs out;
static int other[2], bell[2];
static int64_t now_ms, skipped_ms;

/* The timers of the driver are real, so the time is; tests may skip some of it. */
static void look_at_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	now_ms = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + skipped_ms;
}

static void signal_add(enum wire_target target, uint16_t first, double scale)
{
	struct wire_signal *signal = &wire.signal[wire.n_signals++];

	signal->target = target;
	signal->bits = (struct wire_bits){.first = first, .bytes = 2, .length = 16};
	signal->bits.is_signed = true;
	signal->scale = scale;
	signal->low = -1e6;
	signal->high = 1e6;
	signal->count = 1;
}

static void send_add(uint32_t id, unsigned when)
{
	struct wire_send *send = &wire.send[wire.n_sends];

	send->stream = (uint8_t)wire.n_sends++;
	send->id = id;
	send->length = 3;
	send->period_ms = 20;
	send->when = when;
	send->first_field = wire.n_fields;
}

static struct wire_field *field_add(enum wire_field_kind kind, uint16_t first, uint8_t bytes)
{
	struct wire_field *field = &wire.field[wire.n_fields++];

	field->kind = kind;
	field->bits =
		(struct wire_bits){.first = first, .bytes = bytes, .length = (uint8_t)(8 * bytes)};
	field->scale = 1.0;
	wire.send[wire.n_sends - 1].n_fields++;
	return field;
}

static void wire_describe(void)
{
	memset(&wire, 0, sizeof wire);
	wire.current_sign = 1.0;
	wire.groups = WIRE_ELECTRICAL;
	wire.by_frames = true;
	wire.n_generations = 1;
	wire.fits = 1;
	signal_add(WIRE_TO_PACK_V, 0, 0.1);
	signal_add(WIRE_TO_CURRENT_A, 2, 0.1);
	wire.required = 1u << WIRE_TO_PACK_V | 1u << WIRE_TO_CURRENT_A;
	wire.n_frames = 1;
	wire.frame[0] =
		(struct wire_frame){.id = 0x100,
				    .electrical = true,
				    .message = {.n_signals = 2, .length_min = 4, .period_ms = 10}};
	CU_ASSERT_TRUE(wire_index(&wire));
	send_add(0x10b, WIRE_WHEN_KEEP_ALIVE);
	field_add(WIRE_FIELD_COUNTER, 0, 1)->modulo = 15;
	field_add(WIRE_FIELD_COMMAND, 1, 1)->value[1] = 1;
	send_add(0x524, WIRE_WHEN_KEEP_ALIVE | WIRE_WHEN_BUS_KNOWN);
	field_add(WIRE_FIELD_BUS_V, 0, 2);
}

/* Two pairs a bus: what passes is delivered to both of our sockets, as a kernel with CAN does. */
static void buses_make(void)
{
	for (unsigned i = 0; i < 2; i++) {
		int pair[2];

		CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), 0);
		setup.bus[i].fd = pair[0];
		other[i] = pair[1];
		CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), 0);
		setup.bus[i].bell_fd = pair[0];
		bell[i] = pair[1];
	}
}

static void frame_put(unsigned bus, const struct can_frame *frame)
{
	CU_ASSERT_EQUAL(send(other[bus], frame, sizeof *frame, 0), (ssize_t)sizeof *frame);
	send(bell[bus], frame, sizeof *frame, 0); /* what the filter drops is no failure */
}

static void start(void)
{
	memset(&setup, 0, sizeof setup);
	memset(&in, 0, sizeof in);
	memset(&out, 0, sizeof out);
	wire_describe();
	limit = (struct pack_limits){.pack_min_v = 300.0,
				     .pack_max_v = 400.0,
				     .dis_max_a = 100.0,
				     .cha_max_a = 50.0,
				     .fuse_a = 200.0};
	setup.tick_ms = 100;
	setup.n_buses = setup.n_packs = 2;
	buses_make();
	for (unsigned i = 0; i < 2; i++) {
		setup.pack[i] = (struct can_pack_setup){
			.pack = i, .bus = i, .wire = &wire, .limit = &limit};
	}
	look_at_clock();
	CU_ASSERT_TRUE_FATAL(can_open(&driver, &setup, now_ms));
}

static void stop(void)
{
	driver.close(driver.self);
	for (unsigned i = 0; i < 2; i++) {
		close(other[i]);
		close(bell[i]);
	}
}

/* What the control loop does while the timers run. */
static bool listen_ms(int ms)
{
	bool urgent = false;

	look_at_clock();
	for (int64_t end_ms = now_ms + ms; now_ms < end_ms; look_at_clock()) {
		struct pollfd item = {.fd = driver.urgent_fd, .events = POLLIN};

		if (poll(&item, 1, 1) > 0 && driver.urgent(driver.self, now_ms))
			urgent = true;
	}
	return urgent;
}

static void step(void)
{
	look_at_clock();
	in.now_ms = now_ms;
	driver.gather(driver.self, &in);
	driver.apply(driver.self, now_ms, &out);
}

static void pack_says(unsigned bus, double v, double a)
{
	struct can_frame frame = {.can_id = 0x100, .can_dlc = 4};
	int16_t volts = (int16_t)lround(v * 10.0), amperes = (int16_t)lround(a * 10.0);

	frame.data[0] = (uint8_t)volts;
	frame.data[1] = (uint8_t)(volts >> 8);
	frame.data[2] = (uint8_t)amperes;
	frame.data[3] = (uint8_t)(amperes >> 8);
	frame_put(bus, &frame);
}

/* Frames of one id that went out; `last` is the last of them. */
static unsigned sent(unsigned bus, uint32_t id, struct can_frame *last)
{
	struct can_frame frame;
	unsigned n = 0;

	while (recv(other[bus], &frame, sizeof frame, MSG_DONTWAIT) == (ssize_t)sizeof frame) {
		if (frame.can_id != id)
			continue;
		*last = frame;
		n++;
	}
	return n;
}

static void error_says(unsigned bus, uint32_t kind)
{
	struct can_frame frame = {.can_id = CAN_ERR_FLAG | kind, .can_dlc = 8};

	frame_put(bus, &frame);
}

/* ---- reading ----------------------------------------------------------------------------- */

static void packs_start_unknown(void)
{
	start();
	step();
	CU_ASSERT_EQUAL(in.pack[0].electrical_ms, 0);
	CU_ASSERT_TRUE(isnan(in.pack[0].pack_v));
	CU_ASSERT_TRUE(isnan(in.pack[0].current_a));
	CU_ASSERT_EQUAL(in.contacts[0].feedback[POLE_POSITIVE], CONTACT_UNKNOWN);
	CU_ASSERT_EQUAL(in.contacts[0].readback[POLE_POSITIVE], CONTACT_OPEN);
	stop();
}

static void the_same_id_on_two_buses_is_two_packs(void)
{
	start();
	pack_says(0, 355.0, 2.0);
	pack_says(1, 371.0, -3.0);
	step();
	CU_ASSERT_DOUBLE_EQUAL(in.pack[0].pack_v, 355.0, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(in.pack[1].pack_v, 371.0, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(in.pack[1].current_a, -3.0, 1e-6);
	CU_ASSERT_EQUAL(in.pack[0].link, LINK_OK);
	stop();
}

static void a_frame_within_limits_is_no_reason_for_a_step_and_one_beyond_is(void)
{
	struct pollfd ring = {.events = POLLIN};

	start();
	step();
	pack_says(0, 355.0, 10.0);
	CU_ASSERT_FALSE(listen_ms(5));
	pack_says(0, 355.0, 250.0); /* above the fuse */
	ring.fd = driver.urgent_fd;
	CU_ASSERT_EQUAL(poll(&ring, 1, 0), 1); /* at once, not at the turn of the timer */
	CU_ASSERT_TRUE(listen_ms(20));
	step();
	CU_ASSERT_DOUBLE_EQUAL(in.pack[0].current_a, 250.0, 1e-6);
	stop();
}

static void a_bus_that_carries_nothing_urgent_wakes_only_by_the_timer(void)
{
	unsigned wakes = 0;
	int64_t start_ms;

	start();
	step();
	start_ms = now_ms;
	for (unsigned i = 0; i < 300; i++) {
		struct pollfd item = {.fd = driver.urgent_fd, .events = POLLIN};

		pack_says(0, 310.0 + 0.1 * i, 1.0);
		if (poll(&item, 1, i % 6 == 5 ? 1000 : 0) > 0) { /* the pair holds ten */
			wakes++;
			driver.urgent(driver.self, now_ms);
		}
	}
	step();
	CU_ASSERT_TRUE(wakes <= (now_ms - start_ms) / CAN_READ_MS + 1);
	CU_ASSERT_DOUBLE_EQUAL(in.pack[0].pack_v, 339.9, 1e-6);
	CU_ASSERT_EQUAL(in.pack[0].bad_frames, 0);
	stop();
}

static void a_foreign_sender_of_our_frames_is_told_for_the_pack_it_harms(void)
{
	const struct can_frame frame = {.can_id = 0x10b, .can_dlc = 3};

	start();
	frame_put(1, &frame);
	step();
	CU_ASSERT_FALSE(in.pack[0].link_foreign_tx);
	CU_ASSERT_TRUE(in.pack[1].link_foreign_tx);
	skipped_ms += CAN_FOREIGN_HOLD_MS;
	step();
	CU_ASSERT_FALSE(in.pack[1].link_foreign_tx);
	stop();
}

static bool is_told(const char *text, int pack, uint32_t times)
{
	struct driver_notice notice;
	bool told = driver.notice(driver.self, now_ms, &notice);

	if (told && strstr(notice.text, text) && notice.pack == pack && notice.times == times)
		return true;
	printf("\n    told %d: %s, pack %d, %u times\n", told, told ? notice.text : "",
	       told ? notice.pack : 0, told ? notice.times : 0);
	return false;
}

static void nothing_is_told(void)
{
	struct driver_notice notice;

	CU_ASSERT_FALSE(driver.notice(driver.self, now_ms, &notice));
}

static void short_frames(unsigned n)
{
	struct can_frame frame = {.can_id = 0x100, .can_dlc = 2};

	while (n-- > 0)
		frame_put(1, &frame);
	step();
}

static void what_is_wrong_with_frames_is_told_once_and_then_ever_less_often(void)
{
	start();
	pack_says(1, 350., 10.);
	step();
	nothing_is_told();
	short_frames(3);
	CU_ASSERT_TRUE(is_told("shorter than described", 1, 3));
	short_frames(20);
	now_ms += TELL_AGAIN_MS - 1000;
	nothing_is_told();
	now_ms += 1001;
	CU_ASSERT_TRUE(is_told("shorter than described", 1, 20));
	nothing_is_told();
	short_frames(2); /* it goes on: told after two minutes now */
	now_ms += 3 * TELL_AGAIN_MS - 1000;
	nothing_is_told();
	now_ms += 2000;
	CU_ASSERT_TRUE(is_told("shorter than described", 1, 2));
	stop();
}

static void a_bus_that_is_passive_is_told(void)
{
	struct can_frame frame = {.can_id = CAN_ERR_FLAG | CAN_ERR_CRTL, .can_dlc = 8};

	start();
	frame.data[1] = CAN_ERR_CRTL_TX_PASSIVE;
	frame_put(0, &frame);
	step();
	CU_ASSERT_EQUAL(in.pack[0].link, LINK_PASSIVE);
	CU_ASSERT_TRUE(is_told("error-passive", -1, 1));
	error_says(0, CAN_ERR_BUSOFF);
	step();
	CU_ASSERT_TRUE(is_told("bus-off", -1, 1));
	nothing_is_told();
	stop();
}

static void bus_off_is_a_step_at_once_and_concerns_its_bus_only(void)
{
	start();
	step();
	error_says(0, CAN_ERR_BUSOFF);
	CU_ASSERT_TRUE(listen_ms(20));
	step();
	CU_ASSERT_EQUAL(in.pack[0].link, LINK_OFF);
	CU_ASSERT_EQUAL(in.pack[1].link, LINK_OK);
	stop();
}

static void a_pack_that_cannot_be_asked_is_not_started_and_others_are(void)
{
	start();
	stop();
	setup.pack[0].asleep = true;
	buses_make();
	CU_ASSERT_TRUE_FATAL(can_open(&driver, &setup, now_ms));
	out.pack[0].keep_alive = out.pack[1].keep_alive = true;
	step();
	pack_says(0, 355.0, 2.0);
	pack_says(1, 371.0, 2.0);
	listen_ms(50);
	step();
	CU_ASSERT_EQUAL(in.pack[0].electrical_ms, 0);
	CU_ASSERT_EQUAL(in.pack[0].link, LINK_GONE);
	CU_ASSERT_TRUE(in.pack[1].electrical_ms > 0);
	CU_ASSERT_EQUAL(sent(0, 0x10b, &(struct can_frame){0}), 0);
	CU_ASSERT_TRUE(sent(1, 0x10b, &(struct can_frame){0}) > 0);
	stop();
}

/* ---- sending ----------------------------------------------------------------------------- */

static void frames_go_out_at_their_period_while_keep_alive_is_permitted(void)
{
	struct can_frame last = {0};
	unsigned n;

	start();
	step();
	listen_ms(100);
	CU_ASSERT_EQUAL(sent(0, 0x10b, &last), 0);
	out.pack[0].keep_alive = true;
	step();
	listen_ms(200);
	n = sent(0, 0x10b, &last);
	CU_ASSERT_TRUE(n >= 5 && n <= 12); /* the machine that runs this may be slow */
	CU_ASSERT_EQUAL(last.data[0], (n - 1) % 15);
	CU_ASSERT_EQUAL(last.data[1], 0);
	CU_ASSERT_EQUAL(sent(1, 0x10b, &last), 0);
	out.pack[0].keep_alive = false;
	step();
	listen_ms(100);
	CU_ASSERT_EQUAL(sent(0, 0x10b, &last), 0);
	stop();
}

static void a_control_thread_that_takes_no_step_falls_silent(void)
{
	struct can_frame last = {0};

	start();
	out.pack[0].keep_alive = true;
	step();
	listen_ms(50);
	CU_ASSERT_TRUE(sent(0, 0x10b, &last) > 0);
	skipped_ms += CAN_STEPS_MISSED * setup.tick_ms + 1;
	listen_ms(100);
	CU_ASSERT_EQUAL(sent(0, 0x10b, &last), 0);
	step();
	listen_ms(50);
	CU_ASSERT_TRUE(sent(0, 0x10b, &last) > 0);
	stop();
}

static void the_command_is_in_the_frames_and_open_does_not_wait_for_its_turn(void)
{
	struct can_frame last = {0};
	uint8_t counter;

	start();
	out.pack[0].keep_alive = out.pack[0].coil[POLE_POSITIVE] = true;
	step();
	CU_ASSERT_EQUAL(sent(0, 0x10b, &last), 0);
	listen_ms(60);
	CU_ASSERT_TRUE(sent(0, 0x10b, &last) > 0);
	CU_ASSERT_EQUAL(last.data[1], 1);
	step();
	CU_ASSERT_EQUAL(in.contacts[0].readback[POLE_POSITIVE], CONTACT_CLOSED);
	counter = last.data[0];
	out.pack[0].coil[POLE_POSITIVE] = false;
	step();
	CU_ASSERT_EQUAL_FATAL(sent(0, 0x10b, &last), 1);
	CU_ASSERT_EQUAL(last.data[1], 0);
	CU_ASSERT_EQUAL(last.data[0], (counter + 1) % 15);
	step();
	CU_ASSERT_EQUAL(in.contacts[0].readback[POLE_POSITIVE], CONTACT_OPEN);
	stop();
}

static void open_is_said_once_although_keep_alive_ends_with_it(void)
{
	struct can_frame last = {0};

	start();
	out.pack[0].keep_alive = out.pack[0].coil[POLE_POSITIVE] = true;
	step();
	listen_ms(60);
	CU_ASSERT_TRUE(sent(0, 0x10b, &last) > 0);
	memset(&out, 0, sizeof out);
	step();
	CU_ASSERT_EQUAL(sent(0, 0x10b, &last), 1);
	CU_ASSERT_EQUAL(last.data[1], 0);
	listen_ms(60);
	CU_ASSERT_EQUAL(sent(0, 0x10b, &last), 0);
	stop();
}

static void a_frame_with_the_bus_voltage_stops_when_that_is_unknown(void)
{
	struct can_frame last = {0};

	start();
	out.pack[0].keep_alive = true;
	out.bus_known = true;
	out.bus_v = 353.0;
	step();
	listen_ms(60);
	CU_ASSERT_TRUE(sent(0, 0x524, &last) > 0);
	CU_ASSERT_EQUAL(last.data[0] | last.data[1] << 8, 353);
	out.bus_known = false;
	step();
	listen_ms(60);
	CU_ASSERT_EQUAL(sent(0, 0x524, &last), 0);
	stop();
}

static void nothing_is_sent_on_a_bus_that_is_off(void)
{
	struct can_frame last = {0};

	start();
	out.pack[0].keep_alive = out.pack[1].keep_alive = true;
	step();
	error_says(0, CAN_ERR_BUSOFF);
	listen_ms(10);
	sent(0, 0x10b, &last);
	sent(1, 0x10b, &last);
	listen_ms(60);
	CU_ASSERT_EQUAL(sent(0, 0x10b, &last), 0);
	CU_ASSERT_TRUE(sent(1, 0x10b, &last) > 0);
	stop();
}

static void a_full_send_queue_is_told_and_the_counter_does_not_skip(void)
{
	struct can_frame last = {0}, first;
	int few = 0; /* the kernel makes it the least it can */

	start();
	CU_ASSERT_EQUAL(setsockopt(setup.bus[0].fd, SOL_SOCKET, SO_SNDBUF, &few, sizeof few), 0);
	out.pack[0].keep_alive = true;
	for (unsigned i = 0; i < 200 && !in.pack[0].link_tx_full; i++) {
		listen_ms(20);
		step();
	}
	CU_ASSERT_TRUE(in.pack[0].link_tx_full);
	CU_ASSERT_FALSE(in.pack[1].link_tx_full);
	sent(0, 0x10b, &last);
	step();
	listen_ms(30);
	CU_ASSERT_TRUE_FATAL(recv(other[0], &first, sizeof first, MSG_DONTWAIT) ==
			     (ssize_t)sizeof first);
	CU_ASSERT_EQUAL(first.data[0], (last.data[0] + 1) % 15);
	stop();
}

static void an_interface_that_is_missing_is_no_failure_and_no_reading(void)
{
	start();
	stop();
	setup.bus[0].fd = setup.bus[1].fd = -1;
	memcpy(setup.bus[0].name, "no-such-can", sizeof "no-such-can");
	memcpy(setup.bus[1].name, "nor-this", sizeof "nor-this");
	CU_ASSERT_TRUE_FATAL(can_open(&driver, &setup, now_ms));
	CU_ASSERT_NOT_EQUAL(can_bus_link(&driver, 0)->error, 0);
	out.pack[0].keep_alive = true;
	for (int i = 0; i < 10; i++) {
		step();
		listen_ms(50);
	}
	CU_ASSERT_EQUAL(in.pack[0].link, LINK_GONE);
	CU_ASSERT_TRUE(isnan(in.pack[0].pack_v));
	CU_ASSERT_EQUAL(in.pack[0].electrical_ms, 0);
	CU_ASSERT_EQUAL(can_bus_link(&driver, 0)->lost, 1); /* tried again, counted once */
	driver.close(driver.self);
}

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}

int main(void)
{
	CU_TestInfo reading[] = {
		TEST(packs_start_unknown),
		TEST(the_same_id_on_two_buses_is_two_packs),
		TEST(a_frame_within_limits_is_no_reason_for_a_step_and_one_beyond_is),
		TEST(a_bus_that_carries_nothing_urgent_wakes_only_by_the_timer),
		TEST(a_foreign_sender_of_our_frames_is_told_for_the_pack_it_harms),
		TEST(what_is_wrong_with_frames_is_told_once_and_then_ever_less_often),
		TEST(a_bus_that_is_passive_is_told),
		TEST(bus_off_is_a_step_at_once_and_concerns_its_bus_only),
		TEST(a_pack_that_cannot_be_asked_is_not_started_and_others_are),
		CU_TEST_INFO_NULL,
	};
	CU_TestInfo sending[] = {
		TEST(frames_go_out_at_their_period_while_keep_alive_is_permitted),
		TEST(a_control_thread_that_takes_no_step_falls_silent),
		TEST(the_command_is_in_the_frames_and_open_does_not_wait_for_its_turn),
		TEST(open_is_said_once_although_keep_alive_ends_with_it),
		TEST(a_frame_with_the_bus_voltage_stops_when_that_is_unknown),
		TEST(nothing_is_sent_on_a_bus_that_is_off),
		TEST(a_full_send_queue_is_told_and_the_counter_does_not_skip),
		TEST(an_interface_that_is_missing_is_no_failure_and_no_reading),
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"reading", NULL, NULL, NULL, NULL, reading},
				 {"sending", NULL, NULL, NULL, NULL, sending},
				 CU_SUITE_INFO_NULL};
	unsigned failed;

	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return 2;
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failed = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failed ? 1 : 0;
}
