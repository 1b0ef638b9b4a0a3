-- In: citusdb
-- Copies the shards of the table with the oid $1 until each has $2 copies.
select replicate_table_shards(
    $1::oid::regclass, $2::int, shard_transfer_mode := 'block_writes');
