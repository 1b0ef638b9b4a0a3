-- In: citusdb
-- For this session: all shards and where the catalog of this database, the coordinator's or a
-- member's, places them. Facts of Citus 13.2: a shard's relation is shard_name(), which leaves
-- "public" out, and search_path here has no schema of users. Tables of one colocation group keep
-- shards of equal ranges together (here: a bundle), those without a group have shards of their own.
-- elsewhere is what Citus takes for it: another placement on an active node. Citus propagates even
-- a temporary view, and refuses that on a member.
do $body$
begin
    set local citus.enable_ddl_propagation = off;

    create or replace temporary view placed as
    select
        l.groupid, s.shardid, s.logicalrelid as relation, n.nspname as schema, c.relispartition,
        p.repmodel = 't' as is_reference,
        case n.nspname when 'public' then 'public.' else '' end
            || shard_name(s.logicalrelid, s.shardid) as name,
        case p.colocationid
            when 0 then 'shard ' || s.shardid
            else p.colocationid || ' ' || coalesce(s.shardminvalue, '')
        end as bundle,
        exists (
            select from pg_dist_placement o
            join pg_dist_node using (groupid)
            where o.shardid = s.shardid and o.groupid <> l.groupid
                and isactive and noderole = 'primary'
        ) as elsewhere
    from pg_dist_placement l
    join pg_dist_shard s using (shardid)
    join pg_dist_partition p using (logicalrelid)
    join pg_class c on c.oid = s.logicalrelid
    join pg_namespace n on n.oid = c.relnamespace;
end
$body$;
