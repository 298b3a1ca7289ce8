/*
 * A document on its way to a topic: put below the bank's root, rendered, handed to the link.
 */
#ifndef REBANK_NORTHBOUND_POST_H
#define REBANK_NORTHBOUND_POST_H

#include <jansson.h>

#include "northbound/link.h"

enum { TOPIC_SIZE = 192, ROOT_SIZE = 104 }; /* a root is "<prefix>/<bank>" */

/* The document as malloc'ed text, or NULL. Takes the document over. */
char *post_text(json_t *document);

/* Takes the document over. Message id, -1 when it did not go out. `publication` says how; its topic
 * and text are filled here. */
int post_document(struct link *link, const char *root, const char *rest, json_t *document,
		  struct link_publication publication);

#endif
