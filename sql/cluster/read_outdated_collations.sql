-- In: citusdb
-- Collations of this database whose recorded version is not that of the library, here and on a
-- worker, as far as something is made of them. pg_depend says nothing of one that PostgreSQL pins,
-- with an oid below 12000: there the indexes and partitions, which keep an order, are asked.
select format('collation %s of database %I (%s, now %s)', oid::regcollation, current_database(),
    collversion, coalesce(pg_collation_actual_version(oid), 'none'))
from pg_collation c
where collversion is not null and case
        when oid >= 12000 then
            exists (
                select from pg_depend
                where refclassid = 'pg_collation'::regclass and refobjid = c.oid
            ) and collversion is distinct from pg_collation_actual_version(oid)
        else
            collversion is distinct from pg_collation_actual_version(oid) and (
                exists (select from pg_index where c.oid = any (indcollation))
                or exists (select from pg_partitioned_table where c.oid = any (partcollation))
            )
    end
order by collname, collnamespace, collencoding;
