-- Part of the stand-in for Citus that the tests of citus-init use; never for production.
--
-- Reference tables: one shard with a copy on every node. The sorts of damage that the real ones
-- take are kept: a copy that the catalog knows and the node has not makes every write fail.

-- The statements that fill one copy with the rows of the coordinator.
CREATE FUNCTION citus_internal.fill_copy_sql(of_table regclass, copy text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    names text;
    rows jsonb;
BEGIN
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO names
    FROM pg_catalog.pg_attribute
    WHERE attrelid = of_table AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
    EXECUTE format('SELECT COALESCE(jsonb_agg(to_jsonb(t)), ''[]'') FROM %s t', of_table)
    INTO rows;
    RETURN format('DELETE FROM %s; INSERT INTO %s (%s) SELECT %s FROM '
        'jsonb_populate_recordset(NULL::%s, %L)', copy, copy, names, names, copy, rows);
END $$;

-- Copies a change to all other placements, within the same transaction.
CREATE FUNCTION citus_internal.push_reference() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    node record;
    copy text;
BEGIN
    FOR node IN
        SELECT n.nodename, n.nodeport, s.shardid
        FROM pg_catalog.pg_dist_shard s
        JOIN pg_catalog.pg_dist_placement p USING (shardid)
        JOIN pg_catalog.pg_dist_node n ON n.groupid = p.groupid AND n.isactive
            AND n.noderole = 'primary'
        WHERE s.logicalrelid = TG_RELID AND p.groupid <> citus_internal.local_group()
        ORDER BY 1, 2
    LOOP
        copy := pg_catalog.shard_name(TG_RELID, node.shardid, false);
        PERFORM citus_internal.remote_exec_direct(node.nodename, node.nodeport,
            citus_internal.fill_copy_sql(TG_RELID, copy));
    END LOOP;
    RETURN NULL;
END $$;

CREATE FUNCTION citus_internal.drop_push_triggers(of_table regclass) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DROP TRIGGER citus_standin_push ON %s', of_table);
END $$;

CREATE FUNCTION citus_internal.make_copy_sql(of_table regclass, shard bigint) RETURNS text
LANGUAGE sql AS $$
    SELECT format('CREATE SCHEMA IF NOT EXISTS %I; DROP TABLE IF EXISTS %I.%I CASCADE; ',
            schema, schema, name)
        || array_to_string(format('CREATE TABLE %I.%I (%s)', schema, name,
            citus_internal.columns_sql(of_table, false) || citus_internal.checks_sql(of_table))
        || citus_internal.indexes_sql(of_table, schema, name, '_' || shard)
        || format('ALTER TABLE %I.%I OWNER TO %I', schema, name, owner)
        || citus_internal.fill_copy_sql(of_table, format('%I.%I', schema, name)), '; ')
    FROM (SELECT relnamespace::regnamespace::text AS schema, pg_get_userbyid(relowner) AS owner,
            citus_internal.shard_relname(relname, shard) AS name
        FROM pg_catalog.pg_class WHERE oid = of_table) AS c
$$;

CREATE FUNCTION pg_catalog.create_reference_table(table_name regclass) RETURNS void
LANGUAGE plpgsql STRICT AS $$
DECLARE
    id bigint;
    colocation jsonb;
    placements jsonb := '[]';
    node pg_catalog.pg_dist_node;
BEGIN
    PERFORM citus_internal.ensure_distributable(table_name);
    id := citus_internal.next_id('pg_dist_shardid_seq');
    SELECT to_jsonb(c) INTO colocation FROM pg_catalog.pg_dist_colocation c
    WHERE replicationfactor = -1;
    IF NOT FOUND THEN
        colocation := jsonb_build_object('colocationid',
            citus_internal.next_id('pg_dist_colocationid_seq'), 'shardcount', 1,
            'replicationfactor', -1, 'distributioncolumntype', 0,
            'distributioncolumncollation', 0);
    END IF;
    FOR node IN
        SELECT * FROM pg_catalog.pg_dist_node WHERE isactive AND noderole = 'primary'
        ORDER BY groupid
    LOOP
        placements := placements || jsonb_build_object(
            'placementid', citus_internal.next_id('pg_dist_placement_placementid_seq'),
            'shardid', id, 'shardstate', 1, 'shardlength', 0, 'groupid', node.groupid);
        CONTINUE WHEN node.groupid = 0;
        PERFORM citus_internal.remote_exec_now(node.nodename, node.nodeport,
            citus_internal.make_copy_sql(table_name, id), format('DROP TABLE IF EXISTS %s CASCADE',
                pg_catalog.shard_name(table_name, id, false)));
    END LOOP;
    EXECUTE format('CREATE VIEW %s AS SELECT * FROM %s',
        pg_catalog.shard_name(table_name, id, false), table_name);
    EXECUTE format('CREATE TRIGGER citus_standin_push AFTER INSERT OR UPDATE OR DELETE OR '
        'TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION citus_internal.push_reference()',
        table_name);
    PERFORM citus_internal.record_table(table_name, jsonb_build_object('method', 'n', 'key', NULL,
        'model', 't', 'colocation', colocation->'colocationid', 'group', colocation,
        'shards', jsonb_build_array(jsonb_build_object('shardid', id, 'shardstorage', 't')),
        'placements', placements));
    PERFORM citus_internal.announce_table(table_name);
END $$;

CREATE FUNCTION citus_internal.missing_copies()
RETURNS TABLE (relation regclass, shard bigint, node pg_catalog.pg_dist_node) LANGUAGE sql AS $$
    SELECT p.logicalrelid, s.shardid, n FROM pg_catalog.pg_dist_partition p
    JOIN pg_catalog.pg_dist_shard s USING (logicalrelid)
    CROSS JOIN pg_catalog.pg_dist_node n
    WHERE p.repmodel = 't' AND n.isactive AND n.noderole = 'primary' AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_dist_placement x
        WHERE x.shardid = s.shardid AND x.groupid = n.groupid)
    ORDER BY n.nodename, n.nodeport, s.shardid
$$;

-- Gives every node that lacks a placement of a reference table a copy. The catalog is believed:
-- a placement that is recorded and gone is not made again.
CREATE FUNCTION citus_internal.copy_reference_tables() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    missing record;
    node pg_dist_node;
    name text;
    row_sql text;
BEGIN
    FOR missing IN SELECT * FROM citus_internal.missing_copies() LOOP
        node := missing.node;
        row_sql := format('INSERT INTO pg_catalog.pg_dist_placement (placementid, shardid, '
            'shardstate, shardlength, groupid) VALUES (%s, %s, 1, 0, %s)',
            nextval('pg_dist_placement_placementid_seq'), missing.shard, node.groupid);
        IF node.groupid <> 0 THEN
            name := (SELECT format('%I.%I', relnamespace::regnamespace::text, relname)
                FROM pg_class WHERE oid = missing.relation);
            -- The name was an empty table there as long as there was no copy to view.
            PERFORM citus_internal.remote_exec_direct(node.nodename, node.nodeport,
                citus_internal.make_copy_sql(missing.relation, missing.shard)
                || format('; SELECT citus_internal.show_copy(%L, %L)', name,
                    shard_name(missing.relation, missing.shard, false)));
        END IF;
        EXECUTE row_sql;
        PERFORM citus_internal.to_metadata_workers(row_sql);
    END LOOP;
END $$;

-- Puts a view of the copy in the place of the empty table of that name.
CREATE FUNCTION citus_internal.show_copy(name text, copy text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    old regclass := to_regclass(name);
    owner text := (SELECT pg_get_userbyid(relowner) FROM pg_catalog.pg_class WHERE oid = old);
BEGIN
    IF old IS NULL THEN
        RETURN;
    END IF;
    EXECUTE format('ALTER %s %s RENAME TO citus_standin_old',
        (SELECT CASE relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END FROM pg_catalog.pg_class
         WHERE oid = old), name);
    EXECUTE format('CREATE VIEW %s AS SELECT * FROM %s OFFSET 0', name, copy);
    EXECUTE format('ALTER VIEW %s OWNER TO %I', name, owner);
    UPDATE pg_catalog.pg_dist_shard SET logicalrelid = name::regclass WHERE logicalrelid = old;
    UPDATE pg_catalog.pg_dist_partition SET logicalrelid = name::regclass
    WHERE logicalrelid = old;
    PERFORM citus_internal.depend_on_extension('pg_class'::regclass, name::regclass);
    EXECUTE format('DROP %s %s',
        (SELECT CASE relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END FROM pg_catalog.pg_class
         WHERE oid = old), old);
END $$;

CREATE FUNCTION pg_catalog.replicate_reference_tables(
    shard_transfer_mode citus.shard_transfer_mode DEFAULT 'auto') RETURNS void
LANGUAGE plpgsql STRICT AS $$
BEGIN
    PERFORM citus_internal.check_version();
    IF citus_internal.local_group() <> 0 THEN
        RETURN;
    END IF;
    -- A copy goes by logical replication, unless writes are blocked meanwhile.
    IF shard_transfer_mode <> 'block_writes' AND current_setting('wal_level') <> 'logical'
        AND EXISTS (SELECT FROM citus_internal.missing_copies()) THEN
        RAISE EXCEPTION 'ERROR:  logical decoding requires wal_level >= logical'
            USING ERRCODE = 'XX000';
    END IF;
    PERFORM citus_internal.copy_reference_tables();
END $$;
REVOKE ALL ON FUNCTION pg_catalog.replicate_reference_tables(citus.shard_transfer_mode)
    FROM PUBLIC;
