#include "ctl/dbc.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 65, BITS_MAX = 56, STANDARD_ID_MAX = 0x7ff, PERIOD_MAX_MS = 60000 };

/* Everything waits until the file has ended: what its signals are not, and how often a message
 * comes, is said after all of them. */
struct taken_signal {
	char name[NAME_SIZE];
	char *text;          /* as it goes into the profile */
	unsigned line;       /* of the DBC */
	bool paged;          /* there on some pages only */
	const char *refused; /* why it is not written; NULL: it is */
};

struct message {
	unsigned long id; /* as in the DBC, with bit 31 */
	char head[160], mux[32];
	double period_ms; /* 0: not said */
	bool nested;      /* a page selector stands on a page of another */
	unsigned n;
	struct taken_signal *signal;
};

struct importer {
	const char *path;
	FILE *out, *errors;
	unsigned line, broken;
	bool open; /* a message is being read: the last one */
	unsigned n;
	struct message *message;
};

struct dbc_signal {
	char name[NAME_SIZE], mode[8], unit[24];
	unsigned start, length;
	char order, sign;
	double scale, offset, low, high;
};

static void complain(struct importer *importer, unsigned line, const char *what)
{
	importer->broken++;
	fprintf(importer->errors, "%s:%u: %s\n", importer->path, line, what);
}

/* Room for one more behind `n`, zeroed. */
static void *one_more(void *list, unsigned n, size_t size)
{
	char *more = realloc(list, (n + 1) * size);

	if (!more)
		abort();
	memset(more + n * size, 0, size);
	return more;
}

/* ---- messages ---------------------------------------------------------------------------- */

/* BO_ 466 Name: 8 Sender; bit 31 of the id says 29 bits. */
static void message_take(struct importer *importer, const char *line)
{
	struct message *message;
	unsigned long given, id;
	unsigned length;
	char name[NAME_SIZE];
	bool ext;

	importer->open = false;
	if (sscanf(line, " BO_ %10lu %64[A-Za-z0-9_] : %4u", &given, name, &length) != 3) {
		complain(importer, importer->line,
			 "not understood: a message is BO_ 466 Name: 8 Sender");
		return;
	}
	if (strcmp(name, "VECTOR__INDEPENDENT_SIG_MSG") == 0)
		return;
	ext = given >> 31 & 1;
	id = given & 0x7fffffff;
	if (length < 1 || length > 8 ||
	    id > (ext ? 0x1fffffffUL : (unsigned long)STANDARD_ID_MAX)) {
		complain(importer, importer->line,
			 "left out: a message has 1 to 8 bytes and an 11- or 29-bit id");
		return;
	}
	importer->message = one_more(importer->message, importer->n, sizeof(*message));
	message = &importer->message[importer->n++];
	message->id = given;
	snprintf(message->head, sizeof(message->head),
		 "id = 0x%lX;%s name = \"%.31s\"; length = %u;", id, ext ? " ext = true;" : "",
		 name, length);
	importer->open = true;
}

static struct message *message_of(struct importer *importer, unsigned long id)
{
	for (unsigned i = 0; i < importer->n; i++)
		if (importer->message[i].id == id)
			return &importer->message[i];
	return NULL;
}

/* BA_ "GenMsgCycleTime" BO_ 466 100; in milliseconds, 0 for one that has none. */
static void cycle_take(struct importer *importer, const char *line)
{
	struct message *message;
	unsigned long id;
	double ms;

	if (sscanf(line, " BA_ \"GenMsgCycleTime\" BO_ %10lu %15lf", &id, &ms) != 2)
		return;
	message = message_of(importer, id);
	if (message && ms >= 1.0 && ms <= PERIOD_MAX_MS)
		message->period_ms = ms;
}

/* ---- signals ----------------------------------------------------------------------------- */

/* SG_ Name m3 : 23|10@0+ (0.5,0) [0|511] "V" Receiver */
static bool signal_parse(const char *line, struct dbc_signal *signal)
{
	const char *colon = strchr(line, ':');

	memset(signal, 0, sizeof(*signal));
	if (!colon ||
	    sscanf(line, " SG_ %64[A-Za-z0-9_] %7[mM0-9]", signal->name, signal->mode) < 1)
		return false;
	if (sscanf(colon, ": %4u|%3u@%c%c (%lf,%lf) [%lf|%lf] \"%23[^\"]", &signal->start,
		   &signal->length, &signal->order, &signal->sign, &signal->scale, &signal->offset,
		   &signal->low, &signal->high, signal->unit) < 6)
		return false;
	return (signal->order == '0' || signal->order == '1') &&
	       (signal->sign == '+' || signal->sign == '-') && signal->length >= 1 &&
	       signal->length <= BITS_MAX;
}

/* A libconfig float needs a point or an exponent. */
static void number_put(FILE *out, const char *key, double value)
{
	char text[32];

	snprintf(text, sizeof(text), "%.9g", value);
	fprintf(out, " %s = %s%s;", key, text, strpbrk(text, ".en") ? "" : ".0");
}

/* The unit becomes a comment: printable, and nothing in it that ends one. */
static void unit_put(FILE *out, const char *unit)
{
	if (!*unit)
		return;
	fputs(" /* ", out);
	for (; *unit; unit++)
		fputc(*unit < ' ' || *unit > '~' || *unit == '*' ? '?' : *unit, out);
	fputs(" */", out);
}

static void signal_print(FILE *out, const struct dbc_signal *signal)
{
	fprintf(out, "{ to = \"info\"; name = \"%.31s\"; bits = \"%u|%u@%c%c\";", signal->name,
		signal->start, signal->length, signal->order, signal->sign);
	if (signal->scale < 1.0 || signal->scale > 1.0)
		number_put(out, "scale", signal->scale);
	if (signal->offset < 0.0 || signal->offset > 0.0)
		number_put(out, "offset", signal->offset);
	if (signal->mode[0] == 'm')
		fprintf(out, " page = %lu;", strtoul(signal->mode + 1, NULL, 10) % 65536);
	fputs(" }", out);
	unit_put(out, signal->unit);
}

static void signal_take(struct importer *importer, const char *line)
{
	struct dbc_signal signal;
	struct message *message;
	struct taken_signal *taken;
	size_t size;

	if (!importer->open)
		return;
	if (!signal_parse(line, &signal)) {
		complain(importer, importer->line,
			 "not understood: a signal is SG_ Name : 23|10@0+ (0.5,0) [0|511] "
			 "\"V\" Receiver, of 1 to 56 bits");
		return;
	}
	message = &importer->message[importer->n - 1];
	message->signal = one_more(message->signal, message->n, sizeof(*taken));
	taken = &message->signal[message->n++];
	memcpy(taken->name, signal.name, sizeof(taken->name));
	taken->line = importer->line;
	taken->paged = signal.mode[0] == 'm';
	if (taken->paged && strchr(signal.mode, 'M'))
		message->nested = true;
	else if (strchr(signal.mode, 'M') && !*message->mux)
		snprintf(message->mux, sizeof(message->mux), "%u|%u@%c", signal.start,
			 signal.length, signal.order);
	FILE *out = open_memstream(&taken->text, &size);

	if (!out)
		abort();
	signal_print(out, &signal);
	if (fclose(out) != 0)
		abort();
}

/* SIG_VALTYPE_ 466 Name : 1; 1 and 2 are floating-point numbers of 32 and 64 bits. */
static void type_take(struct importer *importer, const char *line)
{
	struct message *message;
	unsigned long id;
	unsigned type;
	char name[NAME_SIZE];

	if (sscanf(line, " SIG_VALTYPE_ %10lu %64[A-Za-z0-9_] : %1u", &id, name, &type) != 3 ||
	    type == 0)
		return;
	message = message_of(importer, id);
	for (unsigned i = 0; message && i < message->n; i++)
		if (strcmp(message->signal[i].name, name) == 0)
			message->signal[i].refused = "a floating-point number (SIG_VALTYPE_)";
}

/* ---- the profile ------------------------------------------------------------------------- */

static void signals_put(struct importer *importer, const struct message *message)
{
	const char *between = "";

	fputs("\t\t\tsignals = (", importer->out);
	for (unsigned i = 0; i < message->n; i++) {
		const struct taken_signal *signal = &message->signal[i];
		const char *refused = signal->refused;
		char said[128];

		/* Which selector its page is of, only SG_MUL_VAL_ would say. */
		if (!refused && message->nested && signal->paged)
			refused = "a page within a page (extended multiplexing)";
		if (!refused) {
			fprintf(importer->out, "%s\n\t\t\t\t%s", between, signal->text);
			between = ",";
			continue;
		}
		snprintf(said, sizeof(said), "%.31s: not understood: %s", signal->name, refused);
		complain(importer, signal->line, said);
		fprintf(importer->out, "\n\t\t\t\t/* line %u: %s */", signal->line, said);
	}
	fputs("\n\t\t\t);\n", importer->out);
}

static void message_put(struct importer *importer, const struct message *message)
{
	FILE *out = importer->out;

	fprintf(out, "%s\n\t\t{\n\t\t\t%s", message == importer->message ? "" : ",", message->head);
	if (message->period_ms > 0.0)
		number_put(out, "period_s", message->period_ms / 1000.0);
	fputs("\n", out);
	if (*message->mux)
		fprintf(out, "\t\t\tmux = \"%s\";\n", message->mux);
	if (message->n)
		signals_put(importer, message);
	fputs("\t\t}", out);
}

static void messages_free(struct importer *importer)
{
	for (unsigned i = 0; i < importer->n; i++) {
		for (unsigned j = 0; j < importer->message[i].n; j++)
			free(importer->message[i].signal[j].text);
		free(importer->message[i].signal);
	}
	free(importer->message);
}

static const char head[] =
	"# From %s, to be finished by hand (docs/writing-a-pack-profile.md):\n"
	"# - take description, model, limits, stale, readings, contactors from a profile of a like "
	"pack;\n"
	"# - say of each signal what it is (`to`), its invalid codes, who counts or checks its "
	"message;\n"
	"# - delete what nobody needs; give each message its period_s where it has none.\n"
	"provenance = {\n"
	"\tsource = \"%s\";\n"
	"\tverified = \"nothing\";\n"
	"\tunverified = \"everything\";\n"
	"};\n\n"
	"can = {\n"
	"\tcurrent_sign = \"discharge\"; # what a positive raw current is: watch one charge\n"
	"\tframes = (";

/* The name of a file in a text: without what would end it. */
static void path_clean(const char *path, char *to, size_t size)
{
	const char *slash = strrchr(path, '/');
	size_t n = 0;

	for (path = slash ? slash + 1 : path; *path && n + 1 < size; path++)
		to[n++] = *path < ' ' || *path > '~' || *path == '"' || *path == '\\' ? '_' : *path;
	to[n] = '\0';
}

static void line_take(struct importer *importer, const char *line)
{
	static const struct {
		const char *word;
		void (*take)(struct importer *, const char *line);
	} kinds[] = {{"BO_ ", message_take},
		     {"SG_ ", signal_take},
		     {"BA_ ", cycle_take},
		     {"SIG_VALTYPE_ ", type_take}};

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(line, kinds[i].word, strlen(kinds[i].word)) == 0)
			kinds[i].take(importer, line);
}

unsigned dbc_import(const char *path, FILE *dbc, FILE *out, FILE *errors)
{
	struct importer importer = {.path = path, .out = out, .errors = errors};
	char name[128];
	char *line = NULL;
	size_t size = 0;

	path_clean(path, name, sizeof(name));
	fprintf(out, head, name, name);
	while (getline(&line, &size, dbc) > 0) {
		importer.line++;
		line_take(&importer, line + strspn(line, " \t"));
	}
	free(line);
	for (unsigned i = 0; i < importer.n; i++)
		message_put(&importer, &importer.message[i]);
	fputs("\n\t);\n};\n", out);
	if (importer.n == 0) {
		importer.broken++;
		fprintf(errors, "%s: no message in it: is it a DBC file?\n", path);
	}
	messages_free(&importer);
	return importer.broken;
}
