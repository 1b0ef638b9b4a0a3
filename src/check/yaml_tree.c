#include "check/yaml_tree.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#include "base/mem.h"

#include "base/banned.h"

/* A manifest of a cluster has a few hundred nodes, a dozen deep. Keys are looked for one by one. */
enum {
	DEPTH_MOST = 100,
	ANCHORS_MOST = 1000,
	KEYS_MOST = 1000,
	EXPANDED_MOST = 500 * 1000,
	DOCUMENTS_MOST = 10 * 1000,
};

struct document {
	yaml_document_t yaml; /* owns the texts */
	struct tree *nodes;   /* one for each node of yaml, in the same order */
	size_t count;
};

struct yaml_trees {
	struct document *documents;
	size_t count;
};

/* What is known of a node while a document is built. */
struct measure {
	enum { NODE_NEW, NODE_IN_WORK, NODE_DONE } state;
	int height;
	size_t expanded; /* nodes below and itself, each alias counted anew */
};

struct build {
	struct document *document;
	struct measure *measures;
	struct yaml_problem *problem;
};

static int refuse(struct build *b, const yaml_mark_t *at, const char *why)
{
	b->problem->line = (int)at->line + 1;
	b->problem->column = (int)at->column + 1;
	return err_set(&b->problem->e, ERR_CONFIG, "%s", why);
}

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcasecmp(text, *words) == 0)
			return true;
	return false;
}

static bool is_null(const char *text)
{
	static const char *const words[] = { "", "~", "null", NULL };

	return is_one_of(text, words);
}

static bool is_truth_value(const char *text)
{
	static const char *const words[] = { "true", "false", "yes", "no", "on", "off", "y", "n",
		NULL };

	return is_one_of(text, words);
}

static bool is_number(const char *t)
{
	const char digits[] = "0123456789_";

	t += *t == '+' || *t == '-';
	if (t[0] == '0' && (t[1] == 'x' || t[1] == 'o' || t[1] == 'b'))
		return t[2] && strspn(t + 2, "0123456789abcdefABCDEF_") == strlen(t + 2);
	size_t whole = *t == '_' ? 0 : strspn(t, digits);
	size_t fraction = 0;
	t += whole;
	if (*t == '.') {
		fraction = strspn(t + 1, digits);
		t += 1 + fraction;
	}
	if (whole + fraction > 0 && (*t == 'e' || *t == 'E')) {
		t += 1 + (t[1] == '+' || t[1] == '-');
		size_t exponent = strspn(t, digits);
		if (exponent == 0)
			return false;
		t += exponent;
	}
	return whole + fraction > 0 && *t == '\0';
}

static int build_scalar(struct build *b, const yaml_node_t *node, struct tree *t)
{
	const char *text = (const char *)node->data.scalar.value;
	bool is_plain = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

	if (strlen(text) != node->data.scalar.length)
		return refuse(b, &node->start_mark, "the text holds a zero byte");
	t->kind = is_plain && is_null(text) ? TREE_NULL : TREE_SCALAR;
	t->text = t->kind == TREE_NULL ? "" : text;
	t->is_string =
		t->kind == TREE_SCALAR && !(is_plain && (is_truth_value(text) || is_number(text)));
	t->is_literal = node->data.scalar.style == YAML_LITERAL_SCALAR_STYLE;
	return 0;
}

static int build_node(struct build *b, int id, int depth);

/* Builds the child and adds its measures to its parent's. */
static const struct tree *build_child(struct build *b, int parent, int child, int depth)
{
	struct measure *above = &b->measures[parent - 1];
	const struct measure *below = &b->measures[child - 1];

	if (build_node(b, child, depth + 1) < 0)
		return NULL;
	above->expanded += below->expanded;
	if (above->height <= below->height)
		above->height = below->height + 1;
	if (above->height > DEPTH_MOST || above->expanded > EXPANDED_MOST) {
		refuse(b, &b->document->yaml.nodes.start[parent - 1].start_mark,
			"the aliases in here expand to too many nodes");
		return NULL;
	}
	return &b->document->nodes[child - 1];
}

static int build_list(struct build *b, int id, struct tree *t, int depth)
{
	const yaml_node_t *node = &b->document->yaml.nodes.start[id - 1];
	const yaml_node_item_t *items = node->data.sequence.items.start;
	size_t count = (size_t)(node->data.sequence.items.top - items);

	t->kind = TREE_LIST;
	t->entries = xcalloc(count, sizeof(*t->entries));
	for (size_t i = 0; i < count; i++) {
		const struct tree *value = build_child(b, id, items[i], depth);

		if (!value)
			return -1;
		t->entries[t->count++] = (struct tree_entry){ NULL, value->line, value };
	}
	return 0;
}

static const struct tree_entry *find_entry(const struct tree *map, const char *key)
{
	for (size_t i = 0; map && map->kind == TREE_MAP && i < map->count; i++)
		if (strcmp(map->entries[i].key, key) == 0)
			return &map->entries[i];
	return NULL;
}

/* "<<: *anchor": what the map has itself stays. */
static int merge(struct build *b, const yaml_node_t *at, struct tree *t, const struct tree *from)
{
	if (from->kind != TREE_MAP)
		return refuse(b, &at->start_mark, "\"<<\" merges something that is not a map");
	t->entries = xrealloc(t->entries, t->count + from->count, sizeof(*t->entries));
	for (size_t i = 0; i < from->count; i++) {
		const struct tree_entry *entry = &from->entries[i];

		if (!find_entry(t, entry->key))
			t->entries[t->count++] = *entry;
		if (t->count > KEYS_MOST)
			return refuse(b, &at->start_mark, "the map has too many keys");
	}
	return 0;
}

static int merge_all(
	struct build *b, const yaml_node_t *at, struct tree *t, const struct tree *from)
{
	if (from->kind != TREE_LIST)
		return merge(b, at, t, from);
	for (size_t i = 0; i < from->count; i++)
		if (merge(b, at, t, from->entries[i].value) < 0)
			return -1;
	return 0;
}

static int add_pair(struct build *b, int id, struct tree *t, const yaml_node_pair_t *pair,
	const struct tree **merged, int depth)
{
	const yaml_node_t *key = &b->document->yaml.nodes.start[pair->key - 1];
	const char *name = (const char *)key->data.scalar.value;

	if (key->type != YAML_SCALAR_NODE || strlen(name) != key->data.scalar.length)
		return refuse(b, &key->start_mark, "a key must be plain text");
	const struct tree *value = build_child(b, id, pair->value, depth);
	if (!value)
		return -1;
	if (t->count >= KEYS_MOST)
		return refuse(b, &key->start_mark, "the map has too many keys");
	bool is_merge = key->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !strcmp(name, "<<");
	const struct tree_entry *present = find_entry(t, name);
	if (present || (is_merge && *merged)) {
		_free_ char *why = xasprintf("the key \"%.100s\" is given twice in one map", name);
		return refuse(b, &key->start_mark, why);
	}
	if (is_merge)
		*merged = value;
	else
		t->entries[t->count++] =
			(struct tree_entry){ name, (int)key->start_mark.line + 1, value };
	return 0;
}

static int build_map(struct build *b, int id, struct tree *t, int depth)
{
	const yaml_node_t *node = &b->document->yaml.nodes.start[id - 1];
	const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	const yaml_node_pair_t *top = node->data.mapping.pairs.top;
	const struct tree *merged = NULL;

	t->kind = TREE_MAP;
	t->entries = xcalloc((size_t)(top - pair), sizeof(*t->entries));
	for (; pair < top; pair++)
		if (add_pair(b, id, t, pair, &merged, depth) < 0)
			return -1;
	return merged ? merge_all(b, node, t, merged) : 0;
}

/* id counts from 1, as libyaml's do. */
static int build_node(struct build *b, int id, int depth)
{
	const yaml_node_t *node = &b->document->yaml.nodes.start[id - 1];
	struct tree *t = &b->document->nodes[id - 1];
	struct measure *m = &b->measures[id - 1];
	int status = 0;

	if (m->state == NODE_DONE)
		return 0;
	if (m->state == NODE_IN_WORK)
		return refuse(b, &node->start_mark, "an alias in here leads back to its anchor");
	if (depth > DEPTH_MOST)
		return refuse(b, &node->start_mark, "this is nested too deeply");
	*m = (struct measure){ NODE_IN_WORK, 1, 1 };
	t->line = (int)node->start_mark.line + 1;
	t->text = "";
	switch (node->type) {
	case YAML_SCALAR_NODE: status = build_scalar(b, node, t); break;
	case YAML_SEQUENCE_NODE: status = build_list(b, id, t, depth); break;
	case YAML_MAPPING_NODE: status = build_map(b, id, t, depth); break;
	case YAML_NO_NODE: break;
	}
	m->state = NODE_DONE;
	return status;
}

/* From here on the trees own the document, also after an error. */
static int add_document(
	struct yaml_trees *trees, yaml_document_t *yaml, struct yaml_problem *problem)
{
	trees->documents = xrealloc(trees->documents, trees->count + 1, sizeof(*trees->documents));
	struct document *d = &trees->documents[trees->count++];
	*d = (struct document){ .yaml = *yaml };
	d->count = (size_t)(d->yaml.nodes.top - d->yaml.nodes.start);
	d->nodes = xcalloc(d->count, sizeof(*d->nodes));

	_free_ struct measure *measures = xcalloc(d->count, sizeof(*measures));
	struct build b = { .document = d, .measures = measures, .problem = problem };
	if (d->count > EXPANDED_MOST || trees->count > DOCUMENTS_MOST)
		return refuse(&b, &d->yaml.start_mark, "the file is too large");
	return d->count ? build_node(&b, 1, 1) : 0;
}

static void tell_problem(const yaml_parser_t *parser, struct yaml_problem *problem)
{
	bool has_place = parser->error != YAML_READER_ERROR && parser->error != YAML_MEMORY_ERROR;
	const char *context = parser->context ? parser->context : "";

	problem->line = has_place ? (int)parser->problem_mark.line + 1 : 0;
	problem->column = has_place ? (int)parser->problem_mark.column + 1 : 0;
	if (parser->error == YAML_READER_ERROR)
		err_set(&problem->e, ERR_CONFIG, "%s at byte %zu", parser->problem,
			parser->problem_offset);
	else
		err_set(&problem->e, ERR_CONFIG, "%s%s%s", context, *context ? ", " : "",
			parser->problem ? parser->problem : "out of memory");
}

/* +1 when the event begins a list or a map, -1 when it ends one. */
static int step_of(yaml_event_type_t type)
{
	return (type == YAML_SEQUENCE_START_EVENT || type == YAML_MAPPING_START_EVENT) -
	       (type == YAML_SEQUENCE_END_EVENT || type == YAML_MAPPING_END_EVENT);
}

static bool has_anchor(const yaml_event_t *event)
{
	return (event->type == YAML_SCALAR_EVENT && event->data.scalar.anchor) ||
	       (event->type == YAML_SEQUENCE_START_EVENT && event->data.sequence_start.anchor) ||
	       (event->type == YAML_MAPPING_START_EVENT && event->data.mapping_start.anchor);
}

/* libyaml looks at all open levels for each token, and at all anchors for each anchor: a deep text
 * would keep it busy for ever. Broken text is left to the real reading. */
static int check_shape(const char *text, size_t length, struct yaml_problem *problem)
{
	yaml_parser_t parser;
	int depth = 0, anchors = 0;
	bool is_end = !yaml_parser_initialize(&parser);

	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
	while (!is_end && depth <= DEPTH_MOST && anchors <= ANCHORS_MOST) {
		yaml_event_t event;

		if (!yaml_parser_parse(&parser, &event))
			break;
		depth += step_of(event.type);
		anchors += has_anchor(&event);
		is_end = event.type == YAML_STREAM_END_EVENT;
		problem->line = (int)event.start_mark.line + 1;
		problem->column = (int)event.start_mark.column + 1;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	if (depth > DEPTH_MOST)
		return err_set(&problem->e, ERR_CONFIG, "this is nested too deeply");
	if (anchors > ANCHORS_MOST)
		return err_set(&problem->e, ERR_CONFIG, "there are too many anchors");
	return 0;
}

struct yaml_trees *yaml_trees_read(const char *text, size_t length, struct yaml_problem *problem)
{
	if (check_shape(text, length, problem) < 0)
		return NULL;
	struct yaml_trees *trees = xcalloc(1, sizeof(*trees));
	yaml_parser_t parser;
	int status = 0;

	*problem = (struct yaml_problem){ 0 };
	if (!yaml_parser_initialize(&parser)) {
		err_set(&problem->e, ERR_SYS, "out of memory");
		yaml_trees_free(trees);
		return NULL;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
	for (bool is_end = false; status == 0 && !is_end;) {
		yaml_document_t yaml;

		if (!yaml_parser_load(&parser, &yaml)) {
			tell_problem(&parser, problem);
			status = -1;
			break;
		}
		/* A document without nodes marks the end. */
		is_end = yaml.nodes.top == yaml.nodes.start;
		if (is_end)
			yaml_document_delete(&yaml);
		else
			status = add_document(trees, &yaml, problem);
	}
	yaml_parser_delete(&parser);
	if (status == 0)
		return trees;
	yaml_trees_free(trees);
	return NULL;
}

void yaml_trees_free(struct yaml_trees *trees)
{
	for (size_t i = 0; trees && i < trees->count; i++) {
		struct document *d = &trees->documents[i];

		for (size_t n = 0; n < d->count; n++)
			free(d->nodes[n].entries);
		free(d->nodes);
		yaml_document_delete(&d->yaml);
	}
	if (trees)
		free(trees->documents);
	free(trees);
}

size_t yaml_trees_count(const struct yaml_trees *trees)
{
	return trees->count;
}

const struct tree *yaml_trees_root(const struct yaml_trees *trees, size_t document)
{
	return &trees->documents[document].nodes[0];
}

const struct tree *tree_key(const struct tree *t, const char *key)
{
	const struct tree_entry *entry = find_entry(t, key);

	return entry && entry->value->kind != TREE_NULL ? entry->value : NULL;
}

const struct tree *tree_get(const struct tree *t, const char *path)
{
	while (t && *path) {
		size_t length = strcspn(path, ".");
		_free_ char *key = xstrndup(path, length);

		t = tree_key(t, key);
		path += length + (path[length] == '.');
	}
	return t;
}

const char *tree_text(const struct tree *t, const char *path)
{
	t = tree_get(t, path);
	return t && t->kind == TREE_SCALAR ? t->text : NULL;
}

long tree_number(const struct tree *t, const char *path, long fallback)
{
	const char *text = tree_text(t, path);
	char *end;

	if (!text || !*text)
		return fallback;
	errno = 0;
	long number = strtol(text, &end, 10);
	return *end || errno ? fallback : number;
}

bool tree_is_true(const struct tree *t, const char *path)
{
	const char *text = tree_text(t, path);

	return text && strcasecmp(text, "true") == 0;
}

size_t tree_count(const struct tree *t)
{
	return t ? t->count : 0;
}
