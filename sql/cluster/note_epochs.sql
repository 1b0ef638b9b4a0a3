-- In: postgres
-- Notes the epochs that members are about to begin: $1 names, $2 the ids of the epochs that they
-- were seen in, '' for none. A noted epoch stays until its member was seen in it: the statement
-- that begins it may be under way still, after its connection broke.
update citus_init.member
set epoch = case when told.id = next_id::text then epoch + 1 else epoch end,
    epoch_id = case when told.id = next_id::text then next_id else epoch_id end,
    next_id = case when next_id is null or told.id = next_id::text
        then gen_random_uuid() else next_id end
from unnest($1::text[], $2::text[]) as told (name, id)
where member.name = told.name
returning member.name, epoch + 1, next_id;
