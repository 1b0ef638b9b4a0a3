# Writes the files of sql/ as C strings: sql/cluster/admit.sql is sql_cluster_admit. Their comments
# stay here, for a statement is sent again and again, and stands in the server's log when it fails.
FNR == 1 {
	name = FILENAME
	sub(/\.sql$/, "", name)
	gsub("/", "_", name)
	printf "%sconst char %s[] =", NR == 1 ? "#include \"statements.h\"\n\n" : ";\n\n", name
}

!/^[ \t]*(--|$)/ {
	gsub(/["\\]/, "\\\\&")
	printf "\n\t\"%s\\n\"", $0
}

END { print ";" }
