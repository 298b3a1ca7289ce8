#include "drivers/can/raw.h"

#include <errno.h>
#include <linux/can/error.h>
#include <linux/can/raw.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/* Single bus errors would come by the thousand; what matters of them shows in the state. */
enum {
	ERRORS_WANTED = CAN_ERR_TX_TIMEOUT | CAN_ERR_CRTL | CAN_ERR_BUSOFF | CAN_ERR_RESTARTED,
	QUEUE_BYTES = 1 << 20,
};

_Static_assert(CAN_NAME_SIZE == IFNAMSIZ, "an interface name fits");

void can_batch_init(struct can_batch *batch)
{
	memset(batch, 0, sizeof *batch);
	for (unsigned i = 0; i < CAN_BATCH; i++) {
		batch->part[i] = (struct iovec){&batch->frame[i], sizeof batch->frame[i]};
		batch->message[i].msg_hdr.msg_iov = &batch->part[i];
		batch->message[i].msg_hdr.msg_iovlen = 1;
		batch->message[i].msg_hdr.msg_control = &batch->control[i];
	}
}

/* The index of an interface that is up. */
static int interface_find(int fd, const char *name, int *index)
{
	struct ifreq request = {0};

	if (strlen(name) >= sizeof request.ifr_name)
		return ENODEV;
	memcpy(request.ifr_name, name, strlen(name));
	if (ioctl(fd, SIOCGIFINDEX, &request) != 0)
		return errno;
	*index = request.ifr_ifindex;
	if (ioctl(fd, SIOCGIFFLAGS, &request) != 0)
		return errno;
	return request.ifr_flags & IFF_UP ? 0 : ENETDOWN;
}

static int option_set(int fd, int level, int option, const void *value, size_t size)
{
	return setsockopt(fd, level, option, value, (socklen_t)size) == 0 ? 0 : errno;
}

static int options_set(int fd, const struct can_filter *filter, unsigned n_filters)
{
	can_err_mask_t errors = ERRORS_WANTED;
	int off = 0, on = 1, bytes = QUEUE_BYTES;
	int error = option_set(fd, SOL_CAN_RAW, CAN_RAW_FILTER, filter, n_filters * sizeof *filter);

	if (!error)
		error = option_set(fd, SOL_CAN_RAW, CAN_RAW_ERR_FILTER, &errors, sizeof errors);
	if (!error)
		error = option_set(fd, SOL_CAN_RAW, CAN_RAW_RECV_OWN_MSGS, &off, sizeof off);
	if (!error)
		error = option_set(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
	/* Room for a stall of the control thread; the kernel caps it at net.core.rmem_max. */
	(void)option_set(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
	return error;
}

static int socket_bind(int fd, const char *name, const struct can_filter *filter,
		       unsigned n_filters)
{
	struct sockaddr_can address = {.can_family = AF_CAN};
	int error = interface_find(fd, name, &address.can_ifindex);

	/* Options before bind: no frame of the time between is delivered. */
	if (!error)
		error = options_set(fd, filter, n_filters);
	if (!error && bind(fd, (struct sockaddr *)&address, sizeof address) != 0)
		error = errno;
	return error;
}

int can_raw_open(int *fd, const char *name, const struct can_filter *filter, unsigned n_filters)
{
	int error;

	*fd = socket(PF_CAN, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, CAN_RAW);
	if (*fd < 0)
		return errno;
	error = socket_bind(*fd, name, filter, n_filters);
	if (error) {
		close(*fd);
		*fd = -1;
	}
	return error;
}

int can_raw_ring_for(int fd, struct sock_filter *code, unsigned n)
{
	struct sock_fprog program = {.len = (unsigned short)n, .filter = code};
	int least = 0;

	(void)option_set(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
	return option_set(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

/* The kernel's wall-clock stamp; 0: none. */
static int64_t stamp_us(struct msghdr *header)
{
	for (struct cmsghdr *item = CMSG_FIRSTHDR(header); item; item = CMSG_NXTHDR(header, item)) {
		struct timespec stamp;

		if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&stamp, CMSG_DATA(item), sizeof stamp);
		return (int64_t)stamp.tv_sec * 1000000 + stamp.tv_nsec / 1000;
	}
	return 0;
}

/* How long ago that was: more than can be, or less than nothing, is a clock that was set. */
static int64_t age_ms(int64_t stamped_us, const struct timespec *real)
{
	int64_t real_us = (int64_t)real->tv_sec * 1000000 + real->tv_nsec / 1000;
	int64_t age = stamped_us ? (real_us - stamped_us) / 1000 : 0;

	return age < 0 ? 0 : age > CAN_AGE_MAX_MS ? CAN_AGE_MAX_MS : age;
}

int can_raw_receive(int fd, struct can_batch *batch, int64_t now_ms, unsigned *n, uint32_t *odd)
{
	struct timespec real;
	int got;

	*n = 0;
	for (unsigned i = 0; i < CAN_BATCH; i++)
		batch->message[i].msg_hdr.msg_controllen = sizeof batch->control[i];
	got = recvmmsg(fd, batch->message, CAN_BATCH, MSG_DONTWAIT, NULL);
	if (got < 0)
		return errno == EWOULDBLOCK ? EAGAIN : errno;
	clock_gettime(CLOCK_REALTIME, &real);
	for (int i = 0; i < got; i++) {
		struct mmsghdr *message = &batch->message[i];

		if (message->msg_len != CAN_MTU || batch->frame[i].can_dlc > CAN_MAX_DLEN) {
			++*odd;
			continue;
		}
		batch->real_us[*n] = stamp_us(&message->msg_hdr);
		batch->at_ms[*n] = now_ms - age_ms(batch->real_us[*n], &real);
		batch->from_here[*n] = message->msg_hdr.msg_flags & MSG_DONTROUTE;
		if (*n != (unsigned)i)
			batch->frame[*n] = batch->frame[i];
		++*n;
	}
	return 0;
}

int can_raw_send(int fd, const struct can_frame *frame)
{
	if (send(fd, frame, sizeof *frame, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof *frame)
		return 0;
	return errno == EAGAIN || errno == EWOULDBLOCK ? ENOBUFS : errno;
}
