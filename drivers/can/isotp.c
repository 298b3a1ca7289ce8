#include "drivers/can/isotp.h"

#include <errno.h>
#include <linux/can.h>
#include <linux/can/isotp.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int options_set(int fd, const struct can_isotp_address *address)
{
	struct can_isotp_options options = {
		.txpad_content = address->pad_byte,
		.rxpad_content = address->pad_byte,
		.ext_address = address->tx_address,
		.rx_ext_address = address->rx_address,
	};
	struct can_isotp_fc_options flow = {.bs = address->block_size, .stmin = address->st_min};

	if (address->pad)
		options.flags |= CAN_ISOTP_TX_PADDING;
	if (address->extended)
		options.flags |= CAN_ISOTP_EXTEND_ADDR | CAN_ISOTP_RX_EXT_ADDR;
	if (setsockopt(fd, SOL_CAN_ISOTP, CAN_ISOTP_OPTS, &options, sizeof options) != 0 ||
	    setsockopt(fd, SOL_CAN_ISOTP, CAN_ISOTP_RECV_FC, &flow, sizeof flow) != 0)
		return errno;
	return 0;
}

static int socket_bind(int fd, const char *name, const struct can_isotp_address *address)
{
	struct sockaddr_can where = {.can_family = AF_CAN};
	struct ifreq request = {0};
	int error;

	if (strlen(name) >= sizeof request.ifr_name)
		return ENODEV;
	memcpy(request.ifr_name, name, strlen(name));
	if (ioctl(fd, SIOCGIFINDEX, &request) != 0)
		return errno;
	where.can_ifindex = request.ifr_ifindex;
	where.can_addr.tp.tx_id = address->tx_id;
	where.can_addr.tp.rx_id = address->rx_id;
	error = options_set(fd, address);
	if (!error && bind(fd, (struct sockaddr *)&where, sizeof where) != 0)
		error = errno;
	return error;
}

int can_isotp_open(int *fd, const char *name, const struct can_isotp_address *address)
{
	int error;

	*fd = socket(PF_CAN, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, CAN_ISOTP);
	if (*fd < 0)
		return errno;
	error = socket_bind(*fd, name, address);
	if (error) {
		close(*fd);
		*fd = -1;
	}
	return error;
}

int can_isotp_send(int fd, const uint8_t *bytes, unsigned n)
{
	return send(fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)n ? 0 : errno;
}

int can_isotp_receive(int fd, uint8_t *bytes, unsigned size, unsigned *n)
{
	ssize_t got = recv(fd, bytes, size, MSG_DONTWAIT);

	*n = got > 0 ? (unsigned)got : 0;
	if (got >= 0)
		return got > 0 ? 0 : EAGAIN;
	return errno == EWOULDBLOCK ? EAGAIN : errno;
}

bool can_isotp_supported(void)
{
	int fd = socket(PF_CAN, SOCK_DGRAM | SOCK_CLOEXEC, CAN_ISOTP);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}
