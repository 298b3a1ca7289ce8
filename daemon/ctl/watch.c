/* rebankctl watch: the table of `status`, redrawn every second, with the latest events below. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "ctl/remote.h"
#include "northbound/client.h"

enum { EVENTS_KEPT = 64, QUIET_MS = 10000 };

struct watch {
	int fd;
	bool terminal;
	struct termios before;
	json_t *status;
	json_t *event[EVENTS_KEPT]; /* ring; newest at (next - 1) */
	unsigned next;
};

static volatile sig_atomic_t ended, resized;

static void on_signal(int number)
{
	if (number == SIGWINCH)
		resized = 1;
	else
		ended = 1;
}

static void catch_signals(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH};
	struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: poll must return */

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaction(numbers[i], &action, NULL);
}

/* Other screen, no cursor, keys at once. */
static void terminal_take(struct watch *watch)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &watch->before) != 0) {
		watch->terminal = false;
		return;
	}
	raw = watch->before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	fputs("\033[?1049h\033[?25l", stdout);
}

static void terminal_give_back(const struct watch *watch)
{
	fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &watch->before);
}

/* As many lines as the terminal has, each cut to its width. */
static void draw_lines(const char *text, unsigned rows, unsigned columns)
{
	fputs("\033[H", stdout);
	for (unsigned row = 0; *text && row + 1 < rows; row++) {
		size_t length = strcspn(text, "\n");

		printf("%.*s\033[K\n", (int)(length < columns ? length : columns), text);
		text += length + (text[length] == '\n');
	}
	fputs("\033[J", stdout);
	fflush(stdout);
}

static void draw(const struct watch *watch)
{
	struct winsize window = {.ws_row = 24, .ws_col = 80};
	char *text = NULL;
	size_t size;
	FILE *out;

	if (!watch->status)
		return;
	out = open_memstream(&text, &size);
	if (!out)
		return;
	ioctl(STDOUT_FILENO, TIOCGWINSZ, &window);
	table_print(watch->status, out);
	fputc('\n', out);
	for (unsigned i = 1; i <= EVENTS_KEPT && i <= watch->next; i++)
		table_print_event(watch->event[(watch->next - i) % EVENTS_KEPT], out);
	fclose(out);
	draw_lines(text, window.ws_row ? window.ws_row : 24, window.ws_col ? window.ws_col : 80);
	free(text);
}

static void keep_event(struct watch *watch, json_t *event)
{
	json_t **place = &watch->event[watch->next++ % EVENTS_KEPT];

	json_decref(*place);
	*place = json_incref(event);
}

static void take_line(struct watch *watch, json_t *line)
{
	const char *type = json_string_value(json_object_get(line, "type"));
	json_t *event = json_object_get(line, "event");

	if (type && strcmp(type, "status") == 0) {
		json_decref(watch->status);
		watch->status = json_incref(line);
		if (!watch->terminal)
			table_print_line(line, stdout);
	} else if (event) {
		keep_event(watch, event);
		if (!watch->terminal)
			table_print_event(event, stdout);
	}
	if (watch->terminal)
		draw(watch);
	fflush(stdout);
}

static bool quit_pressed(void)
{
	char keys[16];
	ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));

	for (ssize_t i = 0; i < n; i++)
		if (keys[i] == 'q' || keys[i] == 'Q' || keys[i] == 3)
			return true;
	return n == 0;
}

/* The exit status, and a reason for stderr where it is not CTL_OK. */
static int watch_loop(struct watch *watch, const char **why)
{
	struct pollfd items[2] = {{.fd = watch->fd, .events = POLLIN},
				  {.fd = STDIN_FILENO, .events = POLLIN}};

	while (!ended) {
		int ready = poll(items, watch->terminal ? 2 : 1, QUIET_MS);

		if (resized) {
			resized = 0;
			draw(watch);
		}
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready == 0) {
			*why = "rebankd has gone quiet";
			return CTL_UNREACHABLE;
		}
		if (watch->terminal && items[1].revents && quit_pressed())
			break;
		if (items[0].revents) {
			json_t *line = client_read(watch->fd, QUIET_MS);

			if (!line) {
				*why = "rebankd has closed the connection";
				return CTL_UNREACHABLE;
			}
			take_line(watch, line);
			json_decref(line);
		}
	}
	return CTL_OK;
}

static int watch_run(struct watch *watch)
{
	json_t *request = json_pack("{s:s}", "do", "watch");
	const char *why = NULL;
	int status;

	if (client_send(watch->fd, request) != 0) {
		why = strerror(errno);
		status = CTL_UNREACHABLE;
	} else {
		catch_signals();
		if (watch->terminal)
			terminal_take(watch);
		status = watch_loop(watch, &why);
		if (watch->terminal)
			terminal_give_back(watch);
	}
	json_decref(request);
	if (why)
		fprintf(stderr, "rebankctl: %s\n", why);
	return status;
}

int ctl_watch(const struct subcommand *self, int argc, char **argv)
{
	static const struct option options[] = {REMOTE_OPTIONS, {NULL, 0, NULL, 0}};
	struct watch watch = {.terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)};
	struct remote remote;
	int option, status;

	remote_init(&remote);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!remote_option(&remote, option, optarg))
			return ctl_usage(self, "unknown option or value");
	if (optind != argc)
		return ctl_usage(self, "\"%s\" is too much", argv[optind]);
	watch.fd = remote_open(&remote, &status);
	if (watch.fd < 0)
		return status;
	status = watch_run(&watch);
	json_decref(watch.status);
	for (unsigned i = 0; i < EVENTS_KEPT; i++)
		json_decref(watch.event[i]);
	close(watch.fd);
	return status;
}
