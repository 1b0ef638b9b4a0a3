-- Part of the stand-in for Citus that the tests of citus-init use; never for production.
--
-- The catalog: the tables that Citus keeps in pg_catalog, with its columns and its names. They are
-- made in schema citus and moved, because nothing may be created in pg_catalog directly.

\echo Use "CREATE EXTENSION citus" to load this file. \quit

CREATE SCHEMA citus;
CREATE SCHEMA citus_internal;
GRANT USAGE ON SCHEMA citus, citus_internal TO PUBLIC;

CREATE TYPE pg_catalog.noderole AS ENUM ('primary', 'secondary', 'unavailable');
CREATE TYPE pg_catalog.citus_job_status AS ENUM
    ('scheduled', 'running', 'finished', 'cancelling', 'cancelled', 'failing', 'failed');
CREATE TYPE pg_catalog.citus_task_status AS ENUM ('blocked', 'runnable', 'running', 'done',
    'cancelling', 'error', 'unscheduled', 'cancelled');
CREATE TYPE citus.distribution_type AS ENUM ('hash', 'range', 'append');
CREATE TYPE citus.shard_transfer_mode AS ENUM ('auto', 'force_logical', 'block_writes');

CREATE SEQUENCE citus.pg_dist_node_nodeid_seq MINVALUE 1 MAXVALUE 4294967296;
CREATE SEQUENCE citus.pg_dist_groupid_seq MINVALUE 1 MAXVALUE 4294967296;
CREATE SEQUENCE citus.pg_dist_shardid_seq MINVALUE 102008 NO CYCLE;
CREATE SEQUENCE citus.pg_dist_placement_placementid_seq NO CYCLE;
CREATE SEQUENCE citus.pg_dist_colocationid_seq MINVALUE 1 MAXVALUE 4294967296;
CREATE SEQUENCE citus.pg_dist_operationid_seq;
CREATE SEQUENCE citus.pg_dist_cleanup_recordid_seq;
CREATE SEQUENCE citus.pg_dist_background_job_job_id_seq;
CREATE SEQUENCE citus.pg_dist_background_task_task_id_seq;

CREATE TABLE citus.pg_dist_node (
    nodeid int NOT NULL DEFAULT nextval('citus.pg_dist_node_nodeid_seq') PRIMARY KEY,
    groupid int NOT NULL DEFAULT nextval('citus.pg_dist_groupid_seq'),
    nodename text NOT NULL,
    nodeport int NOT NULL DEFAULT 5432,
    noderack text NOT NULL DEFAULT 'default',
    hasmetadata bool NOT NULL DEFAULT false,
    isactive bool NOT NULL DEFAULT true,
    noderole noderole NOT NULL DEFAULT 'primary',
    nodecluster name NOT NULL DEFAULT 'default',
    metadatasynced bool DEFAULT false,
    shouldhaveshards bool NOT NULL DEFAULT true,
    UNIQUE (nodename, nodeport),
    CONSTRAINT primaries_are_only_allowed_in_the_default_cluster
        CHECK (NOT (nodecluster <> 'default' AND noderole = 'primary')));

CREATE TABLE citus.pg_dist_local_group (groupid int NOT NULL PRIMARY KEY);
INSERT INTO citus.pg_dist_local_group VALUES (0);

CREATE TABLE citus.pg_dist_node_metadata (metadata jsonb NOT NULL);
INSERT INTO citus.pg_dist_node_metadata VALUES (jsonb_build_object(
    'server_id', gen_random_uuid()::text,
    'last_upgrade_version', '13.2-1',
    'partitioned_citus_table_exists_pre_11', false));

CREATE TABLE citus.pg_dist_partition (
    logicalrelid regclass NOT NULL,
    partmethod "char" NOT NULL,
    partkey text,
    colocationid int NOT NULL DEFAULT 0,
    repmodel "char" NOT NULL DEFAULT 'c',
    autoconverted bool DEFAULT false);
CREATE UNIQUE INDEX pg_dist_partition_logical_relid_index
    ON citus.pg_dist_partition (logicalrelid);

CREATE TABLE citus.pg_dist_shard (
    logicalrelid regclass NOT NULL,
    shardid bigint NOT NULL,
    shardstorage "char" NOT NULL,
    shardminvalue text,
    shardmaxvalue text);
CREATE UNIQUE INDEX pg_dist_shard_shardid_index ON citus.pg_dist_shard (shardid);
CREATE INDEX pg_dist_shard_logical_relid_index ON citus.pg_dist_shard (logicalrelid);

CREATE TABLE citus.pg_dist_placement (
    placementid bigint NOT NULL
        DEFAULT nextval('citus.pg_dist_placement_placementid_seq'),
    shardid bigint NOT NULL,
    shardstate int NOT NULL,
    shardlength bigint NOT NULL,
    groupid int NOT NULL,
    CONSTRAINT placement_shardid_groupid_unique_index UNIQUE (shardid, groupid));
CREATE UNIQUE INDEX pg_dist_placement_placementid_index ON citus.pg_dist_placement (placementid);
CREATE INDEX pg_dist_placement_groupid_index ON citus.pg_dist_placement (groupid);

CREATE TABLE citus.pg_dist_colocation (
    colocationid int NOT NULL PRIMARY KEY,
    shardcount int NOT NULL,
    replicationfactor int NOT NULL,
    distributioncolumntype oid NOT NULL,
    distributioncolumncollation oid NOT NULL);

CREATE TABLE citus.pg_dist_schema (
    schemaid oid NOT NULL PRIMARY KEY,
    colocationid int NOT NULL UNIQUE);

CREATE TABLE citus.pg_dist_authinfo (
    nodeid int NOT NULL,
    rolename name NOT NULL,
    authinfo text NOT NULL);
CREATE UNIQUE INDEX pg_dist_authinfo_identification_index
    ON citus.pg_dist_authinfo (rolename, nodeid DESC);

CREATE TABLE citus.pg_dist_poolinfo (nodeid int NOT NULL PRIMARY KEY, poolinfo text NOT NULL);

CREATE TABLE citus.pg_dist_object (
    classid oid NOT NULL,
    objid oid NOT NULL,
    objsubid int NOT NULL,
    type text,
    object_names text[],
    object_args text[],
    distribution_argument_index int,
    colocationid int,
    force_delegation bool,
    PRIMARY KEY (classid, objid, objsubid));

CREATE TABLE citus.pg_dist_transaction (
    groupid int NOT NULL,
    gid text NOT NULL,
    outer_xid xid8,
    CONSTRAINT pg_dist_transaction_unique_constraint UNIQUE (groupid, gid));

CREATE TABLE citus.pg_dist_cleanup (
    record_id bigint NOT NULL PRIMARY KEY,
    operation_id bigint NOT NULL,
    object_type int NOT NULL,
    object_name text NOT NULL,
    node_group_id int NOT NULL,
    policy_type int NOT NULL);

CREATE TABLE citus.pg_dist_background_job (
    job_id bigint NOT NULL DEFAULT nextval('citus.pg_dist_background_job_job_id_seq')
        PRIMARY KEY,
    state citus_job_status NOT NULL DEFAULT 'scheduled',
    job_type name NOT NULL,
    description text NOT NULL,
    started_at timestamptz,
    finished_at timestamptz);

CREATE TABLE citus.pg_dist_background_task (
    job_id bigint NOT NULL REFERENCES citus.pg_dist_background_job,
    task_id bigint NOT NULL DEFAULT nextval('citus.pg_dist_background_task_task_id_seq')
        PRIMARY KEY,
    owner regrole NOT NULL DEFAULT CURRENT_USER::regrole,
    pid int,
    status citus_task_status NOT NULL DEFAULT 'runnable',
    command text NOT NULL,
    retry_count int,
    not_before timestamptz,
    message text NOT NULL DEFAULT '',
    nodes_involved int[]);

DO $do$
DECLARE
    relation record;
BEGIN
    -- A sequence moves by itself; it follows a table only if a column owns it.
    FOR relation IN
        SELECT oid::regclass AS name, relkind, relname FROM pg_class
        WHERE relnamespace = 'citus'::regnamespace AND relkind IN ('r', 'S') ORDER BY relkind
    LOOP
        EXECUTE format('ALTER %s %s SET SCHEMA pg_catalog',
            CASE relation.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, relation.name);
        IF relation.relkind = 'r' AND relation.relname <> 'pg_dist_authinfo' THEN
            EXECUTE format('GRANT SELECT ON pg_catalog.%I TO PUBLIC', relation.relname);
        END IF;
    END LOOP;
END
$do$;

CREATE FUNCTION pg_catalog.role_exists(name) RETURNS bool LANGUAGE sql STRICT AS
    $$ SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = $1) $$;

-- Keywords of a connection string; good enough for the values that tests write.
CREATE FUNCTION citus_internal.keywords_are(info text, allowed text[])
RETURNS bool LANGUAGE sql STRICT AS
    $$ SELECT COALESCE(bool_and(k[1] = ANY (allowed)), false)
       FROM regexp_matches(info, '([a-z_]+)\s*=', 'g') AS k $$;

CREATE FUNCTION pg_catalog.authinfo_valid(text) RETURNS bool LANGUAGE sql STRICT AS
    $$ SELECT citus_internal.keywords_are($1, '{password,sslcert,sslkey}') $$;

CREATE FUNCTION pg_catalog.poolinfo_valid(text) RETURNS bool LANGUAGE sql STRICT AS
    $$ SELECT citus_internal.keywords_are($1, '{dbname,host,port}') $$;

ALTER TABLE pg_catalog.pg_dist_authinfo
    ADD CONSTRAINT authinfo_valid CHECK (authinfo_valid(authinfo)),
    ADD CONSTRAINT role_exists CHECK (role_exists(rolename));
ALTER TABLE pg_catalog.pg_dist_poolinfo
    ADD CONSTRAINT poolinfo_valid CHECK (poolinfo_valid(poolinfo));
