/*
 * The role that talks: SQL to this node and, on ordinal 0, to all; DNS; HTTP.
 * Started beside postgres, so that its probes answer during recovery. Killing
 * it at any moment is harmless: it reads the world again and remembers nothing.
 */
#pragma once

int agent_main(int argc, char **argv);
