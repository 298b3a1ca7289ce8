#include "drivers/worker/queue.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "drivers/worker/lock.h"

struct queue {
	pthread_mutex_t mutex;
	int fd;
	size_t slots, item_size, first, used, lost;
	unsigned char item[];
};

/* Wakes the reader. The counter cannot overflow: it is written only when it was zero. */
static void fd_raise(int fd)
{
	eventfd_write(fd, 1);
}

static void fd_reset(int fd)
{
	eventfd_t value;

	eventfd_read(fd, &value);
}

struct queue *queue_new(size_t slots, size_t item_size)
{
	struct queue *queue;

	if (slots == 0 || item_size == 0 || slots > (SIZE_MAX - sizeof *queue) / item_size)
		return NULL;
	queue = calloc(1, sizeof *queue + slots * item_size);
	if (!queue)
		return NULL;
	queue->slots = slots;
	queue->item_size = item_size;
	queue->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (queue->fd < 0 || !lock_init(&queue->mutex)) {
		if (queue->fd >= 0)
			close(queue->fd);
		free(queue);
		return NULL;
	}
	return queue;
}

void queue_free(struct queue *queue)
{
	if (!queue)
		return;
	close(queue->fd);
	pthread_mutex_destroy(&queue->mutex);
	free(queue);
}

int queue_fd(const struct queue *queue)
{
	return queue->fd;
}

static void append(struct queue *queue, const void *item)
{
	size_t slot = (queue->first + queue->used) % queue->slots;

	memcpy(queue->item + slot * queue->item_size, item, queue->item_size);
	if (queue->used++ == 0)
		fd_raise(queue->fd);
}

static void drop_first(struct queue *queue)
{
	queue->first = (queue->first + 1) % queue->slots;
	queue->used--;
}

bool queue_push(struct queue *queue, const void *item)
{
	bool taken;

	pthread_mutex_lock(&queue->mutex);
	taken = queue->used < queue->slots;
	if (taken)
		append(queue, item);
	else
		queue->lost++;
	pthread_mutex_unlock(&queue->mutex);
	return taken;
}

void queue_push_drop_oldest(struct queue *queue, const void *item)
{
	pthread_mutex_lock(&queue->mutex);
	if (queue->used == queue->slots) {
		drop_first(queue);
		queue->lost++;
		if (queue->used == 0) /* one slot: the reader was told already */
			fd_reset(queue->fd);
	}
	append(queue, item);
	pthread_mutex_unlock(&queue->mutex);
}

bool queue_pop(struct queue *queue, void *item)
{
	bool found;

	pthread_mutex_lock(&queue->mutex);
	found = queue->used > 0;
	if (found) {
		memcpy(item, queue->item + queue->first * queue->item_size, queue->item_size);
		drop_first(queue);
	}
	if (found && queue->used == 0)
		fd_reset(queue->fd);
	pthread_mutex_unlock(&queue->mutex);
	return found;
}

size_t queue_lost(struct queue *queue)
{
	size_t lost;

	pthread_mutex_lock(&queue->mutex);
	lost = queue->lost;
	pthread_mutex_unlock(&queue->mutex);
	return lost;
}

size_t queue_used(struct queue *queue)
{
	size_t used;

	pthread_mutex_lock(&queue->mutex);
	used = queue->used;
	pthread_mutex_unlock(&queue->mutex);
	return used;
}

/* A mailbox is a queue of one slot whose pushes replace, with a length of its own. */
struct mailbox {
	pthread_mutex_t mutex;
	int fd;
	bool full;
	size_t size, length;
	unsigned char value[];
};

struct mailbox *mailbox_new(size_t size)
{
	struct mailbox *mailbox;

	if (size == 0 || size > SIZE_MAX - sizeof *mailbox)
		return NULL;
	mailbox = calloc(1, sizeof *mailbox + size);
	if (!mailbox)
		return NULL;
	mailbox->size = size;
	mailbox->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (mailbox->fd < 0 || !lock_init(&mailbox->mutex)) {
		if (mailbox->fd >= 0)
			close(mailbox->fd);
		free(mailbox);
		return NULL;
	}
	return mailbox;
}

void mailbox_free(struct mailbox *mailbox)
{
	if (!mailbox)
		return;
	close(mailbox->fd);
	pthread_mutex_destroy(&mailbox->mutex);
	free(mailbox);
}

int mailbox_fd(const struct mailbox *mailbox)
{
	return mailbox->fd;
}

void mailbox_put(struct mailbox *mailbox, const void *value)
{
	mailbox_put_part(mailbox, value, mailbox->size);
}

void mailbox_put_part(struct mailbox *mailbox, const void *value, size_t size)
{
	bool empty;

	pthread_mutex_lock(&mailbox->mutex);
	empty = !mailbox->full;
	mailbox->length = size < mailbox->size ? size : mailbox->size;
	memcpy(mailbox->value, value, mailbox->length);
	mailbox->full = true;
	pthread_mutex_unlock(&mailbox->mutex);
	if (empty) /* not before: the reader would wake to a lock that is held */
		fd_raise(mailbox->fd);
}

bool mailbox_take(struct mailbox *mailbox, void *value)
{
	bool found;

	pthread_mutex_lock(&mailbox->mutex);
	found = mailbox->full;
	if (found)
		memcpy(value, mailbox->value, mailbox->length);
	mailbox->full = false;
	fd_reset(mailbox->fd); /* also when it was raised for a value that is taken already */
	pthread_mutex_unlock(&mailbox->mutex);
	return found;
}
