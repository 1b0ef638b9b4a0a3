/*
 * citus-init: one binary, several roles. This file is the table of commands
 * and the only place that ends the process on purpose.
 *
 *   environment -> node -> config -> rendered files -> initdb -> postgres
 *               -> readiness -> membership
 */
#include <nss.h>
#include <stdio.h>
#include <string.h>

#include "agent/agent.h"
#include "base/exit_code.h"
#include "base/mem.h"
#include "cli/commands.h"
#include "init/supervisor.h"
#include "local/local.h"
#include "node/settings.h"
#include "prepare/prepare.h"
#include "version.h"

#include "base/banned.h"

struct command {
	const char *name;
	const char *arguments;
	const char *help;
	int (*main)(int argc, char **argv); /* argv[0] is the command; returns an exit code */
};

static const struct command commands[] = {
	{ "run", "", "run this node: what the container starts, as PID 1", supervisor_main },
	{ "local", "[--nodes N] [--dir DIR] [-- COMMAND...]",
		"run a whole cluster on this machine, for a demo or a test", local_main },
	{ "status", "[--json] [--local] [--address HOST:PORT]",
		"show the cluster as the coordinator sees it", cli_status_main },
	{ "plan", "[--json] [--address HOST:PORT]",
		"what the coordinator would change next, for whom and why", cli_plan_main },
	{ "pause", "", "on the coordinator: stop its changes; it goes on looking", cli_pause_main },
	{ "resume", "", "on the coordinator: let its changes go on", cli_resume_main },
	{ "form", "--without ORDINAL[,ORDINAL...] | --abandon CLUSTER-ID [--confirm TOKEN]",
		"on the coordinator: form without these workers, or abandon a cluster that has "
		"lost its coordinator",
		cli_form_main },
	{ "accept-loss", "NODE [--confirm TOKEN]",
		"on the coordinator: bring a wiped member back without the rows that only it had",
		cli_accept_loss_main },
	{ "adopt", "[--as-new-cluster] [--confirm TOKEN]",
		"on the coordinator: register the cluster, or this copy of one, under the addresses "
		"of this set",
		cli_adopt_main },
	{ "probe", "[livez|readyz|startupz]", "ask this node; exit 0 when the answer is yes",
		cli_probe_main },
	{ "render", "[--phase local|recognition|cluster|open] [--directory DIR]",
		"write the configuration files that this node would use", cli_render_main },
	{ "settings", "[--markdown]", "list all settings", cli_settings_main },
	{ "check", "[--scaling-down] [--strict] [--json] FILE...",
		"check Kubernetes manifests; \"-\" is standard input", cli_check_main },
	{ "prepare", "", "(started by run) settings to data directory and files", prepare_main },
	{ "agent", "", "(started by run) set-up, membership, HTTP", agent_main },
};

static void print_help(void)
{
	printf("citus-init %s: a plain StatefulSet as a distributed PostgreSQL cluster\n\n"
	       "usage: citus-init COMMAND\n\n",
		VERSION);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		printf("  %s%s%s\n        %s\n", commands[i].name,
			commands[i].arguments[0] ? " " : "", commands[i].arguments,
			commands[i].help);
	printf("\nexit codes:\n");
#define X(name, number, meaning) printf("  %3d  %s\n", number, meaning);
	EXIT_CODES(X)
#undef X
	printf("\n");
	settings_print_help(stdout);
}

/*
 * Names are looked up in files and in the DNS, whatever nsswitch.conf says: for any other source
 * a static glibc loads a module, with a second libc that crashes. libpq asks for the home
 * directory of a user who need not be in /etc/passwd.
 */
static void use_plain_name_services(void)
{
	__nss_configure_lookup("passwd", "files");
	__nss_configure_lookup("group", "files");
	__nss_configure_lookup("hosts", "files dns");
}

int main(int argc, char **argv)
{
	use_plain_name_services();
	if (argc < 2) {
		fprintf(stderr, "citus-init: no command given; see \"citus-init --help\"\n");
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
		print_help();
		return EXIT_OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("citus-init %s\n", VERSION);
		return EXIT_OK;
	}
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].main(argc - 1, argv + 1);
	fprintf(stderr, "citus-init: unknown command \"%s\"; see \"citus-init --help\"\n", argv[1]);
	return EXIT_USAGE;
}
