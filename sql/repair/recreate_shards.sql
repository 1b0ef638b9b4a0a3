-- In: citusdb, after repair/placed.sql
-- On the member, which has its metadata: makes those lost shards again that are nowhere else, a
-- bundle entirely or not at all, and only some at a time, for each of them takes locks. As Citus'
-- own copying does it: the table with its indexes, constraints, policies and triggers, but without
-- what belongs to a sequence; then partitions, then foreign keys.
do $body$
declare
    shard record;
    command record;
begin
    set local citus.enable_manual_changes_to_shards = on;

    create temporary table bundled on commit drop as
    with judged as (
        select *, to_regclass(name) is null as is_lost
        from pg_temp.placed
        where groupid = (select groupid from pg_dist_local_group)
    )
    select *
    from judged
    where bundle in (
        select bundle
        from judged
        where is_lost and not elsewhere
        group by bundle
        order by bundle
        limit 32
    );

    for shard in
        select * from pg_temp.bundled where is_lost
    loop
        for command in
            select ddl from master_get_table_ddl_events(shard.relation::text) as ddl
        loop
            perform worker_apply_shard_ddl_command(shard.shardid, shard.schema, command.ddl);
        end loop;
        -- What belongs to a sequence: identities, and defaults that call for one.
        for command in
            select attname,
                case attidentity when '' then 'default' else 'identity' end as what
            from pg_attribute
            where attrelid = shard.name::regclass and attnum > 0 and not attisdropped
                and (attidentity <> '' or exists (
                    select from pg_attrdef f
                    join pg_depend d on d.classid = 'pg_attrdef'::regclass and d.objid = f.oid
                    join pg_class q on d.refclassid = 'pg_class'::regclass and q.oid = d.refobjid
                    where q.relkind = 'S' and f.adrelid = attrelid and f.adnum = attnum
                ))
        loop
            execute format('alter table %s alter column %I drop %s',
                shard.name, command.attname, command.what);
        end loop;
    end loop;

    for command in
        select whole.shardid as whole_id, whole.schema as whole_schema,
            part.shardid, part.schema,
            format('alter table %s attach partition %s %s',
                whole.relation, part.relation, pg_get_expr(c.relpartbound, c.oid)) as ddl
        from pg_temp.bundled part
        join pg_class c on c.oid = part.relation
        join pg_inherits i on i.inhrelid = c.oid
        join pg_temp.bundled whole
            on whole.relation = i.inhparent and whole.bundle = part.bundle
        where part.relispartition and (part.is_lost or whole.is_lost)
    loop
        perform worker_apply_inter_shard_ddl_command(
            command.whole_id, command.whole_schema, command.shardid, command.schema, command.ddl);
    end loop;

    -- A foreign key to a reference table whose copy is lost as well is left out; Citus makes it
    -- when it moves the shard away, which then is next.
    for command in
        select l.shardid, l.schema, r.shardid as to_id, r.schema as to_schema,
            format('alter table %s add constraint %I %s',
                l.relation, conname, pg_get_constraintdef(k.oid)) as ddl
        from pg_temp.bundled l
        join pg_constraint k on conrelid = l.relation and contype = 'f' and conparentid = 0
        join lateral (
            select o.shardid, o.schema
            from pg_temp.bundled o
            where o.relation = confrelid and o.bundle = l.bundle
            union all
            select distinct o.shardid, o.schema
            from pg_temp.placed o
            where o.relation = confrelid and o.is_reference and to_regclass(o.name) is not null
        ) r on true
        where l.is_lost
    loop
        perform worker_apply_inter_shard_ddl_command(
            command.shardid, command.schema, command.to_id, command.to_schema, command.ddl);
    end loop;
end
$body$;
