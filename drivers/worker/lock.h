/*
 * A lock that the control thread shares with workers. Whoever holds it runs at the priority of
 * whoever waits for it: a worker that a busy machine leaves waiting would hold up the control
 * thread for as long. Held for copies only.
 */
#ifndef REBANK_DRIVERS_WORKER_LOCK_H
#define REBANK_DRIVERS_WORKER_LOCK_H

#include <pthread.h>
#include <stdbool.h>

/* False: out of memory. pthread_mutex_lock, _unlock and _destroy as for any other. */
bool lock_init(pthread_mutex_t *lock);

#endif
