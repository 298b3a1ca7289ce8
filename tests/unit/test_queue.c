#include <CUnit/Basic.h>

#include <poll.h>
#include <pthread.h>
#include <string.h>

#include "drivers/worker/queue.h"

static bool readable(int fd)
{
	struct pollfd item = {.fd = fd, .events = POLLIN};

	return poll(&item, 1, 0) == 1;
}

static void items_come_out_in_order(void)
{
	struct queue *queue = queue_new(3, sizeof(int));
	int got;

	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 3; i++)
			CU_ASSERT_TRUE(queue_push(queue, &(int){10 * round + i}));
		CU_ASSERT_EQUAL(queue_used(queue), 3);
		for (int i = 0; i < 3; i++) {
			CU_ASSERT_TRUE_FATAL(queue_pop(queue, &got));
			CU_ASSERT_EQUAL(got, 10 * round + i);
		}
		CU_ASSERT_FALSE(queue_pop(queue, &got));
	}
	CU_ASSERT_EQUAL(queue_lost(queue), 0);
	queue_free(queue);
}

static void a_full_queue_refuses_and_counts(void)
{
	struct queue *queue = queue_new(2, sizeof(int));
	int got = 0;

	CU_ASSERT_TRUE(queue_push(queue, &(int){1}));
	CU_ASSERT_TRUE(queue_push(queue, &(int){2}));
	CU_ASSERT_FALSE(queue_push(queue, &(int){3}));
	CU_ASSERT_EQUAL(queue_lost(queue), 1);
	CU_ASSERT_TRUE(queue_pop(queue, &got));
	CU_ASSERT_EQUAL(got, 1);
	queue_free(queue);
}

static void drop_oldest_keeps_the_newest(void)
{
	struct queue *queue = queue_new(2, sizeof(int));
	int got = 0;

	for (int i = 1; i <= 5; i++)
		queue_push_drop_oldest(queue, &i);
	CU_ASSERT_EQUAL(queue_lost(queue), 3);
	CU_ASSERT_TRUE(queue_pop(queue, &got));
	CU_ASSERT_EQUAL(got, 4);
	CU_ASSERT_TRUE(queue_pop(queue, &got));
	CU_ASSERT_EQUAL(got, 5);
	CU_ASSERT_FALSE(readable(queue_fd(queue)));
	queue_free(queue);
}

static void descriptor_is_readable_exactly_while_items_wait(void)
{
	struct queue *queue = queue_new(1, sizeof(int));
	int got;

	CU_ASSERT_FALSE(readable(queue_fd(queue)));
	queue_push_drop_oldest(queue, &(int){1});
	queue_push_drop_oldest(queue, &(int){2});
	CU_ASSERT_TRUE(readable(queue_fd(queue)));
	CU_ASSERT_TRUE(queue_pop(queue, &got));
	CU_ASSERT_FALSE(readable(queue_fd(queue)));
	CU_ASSERT_TRUE(queue_push(queue, &(int){3}));
	CU_ASSERT_TRUE(readable(queue_fd(queue)));
	queue_free(queue);
}

static void impossible_sizes_are_refused(void)
{
	CU_ASSERT_PTR_NULL(queue_new(0, 4));
	CU_ASSERT_PTR_NULL(queue_new(4, 0));
	CU_ASSERT_PTR_NULL(queue_new(SIZE_MAX / 2, 4));
	CU_ASSERT_PTR_NULL(mailbox_new(0));
	queue_free(NULL);
	mailbox_free(NULL);
}

static void mailbox_keeps_only_the_latest(void)
{
	struct mailbox *mailbox = mailbox_new(sizeof(int));
	int got = 0;

	CU_ASSERT_FALSE(mailbox_take(mailbox, &got));
	mailbox_put(mailbox, &(int){1});
	mailbox_put(mailbox, &(int){2});
	CU_ASSERT_TRUE(readable(mailbox_fd(mailbox)));
	CU_ASSERT_TRUE(mailbox_take(mailbox, &got));
	CU_ASSERT_EQUAL(got, 2);
	CU_ASSERT_FALSE(mailbox_take(mailbox, &got));
	CU_ASSERT_FALSE(readable(mailbox_fd(mailbox)));
	mailbox_free(mailbox);
}

static void mailbox_part_leaves_the_rest_alone(void)
{
	struct mailbox *mailbox = mailbox_new(4);
	char got[5] = "wxyz";

	mailbox_put_part(mailbox, "ab", 2);
	CU_ASSERT_TRUE(mailbox_take(mailbox, got));
	CU_ASSERT_STRING_EQUAL(got, "abyz");
	mailbox_put_part(mailbox, "ABCDEFGH", 8);
	CU_ASSERT_TRUE(mailbox_take(mailbox, got));
	CU_ASSERT_STRING_EQUAL(got, "ABCD");
	mailbox_free(mailbox);
}

enum { CROWD = 4, EACH = 20000 };

struct pushed {
	int who, number;
};

struct pusher {
	struct queue *queue;
	int who;
};

static void *push_many(void *context)
{
	const struct pusher *pusher = context;

	for (int i = 0; i < EACH;) {
		struct pushed item = {pusher->who, i};

		if (queue_push(pusher->queue, &item))
			i++;
		else
			sched_yield();
	}
	return NULL;
}

static void many_threads_lose_nothing_and_keep_their_order(void)
{
	struct queue *queue = queue_new(64, sizeof(struct pushed));
	struct pusher pusher[CROWD];
	pthread_t thread[CROWD];
	int next[CROWD] = {0};
	int total = 0;

	for (int i = 0; i < CROWD; i++) {
		pusher[i] = (struct pusher){queue, i};
		CU_ASSERT_EQUAL_FATAL(pthread_create(&thread[i], NULL, push_many, &pusher[i]), 0);
	}
	while (total < CROWD * EACH) {
		struct pollfd wait = {.fd = queue_fd(queue), .events = POLLIN};
		struct pushed item;

		CU_ASSERT_EQUAL_FATAL(poll(&wait, 1, 60000), 1);
		while (queue_pop(queue, &item)) {
			CU_ASSERT_EQUAL_FATAL(item.number, next[item.who]);
			next[item.who]++;
			total++;
		}
	}
	for (int i = 0; i < CROWD; i++)
		pthread_join(thread[i], NULL);
	CU_ASSERT_EQUAL(queue_used(queue), 0);
	queue_free(queue);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"items_come_out_in_order", items_come_out_in_order},
		{"a_full_queue_refuses_and_counts", a_full_queue_refuses_and_counts},
		{"drop_oldest_keeps_the_newest", drop_oldest_keeps_the_newest},
		{"descriptor_is_readable_exactly_while_items_wait",
		 descriptor_is_readable_exactly_while_items_wait},
		{"impossible_sizes_are_refused", impossible_sizes_are_refused},
		{"mailbox_keeps_only_the_latest", mailbox_keeps_only_the_latest},
		{"mailbox_part_leaves_the_rest_alone", mailbox_part_leaves_the_rest_alone},
		{"many_threads_lose_nothing_and_keep_their_order",
		 many_threads_lose_nothing_and_keep_their_order},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"queue", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
	unsigned failed;

	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return 2;
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failed = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failed ? 1 : 0;
}
