/*
 * How threads meet: bounded queues of plain structs with an eventfd, and latest-value mailboxes.
 * No allocation after creation; no call here blocks longer than a memcpy under a mutex.
 */
#ifndef REBANK_DRIVERS_WORKER_QUEUE_H
#define REBANK_DRIVERS_WORKER_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue;

/* A queue of `slots` items of `item_size` bytes; NULL when out of memory. */
struct queue *queue_new(size_t slots, size_t item_size);
void queue_free(struct queue *queue);

/* Readable (EFD_NONBLOCK) while the queue may hold something; queue_pop resets it when empty. */
int queue_fd(const struct queue *queue);

/* False when full: the item was not taken and queue_lost counts it. */
bool queue_push(struct queue *queue, const void *item);
/* Makes room by dropping the oldest (telemetry only); never fails. */
void queue_push_drop_oldest(struct queue *queue, const void *item);
bool queue_pop(struct queue *queue, void *item);
size_t queue_lost(struct queue *queue);
size_t queue_used(struct queue *queue);

/* A mailbox keeps the latest value of one struct. */
struct mailbox;
struct mailbox *mailbox_new(size_t size);
void mailbox_free(struct mailbox *mailbox);
int mailbox_fd(const struct mailbox *mailbox);
void mailbox_put(struct mailbox *mailbox, const void *value);
/* Puts only the first `size` bytes: for structs that end in an array of which few entries are used.
 * The rest of what the taker holds is left as it was. */
void mailbox_put_part(struct mailbox *mailbox, const void *value, size_t size);
/* Copies the latest value; false when nothing was put since the last take. */
bool mailbox_take(struct mailbox *mailbox, void *value);

#endif
