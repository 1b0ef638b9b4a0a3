/* A whole cluster on one machine, as plain processes through the same run path. */
#pragma once

int local_main(int argc, char **argv);
