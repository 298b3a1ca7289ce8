#include <CUnit/Basic.h>

#include <errno.h>
#include <linux/can/error.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drivers/can/bus.h"

/* One end stands in for the interface, the other is the rest of the bus. */
static struct can_bus bus;
static int other;
static struct can_batch batch;

static int begin(void)
{
	can_batch_init(&batch);
	return 0;
}

static void connect_bus(void)
{
	int pair[2];

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), 0);
	can_bus_init(&bus, "pair");
	can_bus_adopt(&bus, pair[0], -1);
	other = pair[1];
}

static void disconnect_bus(void)
{
	can_bus_close(&bus);
	if (other >= 0)
		close(other);
	other = -1;
}

static void frame_put(uint32_t id, uint8_t first)
{
	struct can_frame frame = {.can_id = id, .can_dlc = 8, .data = {first}};

	CU_ASSERT_EQUAL(send(other, &frame, sizeof frame, 0), (ssize_t)sizeof frame);
}

static void frames_come_in_order_with_the_time_they_came(void)
{
	connect_bus();
	for (uint8_t i = 0; i < 5; i++)
		frame_put(0x100u + i, i);
	CU_ASSERT_EQUAL_FATAL(can_bus_receive(&bus, &batch, 5000), 5);
	for (uint8_t i = 0; i < 5; i++) {
		CU_ASSERT_EQUAL(batch.frame[i].can_id, 0x100u + i);
		CU_ASSERT_EQUAL(batch.frame[i].data[0], i);
		CU_ASSERT_TRUE(batch.at_ms[i] <= 5000 && batch.at_ms[i] >= 5000 - CAN_AGE_MAX_MS);
	}
	CU_ASSERT_EQUAL(can_bus_receive(&bus, &batch, 5001), 0);
	CU_ASSERT_EQUAL(can_link_state(&bus.link, 5001), LINK_OK);
	disconnect_bus();
}

static void error_frames_are_judged_and_not_given_on(void)
{
	struct can_frame passive = {.can_id = CAN_ERR_FLAG | CAN_ERR_CRTL,
				    .can_dlc = 8,
				    .data = {0, CAN_ERR_CRTL_TX_PASSIVE}};

	connect_bus();
	frame_put(0x100, 1);
	CU_ASSERT_EQUAL(send(other, &passive, sizeof passive, 0), (ssize_t)sizeof passive);
	frame_put(0x101, 2);
	CU_ASSERT_EQUAL_FATAL(can_bus_receive(&bus, &batch, 5000), 2);
	CU_ASSERT_EQUAL(batch.frame[0].data[0], 1);
	CU_ASSERT_EQUAL(batch.frame[1].data[0], 2);
	CU_ASSERT_EQUAL(can_link_state(&bus.link, 5000), LINK_PASSIVE);
	disconnect_bus();
}

static void what_is_no_classic_frame_is_counted_and_left_out(void)
{
	struct canfd_frame fd_frame = {.can_id = 0x100, .len = 64};
	struct can_frame lying = {.can_id = 0x100, .can_dlc = 15};

	connect_bus();
	CU_ASSERT_EQUAL(send(other, &fd_frame, sizeof fd_frame, 0), (ssize_t)sizeof fd_frame);
	CU_ASSERT_EQUAL(send(other, &lying, sizeof lying, 0), (ssize_t)sizeof lying);
	CU_ASSERT_EQUAL(send(other, "abc", 3, 0), 3);
	frame_put(0x102, 7);
	CU_ASSERT_EQUAL_FATAL(can_bus_receive(&bus, &batch, 5000), 1);
	CU_ASSERT_EQUAL(batch.frame[0].can_id, 0x102);
	CU_ASSERT_EQUAL(bus.odd, 3);
	disconnect_bus();
}

static void a_batch_is_bounded_and_the_rest_stays(void)
{
	unsigned total = 0, n;

	connect_bus();
	for (unsigned i = 0; i < CAN_BATCH + 10; i++) /* the pair holds fewer at once */
		if (send(other, &(struct can_frame){.can_id = 1}, sizeof(struct can_frame), 0) > 0)
			total++;
	n = can_bus_receive(&bus, &batch, 5000);
	CU_ASSERT_TRUE(n > 0 && n <= CAN_BATCH);
	if (n < total)
		CU_ASSERT_EQUAL(can_bus_receive(&bus, &batch, 5000), total - n);
	disconnect_bus();
}

static void a_full_queue_is_no_loss_of_the_bus(void)
{
	const struct can_frame frame = {.can_id = 0x10b, .can_dlc = 3};
	unsigned sent = 0;

	connect_bus();
	while (can_bus_send(&bus, 1000, &frame) && sent < 100000)
		sent++;
	CU_ASSERT_TRUE(sent > 0 && sent < 100000);
	CU_ASSERT_TRUE(can_link_tx_full(&bus.link));
	CU_ASSERT_TRUE(bus.fd >= 0);
	CU_ASSERT_EQUAL(can_link_state(&bus.link, 1000), LINK_OK);
	while (recv(other, &(struct can_frame){0}, sizeof frame, MSG_DONTWAIT) > 0)
		;
	CU_ASSERT_TRUE(can_bus_send(&bus, 1010, &frame));
	CU_ASSERT_TRUE(can_link_tx_full(&bus.link));
	CU_ASSERT_TRUE(can_bus_send(&bus, 1001 + CAN_FULL_HOLD_MS, &frame));
	CU_ASSERT_FALSE(can_link_tx_full(&bus.link));
	disconnect_bus();
}

static void nothing_is_sent_while_the_bus_is_off(void)
{
	const struct can_frame off = {.can_id = CAN_ERR_FLAG | CAN_ERR_BUSOFF, .can_dlc = 8},
			       frame = {.can_id = 0x10b};

	connect_bus();
	CU_ASSERT_EQUAL(send(other, &off, sizeof off, 0), (ssize_t)sizeof off);
	CU_ASSERT_EQUAL(can_bus_receive(&bus, &batch, 1000), 0);
	CU_ASSERT_FALSE(can_bus_send(&bus, 1001, &frame));
	CU_ASSERT_FALSE(can_link_tx_full(&bus.link));
	CU_ASSERT_TRUE(recv(other, &(struct can_frame){0}, sizeof frame, MSG_DONTWAIT) < 0);
	disconnect_bus();
}

static void an_interface_that_does_not_exist_is_named_by_its_error(void)
{
	can_bus_init(&bus, "no-such-can");
	CU_ASSERT_FALSE(can_bus_open(&bus, 1000));
	CU_ASSERT_EQUAL(bus.fd, -1);
	CU_ASSERT_EQUAL(can_link_state(&bus.link, 1000), LINK_GONE);
	CU_ASSERT_TRUE(bus.link.error == ENODEV || bus.link.error == EAFNOSUPPORT);
	CU_ASSERT_EQUAL(can_bus_receive(&bus, &batch, 1000), 0);
	CU_ASSERT_FALSE(can_bus_send(&bus, 1000, &(struct can_frame){0}));
}

static void a_lost_bus_is_closed_and_waits_for_its_next_attempt(void)
{
	connect_bus();
	can_bus_lost(&bus, 1000, ENETDOWN);
	CU_ASSERT_EQUAL(bus.fd, -1);
	CU_ASSERT_EQUAL(can_link_state(&bus.link, 1000), LINK_OFF);
	CU_ASSERT_FALSE(can_link_open_due(&bus.link, 1000));
	CU_ASSERT_TRUE(can_link_open_due(&bus.link, 1000 + CAN_RETRY_MIN_MS));
	disconnect_bus();
}

static void filters_name_each_id_once_and_beyond_the_limit_let_all_in(void)
{
	can_bus_init(&bus, "can0");
	can_bus_want(&bus, 0x1db, false);
	can_bus_want(&bus, 0x1db, false);
	can_bus_want(&bus, 0x1db, true);
	CU_ASSERT_EQUAL(bus.n_filters, 2);
	CU_ASSERT_EQUAL(bus.filter[0].can_id & CAN_EFF_FLAG, 0);
	CU_ASSERT_NOT_EQUAL(bus.filter[0].can_mask & CAN_EFF_FLAG, 0);
	CU_ASSERT_EQUAL(bus.filter[1].can_id, 0x1dbu | CAN_EFF_FLAG);
	for (unsigned id = 0; id < CAN_FILTERS_MAX; id++)
		can_bus_want(&bus, 0x10000u + id, true);
	CU_ASSERT_EQUAL(bus.n_filters, 1);
	CU_ASSERT_EQUAL(bus.filter[0].can_mask, 0);
	can_bus_want(&bus, 0x7ff, false);
	CU_ASSERT_EQUAL(bus.n_filters, 1);
}

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(frames_come_in_order_with_the_time_they_came),
		TEST(error_frames_are_judged_and_not_given_on),
		TEST(what_is_no_classic_frame_is_counted_and_left_out),
		TEST(a_batch_is_bounded_and_the_rest_stays),
		TEST(a_full_queue_is_no_loss_of_the_bus),
		TEST(nothing_is_sent_while_the_bus_is_off),
		TEST(an_interface_that_does_not_exist_is_named_by_its_error),
		TEST(a_lost_bus_is_closed_and_waits_for_its_next_attempt),
		TEST(filters_name_each_id_once_and_beyond_the_limit_let_all_in),
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"can bus", begin, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
	unsigned failed;

	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return 2;
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failed = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failed ? 1 : 0;
}
