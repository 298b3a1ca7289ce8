/*
 * Threads beside the control thread: small stacks (all memory is locked) and no signals, which
 * belong to the control thread.
 */
#ifndef REBANK_NORTHBOUND_THREAD_H
#define REBANK_NORTHBOUND_THREAD_H

#include <pthread.h>
#include <stdbool.h>

bool thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *context);

/* Joins; false when the thread is still running after timeout_ms: it was detached and what it uses
 * must not be freed. */
bool thread_join(pthread_t thread, int timeout_ms);

#endif
