/*
 * What a repair asks and does in Citus' catalog: the long statements of
 * repair.c. Facts of Citus 13.2: a shard's relation is shard_name(); tables of
 * one colocation group keep shards of equal ranges together (here: a bundle),
 * and those without a group have shards of their own.
 */
#pragma once

/* shard_name() leaves "public" out, and our search_path has no other schema than pg_catalog. */
#define SHARD_NAME(table, shard, schema)                                                           \
	"case " schema " when 'public' then 'public.' else '' end"                                 \
	" || shard_name(" table ", " shard ")"

/* All shards that the catalog of this database places on the group: here, or on a member. elsewhere
 * is what Citus takes for it: another placement on an active node. */
#define SHARDS_OF(group)                                                                                                \
	" select s.shardid, s.logicalrelid as relation, n.nspname as schema, c.relispartition,"                         \
	"  " SHARD_NAME("s.logicalrelid", "s.shardid",                                                                  \
		"n.nspname") " as name,"                                                                                \
			     "  case p.colocationid when 0 then 'shard ' || s.shardid"                                  \
			     "   else p.colocationid || ' ' || coalesce(s.shardminvalue, '') end as bundle,"            \
			     "  exists (select from pg_dist_placement o join pg_dist_node using (groupid)"              \
			     "   where o.shardid = s.shardid and o.groupid <> l.groupid"                                \
			     "   and isactive and noderole = 'primary') as elsewhere"                                   \
			     " from pg_dist_placement l join pg_dist_shard s using (shardid)"                           \
			     " join pg_dist_partition p using (logicalrelid)"                                           \
			     " join pg_class c on c.oid = s.logicalrelid join pg_namespace n on n.oid = c.relnamespace" \
			     " where l.groupid = " group

/* $1 the member's group, $2 what tells this loss from others. */
#define READ_SHARDS                                                                                                   \
	"with placed as (" SHARDS_OF(                                                                                 \
		"$1::int") ")"                                                                                        \
			   " select coalesce(array_agg(shardid order by shardid), '{}'),"                             \
			   " coalesce(array_agg(name order by shardid), '{}'),"                                       \
			   " count(*) filter (where not elsewhere),"                                                  \
			   " encode(sha256(convert_to($2 || coalesce(string_agg(shardid::text, ',' order by shardid)" \
			   "  filter (where not elsewhere), ''), 'UTF8')), 'hex') from placed"

/* On the member: $1 the shards' ids, $2 their names. */
#define READ_LOST                                                                                  \
	"select coalesce(array_agg(id), '{}') from unnest($1::bigint[], $2::text[])"               \
	" as placed (id, name) where to_regclass(name) is null"

/* $1 the group, $2 the ids of the lost shards. */
#define READ_LOST_TABLES                                                                                          \
	"with placed as (" SHARDS_OF(                                                                             \
		"$1::int") ")"                                                                                    \
			   " select elsewhere, count(*), relation from placed where shardid = any ($2::bigint[])" \
			   " group by elsewhere, relation order by elsewhere, relation::text"

/* $1 the group, $2 hosts. The coordinator is asked when no other one may take shards. */
#define READ_TAKERS                                                                                \
	"select coalesce(array_agg(nodename), '{}'), count(*) from pg_dist_node"                   \
	" where isactive and noderole = 'primary' and shouldhaveshards and groupid <> $1::int"     \
	" and (groupid = 0 or nodename = any ($2::text[]))"

/* $1 the group, $2 who takes shards; only some at a time, for each bundle is locked. */
#define MOVE_SHARDS                                                                                                 \
	"with placed as (" SHARDS_OF(                                                                               \
		"$1::int") "),"                                                                                     \
			   " bundles as (select min(shardid) as shardid, row_number() over (order by min(shardid))" \
			   "  as n from placed where not elsewhere group by bundle order by 1 limit 32),"           \
			   " takers as (select nodename, nodeport, row_number() over (order by nodename) - 1 as n," \
			   "  count(*) over () as count from pg_dist_node"                                          \
			   "  where noderole = 'primary' and nodename = any ($2::text[]))"                          \
			   " select citus_move_shard_placement(b.shardid, m.nodename, m.nodeport, t.nodename,"      \
			   "  t.nodeport, 'block_writes') from bundles b join takers t on t.n = b.n % t.count"      \
			   " join pg_dist_node m on m.groupid = $1::int and m.noderole = 'primary'"

/*
 * On the member, which has its metadata: makes the lost shards anew that are nowhere else, a bundle
 * entirely or not at all, and only some at a time, for each of them takes locks. As Citus' own
 * copying does it: the table with its indexes, constraints, policies and triggers, but without what
 * belongs to a sequence; then partitions, then foreign keys. A foreign key to a reference table
 * whose copy is lost as well is left out; Citus makes it when it moves the shard away, which then
 * is next.
 */
#define RECREATE_SHARDS                                                                                                                                             \
	"do $body$ declare shard record; command record; begin"                                                                                                     \
	" set local citus.enable_manual_changes_to_shards = on;"                                                                                                    \
	" create temporary table citus_init_bundles on commit drop as"                                                                                              \
	"  with placed as (" SHARDS_OF(                                                                                                                             \
		"(select groupid from pg_dist_local_group)") "),"                                                                                                   \
							     "  judged as (select *, to_regclass(name) is null as is_lost from placed)"                             \
							     "  select * from judged where bundle in (select bundle from judged"                                    \
							     "   where is_lost and not elsewhere group by bundle order by bundle limit 32);"                        \
							     " for shard in select * from citus_init_bundles where is_lost loop"                                    \
							     "  for command in select ddl"                                                                          \
							     "   from master_get_table_ddl_events(shard.relation::text) as ddl loop"                                \
							     "   perform worker_apply_shard_ddl_command(shard.shardid, shard.schema, command.ddl);"                 \
							     "  end loop;"                                                                                          \
							     "  for command in select attname,"                                                                     \
							     "   case attidentity when '' then 'default' else 'identity' end as what"                               \
							     "   from pg_attribute where attrelid = shard.name::regclass and attnum > 0"                            \
							     "   and not attisdropped and (attidentity <> '' or exists (select from pg_attrdef f"                   \
							     "    join pg_depend d on d.classid = 'pg_attrdef'::regclass and d.objid = f.oid"                       \
							     "    join pg_class q on d.refclassid = 'pg_class'::regclass and q.oid = d.refobjid"                    \
							     "    where q.relkind = 'S' and f.adrelid = attrelid and f.adnum = attnum)) loop"                       \
							     "   execute format('alter table %s alter column %I drop %s', shard.name,"                              \
							     "    command.attname, command.what);"                                                                  \
							     "  end loop;"                                                                                          \
							     " end loop;"                                                                                           \
							     " for command in select whole.shardid as whole_id, whole.schema as whole_schema,"                      \
							     "  part.shardid, part.schema, format('alter table %s attach partition %s %s',"                         \
							     "   whole.relation, part.relation, pg_get_expr(c.relpartbound, c.oid)) as ddl"                         \
							     "  from citus_init_bundles part join pg_class c on c.oid = part.relation"                              \
							     "  join pg_inherits i on i.inhrelid = c.oid join citus_init_bundles whole"                             \
							     "   on whole.relation = i.inhparent and whole.bundle = part.bundle"                                    \
							     "  where part.relispartition and (part.is_lost or whole.is_lost) loop"                                 \
							     "  perform worker_apply_inter_shard_ddl_command(command.whole_id, command.whole_schema,"               \
							     "   command.shardid, command.schema, command.ddl);"                                                    \
							     " end loop;"                                                                                           \
							     " for command in select l.shardid, l.schema, r.shardid as to_id, r.schema as to_schema,"               \
							     "  format('alter table %s add constraint %I %s', l.relation, conname,"                                 \
							     "   pg_get_constraintdef(k.oid)) as ddl from citus_init_bundles l"                                     \
							     "  join pg_constraint k on conrelid = l.relation and contype = 'f' and conparentid = 0"                \
							     "  join lateral (select o.shardid, o.schema from citus_init_bundles o"                                 \
							     "   where o.relation = confrelid and o.bundle = l.bundle union all"                                    \
							     "   select s.shardid, n.nspname from pg_dist_partition p join pg_dist_shard s"                         \
							     "   using (logicalrelid) join pg_class c on c.oid = p.logicalrelid"                                    \
							     "   join pg_namespace n on n.oid = c.relnamespace"                                                     \
							     "   where p.logicalrelid = confrelid and p.repmodel = 't' and to_regclass(" SHARD_NAME(                \
								     "s.logicalrelid",                                                                              \
								     "s.shardid",                                                                                   \
								     "n.nspname") ") is not null) r on true"                                                        \
										  "  where l.is_lost loop"                                                          \
										  "  perform worker_apply_inter_shard_ddl_command(command.shardid, command.schema," \
										  "   command.to_id, command.to_schema, command.ddl);"                              \
										  " end loop;"                                                                      \
										  " end $body$"
