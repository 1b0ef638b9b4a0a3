#include "base/secret.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#include "base/banned.h"

extern char **environ;

const char *const secret_names[] = { "SUPERPASS", "ADMINPASS", "REPPASS", NULL };

static bool is_secret(const char *variable)
{
	for (const char *const *name = secret_names; *name; name++) {
		size_t length = strlen(*name);
		if (strncmp(variable, *name, length) == 0 && variable[length] == '=')
			return true;
	}
	return false;
}

int secret_seal_environment(struct err *e)
{
	_close_ int fd = memfd_create("citus-init-secrets", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return err_sys(e, "could not make a memory file for the passwords");

	char **keep = environ;
	for (char **variable = environ; *variable; variable++) {
		if (!is_secret(*variable)) {
			*keep++ = *variable;
			continue;
		}
		size_t size = strlen(*variable) + 1;
		if (write(fd, *variable, size) != (ssize_t)size)
			return err_sys(e, "could not write the passwords' memory file");
		explicit_bzero(*variable, size);
	}
	*keep = NULL;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return err_sys(e, "could not seal the passwords' memory file");
	return take_fd(&fd);
}

char *secret_read(int fd, const char *name)
{
	struct stat st;
	size_t length = strlen(name);
	char *value = NULL;

	if (fstat(fd, &st) < 0 || st.st_size == 0)
		return NULL;
	size_t size = (size_t)st.st_size;
	char *all = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (all == MAP_FAILED)
		return NULL;
	for (size_t at = 0; at < size; at += strnlen(all + at, size - at) + 1)
		if (strncmp(all + at, name, length) == 0 && all[at + length] == '=')
			value = xstrdup(all + at + length + 1);
	munmap(all, size);
	return value;
}

void secret_free(char *value)
{
	if (value)
		explicit_bzero(value, strlen(value));
	free(value);
}
