/*
 * What the guest's kernel itself can do, at the real-time priority of rebankd and with nothing to
 * decide: the measure beside which the numbers of rebankd are judged. A busy host stops the whole
 * machine now and then, and both of them.
 *
 *   bare beat MS N                   a timer of MS: "beat US..." after N expiries, how late each
 * was bare stop IN OUT                 sets OUT low at each falling edge of IN and high at each
 * rising one, until it is killed; both are DEVICE:OFFSET; "ready" when it is high
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/gpio.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { PRIORITY = 20, BEATS_MAX = 4096 };

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static struct timespec timespec_of(int64_t us)
{
	return (struct timespec){.tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000 * 1000)};
}

static int beat(long period_ms, long n)
{
	static int64_t late_us[BEATS_MAX];
	int64_t due_us = now_us() + period_ms * 1000;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	if (fd < 0 || period_ms < 1 || n < 1 || n > BEATS_MAX)
		return 1;
	for (long i = 0; i < n; i++, due_us += period_ms * 1000) {
		struct itimerspec at = {.it_value = timespec_of(due_us)};
		uint64_t expired;

		if (timerfd_settime(fd, TFD_TIMER_ABSTIME, &at, NULL) != 0 ||
		    read(fd, &expired, sizeof expired) != sizeof expired)
			return 1;
		late_us[i] = now_us() - due_us;
	}
	printf("beat");
	for (long i = 0; i < n; i++)
		printf(" %" PRId64, late_us[i]);
	printf("\n");
	return 0;
}

/* A request of one line, "CHIP:OFFSET"; -1: none. */
static int line_take(char *place, uint64_t flags)
{
	char *offset = strrchr(place, ':');
	struct gpio_v2_line_request request = {
		.num_lines = 1, .config.flags = flags, .consumer = "bare"};
	int chip;

	if (!offset)
		return -1;
	*offset++ = '\0';
	request.offsets[0] = (uint32_t)strtoul(offset, NULL, 10);
	chip = open(place, O_RDWR | O_CLOEXEC);
	if (chip < 0 || ioctl(chip, GPIO_V2_GET_LINE_IOCTL, &request) != 0) {
		fprintf(stderr, "bare: %s:%s: %s\n", place, offset, strerror(errno));
		return -1;
	}
	return request.fd;
}

static int stop(char *in, char *out)
{
	int in_fd = line_take(in, GPIO_V2_LINE_FLAG_INPUT | GPIO_V2_LINE_FLAG_BIAS_DISABLED |
					  GPIO_V2_LINE_FLAG_EDGE_RISING |
					  GPIO_V2_LINE_FLAG_EDGE_FALLING);
	int out_fd = line_take(out, GPIO_V2_LINE_FLAG_OUTPUT);
	struct gpio_v2_line_values level = {.bits = 1, .mask = 1};
	struct gpio_v2_line_event event;

	if (in_fd < 0 || out_fd < 0)
		return 1;
	do {
		if (ioctl(out_fd, GPIO_V2_LINE_SET_VALUES_IOCTL, &level) != 0)
			return 1;
		if (level.bits)
			printf("ready\n");
		if (read(in_fd, &event, sizeof event) != sizeof event)
			return 1;
		level.bits = event.id == GPIO_V2_LINE_EVENT_RISING_EDGE;
	} while (1);
}

int main(int argc, char **argv)
{
	struct sched_param parameter = {.sched_priority = PRIORITY};

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0 ||
	    sched_setscheduler(0, SCHED_FIFO, &parameter) != 0)
		perror("bare: no real-time priority");
	if (argc == 4 && strcmp(argv[1], "beat") == 0)
		return beat(strtol(argv[2], NULL, 10), strtol(argv[3], NULL, 10));
	if (argc == 4 && strcmp(argv[1], "stop") == 0)
		return stop(argv[2], argv[3]);
	fprintf(stderr, "usage: bare beat MS N | bare stop CHIP:IN CHIP:OUT\n");
	return 64;
}
