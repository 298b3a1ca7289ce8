/* rebankctl record: the daemon's recording of the last minutes, or the frames of a CAN bus as
 * candump writes them. */
#include <errno.h>
#include <inttypes.h>
#include <linux/can/error.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "ctl/remote.h"
#include "drivers/can/raw.h"

struct capture {
	const char *bus, *file;
	double for_s; /* 0: until interrupted */
	FILE *out;
	uint64_t frames;
	uint32_t odd;
};

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	(void)number;
	ended = 1;
}

static void frame_write(FILE *out, const char *bus, const struct can_frame *frame, int64_t real_us)
{
	bool wide = frame->can_id & (CAN_EFF_FLAG | CAN_ERR_FLAG);
	canid_t id = frame->can_id & (CAN_EFF_MASK | CAN_ERR_FLAG);

	fprintf(out, "(%010" PRId64 ".%06" PRId64 ") %s ", real_us / 1000000, real_us % 1000000,
		bus);
	fprintf(out, wide ? "%08X#" : "%03X#", id);
	if (frame->can_id & CAN_RTR_FLAG)
		fputc('R', out);
	else
		for (unsigned i = 0; i < frame->can_dlc; i++)
			fprintf(out, "%02X", frame->data[i]);
	fputc('\n', out);
}

/* Takes what is there; false: the bus is lost. */
static bool frames_take(struct capture *capture, int fd, struct can_batch *batch)
{
	unsigned n;
	int error = can_raw_receive(fd, batch, clock_monotonic_ms(), &n, &capture->odd);

	for (unsigned i = 0; i < n; i++)
		frame_write(capture->out, capture->bus, &batch->frame[i],
			    batch->real_us[i] ? batch->real_us[i] : clock_utc_ms() * 1000);
	capture->frames += n;
	if (!error || error == EAGAIN || error == EINTR)
		return true;
	fprintf(stderr, "rebankctl record: %s: %s\n", capture->bus, strerror(error));
	return false;
}

/* CTL_OK when it ended as asked. */
static int frames_run(struct capture *capture, int fd)
{
	static struct can_batch batch;
	int64_t end_ms = clock_monotonic_ms() + (int64_t)(capture->for_s * 1000.0);

	can_batch_init(&batch);
	while (!ended) {
		struct pollfd item = {.fd = fd, .events = POLLIN};
		int64_t left_ms = end_ms - clock_monotonic_ms();

		if (capture->for_s > 0.0 && left_ms <= 0)
			break;
		if (poll(&item, 1, capture->for_s > 0.0 && left_ms < 1000 ? (int)left_ms : 1000) <
		    0)
			continue;
		if (!frames_take(capture, fd, &batch))
			return CTL_FAILED;
		if (fflush(capture->out) != 0) {
			fprintf(stderr, "rebankctl record: %s: %s\n",
				capture->file ? capture->file : "stdout", strerror(errno));
			return CTL_FAILED;
		}
	}
	return CTL_OK;
}

static int capture_run(struct capture *capture)
{
	const struct can_filter all = {0, 0};
	struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: poll must return */
	int fd, error = can_raw_open(&fd, capture->bus, &all, 1), status;

	if (error) {
		fprintf(stderr, "rebankctl record: %s: %s%s\n", capture->bus, strerror(error),
			error == ENETDOWN ? ": ip link set it up first" : "");
		return CTL_FAILED;
	}
	capture->out = capture->file ? fopen(capture->file, "wx") : stdout;
	if (!capture->out) {
		fprintf(stderr, "rebankctl record: %s: %s\n", capture->file, strerror(errno));
		close(fd);
		return CTL_FAILED;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	status = frames_run(capture, fd);
	close(fd);
	if (capture->file && fclose(capture->out) != 0) {
		fprintf(stderr, "rebankctl record: %s: %s\n", capture->file, strerror(errno));
		status = CTL_FAILED;
	}
	fprintf(stderr, "rebankctl record: %" PRIu64 " frames of %s\n", capture->frames,
		capture->bus);
	return status;
}

static bool wants_bus(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strncmp(argv[i], "--bus", 5) == 0)
			return true;
	return false;
}

int ctl_record(const struct subcommand *self, int argc, char **argv)
{
	static const struct option options[] = {{"bus", required_argument, NULL, 'b'},
						{"for", required_argument, NULL, 'f'},
						{NULL, 0, NULL, 0}};
	struct capture capture = {0};
	int option;

	if (!wants_bus(argc, argv))
		return ctl_command(self, argc, argv);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'b')
			capture.bus = optarg;
		else if (option != 'f' || !ctl_parse_duration(optarg, &capture.for_s))
			return ctl_usage(self, "unknown option or value");
	}
	if (!*capture.bus || strlen(capture.bus) >= IFNAMSIZ)
		return ctl_usage(self, "\"%s\" is no name of an interface", capture.bus);
	if (argc - optind > 1)
		return ctl_usage(self, "\"%s\" is too much", argv[argc - 1]);
	if (optind < argc)
		capture.file = argv[optind];
	return capture_run(&capture);
}
