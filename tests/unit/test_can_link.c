#include <CUnit/Basic.h>

#include <errno.h>
#include <linux/can/error.h>

#include "drivers/can/cycle.h"
#include "drivers/can/link.h"
#include "drivers/can/poll.h"

static struct can_link link;

static void fresh(void)
{
	can_link_init(&link);
	can_link_opened(&link);
}

static void error_frame(int64_t now_ms, uint32_t kind, uint8_t controller)
{
	struct can_frame frame = {
		.can_id = CAN_ERR_FLAG | kind, .can_dlc = 8, .data = {0, controller}};

	can_link_error_frame(&link, now_ms, &frame);
}

static void a_bus_is_unknown_until_it_is_open(void)
{
	can_link_init(&link);
	CU_ASSERT_EQUAL(can_link_state(&link, 1), LINK_UNKNOWN);
	CU_ASSERT_FALSE(can_link_may_send(&link, 1));
	CU_ASSERT_TRUE(can_link_open_due(&link, 1));
	can_link_opened(&link);
	CU_ASSERT_EQUAL(can_link_state(&link, 1), LINK_OK);
	CU_ASSERT_TRUE(can_link_may_send(&link, 1));
}

static void an_interface_that_does_not_exist_is_gone_and_one_that_is_down_is_off(void)
{
	can_link_init(&link);
	can_link_lost(&link, 1000, ENODEV);
	CU_ASSERT_EQUAL(can_link_state(&link, 1000), LINK_GONE);
	can_link_lost(&link, 2000, ENETDOWN);
	CU_ASSERT_EQUAL(can_link_state(&link, 2000), LINK_OFF);
	CU_ASSERT_EQUAL(link.lost, 2);
}

static void a_lost_interface_is_tried_again_ever_less_often(void)
{
	int64_t now_ms = 1000;
	int32_t waited_ms = 0;

	fresh();
	for (int i = 0; i < 12; i++) {
		can_link_lost(&link, now_ms, ENODEV);
		CU_ASSERT_FALSE(can_link_open_due(&link, now_ms + link.retry_after_ms - 1));
		CU_ASSERT_TRUE(can_link_open_due(&link, now_ms + link.retry_after_ms));
		CU_ASSERT_TRUE(link.retry_after_ms >= waited_ms);
		waited_ms = link.retry_after_ms;
		now_ms += waited_ms;
	}
	CU_ASSERT_EQUAL(waited_ms, CAN_RETRY_MAX_MS);
	can_link_opened(&link);
	can_link_heard(&link);
	can_link_lost(&link, now_ms, ENODEV);
	CU_ASSERT_EQUAL(link.retry_after_ms, CAN_RETRY_MIN_MS);
}

static void bus_off_stops_sending_until_restart_and_quiet_time(void)
{
	fresh();
	error_frame(1000, CAN_ERR_BUSOFF, 0);
	CU_ASSERT_EQUAL(can_link_state(&link, 1000), LINK_OFF);
	CU_ASSERT_FALSE(can_link_may_send(&link, 60000));
	error_frame(1010, CAN_ERR_RESTARTED, 0);
	CU_ASSERT_FALSE(can_link_may_send(&link, 1000 + CAN_QUIET_MIN_MS - 1));
	CU_ASSERT_EQUAL(can_link_state(&link, 1000 + CAN_QUIET_MIN_MS - 1), LINK_OFF);
	CU_ASSERT_TRUE(can_link_may_send(&link, 1000 + CAN_QUIET_MIN_MS));
	CU_ASSERT_EQUAL(can_link_state(&link, 1000 + CAN_QUIET_MIN_MS), LINK_OK);
}

static void each_bus_off_is_followed_by_a_longer_quiet_time(void)
{
	int64_t now_ms = 1000, quiet_ms = 0;

	fresh();
	for (int i = 0; i < 10; i++) {
		error_frame(now_ms, CAN_ERR_BUSOFF, 0);
		error_frame(now_ms, CAN_ERR_BUSOFF, 0); /* told twice is once */
		error_frame(now_ms + 1, CAN_ERR_RESTARTED, 0);
		CU_ASSERT_TRUE(link.quiet_ms - now_ms >= quiet_ms);
		quiet_ms = link.quiet_ms - now_ms;
		now_ms = link.quiet_ms;
	}
	CU_ASSERT_EQUAL(quiet_ms, CAN_QUIET_MAX_MS);
	CU_ASSERT_EQUAL(link.bus_offs, 10);
	now_ms += CAN_QUIET_FORGET_MS + 1;
	error_frame(now_ms, CAN_ERR_BUSOFF, 0);
	CU_ASSERT_EQUAL(link.quiet_ms - now_ms, CAN_QUIET_MIN_MS);
}

static void a_frame_heard_ends_a_bus_off_that_no_restart_was_announced_for(void)
{
	fresh();
	error_frame(1000, CAN_ERR_BUSOFF, 0);
	can_link_heard(&link);
	CU_ASSERT_EQUAL(can_link_state(&link, 1000 + CAN_QUIET_MIN_MS), LINK_OK);
}

static void error_passive_is_told_and_goes(void)
{
	fresh();
	error_frame(1000, CAN_ERR_CRTL, CAN_ERR_CRTL_TX_PASSIVE);
	CU_ASSERT_EQUAL(can_link_state(&link, 1000), LINK_PASSIVE);
	CU_ASSERT_TRUE(can_link_may_send(&link, 1000));
	can_link_heard(&link);
	CU_ASSERT_EQUAL(can_link_state(&link, 1000), LINK_PASSIVE);
	error_frame(1010, CAN_ERR_CRTL, CAN_ERR_CRTL_RX_WARNING);
	CU_ASSERT_EQUAL(can_link_state(&link, 1010), LINK_OK);
	error_frame(1020, CAN_ERR_CRTL, CAN_ERR_CRTL_RX_PASSIVE);
	error_frame(1030, CAN_ERR_CRTL, CAN_ERR_CRTL_ACTIVE);
	CU_ASSERT_EQUAL(can_link_state(&link, 1030), LINK_OK);
	CU_ASSERT_EQUAL(link.passives, 2);
}

static void controller_states_do_not_hide_a_bus_off(void)
{
	fresh();
	error_frame(1000, CAN_ERR_BUSOFF, 0);
	error_frame(1001, CAN_ERR_CRTL, CAN_ERR_CRTL_TX_WARNING);
	CU_ASSERT_EQUAL(can_link_state(&link, 1001), LINK_OFF);
}

static void a_short_error_frame_is_not_read_beyond_its_length(void)
{
	struct can_frame frame = {.can_id = CAN_ERR_FLAG | CAN_ERR_CRTL,
				  .can_dlc = 1,
				  .data = {0, CAN_ERR_CRTL_TX_PASSIVE}};

	fresh();
	can_link_error_frame(&link, 1000, &frame);
	CU_ASSERT_EQUAL(can_link_state(&link, 1000), LINK_OK);
}

static void a_full_queue_is_told_until_sending_works_again(void)
{
	fresh();
	CU_ASSERT_FALSE(can_link_tx_full(&link));
	can_link_send_failed(&link, 1000);
	CU_ASSERT_TRUE(can_link_tx_full(&link));
	can_link_sent(&link, 1010); /* one gap among many */
	CU_ASSERT_TRUE(can_link_tx_full(&link));
	can_link_sent(&link, 1001 + CAN_FULL_HOLD_MS);
	CU_ASSERT_FALSE(can_link_tx_full(&link));
	error_frame(5000, CAN_ERR_TX_TIMEOUT, 0);
	CU_ASSERT_TRUE(can_link_tx_full(&link));
	CU_ASSERT_EQUAL(link.full, 2);
}

static void frames_go_out_once_per_period_and_are_not_caught_up_on(void)
{
	struct can_cycle cycle = {.period_ms = 20};
	unsigned sent = 0;

	CU_ASSERT_FALSE(can_cycle_due(&cycle, 1000000));
	can_cycle_start(&cycle, 1000, 0);
	for (int64_t now_ms = 1000; now_ms < 2000; now_ms += 10)
		sent += can_cycle_due(&cycle, now_ms);
	CU_ASSERT_EQUAL(sent, 50);
	CU_ASSERT_TRUE(can_cycle_due(&cycle, 5000)); /* 3 s of silence */
	CU_ASSERT_FALSE(can_cycle_due(&cycle, 5010));
	CU_ASSERT_TRUE(can_cycle_due(&cycle, 5020));
	can_cycle_restart(&cycle, 5030);
	CU_ASSERT_FALSE(can_cycle_due(&cycle, 5040));
	CU_ASSERT_TRUE(can_cycle_due(&cycle, 5050));
	can_cycle_stop(&cycle);
	CU_ASSERT_FALSE(can_cycle_due(&cycle, 9000));
}

static void slow_frames_of_a_pack_do_not_start_together(void)
{
	unsigned at[10] = {0}, most = 0;

	for (unsigned i = 0; i < 10; i++) {
		struct can_cycle cycle = {.period_ms = 100};

		can_cycle_start(&cycle, 1000, i);
		at[(cycle.due_ms - 1000) / 10]++;
	}
	for (unsigned i = 0; i < 10; i++)
		most = at[i] > most ? at[i] : most;
	CU_ASSERT_EQUAL(most, 1);
}

static void one_timer_serves_all_periods(void)
{
	int32_t timer_ms = 0;

	timer_ms = can_cycle_timer_ms(timer_ms, 640);
	CU_ASSERT_EQUAL(timer_ms, 100);
	timer_ms = can_cycle_timer_ms(0, 20);
	timer_ms = can_cycle_timer_ms(timer_ms, 50);
	CU_ASSERT_EQUAL(timer_ms, 10);
	CU_ASSERT_EQUAL(can_cycle_timer_ms(timer_ms, 7), 5);
}

static struct can_poll polls;

static bool awake = true;

static int ask(int64_t now_ms)
{
	int index = can_poll_due(&polls, now_ms, awake);

	if (index >= 0)
		can_poll_sent(&polls, now_ms, index);
	return index;
}

static void one_request_is_outstanding_and_the_longest_due_is_next(void)
{
	can_poll_init(&polls);
	can_poll_add(&polls, 1000, 20, 500, false);
	can_poll_add(&polls, 100, 20, 500, false);
	CU_ASSERT_EQUAL(ask(1000), 0);
	CU_ASSERT_EQUAL(ask(1001), -1);
	can_poll_answered(&polls, 1010);
	CU_ASSERT_EQUAL(ask(1029), -1);
	CU_ASSERT_EQUAL(ask(1030), 1);
	can_poll_answered(&polls, 1040);
	CU_ASSERT_EQUAL(ask(1060), -1);
	CU_ASSERT_EQUAL(ask(1130), 1);
	can_poll_answered(&polls, 1140);
	CU_ASSERT_EQUAL(ask(2230), 1); /* due since 1230, the other since 2000 */
	can_poll_answered(&polls, 2240);
	CU_ASSERT_EQUAL(ask(2260), 0);
}

static void a_pack_that_does_not_answer_is_asked_less_often(void)
{
	int64_t now_ms = 1000;

	can_poll_init(&polls);
	can_poll_add(&polls, 100, 20, 500, false);
	for (int i = 0; i < CAN_POLL_SLOW_AFTER; i++) {
		CU_ASSERT_EQUAL(ask(now_ms), 0);
		CU_ASSERT_FALSE(can_poll_expire(&polls, now_ms + 499));
		CU_ASSERT_TRUE(can_poll_expire(&polls, now_ms + 500));
		CU_ASSERT_FALSE(can_poll_expire(&polls, now_ms + 501));
		now_ms += 520;
	}
	CU_ASSERT_EQUAL(ask(now_ms), -1);
	CU_ASSERT_EQUAL(ask(now_ms + CAN_POLL_SLOW_MS), 0);
	can_poll_answered(&polls, now_ms + CAN_POLL_SLOW_MS + 10);
	CU_ASSERT_EQUAL(ask(now_ms + CAN_POLL_SLOW_MS + 100), 0);
}

static void a_request_that_needs_a_wakeful_pack_waits_for_keep_alive(void)
{
	can_poll_init(&polls);
	can_poll_add(&polls, 100, 20, 500, true);
	awake = false;
	CU_ASSERT_EQUAL(ask(1000), -1);
	awake = true;
	CU_ASSERT_EQUAL(ask(1000), 0);
}

static void a_pack_that_asks_for_time_gets_it(void)
{
	can_poll_init(&polls);
	can_poll_add(&polls, 100, 20, 500, false);
	CU_ASSERT_EQUAL(ask(1000), 0);
	can_poll_pending(&polls, 1400, 2000);
	CU_ASSERT_FALSE(can_poll_expire(&polls, 3399));
	CU_ASSERT_TRUE(can_poll_expire(&polls, 3400));
}

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}

int main(void)
{
	CU_TestInfo link_tests[] = {
		TEST(a_bus_is_unknown_until_it_is_open),
		TEST(an_interface_that_does_not_exist_is_gone_and_one_that_is_down_is_off),
		TEST(a_lost_interface_is_tried_again_ever_less_often),
		TEST(bus_off_stops_sending_until_restart_and_quiet_time),
		TEST(each_bus_off_is_followed_by_a_longer_quiet_time),
		TEST(a_frame_heard_ends_a_bus_off_that_no_restart_was_announced_for),
		TEST(error_passive_is_told_and_goes),
		TEST(controller_states_do_not_hide_a_bus_off),
		TEST(a_short_error_frame_is_not_read_beyond_its_length),
		TEST(a_full_queue_is_told_until_sending_works_again),
		CU_TEST_INFO_NULL,
	};
	CU_TestInfo cycle_tests[] = {
		TEST(frames_go_out_once_per_period_and_are_not_caught_up_on),
		TEST(slow_frames_of_a_pack_do_not_start_together),
		TEST(one_timer_serves_all_periods),
		CU_TEST_INFO_NULL,
	};
	CU_TestInfo poll_tests[] = {
		TEST(one_request_is_outstanding_and_the_longest_due_is_next),
		TEST(a_pack_that_does_not_answer_is_asked_less_often),
		TEST(a_request_that_needs_a_wakeful_pack_waits_for_keep_alive),
		TEST(a_pack_that_asks_for_time_gets_it),
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"link", NULL, NULL, NULL, NULL, link_tests},
				 {"cycle", NULL, NULL, NULL, NULL, cycle_tests},
				 {"poll", NULL, NULL, NULL, NULL, poll_tests},
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
