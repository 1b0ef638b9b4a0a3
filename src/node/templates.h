/* The shipped templates (templates/), which the assembler puts into the binary (templates.S). */
#pragma once

extern const char template_postgresql_conf[];
extern const char template_pg_hba_conf[];
extern const char template_pg_ident_conf[];
