-- In: citusdb
-- The member whose group is $1.
select nodename, isactive
from pg_dist_node
where groupid = $1::int and noderole = 'primary';
