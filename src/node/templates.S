/* The shipped templates, each as a C string of the binary. */

	.section .rodata

	.macro template name, file
	.globl \name
	.type \name, %object
\name:
	.incbin "\file"
	.byte 0
	.size \name, . - \name
	.endm

	template template_postgresql_conf, "templates/postgresql.conf.tmpl"
	template template_pg_hba_conf, "templates/pg_hba.conf.tmpl"
	template template_pg_ident_conf, "templates/pg_ident.conf.tmpl"

	.section .note.GNU-stack, "", %progbits
