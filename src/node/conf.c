#include "node/conf.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

#include "base/banned.h"

enum { KEPT = 3, FILE_MOST = 4 * 1024 * 1024, PHASE_MOST = 256 };

static const char phase_file[] = "phase";

char *conf_directory_of(const char *data_directory)
{
	_free_ char *parent = file_parent(data_directory);

	return xasprintf("%s/conf", parent);
}

static char *phase_text(enum phase phase)
{
	return xasprintf("%s\n", phase_name(phase));
}

int conf_read_phase(const char *conf_directory, enum phase *phase)
{
	_free_ char *path = xasprintf("%s/%s", conf_directory, phase_file);
	_free_ char *text = NULL;
	struct err ignored;

	*phase = PHASE_COUNT;
	if (file_read(path, PHASE_MOST, &text, NULL, &ignored) < 0)
		return -1;
	char *end = strchr(text, '\n');
	if (!end)
		return -1;
	*end = '\0';
	*phase = phase_of_name(text);
	return *phase < PHASE_COUNT ? 0 : -1;
}

static bool file_holds(const char *directory, const char *name, const char *text)
{
	_free_ char *path = xasprintf("%s/%s", directory, name);
	_free_ char *present = NULL;
	size_t length;
	struct err ignored;

	return file_read(path, FILE_MOST, &present, &length, &ignored) == 0 &&
	       length == strlen(text) && memcmp(present, text, length) == 0;
}

static bool is_in_force(const char *conf, const struct rendered *files, const char *state)
{
	for (int i = 0; i < RENDER_FILE_COUNT; i++)
		if (!file_holds(conf, render_file_names[i], files->text[i]))
			return false;
	return file_holds(conf, phase_file, state);
}

/* Into a directory that nobody reads yet: its name is synced when all of it is there. */
static int write_files(
	const char *directory, const struct rendered *files, const char *state, struct err *e)
{
	for (int i = 0; i <= RENDER_FILE_COUNT; i++) {
		bool last = i == RENDER_FILE_COUNT;
		const char *text = last ? state : files->text[i];
		_free_ char *path =
			xasprintf("%s/%s", directory, last ? phase_file : render_file_names[i]);

		if (file_create(path, text, strlen(text), 0600, e) < 0)
			return -1;
	}
	return file_sync_directory(directory, e);
}

/* The number of an entry "conf.NUMBER" of the link's directory, or 0. */
static unsigned number_of(const char *entry, const char *name)
{
	size_t length = strlen(name);
	char *end;

	if (strncmp(entry, name, length) != 0 || entry[length] != '.' || entry[length + 1] < '1' ||
		entry[length + 1] > '9')
		return 0;
	unsigned long number = strtoul(entry + length + 1, &end, 10);
	return *end || number >= UINT32_MAX ? 0 : (unsigned)number;
}

/* The highest number below the limit that is taken, or 0. */
static int highest_below(
	const char *parent, const char *name, unsigned limit, unsigned *highest, struct err *e)
{
	_dir_ DIR *dir = opendir(parent);

	*highest = 0;
	if (!dir)
		return err_sys(e, "could not open directory \"%s\"", parent);
	for (struct dirent *d = readdir(dir); d; d = readdir(dir)) {
		unsigned number = number_of(d->d_name, name);

		if (number < limit && number > *highest)
			*highest = number;
	}
	return 0;
}

/* Keeps the one in force and those just before it. */
static int remove_old(const char *parent, const char *name, unsigned newest, struct err *e)
{
	unsigned number = newest;

	for (int kept = 1; kept < KEPT && number; kept++)
		if (highest_below(parent, name, number, &number, e) < 0)
			return -1;
	while (number) {
		if (highest_below(parent, name, number, &number, e) < 0)
			return -1;
		_free_ char *old = xasprintf("%s/%s.%u", parent, name, number);
		if (number && file_remove_tree(old, e) < 0)
			return -1;
	}
	return 0;
}

int conf_install(const char *conf, const struct rendered *files, enum phase phase, struct err *e)
{
	const char *name = strrchr(conf, '/') + 1;
	_free_ char *parent = file_parent(conf);
	_free_ char *half_made = xasprintf("%s.new", conf);
	_free_ char *new_link = xasprintf("%s.link", conf);
	_free_ char *text = phase_text(phase);
	unsigned last;
	struct stat st;

	if (file_remove_tree(half_made, e) < 0 || file_remove_tree(new_link, e) < 0)
		return -1;
	if (is_in_force(conf, files, text))
		return 0;
	if (lstat(conf, &st) == 0 && !S_ISLNK(st.st_mode))
		return err_set(e, ERR_CONFIG,
			"\"%s\" is in the way: it must be a link made by citus-init; move it away",
			conf);
	if (highest_below(parent, name, UINT32_MAX, &last, e) < 0)
		return -1;
	_free_ char *target = xasprintf("%s.%u", name, last + 1);
	_free_ char *made = xasprintf("%s/%s", parent, target);
	if (file_make_directory(half_made, 0700, e) < 0 ||
		write_files(half_made, files, text, e) < 0)
		return -1;
	if (rename(half_made, made) < 0)
		return err_sys(e, "could not rename \"%s\" to \"%s\"", half_made, made);
	if (symlink(target, new_link) < 0)
		return err_sys(e, "could not make the link \"%s\"", new_link);
	if (rename(new_link, conf) < 0)
		return err_sys(e, "could not rename \"%s\" to \"%s\"", new_link, conf);
	if (file_sync_directory(parent, e) < 0)
		return -1;
	return remove_old(parent, name, last + 1, e);
}

int conf_render(const struct render_input *in, struct err *e)
{
	struct rendered files;
	int status = render_files(in, &files, e);

	if (status == 0)
		status = conf_install(in->conf_directory, &files, in->phase, e);
	rendered_fini(&files);
	return status;
}
