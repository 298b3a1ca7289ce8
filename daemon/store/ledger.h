/*
 * The bank's books in SQLite (write-ahead log), for the daemon and for people with `sqlite3`: the
 * saved state in two alternating copies, the events, and what each pack has lived through. One
 * thread only. Every call but open returns false with the reason in ledger_error.
 */
#ifndef REBANK_STORE_LEDGER_H
#define REBANK_STORE_LEDGER_H

#include "core/bank.h"

enum { LEDGER_EVENTS_MAX = 100000 };

struct ledger;

enum ledger_found {
	LEDGER_NOTHING = 0, /* no state was ever saved here */
	LEDGER_NEWEST,
	LEDGER_OLDER,      /* the newest copy was torn: the one before it */
	LEDGER_UNREADABLE, /* there was a state and no copy of it is whole */
};

/* NULL and `error` when it cannot be opened or created. A file that is no database any more is kept
 * as <path>.broken and a new one begun; `broken` says so. */
struct ledger *ledger_open(const char *path, bool *broken, char *error, size_t size);
void ledger_close(struct ledger *ledger);
const char *ledger_error(const struct ledger *ledger);

/* `note`: what a person should know about it, or "". */
enum ledger_found ledger_load(struct ledger *ledger, struct bank_saved *saved, char *note,
			      size_t size);

/* Of the last event in the books: more recent than the saved state after a power loss. 0: none. */
uint32_t ledger_last_seq(struct ledger *ledger);

/* The state (over the older of its two copies) and the life of the packs, in one transaction. */
bool ledger_save(struct ledger *ledger, const struct bank_saved *saved);

struct ledger_event {
	int64_t utc_ms;
	bool clock_synced;
	const char *boot, *pack, *text; /* pack: its id; "": the bank */
	const struct event *event;
};

/* Several events in one transaction: begin, event..., commit. */
bool ledger_begin(struct ledger *ledger);
bool ledger_add(struct ledger *ledger, const struct ledger_event *event);
bool ledger_commit(struct ledger *ledger);
void ledger_rollback(struct ledger *ledger);

#endif
