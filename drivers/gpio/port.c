#include "drivers/gpio/port.h"

#include <stddef.h>

unsigned gpio_port_add(struct gpio_port *port, struct gpio_line line, unsigned use, bool active_low,
		       bool was_output)
{
	unsigned bit = port->n++;

	port->line[bit] = line;
	port->use[bit] = use;
	port->active_low |= (uint64_t)active_low << bit;
	port->was_output |= (uint64_t)was_output << bit;
	return bit;
}

bool gpio_port_take(struct gpio_port *port, struct gpio_chip *chip, const char *consumer)
{
	uint64_t levels;

	port->request = gpio_request_as_is(chip, consumer, port->line, port->n);
	if (!port->request || !gpio_request_get(port->request, &levels))
		return false;
	port->found = (levels ^ port->active_low) & port->was_output;
	return true;
}

bool gpio_port_listen(struct gpio_port *port, struct gpio_chip *chip, const char *consumer,
		      int epoll_fd, unsigned number)
{
	port->request = gpio_request_inputs(chip, consumer, port->line, port->n);
	if (!port->request)
		return false;
	for (unsigned s = 0; s < gpio_request_sources(port->request); s++) {
		struct epoll_event event = {.events = EPOLLIN,
					    .data.u64 = (uint64_t)number << 32 | s};

		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, gpio_request_fd(port->request, s), &event) !=
		    0)
			return false;
	}
	return true;
}

unsigned gpio_port_number(const struct epoll_event *ready)
{
	return (unsigned)(ready->data.u64 >> 32);
}

unsigned gpio_port_edges(const struct gpio_port *port, const struct epoll_event *ready,
			 int epoll_fd, struct gpio_edge *edge, unsigned max)
{
	unsigned source = (unsigned)(ready->data.u64 & UINT32_MAX);
	int n = gpio_request_edges(port->request, source, edge, max);

	/* A broken descriptor would be ready for ever; the read-back shows that its chip has gone.
	 */
	if (n < 0 || (n == 0 && (ready->events & (EPOLLERR | EPOLLHUP))))
		epoll_ctl(epoll_fd, EPOLL_CTL_DEL, gpio_request_fd(port->request, source), NULL);
	for (int i = 0; i < n; i++)
		edge[i].high = edge[i].high != (port->active_low >> edge[i].line & 1);
	return n > 0 ? (unsigned)n : 0;
}

bool gpio_port_drive(struct gpio_port *port, uint64_t wanted)
{
	port->wanted = wanted;
	port->dirty =
		!gpio_request_drive(port->request, port->drive, port->wanted ^ port->active_low);
	port->written = port->wanted;
	return !port->dirty;
}

bool gpio_port_flush(struct gpio_port *port)
{
	if (port->dirty || port->wanted != port->written) {
		port->dirty = !gpio_request_set(port->request, port->wanted ^ port->active_low);
		port->written = port->wanted;
	}
	return !port->dirty;
}

bool gpio_port_read(struct gpio_port *port)
{
	uint64_t levels;

	port->known = port->request && gpio_request_get(port->request, &levels);
	if (port->known)
		port->read = levels ^ port->active_low;
	return port->known;
}
