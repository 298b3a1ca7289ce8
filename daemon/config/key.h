/*
 * One table of keys per group of the site file. Reading, defaults, range checks, config_print and
 * docs/configuration.md all come from these tables (keys_*.c).
 */
#ifndef REBANK_CONFIG_KEY_H
#define REBANK_CONFIG_KEY_H

#include "config/config.h"
#include "config/mistakes.h"

enum key_type {
	KEY_REAL = 0, /* double; integers are promoted */
	KEY_SECONDS,  /* seconds in the file, int32_t or int64_t milliseconds in the struct */
	KEY_COUNT,    /* unsigned of 1, 4 or 8 bytes */
	KEY_BOOL,
	KEY_TEXT, /* char[] */
	KEY_ID,   /* char[], [a-z0-9-]{1,32} */
	KEY_LINE, /* char[], a GPIO line */
	KEY_FILE, /* char[], a file that can be read; relative to the site file */
	KEY_WORD, /* an enum by its words */
	KEY_PACK, /* int, the index of a pack by its id */
	KEY_NAME, /* the id that chose the element: not stored again */
	KEY_GROUP,
	KEY_LIST,
	KEY_WIRE, /* read by wire_read: docs/writing-a-pack-profile.md */
};

enum key_need { NEED_REQUIRED = 0, NEED_DEFAULT, NEED_OPTIONAL };

/* What a pack may do to a value of its profile. */
enum key_inward { INWARD_FREE = 0, INWARD_UP, INWARD_DOWN, INWARD_FIXED };

/* Which struct an offset counts from. */
enum key_base { BASE_SITE = 0, BASE_OWN, BASE_COUNT };

struct bases {
	char *at[BASE_COUNT];
};

struct words {
	const char *(*word)(int value);
	int first, count;
};

struct key {
	const char *name;
	enum key_type type;
	enum key_need need;
	enum key_base base;
	enum key_inward inward;
	size_t offset, size;
	double lo, hi;    /* of numbers, in the file's unit */
	double standard;  /* default of a number */
	const char *text; /* default of a text; of an optional key: what happens without */
	const struct words *words;
	const struct group *group;
	const struct list *list;
	const char *help;
};

struct group {
	const char *path;  /* "plan", "packs[].limits" */
	const char *label; /* before the key in messages: "stale."; "" where names are unique */
	const char *help;
	const struct key *key;
	unsigned n_keys;
};

struct list {
	const struct group *element;
	unsigned max;
	enum key_base count_base;
	size_t count_offset; /* unsigned: number of elements, `first` included */
	unsigned first;      /* elements that are not of the file */
	bool by_id;          /* element k is that of pack k; `id` says which */
	void (*place)(struct config *config, unsigned index, struct bases *bases);
};

#define AT_SITE(type, field)                                                                       \
	.base = BASE_SITE, .offset = offsetof(struct type, field),                                 \
	.size = sizeof(((struct type *)NULL)->field)
#define AT_OWN(type, field)                                                                        \
	.base = BASE_OWN, .offset = offsetof(struct type, field),                                  \
	.size = sizeof(((struct type *)NULL)->field)
#define RANGE(low, high)   .lo = (low), .hi = (high)
#define STANDARD(value)    .need = NEED_DEFAULT, .standard = (value)
#define STANDARD_TEXT(tag) .need = NEED_DEFAULT, .text = (tag)
#define WITHOUT(tag)       .need = NEED_OPTIONAL, .text = (tag)
#define GROUP_KEYS(table)  .key = (table), .n_keys = sizeof(table) / sizeof((table)[0])

extern const struct group root_group, profile_group, pack_group, simulation_group, mqtt_group,
	can_bms_group, sunspec_group;
extern const struct list packs_list, simulation_packs_list, meters_list;
extern const struct words pole_words, chemistry_words;

/* ---- reading ----------------------------------------------------------------------------- */

struct profile {
	char name[ID_SIZE];
	bool usable; /* the file was found and parsed: tree, site and own hold */
	config_t tree;
	struct pack_site site;
	struct pack_config own;
};

struct reader {
	struct config *config;
	struct mistakes mistakes;
	char dir[PATH_SIZE]; /* of the site file */
	const char *profile_dir;
	config_t tree;
	unsigned n_profiles;
	struct profile *profile[PACK_MAX];
	const config_setting_t *pack[PACK_MAX];
	const struct profile *pack_profile[PACK_MAX]; /* NULL: none */
};

/* Reads a libconfig file into `tree`; its mistakes are added. False: nothing to be had. */
bool tree_read(struct mistakes *mistakes, config_t *tree, const char *path);

/* Sets every key below `group` to "not given" or its default. */
void group_init(const struct group *group, struct bases bases);

/* Reads what `setting` gives; `where` names it in messages. With `over`, the values already there
 * are those of a profile (its name) and may only be moved inward. */
void group_read(struct reader *reader, const struct group *group, const config_setting_t *setting,
		struct bases bases, const char *where, const char *over);

/* A mistake for each required key that neither setting (nor `below`, may be NULL) gives. */
void group_demand(struct reader *reader, const struct group *group, const config_setting_t *setting,
		  const config_setting_t *below, const char *where);

/* The profile a pack names, read at its first use; NULL: it names none. One that is not usable has
 * its mistake reported already. */
const struct profile *profile_for_pack(struct reader *reader, const config_setting_t *pack,
				       const char *where);

/* The same of one file; mistakes are added. */
void profile_read_file(struct reader *reader, struct profile *profile, const char *path);

/* The member of `setting`, or of its sub-group `group` when not NULL; NULL: not given. */
config_setting_t *setting_find(const config_setting_t *setting, const char *group,
			       const char *name);
/* Where a value of pack k was given: the pack, else its profile, else the pack itself. */
const config_setting_t *setting_of_pack(const struct reader *reader, unsigned k, const char *group,
					const char *name);
/* Where a value of the site was given; else its group; else the file. */
const config_setting_t *setting_of_site(const struct reader *reader, const char *group,
					const char *name);

/* ---- values ------------------------------------------------------------------------------ */

/* A number as the file would give it; NaN: not given. */
double key_load(const struct key *key, struct bases bases);
void key_store(const struct key *key, struct bases bases, double value);
char *key_text(const struct key *key, struct bases bases);
struct bases bases_of_site(struct config *config);
/* Shortest text that reads back as the same number. */
const char *number_text(double value, char *text, size_t size);
bool id_is_valid(const char *id);

/* ---- after reading ----------------------------------------------------------------------- */

/* Fills what follows from other keys. */
void derive_site(struct reader *reader);
void check_packs(struct reader *reader);
void check_pack_contactors(struct reader *reader, unsigned k);
void check_site(struct reader *reader);
void check_wiring(struct reader *reader);
void check_lines(struct reader *reader);
/* Reads pcs/<name>.conf; `named` is where the site names it. False: it has mistakes, or there is no
 * such file; they are added. */
bool map_read_named(struct reader *reader, const char *name, const config_setting_t *named,
		    const char *where, struct register_map *map);
/* Everything a map says, in a fixed form: part of the site's digest. */
void map_print(const struct register_map *map, FILE *out);
void check_modbus(struct reader *reader);
void check_modbus_packs(struct reader *reader);
void check_simulation(struct reader *reader);
void check_can_bms(struct reader *reader);
void derive_sunspec(struct reader *reader);
void check_sunspec(struct reader *reader);
void check_can(struct reader *reader);

/* Splits url into host, port and tls. NULL, or what is wrong with it. */
const char *url_parse(struct mqtt_config *mqtt, const char *url);
bool url_is_loopback(const char *host);

/* True when this build has a driver of that name for `role` ("pack bus", "grid meter"...). */
bool driver_exists(const char *role, const char *name);
/* The names it has, for messages. */
const char *driver_names(const char *role, char *text, size_t size);

void digest_of_site(struct config *config);

#endif
