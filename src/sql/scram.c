/* PostgreSQL's headers first: postgres_fe.h must come before any system header. */
#include <postgres_fe.h>

#include <common/base64.h>
#include <common/saslprep.h>
#include <common/scram-common.h>

#include "sql/scram.h"

#include <openssl/rand.h>

#if PG_VERSION_NUM < 160000
#define SCRAM_SHA_256_DEFAULT_ITERATIONS SCRAM_DEFAULT_ITERATIONS
#endif

/* PostgreSQL's headers use names that banned.h forbids, so it is not included here. */

/* A password that SASLprep refuses is used as it is: so does libpq (fe-auth-scram.c). */
static char *prepare_password(const char *password)
{
	char *prepared = NULL;

	if (pg_saslprep(password, &prepared) == SASLPREP_SUCCESS)
		return prepared;
	return strdup(password);
}

/* The bytes of a salt are char in PostgreSQL 15 to 17 and uint8 in 18, so void here. */
static char *build(const void *salt, int salt_length, int iterations, const char *password)
{
	const char *why = NULL;
	char *prepared = prepare_password(password);

	if (!prepared)
		return NULL;
#if PG_VERSION_NUM >= 160000
	char *verifier = scram_build_secret(
		PG_SHA256, SCRAM_SHA_256_KEY_LEN, salt, salt_length, iterations, prepared, &why);
#else
	char *verifier = scram_build_secret(salt, salt_length, iterations, prepared, &why);
#endif
	explicit_bzero(prepared, strlen(prepared));
	free(prepared);
	return verifier;
}

int scram_make_verifier(const char *password, char **verifier, struct err *e)
{
	unsigned char salt[SCRAM_DEFAULT_SALT_LEN];

	if (RAND_bytes(salt, sizeof(salt)) != 1)
		return err_set(e, ERR_SYS, "could not get random bytes for a password's salt");
	*verifier = build(salt, sizeof(salt), SCRAM_SHA_256_DEFAULT_ITERATIONS, password);
	if (!*verifier)
		return err_set(e, ERR_SYS, "could not compute a password's verifier");
	return 0;
}

bool scram_verifier_matches(const char *verifier, const char *password)
{
	static const char prefix[] = "SCRAM-SHA-256$";
	char salt[256];
	char *end;

	if (!verifier || strncmp(verifier, prefix, sizeof(prefix) - 1) != 0)
		return false;
	long iterations = strtol(verifier + sizeof(prefix) - 1, &end, 10);
	/* More rounds than anybody sets would only be a way to keep us busy. */
	if (*end != ':' || iterations < 1 || iterations > 1000 * 1000)
		return false;
	const char *encoded = end + 1;
	const char *encoded_end = strchr(encoded, '$');
	if (!encoded_end)
		return false;
	int length = (int)(encoded_end - encoded);
	if (pg_b64_dec_len(length) > (int)sizeof(salt))
		return false;
	int salt_length = pg_b64_decode(encoded, length, (void *)salt, sizeof(salt));
	if (salt_length <= 0)
		return false;
	char *again = build(salt, salt_length, (int)iterations, password);
	bool same = again && strcmp(again, verifier) == 0;

	free(again);
	return same;
}
