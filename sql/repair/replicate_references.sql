-- In: citusdb
-- Copies the reference tables to the nodes that lack them. Not by logical replication: that needs
-- a replica identity of every table, and is no faster for what is copied here.
select replicate_reference_tables('block_writes');
