/*
 * The thread that may wait for a disk. The control thread hands it events, states to save and
 * pinned recordings; it writes them to the ledger, the sequence-of-events log and the recordings,
 * and prints events to stderr. A disk that is full or gone is said once and counted, and stops
 * nothing.
 */
#ifndef REBANK_STORE_STORE_H
#define REBANK_STORE_STORE_H

#include "config/config.h"
#include "core/bank.h"
#include "drivers/driver.h"
#include "store/recorder.h"

struct store;

enum { STORE_RECORDINGS_KEPT = 20 };

/*
 * Opens the books in config->state_dir, fills `saved` (valid false: nothing was ever saved) and
 * starts the thread. State that was saved and cannot be read comes back as an engaged maintenance
 * lock. A directory that cannot be written is a line on stderr; NULL only when out of memory.
 */
struct store *store_new(const struct config *config, const char *boot, struct recorder *recorder,
			struct bank_saved *saved);

/* From the control thread: none of these waits or allocates. */
void store_event(struct store *store, const struct event *event, int64_t utc_ms, bool clock_synced);
void store_state(struct store *store, const struct bank_saved *saved);
/* Events that did not even fit into the outputs of their step. */
void store_dropped(struct store *store, unsigned n);
/* A line for people: no event, it is printed only. */
void store_notice(struct store *store, const struct driver_notice *notice);
/* After recorder_pin. A thread that is too far behind gives the pin back and writes nothing. */
void store_recording(struct store *store, const char *why, int64_t utc_ms);

/* Writes all that was handed over, then ends the thread. */
void store_stop(struct store *store);

#endif
