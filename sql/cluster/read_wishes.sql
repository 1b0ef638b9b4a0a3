-- In: postgres
-- What operators have asked for.
select what, argument, detail
from citus_init.wish;
