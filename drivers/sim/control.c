/* Fault lines for the running simulation; their grammar is in drivers/sim/sim.h. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drivers/sim/control.h"
#include "drivers/sim/plant.h"

enum { CONTROL_LINES_AT_ONCE = 16 };

/* What a line says besides its first word. */
struct line {
	struct twin_fault fault;
	bool has_pack, has_pole, has_input, has_value;
	double after_s, for_s;
};

/* Which words a kind of fault cannot do without. */
static bool needs_pole(enum twin_fault_kind kind)
{
	return kind == TWIN_WELD || kind == TWIN_NO_CLOSE || kind == TWIN_CHATTER ||
	       kind == TWIN_FEEDBACK_LOST;
}

static bool needs_value(enum twin_fault_kind kind)
{
	return kind == TWIN_CURRENT_LIE || kind == TWIN_VOLTAGE_LIE || kind == TWIN_CELL_DRIFT ||
	       kind == TWIN_HOT || kind == TWIN_RUNAWAY || kind == TWIN_INSULATION ||
	       kind == TWIN_SUPPLY || kind == TWIN_CLOCK_JUMP || kind == TWIN_AMBIENT;
}

static bool number_parse(const char *text, double *value)
{
	char *end;

	errno = 0;
	*value = strtod(text, &end);
	return end != text && !*end && errno == 0 && isfinite(*value);
}

static int id_index(const char (*ids)[ID_SIZE], unsigned n, const char *id)
{
	for (unsigned i = 0; i < n; i++)
		if (strcmp(ids[i], id) == 0)
			return (int)i;
	return -1;
}

static bool word_parse(const struct sim_control *control, char *word, struct line *line,
		       char *answer)
{
	char *value = strchr(word, '=');
	bool good = false;
	int i;

	if (!value) {
		snprintf(answer, CONTROL_ANSWER_MAX, "error: \"%s\": write it as key=value\n",
			 word);
		return false;
	}
	*value++ = '\0';
	if (strcmp(word, "pack") == 0) {
		i = id_index(control->pack, control->n_packs, value);
		line->fault.pack = i;
		line->has_pack = good = i >= 0;
	} else if (strcmp(word, "pcs") == 0) {
		i = id_index(control->pcs, control->n_pcs, value);
		line->fault.pack = i;
		good = i >= 0;
	} else if (strcmp(word, "pole") == 0) {
		line->has_pole = good = twin_pole_parse(value, &line->fault.pole);
	} else if (strcmp(word, "input") == 0) {
		line->has_input = good = twin_input_parse(value, &line->fault.input);
	} else if (strcmp(word, "value") == 0) {
		line->has_value = good = number_parse(value, &line->fault.value);
	} else if (strcmp(word, "after") == 0) {
		good = number_parse(value, &line->after_s) && line->after_s >= 0.0 &&
		       line->after_s <= 1e6;
	} else if (strcmp(word, "for") == 0) {
		good = number_parse(value, &line->for_s) && line->for_s >= 0.001 &&
		       line->for_s <= 1e6;
	} else {
		snprintf(answer, CONTROL_ANSWER_MAX,
			 "error: unknown key \"%s\"; known: pack, pcs, pole, input, value, after, "
			 "for\n",
			 word);
		return false;
	}
	if (!good)
		snprintf(answer, CONTROL_ANSWER_MAX, "error: %s=%s is not known or not in range\n",
			 word, value);
	return good;
}

static bool line_check(const struct line *line, char *answer)
{
	const char *missing = NULL;

	if (needs_pole(line->fault.kind) && !line->has_pole)
		missing = "pole=negative|positive|precharge";
	else if (needs_value(line->fault.kind) && !line->has_value)
		missing = "value=NUMBER";
	else if (line->fault.kind == TWIN_INPUT && !line->has_input)
		missing = "input=estop|interlock|smoke|gas|door|insulation|remote|fan|mains";
	if (missing)
		snprintf(answer, CONTROL_ANSWER_MAX, "error: %s needs %s\n",
			 twin_fault_word(line->fault.kind), missing);
	return !missing;
}

bool sim_control_parse(const struct sim_control *control, const char *text, int64_t now_ms,
		       struct twin_fault *fault, bool *clear,
		       char answer[static CONTROL_ANSWER_MAX])
{
	struct line line = {.fault.pack = -1};
	char copy[CONTROL_LINE_MAX], *rest = copy, *word;

	*clear = false;
	if (strlen(text) >= sizeof(copy)) {
		snprintf(answer, CONTROL_ANSWER_MAX, "error: line longer than %d characters\n",
			 CONTROL_LINE_MAX - 1);
		return false;
	}
	memcpy(copy, text, strlen(text) + 1);
	word = strtok_r(rest, " \t\r\n", &rest);
	if (word && strcmp(word, "clear") == 0 && !strtok_r(rest, " \t\r\n", &rest)) {
		*clear = true;
		return true;
	}
	if (!word || !twin_fault_kind_parse(word, &line.fault.kind)) {
		snprintf(answer, CONTROL_ANSWER_MAX,
			 "error: unknown fault \"%s\"; try estop, clear, weld pack=ID "
			 "pole=positive\n",
			 word ? word : "");
		return false;
	}
	if (line.fault.kind == TWIN_CLOCK_JUMP || line.fault.kind == TWIN_BROKER_LOSS) {
		snprintf(answer, CONTROL_ANSWER_MAX,
			 "error: %s cannot be injected into a running daemon; use a scenario\n",
			 word);
		return false;
	}
	while ((word = strtok_r(rest, " \t\r\n", &rest)))
		if (!word_parse(control, word, &line, answer))
			return false;
	if (!line_check(&line, answer))
		return false;
	line.fault.at_ms = now_ms - control->start_ms + (int64_t)(line.after_s * 1000.0);
	line.fault.until_ms =
		line.for_s > 0.0 ? line.fault.at_ms + (int64_t)(line.for_s * 1000.0) : 0;
	*fault = line.fault;
	return true;
}

/* A stale socket file is in the way only when nobody answers on it. */
static bool path_free(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool used = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
	bool stale = !used && errno == ECONNREFUSED;

	if (fd >= 0)
		close(fd);
	if (used)
		errno = EADDRINUSE;
	return !used && (!stale || unlink(address->sun_path) == 0);
}

bool sim_control_open(struct sim_control *control, const struct site *site, int64_t start_ms,
		      const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	*control = (struct sim_control){.fd = -1, .start_ms = start_ms};
	control->n_packs = site->n_packs;
	control->n_pcs = site->n_pcs;
	for (unsigned k = 0; k < site->n_packs; k++)
		memcpy(control->pack[k], site->pack[k].id, ID_SIZE);
	for (unsigned i = 0; i < site->n_pcs; i++)
		memcpy(control->pcs[i], site->pcs[i].id, ID_SIZE);
	if (!path)
		return true;
	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (!path_free(&address))
		return false;
	control->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (control->fd < 0)
		return false;
	if (bind(control->fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
		close(control->fd);
		control->fd = -1;
		return false;
	}
	memcpy(control->path, path, strlen(path) + 1);
	return true;
}

void sim_control_close(struct sim_control *control)
{
	if (control->fd < 0)
		return;
	close(control->fd);
	unlink(control->path);
	control->fd = -1;
}

static void line_run(const struct sim_control *control, struct twin *twin, const char *line,
		     char *answer)
{
	struct twin_fault fault;
	bool clear;

	if (!sim_control_parse(control, line, twin->now_ms, &fault, &clear, answer))
		return;
	if (clear)
		twin_clear(twin);
	else if (!twin_inject(twin, &fault)) {
		snprintf(answer, CONTROL_ANSWER_MAX,
			 "error: %d faults are already there, or this one has no such pack; send "
			 "\"clear\"\n",
			 TWIN_FAULT_MAX);
		return;
	}
	snprintf(answer, CONTROL_ANSWER_MAX, "ok\n");
}

void sim_control_read(struct sim_control *control, struct twin *twin)
{
	for (int i = 0; control->fd >= 0 && i < CONTROL_LINES_AT_ONCE; i++) {
		struct sockaddr_un sender;
		socklen_t length = sizeof(sender);
		char line[CONTROL_LINE_MAX + 1], answer[CONTROL_ANSWER_MAX];
		ssize_t n = recvfrom(control->fd, line, sizeof(line) - 1, MSG_DONTWAIT,
				     (struct sockaddr *)&sender, &length);

		if (n < 0)
			return;
		line[n] = '\0';
		line_run(control, twin, line, answer);
		if (length > sizeof(sa_family_t))
			(void)!sendto(control->fd, answer, strlen(answer),
				      MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&sender,
				      length);
	}
}
