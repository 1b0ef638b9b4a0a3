-- Part of the stand-in for Citus that the tests of citus-init use; never for production.
--
-- What a node of the former minor version lacks: the coordinator's rows do not fit there, so it
-- cannot become a member before ALTER EXTENSION citus UPDATE.

ALTER TABLE pg_catalog.pg_dist_node
    ADD COLUMN nodeisclone bool NOT NULL DEFAULT false,
    ADD COLUMN nodeprimarynodeid int NOT NULL DEFAULT 0;
