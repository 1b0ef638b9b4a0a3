-- In: citusdb
-- Citus' nodes, as the coordinator's catalog has them.
select nodename, groupid, isactive, hasmetadata, shouldhaveshards,
    (select count(*) from pg_dist_placement p where p.groupid = n.groupid) as shards,
    nodeport, isactive and hasmetadata and not metadatasynced as is_stale
from pg_dist_node n
where noderole = 'primary';
