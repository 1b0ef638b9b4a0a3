/*
 * What Debian's libpq.a wants from the GSSAPI and LDAP libraries, which cannot
 * be linked statically. citus-init uses neither (gssencmode=disable, no
 * service file), and each of these fails cleanly if libpq ever calls it: GSS by
 * GSS_S_FAILURE, LDAP by no handle or -1. mk/link.sh fails when the list grows.
 *
 * The real functions have other parameters. Under the C calling convention
 * that does no harm to a function that uses none of them.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/banned.h"

/* GSS_S_FAILURE of RFC 2744: routine error 13. */
enum { GSS_FAILURE = 13 << 16 };

#define FAILING_GSS(name)                                                                          \
	uint32_t name(void);                                                                       \
	uint32_t name(void)                                                                        \
	{                                                                                          \
		return GSS_FAILURE;                                                                \
	}

#define FAILING_LDAP(type, name, value)                                                            \
	type name(void);                                                                           \
	type name(void)                                                                            \
	{                                                                                          \
		return value;                                                                      \
	}

extern const void *const GSS_C_NT_HOSTBASED_SERVICE;
const void *const GSS_C_NT_HOSTBASED_SERVICE = NULL;

FAILING_GSS(gss_acquire_cred)
FAILING_GSS(gss_delete_sec_context)
FAILING_GSS(gss_display_status)
FAILING_GSS(gss_import_name)
FAILING_GSS(gss_init_sec_context)
FAILING_GSS(gss_release_buffer)
FAILING_GSS(gss_release_cred)
FAILING_GSS(gss_release_name)
FAILING_GSS(gss_unwrap)
FAILING_GSS(gss_wrap)
FAILING_GSS(gss_wrap_size_limit)

FAILING_LDAP(void *, ldap_init, NULL)
FAILING_LDAP(void *, ldap_first_entry, NULL)
FAILING_LDAP(void *, ldap_get_values_len, NULL)
FAILING_LDAP(const char *, ldap_err2string, "LDAP is not part of this program")
FAILING_LDAP(int, ldap_count_entries, 0)
FAILING_LDAP(int, ldap_msgfree, 0)
FAILING_LDAP(int, ldap_result, -1)
FAILING_LDAP(int, ldap_search_st, -1)
FAILING_LDAP(int, ldap_set_option, -1)
FAILING_LDAP(int, ldap_simple_bind, -1)
FAILING_LDAP(int, ldap_unbind, 0)
FAILING_LDAP(int, ldap_value_free_len, 0)
