/* The schedule of a polled device, by hand: no bus, no clock. */
#include <CUnit/Basic.h>

#include <string.h>

#include "drivers/modbus/poll.h"

static const struct modbus_block blocks[] = {
	{MODBUS_READ_HOLDING, 100, 4, 1000},
	{MODBUS_READ_INPUT, 7, 2, 250},
};

static struct modbus_poll *make(void)
{
	return modbus_poll_new(&(struct modbus_poll_setup){
		.unit = 3, .timeout_ms = 300, .n_blocks = 2, .block = blocks});
}

/* Asks for the next request, answers it and says its address; -1: nothing was due. */
static int turn(struct modbus_device *device, int64_t now_ms, enum modbus_result result)
{
	struct modbus_request request = {.function = MODBUS_NOTHING};
	struct modbus_answer answer = {.result = result, .arrived_ms = now_ms + 5};

	if (device->next(device->self, now_ms, &request) > now_ms)
		return -1;
	for (unsigned i = 0; i < request.count; i++)
		answer.value[i] = (uint16_t)(request.address + i);
	device->done(device->self, &request, &answer);
	return request.address;
}

static void blocks_are_read_in_their_periods(void)
{
	struct modbus_poll *poll = make();
	struct modbus_device device = modbus_poll_device(poll);
	unsigned slow = 0, fast = 0;

	for (int64_t t = 1000; t < 11000; t += 10) {
		int address = turn(&device, t, MODBUS_ANSWERED);

		slow += address == 100;
		fast += address == 7;
	}
	CU_ASSERT_EQUAL(slow, 10);
	CU_ASSERT_EQUAL(fast, 40);
	modbus_poll_free(poll);
}

static void an_image_has_the_stamp_of_its_answer(void)
{
	struct modbus_poll *poll = make();
	struct modbus_device device = modbus_poll_device(poll);
	struct modbus_image image;

	CU_ASSERT_EQUAL(modbus_poll_read(poll, 0, &image), 0);
	CU_ASSERT_EQUAL(image.stamp_ms, 0);
	CU_ASSERT_EQUAL(turn(&device, 1000, MODBUS_ANSWERED), 100);
	CU_ASSERT_EQUAL(modbus_poll_read(poll, 0, &image), 1);
	CU_ASSERT_EQUAL(image.stamp_ms, 1005);
	CU_ASSERT_EQUAL(image.value[3], 103);
	modbus_poll_free(poll);
}

static void a_failure_keeps_the_old_image_and_its_stamp(void)
{
	struct modbus_poll *poll = make();
	struct modbus_device device = modbus_poll_device(poll);
	struct modbus_image image;

	turn(&device, 1000, MODBUS_ANSWERED);
	turn(&device, 1010, MODBUS_ANSWERED);
	for (int64_t t = 1020; t < 3000; t += 10)
		turn(&device, t, MODBUS_TIMED_OUT);
	modbus_poll_read(poll, 0, &image);
	CU_ASSERT_EQUAL(image.stamp_ms, 1005);
	CU_ASSERT_EQUAL(image.value[0], 100);
	CU_ASSERT_TRUE(image.failures > 0);
	modbus_poll_free(poll);
}

static void a_dead_device_asks_for_the_bus_less_and_less(void)
{
	struct modbus_poll *poll = make();
	struct modbus_device device = modbus_poll_device(poll);
	unsigned asked = 0;

	for (int64_t t = 1000; t < 61000; t += 10)
		asked += turn(&device, t, MODBUS_TIMED_OUT) >= 0;
	CU_ASSERT_TRUE(asked < 45); /* 60 + 240 when alive */
	device.connected(device.self, 70000);
	CU_ASSERT_TRUE(turn(&device, 70000, MODBUS_ANSWERED) >= 0);
	modbus_poll_free(poll);
}

static void the_latest_write_wins_and_goes_first(void)
{
	struct modbus_poll *poll = make();
	struct modbus_device device = modbus_poll_device(poll);
	struct modbus_request request;
	const struct modbus_answer answer = {.result = MODBUS_ANSWERED};

	modbus_poll_write(poll, 0, MODBUS_WRITE_MANY, 40, 2, (const uint16_t[]){1, 2});
	modbus_poll_write(poll, 0, MODBUS_WRITE_MANY, 40, 2, (const uint16_t[]){3, 4});
	CU_ASSERT_EQUAL(device.next(device.self, 1000, &request), MODBUS_URGENT);
	CU_ASSERT_EQUAL(request.function, MODBUS_WRITE_MANY);
	CU_ASSERT_EQUAL(request.value[0], 3);
	CU_ASSERT_EQUAL(request.value[1], 4);
	device.done(device.self, &request, &answer);
	CU_ASSERT_EQUAL(turn(&device, 1000, MODBUS_ANSWERED), 100);
	modbus_poll_free(poll);
}

static void a_write_that_fails_is_tried_three_times(void)
{
	struct modbus_poll *poll = make();
	struct modbus_device device = modbus_poll_device(poll);
	unsigned tried = 0;

	modbus_poll_write(poll, 7, MODBUS_WRITE_ONE, 40, 1, (const uint16_t[]){9});
	for (int i = 0; i < 10; i++)
		tried += turn(&device, 1000, MODBUS_TIMED_OUT) == 40;
	CU_ASSERT_EQUAL(tried, 3);
	modbus_poll_free(poll);
}

static void a_write_during_another_is_not_lost(void)
{
	struct modbus_poll *poll = make();
	struct modbus_device device = modbus_poll_device(poll);
	struct modbus_request request;
	const struct modbus_answer answer = {.result = MODBUS_ANSWERED};

	modbus_poll_write(poll, 0, MODBUS_WRITE_ONE, 40, 1, (const uint16_t[]){1});
	device.next(device.self, 1000, &request);
	modbus_poll_write(poll, 0, MODBUS_WRITE_ONE, 40, 1, (const uint16_t[]){2});
	device.done(device.self, &request, &answer);
	CU_ASSERT_EQUAL(device.next(device.self, 1000, &request), MODBUS_URGENT);
	CU_ASSERT_EQUAL(request.value[0], 2);
	modbus_poll_free(poll);
}

static void a_setup_that_does_not_hold_is_refused(void)
{
	const struct modbus_block bad[] = {
		{MODBUS_READ_HOLDING, 0, 0, 1000},     {MODBUS_READ_HOLDING, 0, 126, 1000},
		{MODBUS_READ_HOLDING, 65535, 2, 1000}, {MODBUS_WRITE_MANY, 0, 1, 1000},
		{MODBUS_READ_INPUT, 0, 1, 0},
	};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		CU_ASSERT_PTR_NULL(modbus_poll_new(&(struct modbus_poll_setup){
			.unit = 1, .timeout_ms = 300, .n_blocks = 1, .block = &bad[i]}));
	CU_ASSERT_PTR_NULL(modbus_poll_new(&(struct modbus_poll_setup){.timeout_ms = 0}));
}

int main(void)
{
	CU_pSuite suite;

	CU_initialize_registry();
	suite = CU_add_suite("modbus_poll", NULL, NULL);
	CU_ADD_TEST(suite, blocks_are_read_in_their_periods);
	CU_ADD_TEST(suite, an_image_has_the_stamp_of_its_answer);
	CU_ADD_TEST(suite, a_failure_keeps_the_old_image_and_its_stamp);
	CU_ADD_TEST(suite, a_dead_device_asks_for_the_bus_less_and_less);
	CU_ADD_TEST(suite, the_latest_write_wins_and_goes_first);
	CU_ADD_TEST(suite, a_write_that_fails_is_tried_three_times);
	CU_ADD_TEST(suite, a_write_during_another_is_not_lost);
	CU_ADD_TEST(suite, a_setup_that_does_not_hold_is_refused);
	CU_basic_run_tests();
	unsigned failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures ? 1 : 0;
}
