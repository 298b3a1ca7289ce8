#include "drivers/worker/cell.h"

#include <stdlib.h>
#include <string.h>

#include "drivers/worker/lock.h"

struct cell {
	pthread_mutex_t mutex;
	uint64_t puts;
	size_t size;
	unsigned char value[];
};

struct cell *cell_new(size_t size)
{
	struct cell *cell = calloc(1, sizeof *cell + size);

	if (!cell)
		return NULL;
	cell->size = size;
	if (!lock_init(&cell->mutex)) {
		free(cell);
		return NULL;
	}
	return cell;
}

void cell_free(struct cell *cell)
{
	if (!cell)
		return;
	pthread_mutex_destroy(&cell->mutex);
	free(cell);
}

void cell_put(struct cell *cell, const void *value)
{
	pthread_mutex_lock(&cell->mutex);
	memcpy(cell->value, value, cell->size);
	cell->puts++;
	pthread_mutex_unlock(&cell->mutex);
}

uint64_t cell_get(struct cell *cell, void *value)
{
	uint64_t puts;

	pthread_mutex_lock(&cell->mutex);
	memcpy(value, cell->value, cell->size);
	puts = cell->puts;
	pthread_mutex_unlock(&cell->mutex);
	return puts;
}
