#include "sql/recogniser.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/hex.h"
#include "base/mem.h"

#include "base/banned.h"

char *recogniser_password(const char *superpass)
{
	static const unsigned char purpose[] = "citus-init: role " RECOGNISER;
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int size = 0;

	HMAC(EVP_sha256(), superpass, (int)strlen(superpass), purpose, sizeof(purpose) - 1, mac,
		&size);
	char *password = xcalloc(2 * (size_t)size + 1, 1);
	hex_encode(mac, size, password);
	explicit_bzero(mac, sizeof(mac));
	return password;
}
