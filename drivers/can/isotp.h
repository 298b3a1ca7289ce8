/*
 * Requests longer than a frame and their answers, over the kernel's ISO-TP sockets (ISO 15765-2):
 * the kernel cuts, numbers, paces and joins. Non-blocking; functions return 0 or an errno.
 */
#ifndef REBANK_CAN_ISOTP_H
#define REBANK_CAN_ISOTP_H

#include "core/types.h"

enum { CAN_ISOTP_BYTES = 4095 }; /* longest message with 12-bit length */

struct can_isotp_address {
	uint32_t tx_id, rx_id; /* with CAN_EFF_FLAG when 29-bit */
	bool extended;         /* first byte of every frame is an address */
	uint8_t tx_address, rx_address;
	uint8_t block_size, st_min; /* of our flow control frames */
	bool pad;                   /* frames are filled to 8 bytes with pad_byte */
	uint8_t pad_byte;
};

/* EPROTONOSUPPORT: the kernel has no ISO-TP (module can-isotp). ENODEV, ENETDOWN: the interface. */
int can_isotp_open(int *fd, const char *name, const struct can_isotp_address *address);
int can_isotp_send(int fd, const uint8_t *bytes, unsigned n);
/* EAGAIN: no answer yet. Others: the answer broke off (ETIMEDOUT, EILSEQ, EBADMSG) or the bus went.
 */
int can_isotp_receive(int fd, uint8_t *bytes, unsigned size, unsigned *n);
/* Whether the kernel can do it at all; opens and closes a socket, which loads the module. */
bool can_isotp_supported(void);

#endif
