#include "store/ledger.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "northbound/sentence.h"
#include "store/crc32.h"
#include "store/saved.h"

static const char schema[] =
	"PRAGMA journal_mode=WAL;"
	"PRAGMA synchronous=FULL;"
	"PRAGMA cache_size=-256;"
	"PRAGMA journal_size_limit=1048576;"
	"PRAGMA wal_autocheckpoint=128;"
	"CREATE TABLE IF NOT EXISTS saved(slot INTEGER PRIMARY KEY CHECK(slot IN (0, 1)),"
	" generation INTEGER NOT NULL, utc_ms INTEGER NOT NULL, version INTEGER NOT NULL,"
	" size INTEGER NOT NULL, crc32 INTEGER NOT NULL, state TEXT NOT NULL);"
	"CREATE TABLE IF NOT EXISTS event(id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" utc_ms INTEGER NOT NULL, clock_synced INTEGER NOT NULL, boot TEXT NOT NULL,"
	" mono_ms INTEGER NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL,"
	" code TEXT NOT NULL, severity TEXT NOT NULL, pack TEXT NOT NULL,"
	" value REAL, threshold REAL, unit TEXT NOT NULL, text TEXT NOT NULL);"
	"CREATE TABLE IF NOT EXISTS life(pack TEXT PRIMARY KEY, utc_ms INTEGER NOT NULL,"
	" soc REAL, capacity_ah REAL, resistance_growth REAL,"
	" ah_dis REAL, ah_cha REAL, wh_dis REAL, wh_cha REAL, full_cycles REAL,"
	" hours_total REAL, hours_connected REAL, joins INTEGER, emergency_opens INTEGER,"
	" deep_discharges INTEGER, over_voltages INTEGER, over_currents INTEGER,"
	" over_temperatures INTEGER, insulation_faults INTEGER,"
	" negative_operations INTEGER, positive_operations INTEGER,"
	" precharge_operations INTEGER, negative_wear REAL, positive_wear REAL,"
	" precharge_wear REAL, join_peak_a REAL, leave_peak_a REAL) WITHOUT ROWID;";

enum statement {
	STATEMENT_BEGIN = 0,
	STATEMENT_COMMIT,
	STATEMENT_EVENT,
	STATEMENT_PRUNE,
	STATEMENT_SAVE,
	STATEMENT_LIFE,
	STATEMENT_LOAD,
	STATEMENT_SEQ,
	STATEMENT_COUNT
};

static const char *const statement_text[STATEMENT_COUNT] = {
	[STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
	[STATEMENT_COMMIT] = "COMMIT",
	[STATEMENT_EVENT] = "INSERT INTO event(utc_ms, clock_synced, boot, mono_ms, seq, kind,"
			    " code, severity, pack, value, threshold, unit, text)"
			    " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[STATEMENT_PRUNE] = "DELETE FROM event WHERE id <= (SELECT max(id) FROM event) - ?",
	[STATEMENT_SAVE] = "INSERT OR REPLACE INTO saved VALUES(?,?,?,?,?,?,?)",
	[STATEMENT_LIFE] = "INSERT OR REPLACE INTO life"
			   " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[STATEMENT_LOAD] = "SELECT generation, size, crc32, state FROM saved"
			   " ORDER BY generation DESC",
	[STATEMENT_SEQ] = "SELECT seq FROM event ORDER BY id DESC LIMIT 1",
};

struct ledger {
	sqlite3 *db;
	sqlite3_stmt *statement[STATEMENT_COUNT];
	int64_t generation;
};

static bool run(struct ledger *ledger, enum statement which)
{
	int result = sqlite3_step(ledger->statement[which]);

	sqlite3_reset(ledger->statement[which]);
	return result == SQLITE_DONE || result == SQLITE_ROW;
}

void ledger_close(struct ledger *ledger)
{
	if (!ledger)
		return;
	for (unsigned i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_finalize(ledger->statement[i]);
	sqlite3_close(ledger->db);
	free(ledger);
}

static int open_once(struct ledger *ledger, const char *path)
{
	int result = sqlite3_open_v2(
		path, &ledger->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
		NULL);

	if (result == SQLITE_OK) {
		sqlite3_busy_timeout(ledger->db, 2000);
		result = sqlite3_exec(ledger->db, schema, NULL, NULL, NULL);
	}
	for (unsigned i = 0; i < STATEMENT_COUNT && result == SQLITE_OK; i++)
		result = sqlite3_prepare_v3(ledger->db, statement_text[i], -1,
					    SQLITE_PREPARE_PERSISTENT, &ledger->statement[i], NULL);
	return result;
}

/* Out of the way, but kept for people who can read more out of it than we can. */
static void put_aside(const char *path)
{
	static const char *const suffix[] = {"", "-wal", "-shm"};
	char from[512], to[512];

	for (unsigned i = 0; i < 3; i++) {
		snprintf(from, sizeof from, "%s%s", path, suffix[i]);
		snprintf(to, sizeof to, "%s.broken%s", path, suffix[i]);
		if (rename(from, to) != 0 && errno != ENOENT)
			remove(from);
	}
}

struct ledger *ledger_open(const char *path, bool *broken, char *error, size_t size)
{
	struct ledger *ledger = calloc(1, sizeof *ledger);
	int result = ledger ? open_once(ledger, path) : SQLITE_NOMEM;

	*broken = result == SQLITE_CORRUPT || result == SQLITE_NOTADB;
	if (*broken) {
		ledger_close(ledger);
		put_aside(path);
		ledger = calloc(1, sizeof *ledger);
		result = ledger ? open_once(ledger, path) : SQLITE_NOMEM;
	}
	if (result == SQLITE_OK)
		return ledger;
	snprintf(error, size, "%s: %s", path,
		 ledger && ledger->db ? sqlite3_errmsg(ledger->db) : sqlite3_errstr(result));
	ledger_close(ledger);
	return NULL;
}

const char *ledger_error(const struct ledger *ledger)
{
	return sqlite3_errmsg(ledger->db);
}

/* True when the row the cursor is at holds a whole state. */
static bool row_decode(sqlite3_stmt *row, struct bank_saved *saved, char *note, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(row, 3);
	size_t bytes = (size_t)sqlite3_column_bytes(row, 3);

	if (!text || (int64_t)bytes != sqlite3_column_int64(row, 1) ||
	    crc32_add(0, text, bytes) != (uint32_t)sqlite3_column_int64(row, 2)) {
		snprintf(note, size, "saved state is torn");
		return false;
	}
	return saved_decode(text, saved, note, size);
}

enum ledger_found ledger_load(struct ledger *ledger, struct bank_saved *saved, char *note,
			      size_t size)
{
	sqlite3_stmt *row = ledger->statement[STATEMENT_LOAD];
	enum ledger_found found = LEDGER_NOTHING;
	unsigned rows = 0;
	int result;

	memset(saved, 0, sizeof *saved);
	snprintf(note, size, "%s", "");
	while ((result = sqlite3_step(row)) == SQLITE_ROW) {
		int64_t generation = sqlite3_column_int64(row, 0);

		if (rows++ == 0)
			ledger->generation = generation;
		if (row_decode(row, saved, note, size)) {
			/* The next save goes over the torn copy, not over this one. */
			ledger->generation = generation;
			found = rows == 1 ? LEDGER_NEWEST : LEDGER_OLDER;
			break;
		}
		found = LEDGER_UNREADABLE;
	}
	if (result != SQLITE_ROW && result != SQLITE_DONE) {
		snprintf(note, size, "saved state: %s", sqlite3_errmsg(ledger->db));
		found = LEDGER_UNREADABLE;
	}
	sqlite3_reset(row);
	return found;
}

uint32_t ledger_last_seq(struct ledger *ledger)
{
	sqlite3_stmt *row = ledger->statement[STATEMENT_SEQ];
	uint32_t seq = 0;

	if (sqlite3_step(row) == SQLITE_ROW)
		seq = (uint32_t)sqlite3_column_int64(row, 0);
	sqlite3_reset(row);
	return seq;
}

static bool state_save(struct ledger *ledger, const struct bank_saved *saved)
{
	sqlite3_stmt *s = ledger->statement[STATEMENT_SAVE];
	char *text = saved_encode(saved);
	size_t size = text ? strlen(text) : 0;
	bool good;

	if (!text)
		return false;
	sqlite3_bind_int64(s, 1, ledger->generation % 2);
	sqlite3_bind_int64(s, 2, ledger->generation);
	sqlite3_bind_int64(s, 3, saved->utc_ms);
	sqlite3_bind_int64(s, 4, SAVED_VERSION);
	sqlite3_bind_int64(s, 5, (sqlite3_int64)size);
	sqlite3_bind_int64(s, 6, crc32_add(0, text, size));
	sqlite3_bind_text(s, 7, text, (int)size, SQLITE_TRANSIENT);
	good = run(ledger, STATEMENT_SAVE);
	sqlite3_clear_bindings(s);
	free(text);
	return good;
}

static bool life_save(struct ledger *ledger, int64_t utc_ms, const struct pack_saved *p)
{
	sqlite3_stmt *s = ledger->statement[STATEMENT_LIFE];
	const struct life *l = &p->life;
	const struct contactor_wear *w = l->wear;
	const double column[] = {
		p->soc,
		p->capacity_ah,
		p->growth,
		l->ah_dis,
		l->ah_cha,
		l->wh_dis,
		l->wh_cha,
		l->efc,
		l->hours_total,
		l->hours_connected,
		l->joins,
		l->emergency_opens,
		l->deep_discharges,
		l->over_voltages,
		l->over_currents,
		l->over_temperatures,
		l->insulation_faults,
		w[POLE_NEGATIVE].operations,
		w[POLE_POSITIVE].operations,
		w[POLE_PRECHARGE].operations,
		w[POLE_NEGATIVE].miner,
		w[POLE_POSITIVE].miner,
		w[POLE_PRECHARGE].miner,
		l->join_peak_a,
		l->leave_peak_a,
	};

	sqlite3_bind_text(s, 1, p->id, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 2, utc_ms);
	/* SQLite stores NaN as NULL, and whole numbers as integers by the column's affinity. */
	for (unsigned i = 0; i < sizeof column / sizeof column[0]; i++)
		sqlite3_bind_double(s, (int)(3 + i), column[i]);
	return run(ledger, STATEMENT_LIFE);
}

bool ledger_save(struct ledger *ledger, const struct bank_saved *saved)
{
	bool good = run(ledger, STATEMENT_BEGIN);

	ledger->generation++;
	good = good && state_save(ledger, saved);
	for (unsigned k = 0; good && k < saved->n_packs; k++)
		good = life_save(ledger, saved->utc_ms, &saved->pack[k]);
	if (good && ledger_commit(ledger))
		return true;
	ledger->generation--;
	ledger_rollback(ledger);
	return false;
}

bool ledger_begin(struct ledger *ledger)
{
	return run(ledger, STATEMENT_BEGIN);
}

bool ledger_add(struct ledger *ledger, const struct ledger_event *event)
{
	sqlite3_stmt *s = ledger->statement[STATEMENT_EVENT];
	const struct event *e = event->event;
	const struct reason_text *text = reason_text(e->reason);

	sqlite3_bind_int64(s, 1, event->utc_ms);
	sqlite3_bind_int(s, 2, event->clock_synced);
	sqlite3_bind_text(s, 3, event->boot, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 4, e->at_ms);
	sqlite3_bind_int64(s, 5, e->seq);
	sqlite3_bind_text(s, 6, event_kind_word(e->kind), -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 7, text->word, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 8, severity_word(text->severity), -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 9, event->pack, -1, SQLITE_STATIC);
	sqlite3_bind_double(s, 10, e->value);
	sqlite3_bind_double(s, 11, e->threshold);
	sqlite3_bind_text(s, 12, text->unit, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 13, event->text, -1, SQLITE_TRANSIENT);
	return run(ledger, STATEMENT_EVENT);
}

bool ledger_commit(struct ledger *ledger)
{
	sqlite3_bind_int64(ledger->statement[STATEMENT_PRUNE], 1, LEDGER_EVENTS_MAX);
	return run(ledger, STATEMENT_PRUNE) && run(ledger, STATEMENT_COMMIT);
}

void ledger_rollback(struct ledger *ledger)
{
	if (!sqlite3_get_autocommit(ledger->db))
		sqlite3_exec(ledger->db, "ROLLBACK", NULL, NULL, NULL);
}
