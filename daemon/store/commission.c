#include "store/commission.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

#include "core/chemistry.h"
#include "store/recording.h"

enum { RECORD_VERSION = 1 };

void commission_path(const struct config *config, char *path, size_t size)
{
	snprintf(path, size, "%s/%s.commissioned", config->state_dir, config->site.id);
}

static json_t *json_of_pack(const struct config *config, unsigned k)
{
	const struct pack_site *pack = &config->site.pack[k];

	return json_pack("{s:s, s:s, s:s}", "id", pack->id, "serial",
			 config->pack[k].passport.serial, "chemistry",
			 chemistry_text(pack->model.chemistry)->word);
}

static json_t *json_of_site(const struct config *config, int64_t utc_ms)
{
	json_t *packs = json_array();

	for (unsigned k = 0; k < config->site.n_packs; k++)
		json_array_append_new(packs, json_of_pack(config, k));
	return json_pack("{s:i, s:s, s:s, s:I, s:o}", "version", RECORD_VERSION, "bank",
			 config->site.id, "digest", config->digest, "utc_ms", (json_int_t)utc_ms,
			 "packs", packs);
}

/* What differs most tellingly: a pack, or only the digest. */
static void difference_tell(const struct config *config, const json_t *record,
			    struct commission *commission)
{
	const json_t *packs = json_object_get(record, "packs");

	for (unsigned k = 0; k < config->site.n_packs; k++) {
		json_t *now = json_of_pack(config, k);
		bool same = json_equal(json_array_get(packs, k), now);

		json_decref(now);
		if (same)
			continue;
		snprintf(commission->text, sizeof(commission->text),
			 "packs[%u] \"%s\" is not the pack that was commissioned (id, serial or "
			 "chemistry changed): run rebankctl preflight",
			 k, config->site.pack[k].id);
		return;
	}
	snprintf(commission->text, sizeof(commission->text),
		 "the configuration changed since it was commissioned (digest %.8s, now %.8s): run "
		 "rebankctl preflight",
		 json_string_value(json_object_get(record, "digest")), config->digest);
}

static bool record_is_whole(const json_t *record, const struct config *config)
{
	const char *bank = json_string_value(json_object_get(record, "bank"));

	return json_integer_value(json_object_get(record, "version")) == RECORD_VERSION && bank &&
	       strcmp(bank, config->site.id) == 0 &&
	       json_is_string(json_object_get(record, "digest")) &&
	       json_is_integer(json_object_get(record, "utc_ms"));
}

static void record_judge(const struct config *config, const json_t *record,
			 struct commission *commission)
{
	json_int_t utc_ms = json_integer_value(json_object_get(record, "utc_ms"));
	time_t seconds = (time_t)(utc_ms / 1000);
	json_t *now = json_of_site(config, utc_ms);
	struct tm utc;

	commission->holds = json_equal(record, now);
	json_decref(now);
	if (!commission->holds)
		difference_tell(config, record, commission);
	else if (gmtime_r(&seconds, &utc))
		strftime(commission->text, sizeof(commission->text),
			 "commissioned on %Y-%m-%d %H:%M UTC", &utc);
}

static void put_aside(const char *path)
{
	char old[PATH_SIZE + ID_SIZE + 32];

	snprintf(old, sizeof(old), "%s.old", path);
	rename(path, old);
}

void commission_load(const struct config *config, bool clear, struct commission *commission)
{
	char path[PATH_SIZE + ID_SIZE + 16];
	json_error_t error;
	json_t *record;

	*commission = (struct commission){.needed = config->site.real_contactors};
	if (!commission->needed) {
		snprintf(commission->text, sizeof(commission->text), "no real contactor");
		commission->holds = true;
		return;
	}
	commission_path(config, path, sizeof(path));
	errno = 0;
	record = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	if (record && record_is_whole(record, config))
		record_judge(config, record, commission);
	else if (json_error_code(&error) == json_error_cannot_open_file && errno == ENOENT)
		snprintf(commission->text, sizeof(commission->text),
			 "never commissioned: run rebankctl preflight");
	else
		snprintf(
			commission->text, sizeof(commission->text),
			"the commissioning record cannot be read (%.120s): run rebankctl preflight",
			record ? "it is not a record of this bank" : error.text);
	if (record && !commission->holds && clear)
		put_aside(path);
	json_decref(record);
}

int commission_write(const struct config *config, int64_t utc_ms)
{
	char path[PATH_SIZE + ID_SIZE + 16];
	json_t *record = json_of_site(config, utc_ms);
	char *text = json_dumps(record, JSON_INDENT(1));
	struct iovec part = {text, text ? strlen(text) : 0};
	int error = -ENOMEM;

	commission_path(config, path, sizeof(path));
	if (text)
		error = recording_write_parts(path, &part, 1);
	if (!error &&
	    chmod(path, 0644) != 0) /* the daemon runs as another user than the installer */
		error = -errno;
	free(text);
	json_decref(record);
	return error;
}
