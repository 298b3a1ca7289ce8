#include "northbound/post.h"

#include <stdio.h>
#include <stdlib.h>

#include "northbound/render.h"

char *post_text(json_t *document)
{
	char *text = document ? render_text(document) : NULL;

	json_decref(document);
	return text;
}

int post_document(struct link *link, const char *root, const char *rest, json_t *document,
		  struct link_publication publication)
{
	char topic[TOPIC_SIZE];
	char *text = post_text(document);
	int mid = -1;

	snprintf(topic, sizeof topic, "%s/%s", root, rest);
	publication.topic = topic;
	publication.text = text;
	if (text)
		mid = link_publish(link, &publication);
	free(text);
	return mid;
}
