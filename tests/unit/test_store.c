/* The books: saved state, ledger, sequence-of-events log, recordings kept. */
#include <CUnit/Basic.h>
#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/rules.h"
#include "store/crc32.h"
#include "store/keep.h"
#include "store/ledger.h"
#include "store/saved.h"
#include "store/soe.h"
#include "store/store.h"

static char directory[] = "/tmp/test_store.XXXXXX";

static const char *path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof path, "%s/%s", directory, name);
	return path;
}

static uint64_t latching(const struct rule *rule, unsigned n)
{
	uint64_t set = 0;

	for (unsigned r = 0; r < n; r++)
		if (rule[r].flags & RULE_LATCH)
			set |= (uint64_t)1 << r;
	return set;
}

/* A state in which every member differs from zero and from its neighbours. */
static void state_fill(struct bank_saved *saved, unsigned n_packs, double base)
{
	memset(saved, 0, sizeof *saved);
	saved->valid = true;
	saved->utc_ms = 1700000000123;
	saved->event_seq = 4000000000u;
	saved->ended = true;
	saved->ops_hour = 17;
	saved->ops_hour_ms = 1800000;
	saved->stopped = saved->started = true;
	snprintf(saved->stopped_by, ID_SIZE, "scada");
	saved->latched = latching(bank_rules, n_bank_rules);
	for (unsigned i = 0; i < SOURCE_MAX; i++) {
		for (unsigned j = 0; j < SERIES_COUNT; j++) {
			struct memory_saved *memory = &saved->memory[j];

			memory->last_seq[i] = 9007199254740991 - i - 100 * j;
			memory->last_ts_utc_ms[i] = 1700000000000 + i + 100 * j;
			snprintf(memory->session[i], SESSION_SIZE, "%c-%u", "sc"[j], i);
		}
	}
	for (int i = 0; i < PROOF_BANK_TESTS; i++)
		saved->proof[i] = (struct proof){1700000000000 + i, 0.5 + i};
	saved->n_pcs = 2;
	for (unsigned i = 0; i < 2; i++) {
		snprintf(saved->pcs[i].id, ID_SIZE, "pcs-%u", i);
		saved->pcs[i].valid = true;
		saved->pcs[i].latched = latching(pcs_rules, n_pcs_rules);
	}
	saved->n_packs = n_packs;
	for (unsigned k = 0; k < n_packs; k++) {
		struct pack_saved *p = &saved->pack[k];
		struct life *l = &p->life;
		double v = base + k;

		snprintf(p->id, sizeof p->id, "pack-%u", k);
		p->valid = p->disabled = p->welded[POLE_POSITIVE] = true;
		p->soc = 1.0 / 3.0 + v;
		p->soc_sigma = (double)NAN;
		p->capacity_ah = 44.1 + v;
		p->growth = 0.1 + v;
		p->i_offset_a = -1e-17;
		p->ops_today = 11 + k;
		p->ops_day_ms = 7200000 + k;
		p->resistor_j = 123.456 + v;
		p->tries = 1 + k;
		p->failures = 4 + k;
		p->weld = (struct proof){1700000000000 - k, 1e6 + k};
		p->latched = latching(pack_rules, n_pack_rules);
		l->ah_dis = 1e9 + v;
		l->ah_cha = 2e-9 + v;
		l->wh_dis = 3 + v;
		l->wh_cha = 4 + v;
		l->efc = 5 + v;
		l->rainflow.depth = 3;
		l->rainflow.direction = -1;
		l->rainflow.candidate = 0.7;
		for (unsigned i = 0; i < RAINFLOW_STACK; i++)
			l->rainflow.stack[i] = 0.1 * i;
		for (unsigned i = 0; i < LIFE_DOD_BINS * LIFE_SOC_BANDS; i++)
			l->cycles[i / LIFE_SOC_BANDS][i % LIFE_SOC_BANDS] = i + 0.5;
		for (unsigned i = 0; i < LIFE_SOC_BANDS; i++)
			l->hours_soc[i] = i + 0.25;
		for (unsigned i = 0; i < LIFE_TEMP_BANDS; i++)
			l->hours_temp[i] = i + 0.125;
		l->hours_connected = 6;
		l->hours_total = 7;
		l->hours_charging_cold = 8;
		l->hours_charging_hot = 9;
		l->deep_discharges = 10;
		l->over_voltages = 11;
		l->over_currents = 12;
		l->over_temperatures = 13;
		l->insulation_faults = 14;
		l->joins = 15;
		l->emergency_opens = 16;
		l->join_peak_a = 17;
		l->leave_peak_a = 18;
		l->standing = 19;
		for (unsigned w = 0; w < POLE_COUNT; w++)
			l->wear[w] = (struct contactor_wear){20 + w, 30 + w, 40 + w, 50 + w,
							     60 + w, 70 + w, 80 + w, 90 + w};
	}
}

/* Compares through NaN and padding. */
static bool states_same(const struct bank_saved *a, const struct bank_saved *b)
{
	char *x = saved_encode(a), *y = saved_encode(b);
	bool same = x && y && strcmp(x, y) == 0;

	free(x);
	free(y);
	return same;
}

static struct bank_saved first, second, third, loaded;

static void every_member_of_the_state_comes_back_exactly(void)
{
	char error[256], *text;

	state_fill(&first, 3, 0);
	text = saved_encode(&first);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	CU_ASSERT_TRUE(saved_decode(text, &loaded, error, sizeof error));
	CU_ASSERT_STRING_EQUAL(error, "");
	free(text);
	for (unsigned k = 0; k < 3; k++) {
		CU_ASSERT_TRUE(isnan(loaded.pack[k].soc_sigma));
		loaded.pack[k].soc_sigma = first.pack[k].soc_sigma;
		CU_ASSERT_EQUAL(memcmp(&loaded.pack[k].life, &first.pack[k].life,
				       sizeof first.pack[k].life),
				0);
	}
	CU_ASSERT_EQUAL(memcmp(&loaded, &first, sizeof first), 0);
}

static void a_new_member_is_not_forgotten(void)
{
	/* When this fails: add the member to daemon/store/saved.c, to state_fill, and the size. */
	CU_ASSERT_EQUAL(sizeof(struct life), 1336);
	CU_ASSERT_EQUAL(sizeof(struct pack_saved), 1480);
	CU_ASSERT_EQUAL(offsetof(struct bank_saved, pack), 2040);
}

static void an_unknown_latch_engages_the_lock(void)
{
	char error[256];

	CU_ASSERT_TRUE(saved_decode("{\"v\":1,\"latched\":[\"martian_invasion\"]}", &loaded, error,
				    sizeof error));
	CU_ASSERT_TRUE(loaded.locked);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "martian_invasion"));
	CU_ASSERT_TRUE(saved_decode("{\"v\":1,\"packs\":[{\"id\":\"a\",\"latched\":[7]}]}", &loaded,
				    error, sizeof error));
	CU_ASSERT_TRUE(loaded.locked);
}

static void what_was_counted_together_holds_for_both(void)
{
	static const char old[] =
		"{\"v\":1,\"last_seq\":[0,7],\"last_ts_utc_ms\":[0,1700000000000],"
		"\"session\":[\"\",\"s\"]}";
	char error[256];

	CU_ASSERT_TRUE(saved_decode(old, &loaded, error, sizeof error));
	for (unsigned j = 0; j < SERIES_COUNT; j++) {
		CU_ASSERT_EQUAL(loaded.memory[j].last_seq[1], 7);
		CU_ASSERT_EQUAL(loaded.memory[j].last_ts_utc_ms[1], 1700000000000);
		CU_ASSERT_STRING_EQUAL(loaded.memory[j].session[1], "s");
	}
}

static void wrong_state_texts_are_refused(void)
{
	static const char *const text[] = {
		"",
		"{",
		"[]",
		"{\"v\":2}",
		"{\"v\":1,\"event_seq\":-1}",
		"{\"v\":1,\"stopped\":1}",
		"{\"v\":1,\"cmd_seq\":[\"7\"]}",
		"{\"v\":1,\"ops_hour_ms\":-1}",
		"{\"v\":1,\"packs\":[{\"id\":7}]}",
		"{\"v\":1,\"packs\":[{\"soc\":\"x\"}]}",
		"{\"v\":1,\"packs\":[{\"life.rainflow.depth\":65}]}",
		"{\"v\":1,\"packs\":[{\"ops_day_ms\":-1}]}",
		"{\"v\":1,\"packs\":[{\"id\":\"123456789012345678901234567890123\"}]}",
	};

	for (unsigned i = 0; i < sizeof text / sizeof text[0]; i++) {
		char error[256];

		CU_ASSERT_FALSE(saved_decode(text[i], &loaded, error, sizeof error));
		CU_ASSERT_FALSE(loaded.valid);
		CU_ASSERT_NOT_EQUAL(error[0], 0);
	}
}

static struct ledger *ledger_at(const char *name)
{
	bool broken;
	char error[256];
	struct ledger *ledger = ledger_open(path_of(name), &broken, error, sizeof error);

	CU_ASSERT_PTR_NOT_NULL_FATAL(ledger);
	CU_ASSERT_FALSE(broken);
	return ledger;
}

static void sql(const char *name, const char *text)
{
	sqlite3 *db;

	CU_ASSERT_EQUAL(sqlite3_open(path_of(name), &db), SQLITE_OK);
	CU_ASSERT_EQUAL(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static int64_t sql_number(const char *name, const char *text)
{
	sqlite3 *db;
	sqlite3_stmt *row;
	int64_t v = -1;

	CU_ASSERT_EQUAL(sqlite3_open(path_of(name), &db), SQLITE_OK);
	CU_ASSERT_EQUAL(sqlite3_prepare_v2(db, text, -1, &row, NULL), SQLITE_OK);
	if (sqlite3_step(row) == SQLITE_ROW)
		v = sqlite3_column_int64(row, 0);
	sqlite3_finalize(row);
	sqlite3_close(db);
	return v;
}

static enum ledger_found load(const char *name)
{
	struct ledger *ledger = ledger_at(name);
	char note[256];
	enum ledger_found found = ledger_load(ledger, &loaded, note, sizeof note);

	ledger_close(ledger);
	return found;
}

static void save(const char *name, const struct bank_saved *saved)
{
	struct ledger *ledger = ledger_at(name);
	char note[256];

	ledger_load(ledger, &loaded, note, sizeof note);
	CU_ASSERT_TRUE(ledger_save(ledger, saved));
	ledger_close(ledger);
}

static void a_new_ledger_remembers_nothing_and_then_the_newest(void)
{
	state_fill(&first, 2, 0);
	state_fill(&second, 2, 100);
	CU_ASSERT_EQUAL(load("a.db"), LEDGER_NOTHING);
	save("a.db", &first);
	CU_ASSERT_EQUAL(load("a.db"), LEDGER_NEWEST);
	CU_ASSERT_TRUE(states_same(&loaded, &first));
	save("a.db", &second);
	CU_ASSERT_EQUAL(load("a.db"), LEDGER_NEWEST);
	CU_ASSERT_TRUE(states_same(&loaded, &second));
	CU_ASSERT_EQUAL(sql_number("a.db", "SELECT count(*) FROM saved"), 2);
}

static void a_torn_copy_falls_back_to_the_older_one_and_is_overwritten_first(void)
{
	state_fill(&first, 2, 0);
	state_fill(&second, 2, 100);
	state_fill(&third, 2, 200);
	save("b.db", &first);
	save("b.db", &second);
	sql("b.db", "UPDATE saved SET state = substr(state, 1, 900) || 'x' || substr(state, 902)"
		    " WHERE generation = 2");
	CU_ASSERT_EQUAL(load("b.db"), LEDGER_OLDER);
	CU_ASSERT_TRUE(states_same(&loaded, &first));
	save("b.db", &third);
	CU_ASSERT_EQUAL(load("b.db"), LEDGER_NEWEST);
	CU_ASSERT_TRUE(states_same(&loaded, &third));
	sql("b.db", "UPDATE saved SET state = substr(state, 1, 500) WHERE generation = 2");
	CU_ASSERT_EQUAL(load("b.db"), LEDGER_OLDER);
	CU_ASSERT_TRUE(states_same(&loaded, &first));
	sql("b.db", "UPDATE saved SET crc32 = crc32 + 1");
	CU_ASSERT_EQUAL(load("b.db"), LEDGER_UNREADABLE);
}

static void a_file_that_is_no_database_is_put_aside(void)
{
	bool broken;
	char error[256], note[256];
	struct ledger *ledger;
	FILE *file = fopen(path_of("c.db"), "w");

	for (int i = 0; i < 5000; i++)
		fputs("garbage ", file);
	fclose(file);
	ledger = ledger_open(path_of("c.db"), &broken, error, sizeof error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ledger);
	CU_ASSERT_TRUE(broken);
	CU_ASSERT_EQUAL(ledger_load(ledger, &loaded, note, sizeof note), LEDGER_NOTHING);
	ledger_close(ledger);
	CU_ASSERT_EQUAL(access(path_of("c.db.broken"), F_OK), 0);
}

static void pages_overwritten_at_random_never_pass_for_a_state(void)
{
	uint64_t random = 3;
	unsigned refused = 0;

	state_fill(&first, 2, 0);
	state_fill(&second, 2, 100);
	for (int round = 0; round < 60; round++) {
		bool broken = false;
		char error[256], note[256];
		struct ledger *ledger;
		struct stat status;
		enum ledger_found found = LEDGER_UNREADABLE;
		int fd;

		unlink(path_of("d.db"));
		save("d.db", &first);
		save("d.db", &second);
		fd = open(path_of("d.db"), O_RDWR);
		fstat(fd, &status);
		for (int i = 0; i < 40; i++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			CU_ASSERT_EQUAL(
				pwrite(fd, &random, 8, (off_t)(random >> 20) % status.st_size), 8);
		}
		close(fd);
		ledger = ledger_open(path_of("d.db"), &broken, error, sizeof error);
		if (ledger && !broken)
			found = ledger_load(ledger, &loaded, note, sizeof note);
		ledger_close(ledger);
		if (found == LEDGER_NEWEST || found == LEDGER_OLDER)
			CU_ASSERT(states_same(&loaded, &first) || states_same(&loaded, &second));
		refused += found == LEDGER_UNREADABLE;
	}
	CU_ASSERT(refused > 0);
}

static void life_can_be_read_with_sql(void)
{
	state_fill(&first, 3, 0);
	save("e.db", &first);
	CU_ASSERT_EQUAL(sql_number("e.db", "SELECT count(*) FROM life"), 3);
	CU_ASSERT_EQUAL(sql_number("e.db", "SELECT wh_dis FROM life WHERE pack = 'pack-2'"), 5);
	CU_ASSERT_EQUAL(
		sql_number("e.db", "SELECT precharge_operations FROM life WHERE pack = 'pack-0'"),
		22);
}

static void events_are_bounded_and_the_newest_stay(void)
{
	struct ledger *ledger = ledger_at("f.db");
	struct event event = {.at_ms = 5, .reason = REASON_JOINED, .value = 3, .threshold = NAN};

	CU_ASSERT_TRUE(ledger_begin(ledger));
	for (unsigned i = 0; i < LEDGER_EVENTS_MAX + 50; i++) {
		event.seq = i + 1;
		CU_ASSERT_TRUE_FATAL(
			ledger_add(ledger, &(struct ledger_event){1700000000000, true, "b",
								  "leaf-a", "t", &event}));
	}
	CU_ASSERT_TRUE(ledger_commit(ledger));
	CU_ASSERT_EQUAL(ledger_last_seq(ledger), LEDGER_EVENTS_MAX + 50);
	ledger_close(ledger);
	CU_ASSERT_EQUAL(sql_number("f.db", "SELECT count(*) FROM event"), LEDGER_EVENTS_MAX);
	CU_ASSERT_EQUAL(sql_number("f.db", "SELECT min(seq) FROM event"), 51);
	CU_ASSERT_EQUAL(sql_number("f.db", "SELECT count(*) FROM event WHERE threshold IS NULL"),
			LEDGER_EVENTS_MAX);
}

static struct soe_entry entry_of(const struct event *event)
{
	return (struct soe_entry){1700000000000, false, "b00t", "leaf-a", "leaf-a joined", event};
}

static unsigned lines_in(const char *name)
{
	FILE *file = fopen(path_of(name), "r");
	char line[1024];
	unsigned n = 0;

	while (file && fgets(line, sizeof line, file)) {
		json_t *object = json_loads(line, 0, NULL);

		CU_ASSERT_PTR_NOT_NULL(object);
		json_decref(object);
		n++;
	}
	if (file)
		fclose(file);
	return n;
}

static void events_are_one_json_line_each_with_both_clocks(void)
{
	struct event event = {
		.at_ms = 77, .seq = 9, .reason = REASON_JOINED, .value = 3.5, .threshold = NAN};
	struct soe_entry entry = entry_of(&event);
	struct soe soe;
	char line[1024];
	json_t *object;
	FILE *file;

	soe_init(&soe, path_of("g.jsonl"), 1 << 20);
	CU_ASSERT_EQUAL(soe_add(&soe, &entry), 0);
	CU_ASSERT_EQUAL(soe_sync(&soe), 0);
	CU_ASSERT_EQUAL(soe_add_gap(&soe, 1700000000001, 12), 0);
	soe_close(&soe);
	CU_ASSERT_EQUAL(lines_in("g.jsonl"), 2);
	file = fopen(path_of("g.jsonl"), "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(fgets(line, sizeof line, file));
	fclose(file);
	object = json_loads(line, 0, NULL);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(object, "mono_ms")), 77);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(object, "ts_ms")), 1700000000000);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(object, "clock")), "free");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(object, "code")), "joined");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(object, "pack")), "leaf-a");
	CU_ASSERT_TRUE(json_is_null(json_object_get(object, "threshold")));
	json_decref(object);
}

static void the_log_rotates_and_keeps_four(void)
{
	struct event event = {.reason = REASON_JOINED};
	struct soe_entry entry = entry_of(&event);
	struct soe soe;

	soe_init(&soe, path_of("h.jsonl"), 1000);
	for (unsigned i = 0; i < 60; i++)
		CU_ASSERT_EQUAL(soe_add(&soe, &entry), 0);
	soe_close(&soe);
	CU_ASSERT(lines_in("h.jsonl") > 0);
	CU_ASSERT(lines_in("h.jsonl.4") > 0);
	CU_ASSERT_EQUAL(lines_in("h.jsonl.5"), 0);
}

static void a_disk_that_fills_up_never_leaves_half_a_line(void)
{
	struct event event = {.reason = REASON_JOINED};
	struct soe_entry entry = entry_of(&event);
	struct soe soe;
	struct rlimit limit, little;
	unsigned written = 0;

	getrlimit(RLIMIT_FSIZE, &limit);
	little = limit;
	little.rlim_cur = 1500;
	signal(SIGXFSZ, SIG_IGN);
	soe_init(&soe, path_of("i.jsonl"), 1 << 20);
	setrlimit(RLIMIT_FSIZE, &little);
	for (unsigned i = 0; i < 20; i++)
		written += soe_add(&soe, &entry) == 0;
	setrlimit(RLIMIT_FSIZE, &limit);
	CU_ASSERT(written > 0 && written < 20);
	CU_ASSERT_EQUAL(soe_add(&soe, &entry), 0);
	soe_close(&soe);
	CU_ASSERT_EQUAL(lines_in("i.jsonl"), written + 1);
}

static void only_the_newest_recordings_are_kept(void)
{
	char name[128], path[512];
	unsigned left = 0;
	struct dirent *entry;
	DIR *dir;

	CU_ASSERT_EQUAL(mkdir(path_of("rec"), 0700), 0);
	for (unsigned i = 0; i < 25; i++) {
		keep_name(name, sizeof name, 1700000000000 + i * 1000, "trip");
		snprintf(path, sizeof path, "%s/rec/%s", directory, name);
		close(open(path, O_CREAT | O_WRONLY, 0600));
	}
	CU_ASSERT_STRING_EQUAL(name, "20231114T221344.000Z-trip.rec");
	snprintf(path, sizeof path, "%s/rec/x.rec.tmp", directory);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	CU_ASSERT_EQUAL(keep_newest(path_of("rec"), 20), 0);
	dir = opendir(path_of("rec"));
	while ((entry = readdir(dir)))
		left += entry->d_name[0] != '.';
	closedir(dir);
	CU_ASSERT_EQUAL(left, 20);
	snprintf(path, sizeof path, "%s/rec/%s", directory, name);
	CU_ASSERT_EQUAL(access(path, F_OK), 0);
	CU_ASSERT(keep_newest(path_of("nowhere"), 20) < 0);
}

/* The whole store with its thread, over a directory of its own. */
static struct config config;

static struct store *store_at(const char *name, struct recorder *recorder, struct bank_saved *saved)
{
	struct store *store;

	memset(&config, 0, sizeof config);
	snprintf(config.state_dir, sizeof config.state_dir, "%s", path_of(name));
	snprintf(config.site.id, sizeof config.site.id, "north");
	config.site.n_packs = 1;
	snprintf(config.site.pack[0].id, ID_SIZE, "leaf-a");
	mkdir(config.state_dir, 0700);
	store = store_new(&config, "b00t", recorder, saved);
	CU_ASSERT_PTR_NOT_NULL_FATAL(store);
	return store;
}

static void a_notice_of_a_driver_is_a_line_and_no_event(void)
{
	const struct driver_notice notice = {
		.pack = -1, .place = "can0", .text = "error-passive", .times = 1};
	char line[256] = "";
	FILE *file = tmpfile();
	int kept = dup(STDERR_FILENO);

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	dup2(fileno(file), STDERR_FILENO);
	struct store *store = store_at("n", NULL, &loaded);
	store_notice(store, &notice);
	store_stop(store);
	dup2(kept, STDERR_FILENO);
	close(kept);
	rewind(file);
	CU_ASSERT_PTR_NOT_NULL(fgets(line, sizeof line, file));
	CU_ASSERT_PTR_NOT_NULL(strstr(line, "bus can0: error-passive\n"));
	CU_ASSERT_PTR_NULL(fgets(line, sizeof line, file));
	fclose(file);
}

static void the_store_gives_back_state_and_sequence_after_a_stop(void)
{
	struct event event = {.at_ms = 1, .seq = 4000000007u, .reason = REASON_JOINED};
	struct store *store = store_at("s", NULL, &loaded);

	CU_ASSERT_FALSE(loaded.valid);
	state_fill(&first, 1, 0);
	store_state(store, &first);
	store_event(store, &event, 1700000000000, true);
	store_stop(store);
	store = store_at("s", NULL, &loaded);
	store_stop(store);
	CU_ASSERT_TRUE(loaded.valid);
	CU_ASSERT_EQUAL(loaded.event_seq, 4000000007u);
	loaded.event_seq = first.event_seq;
	CU_ASSERT_TRUE(states_same(&loaded, &first));
	CU_ASSERT_EQUAL(lines_in("s/north.soe.jsonl"), 1);
}

static void events_beyond_the_queue_are_counted_in_the_log(void)
{
	struct event event = {.reason = REASON_JOINED};
	struct store *store = store_at("t", NULL, &loaded);
	FILE *file;
	char line[1024];
	unsigned lost = 0, n = 0, events = 0;
	int terminal = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY);

	CU_ASSERT(dup2(nowhere, STDERR_FILENO) >= 0);
	for (unsigned i = 0; i < 20000; i++)
		store_event(store, &event, 1700000000000, true);
	store_dropped(store, 5);
	store_event(store, &event, 1700000000000, true);
	store_stop(store);
	dup2(terminal, STDERR_FILENO);
	close(terminal);
	close(nowhere);
	file = fopen(path_of("t/north.soe.jsonl"), "r");
	while (fgets(line, sizeof line, file)) {
		if (strstr(line, "\"lost\":") && sscanf(strstr(line, "\"lost\":") + 7, "%u", &n))
			lost += n;
		else
			events++;
	}
	fclose(file);
	CU_ASSERT_EQUAL(events + lost, 20001 + 5);
	CU_ASSERT(lost >= 5);
}

static void a_pin_is_given_back_written_or_not(void)
{
	struct recorder *recorder = recorder_new(0);
	static struct bank bank;
	static struct bank_inputs in;
	static struct bank_outputs out;
	struct store *store = store_at("u", recorder, &loaded);

	in.now_ms = 1;
	recorder_before(recorder, &bank, &in);
	recorder_after(recorder, &out);
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_TRUE(recorder_pin(recorder));
		store_recording(store, "request", 1700000000000 + i);
		store_stop(store);
		store = store_at("u", recorder, &loaded);
	}
	CU_ASSERT_TRUE(recorder_pin(recorder));
	recorder_unpin(recorder);
	CU_ASSERT_TRUE(recorder_pin(recorder));
	store_stop(store);
	recorder_free(recorder);
	CU_ASSERT_EQUAL(
		access(path_of("u/north.recordings/20231114T221320.002Z-request.rec"), F_OK), 0);
}

static void crc_is_the_one_of_ieee_802_3(void)
{
	CU_ASSERT_EQUAL(crc32_add(0, "123456789", 9), 0xcbf43926);
	CU_ASSERT_EQUAL(crc32_add(crc32_add(0, "1234", 4), "56789", 5), 0xcbf43926);
}

int main(void)
{
	char command[300];
	CU_pSuite suite;

	if (!mkdtemp(directory))
		return 1;
	CU_initialize_registry();
	suite = CU_add_suite("store", NULL, NULL);
	CU_ADD_TEST(suite, every_member_of_the_state_comes_back_exactly);
	CU_ADD_TEST(suite, a_new_member_is_not_forgotten);
	CU_ADD_TEST(suite, an_unknown_latch_engages_the_lock);
	CU_ADD_TEST(suite, what_was_counted_together_holds_for_both);
	CU_ADD_TEST(suite, wrong_state_texts_are_refused);
	CU_ADD_TEST(suite, a_new_ledger_remembers_nothing_and_then_the_newest);
	CU_ADD_TEST(suite, a_torn_copy_falls_back_to_the_older_one_and_is_overwritten_first);
	CU_ADD_TEST(suite, a_file_that_is_no_database_is_put_aside);
	CU_ADD_TEST(suite, pages_overwritten_at_random_never_pass_for_a_state);
	CU_ADD_TEST(suite, life_can_be_read_with_sql);
	CU_ADD_TEST(suite, events_are_bounded_and_the_newest_stay);
	CU_ADD_TEST(suite, events_are_one_json_line_each_with_both_clocks);
	CU_ADD_TEST(suite, the_log_rotates_and_keeps_four);
	CU_ADD_TEST(suite, a_disk_that_fills_up_never_leaves_half_a_line);
	CU_ADD_TEST(suite, only_the_newest_recordings_are_kept);
	CU_ADD_TEST(suite, a_notice_of_a_driver_is_a_line_and_no_event);
	CU_ADD_TEST(suite, the_store_gives_back_state_and_sequence_after_a_stop);
	CU_ADD_TEST(suite, events_beyond_the_queue_are_counted_in_the_log);
	CU_ADD_TEST(suite, a_pin_is_given_back_written_or_not);
	CU_ADD_TEST(suite, crc_is_the_one_of_ieee_802_3);
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	snprintf(command, sizeof command, "rm -rf '%s'", directory);
	if (system(command) != 0)
		return 1;
	return CU_get_number_of_failures() > 0 || CU_get_error() != CUE_SUCCESS;
}
