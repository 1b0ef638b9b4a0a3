#include "node/passfile.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/secret.h"
#include "node/fixed_roles.h"

#include "base/banned.h"

enum { PASSFILE_MOST = 64 * 1024 };

char *passfile_path(const struct settings *s)
{
	return xasprintf("%s/passfile", settings_text(s, SET_RUN_DIRECTORY));
}

static void print_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == ':' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
}

/* The format of libpq's .pgpass: any host, this port, any database. */
static char *passfile_text(const struct settings *s)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < FIXED_ROLE_COUNT; i++) {
		fprintf(out, "*:%ld:*:%s:", settings_number(s, SET_PORT), fixed_roles[i].name);
		print_escaped(out, settings_secret(s, fixed_roles[i].password));
		fputc('\n', out);
	}
	fclose(out);
	return text;
}

static int replace(const struct settings *s, const char *text, struct err *e)
{
	_free_ char *path = passfile_path(s);
	char *present = NULL;
	struct stat st;
	struct err ignored;
	int status = 0;

	bool same = lstat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 07777) == 0600 &&
		    st.st_uid == geteuid() &&
		    file_read(path, PASSFILE_MOST, &present, NULL, &ignored) == 0 &&
		    strcmp(present, text) == 0;
	if (!same)
		status = file_replace(path, text, strlen(text), 0600, e);
	secret_free(present);
	return status;
}

int passfile_fill(const struct settings *s, struct err *e)
{
	char *text = passfile_text(s);
	int status = replace(s, text, e);

	secret_free(text);
	return status;
}

int passfile_empty(const struct settings *s, struct err *e)
{
	return replace(s, "", e);
}
