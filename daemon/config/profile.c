/* One pack profile by itself: for tools that look at a pack without a site. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/wire.h"

#ifndef REBANK_DATADIR
#define REBANK_DATADIR "/usr/local/share/rebank"
#endif

static bool path_find(const char *name, const char *dir, char *path, size_t size)
{
	const char *const dirs[] = {dir ? dir : "config/packs",
				    dir ? NULL : REBANK_DATADIR "/packs"};

	if (strchr(name, '/') || strchr(name, '.')) {
		snprintf(path, size, "%s", name);
		return access(path, R_OK) == 0;
	}
	for (int i = 0; i < 2 && dirs[i]; i++) {
		snprintf(path, size, "%s/%s.conf", dirs[i], name);
		if (access(path, R_OK) == 0)
			return true;
	}
	return false;
}

/* "config/packs/kona-64.conf" -> "kona-64" */
static void name_of_path(const char *path, char *name)
{
	const char *slash = strrchr(path, '/');
	size_t n;

	path = slash ? slash + 1 : path;
	n = strcspn(path, ".");
	snprintf(name, ID_SIZE, "%.*s", (int)(n < ID_SIZE ? n : ID_SIZE - 1), path);
}

static void lines_print(const char *head, const char *text, FILE *out)
{
	fprintf(out, "  %-12s%s\n", head, text);
}

static void proofs_count(const struct wire *wire, FILE *out)
{
	unsigned n[PROOF_COUNT] = {0};

	for (unsigned i = 0; i < wire->n_signals; i++)
		n[wire->signal[i].proof]++;
	fprintf(out, "  signals     %u recorded, %u synthetic, %u unverified\n", n[PROOF_RECORDED],
		n[PROOF_SYNTHETIC], n[PROOF_UNVERIFIED]);
}

static void profile_show(const struct profile *profile, FILE *out)
{
	static const char *const keys[] = {"source", "verified", "unverified"};
	const config_setting_t *root = config_root_setting(&profile->tree);
	const struct wire *wire = profile->own.wire;

	fprintf(out, "%s: %s\n", profile->name, profile->own.description);
	for (unsigned i = 0; i < 3; i++) {
		const config_setting_t *text = setting_find(root, "provenance", keys[i]);

		if (text && config_setting_get_string(text))
			lines_print(keys[i], config_setting_get_string(text), out);
	}
	if (!wire) {
		fputs("  no can or modbus group: for the simulator only\n", out);
		return;
	}
	proofs_count(wire, out);
	if (wire->by_frames)
		fprintf(out, "  contactors  by frames: closed within %g s, open within %g s\n",
			wire->close_ms / 1000.0, wire->open_ms / 1000.0);
	wire_print(wire, out);
}

int profile_load(const char *name, const char *dir, struct config *config, FILE *show, FILE *errors)
{
	struct reader *reader = calloc(1, sizeof(*reader));
	struct profile *profile = calloc(1, sizeof(*profile));
	char path[2 * PATH_SIZE];
	int n;

	if (!reader || !profile)
		abort();
	memset(config, 0, sizeof(*config));
	reader->config = config;
	config_init(&profile->tree);
	mistakes_init(&reader->mistakes, name);
	if (path_find(name, dir, path, sizeof(path))) {
		reader->mistakes.path = path;
		name_of_path(path, profile->name);
		profile_read_file(reader, profile, path);
	} else {
		mistake_add(&reader->mistakes, NULL, 0, NULL, "there is no such profile in %s",
			    dir ? dir : "config/packs or " REBANK_DATADIR "/packs");
	}
	n = (int)reader->mistakes.n;
	mistakes_print(&reader->mistakes, errors);
	config->site.n_packs = 1;
	config->site.pack[0] = profile->site;
	config->pack[0] = profile->own;
	if (show && n == 0)
		profile_show(profile, show);
	config_destroy(&profile->tree);
	mistakes_free(&reader->mistakes);
	free(profile);
	free(reader);
	return n;
}
