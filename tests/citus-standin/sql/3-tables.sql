-- Part of the stand-in for Citus that the tests of citus-init use; never for production.
--
-- Distributed tables. On every member the table is a hash-partitioned parent. Its partitions
-- are the shards: plain tables <table>_<shardid> on the node that holds them, foreign tables of
-- the same name, over postgres_fdw, on the others. Rows really live on the workers.
--
-- A reference table is an ordinary table on the coordinator, with a view <table>_<shardid> in
-- place of its shard; on a worker the shard is the table, and the table's name a view of it.
-- Triggers on the coordinator copy each change to all placements in the same transaction.

-- The name of a shard, as in pg_catalog.shard_name, without the schema.
CREATE FUNCTION citus_internal.shard_relname(relname text, shard bigint) RETURNS text
LANGUAGE sql IMMUTABLE AS
    $$ SELECT left(relname, 63 - 1 - length(shard::text)) || '_' || shard $$;

CREATE FUNCTION pg_catalog.shard_name(object_name regclass, shard_id bigint,
    skip_qualify_public bool DEFAULT true) RETURNS text
LANGUAGE sql STABLE STRICT AS $$
    SELECT CASE WHEN skip_qualify_public AND nspname = 'public' THEN ''
            ELSE quote_ident(nspname) || '.' END
        || quote_ident(citus_internal.shard_relname(relname, shard_id))
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace
    WHERE c.oid = object_name
$$;

-- The options of the foreign server for one node: its address, and citus.node_conninfo.
CREATE FUNCTION citus_internal.server_options(node pg_catalog.pg_dist_node)
RETURNS TABLE (name text, value text) LANGUAGE sql AS $$
    SELECT * FROM (VALUES ('host', node.nodename), ('port', node.nodeport::text),
        ('dbname', current_database()), ('fetch_size', '10000'), ('batch_size', '100')) AS own
    UNION ALL
    SELECT k[1], COALESCE(k[2], k[3])
    FROM regexp_matches(current_setting('citus.node_conninfo'),
        $re$([a-z_]+)\s*=\s*(?:'([^']*)'|(\S+))$re$, 'g') AS k
    WHERE k[1] NOT IN ('host', 'krbsrvname')
$$;

-- A foreign server for every other node, and a mapping for every role that may log in. No
-- password is kept: libpq finds it, as it does for the connections of this extension.
CREATE FUNCTION citus_internal.refresh_servers() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    node pg_dist_node;
    server text;
    have record;
    change record;
    changes text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('citus stand-in'), 0);
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'postgres_fdw') THEN
        CREATE EXTENSION postgres_fdw WITH SCHEMA pg_catalog;
    END IF;
    FOR node IN
        SELECT * FROM pg_dist_node
        WHERE noderole = 'primary' AND groupid <> citus_internal.local_group()
    LOOP
        server := 'citus_group_' || node.groupid;
        SELECT s.oid, s.srvoptions INTO have FROM pg_foreign_server s WHERE srvname = server;
        IF NOT FOUND THEN
            EXECUTE format('CREATE SERVER %I FOREIGN DATA WRAPPER postgres_fdw', server);
            EXECUTE format('GRANT USAGE ON FOREIGN SERVER %I TO PUBLIC', server);
            SELECT s.oid, s.srvoptions INTO have FROM pg_foreign_server s WHERE srvname = server;
            PERFORM citus_internal.depend_on_extension('pg_foreign_server'::regclass, have.oid);
        END IF;
        SELECT string_agg(CASE
            WHEN wanted.name IS NULL THEN format('DROP %I', old.option_name)
            WHEN old.option_name IS NULL THEN format('ADD %I %L', wanted.name, wanted.value)
            ELSE format('SET %I %L', wanted.name, wanted.value) END, ', ')
        INTO changes
        FROM citus_internal.server_options(node) AS wanted
        FULL JOIN pg_options_to_table(have.srvoptions) AS old ON old.option_name = wanted.name
        WHERE wanted.value IS DISTINCT FROM old.option_value;
        IF changes IS NOT NULL THEN
            EXECUTE format('ALTER SERVER %I OPTIONS (%s)', server, changes);
        END IF;
        FOR change IN
            SELECT rolname FROM pg_roles WHERE rolcanlogin AND NOT EXISTS (
                SELECT FROM pg_user_mapping m
                WHERE m.umserver = have.oid AND m.umuser = pg_roles.oid)
        LOOP
            EXECUTE format('CREATE USER MAPPING FOR %I SERVER %I '
                'OPTIONS (user %L, password_required ''false'')',
                change.rolname, server, change.rolname);
        END LOOP;
    END LOOP;
END $$;

-- The columns of a table as a list of definitions. Parents have the defaults, shards do not.
CREATE FUNCTION citus_internal.columns_sql(of_table regclass, with_defaults bool) RETURNS text
LANGUAGE sql AS $$
    SELECT string_agg(definition, ', ') FROM (
        SELECT format('%I %s', attname, format_type(atttypid, atttypmod))
            || CASE WHEN attcollation <> t.typcollation THEN ' COLLATE '
                || (SELECT format('%I.%I', nspname, collname) FROM pg_catalog.pg_collation c
                    JOIN pg_catalog.pg_namespace n ON n.oid = collnamespace
                    WHERE c.oid = attcollation) ELSE '' END
            || CASE WHEN attgenerated = 's' THEN ' GENERATED ALWAYS AS ('
                || pg_get_expr(d.adbin, d.adrelid) || ') STORED'
                WHEN with_defaults AND atthasdef THEN ' DEFAULT '
                || pg_get_expr(d.adbin, d.adrelid) ELSE '' END
            || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END AS definition
        FROM pg_catalog.pg_attribute a
        JOIN pg_catalog.pg_type t ON t.oid = atttypid
        LEFT JOIN pg_catalog.pg_attrdef d ON adrelid = attrelid AND adnum = attnum
        WHERE attrelid = of_table AND attnum > 0 AND NOT attisdropped
        ORDER BY attnum) AS columns
$$;

CREATE FUNCTION citus_internal.checks_sql(of_table regclass) RETURNS text LANGUAGE sql AS $$
    SELECT COALESCE(string_agg(format(', CONSTRAINT %I %s', conname, pg_get_constraintdef(oid)),
        '' ORDER BY conname), '')
    FROM pg_catalog.pg_constraint WHERE conrelid = of_table AND contype = 'c'
$$;

-- The statements that give a table of this name the indexes of another: keys, exclusions, and
-- plain indexes. Only shards have them; the parents have foreign partitions, which allow no keys.
CREATE FUNCTION citus_internal.indexes_sql(of_table regclass, schema text, relname text,
    suffix text) RETURNS text[]
LANGUAGE sql AS $$
    SELECT ARRAY(
        SELECT format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s', schema, relname,
            left(conname, 63 - length(suffix)) || suffix, pg_get_constraintdef(oid))
        FROM pg_catalog.pg_constraint
        WHERE conrelid = of_table AND contype IN ('p', 'u', 'x') ORDER BY conname)
    || ARRAY(
        SELECT regexp_replace(pg_get_indexdef(indexrelid), ' INDEX .*? ON .*? USING ',
            format(' INDEX %I ON %I.%I USING ', left(c.relname, 63 - length(suffix)) || suffix,
                schema, relname))
        FROM pg_catalog.pg_index JOIN pg_catalog.pg_class c ON c.oid = indexrelid
        WHERE indrelid = of_table AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_constraint WHERE conindid = indexrelid) ORDER BY c.relname)
$$;

-- Everything that another member must know of a distributed table.
CREATE FUNCTION citus_internal.table_spec(of_table regclass) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('schema', c.relnamespace::regnamespace::text, 'name', c.relname,
        'owner', pg_get_userbyid(c.relowner),
        'columns', citus_internal.columns_sql(of_table, false)
            || citus_internal.checks_sql(of_table),
        'method', p.partmethod, 'key', p.partkey, 'colocation', p.colocationid,
        'model', p.repmodel,
        'group', (SELECT to_jsonb(g) FROM pg_catalog.pg_dist_colocation g
            WHERE g.colocationid = p.colocationid),
        'shards', (SELECT jsonb_agg(to_jsonb(s) - 'logicalrelid' ORDER BY shardid)
            FROM pg_catalog.pg_dist_shard s WHERE s.logicalrelid = of_table),
        'placements', (SELECT jsonb_agg(to_jsonb(x) ORDER BY placementid)
            FROM pg_catalog.pg_dist_placement x JOIN pg_catalog.pg_dist_shard s USING (shardid)
            WHERE s.logicalrelid = of_table))
    FROM pg_catalog.pg_dist_partition p JOIN pg_catalog.pg_class c ON c.oid = p.logicalrelid
    WHERE p.logicalrelid = of_table
$$;

-- Writes the rows of a table's metadata.
CREATE FUNCTION citus_internal.record_table(of_table regclass, spec jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO pg_dist_colocation
    SELECT * FROM jsonb_populate_record(NULL::pg_dist_colocation, spec->'group')
    ON CONFLICT DO NOTHING;
    INSERT INTO pg_dist_partition (logicalrelid, partmethod, partkey, colocationid, repmodel)
    VALUES (of_table, (spec->>'method')::"char", spec->>'key', (spec->>'colocation')::int,
        (spec->>'model')::"char");
    INSERT INTO pg_dist_shard
    SELECT of_table, shardid, shardstorage, shardminvalue, shardmaxvalue
    FROM jsonb_populate_recordset(NULL::pg_dist_shard, spec->'shards');
    INSERT INTO pg_dist_placement
    SELECT * FROM jsonb_populate_recordset(NULL::pg_dist_placement, spec->'placements');
    PERFORM citus_internal.depend_on_extension('pg_class'::regclass, of_table);
END $$;

-- One partition of a parent: a foreign table for the shard on another node.
CREATE FUNCTION citus_internal.attach_remote(parent regclass, schema text, shard text,
    of_group int, modulus int, remainder int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE FOREIGN TABLE %I.%I PARTITION OF %s FOR VALUES WITH (MODULUS %s, '
        'REMAINDER %s) SERVER %I OPTIONS (schema_name %L, table_name %L)', schema, shard, parent,
        modulus, remainder, 'citus_group_' || of_group, schema, shard);
END $$;

-- The parent of a distributed table on a worker. A shard that is here becomes a partition; one
-- that should be here and is not, is left out.
CREATE FUNCTION citus_internal.apply_parent(spec jsonb) RETURNS regclass LANGUAGE plpgsql AS $$
DECLARE
    schema text := spec->>'schema';
    shards int := jsonb_array_length(spec->'shards');
    parent text := format('%I.%I', schema, spec->>'name');
    placed record;
    shard text;
BEGIN
    EXECUTE format('CREATE TABLE %s (%s) PARTITION BY HASH (%I)', parent, spec->>'columns',
        spec->>'key');
    FOR placed IN
        SELECT shardid, p.groupid, row_number() OVER (ORDER BY shardid) - 1 AS remainder
        FROM jsonb_populate_recordset(NULL::pg_catalog.pg_dist_placement, spec->'placements') p
    LOOP
        shard := citus_internal.shard_relname(spec->>'name', placed.shardid);
        IF placed.groupid <> citus_internal.local_group() THEN
            PERFORM citus_internal.attach_remote(parent::regclass, schema, shard,
                placed.groupid, shards, placed.remainder::int);
        ELSIF to_regclass(format('%I.%I', schema, shard)) IS NOT NULL THEN
            EXECUTE format('ALTER TABLE %s ATTACH PARTITION %I.%I FOR VALUES WITH '
                '(MODULUS %s, REMAINDER %s)', parent, schema, shard, shards, placed.remainder);
        END IF;
    END LOOP;
    RETURN parent::regclass;
END $$;

-- The name of a reference table on a worker: a view of the shard, which nothing can be written
-- through.
CREATE FUNCTION citus_internal.apply_reference(spec jsonb) RETURNS regclass LANGUAGE plpgsql AS $$
DECLARE
    name text := format('%I.%I', spec->>'schema', spec->>'name');
    shard text := format('%I.%I', spec->>'schema', citus_internal.shard_relname(spec->>'name',
        (spec->'shards'->0->>'shardid')::bigint));
BEGIN
    IF to_regclass(shard) IS NOT NULL AND spec->'placements' @> jsonb_build_array(
            jsonb_build_object('groupid', citus_internal.local_group())) THEN
        EXECUTE format('CREATE VIEW %s AS SELECT * FROM %s OFFSET 0', name, shard);
    ELSE
        EXECUTE format('CREATE TABLE %s (%s)', name, spec->>'columns');
    END IF;
    RETURN name::regclass;
END $$;

-- Makes a distributed table known on a worker.
CREATE FUNCTION citus_internal.apply_table(spec jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    made regclass;
BEGIN
    PERFORM citus_internal.refresh_servers();
    EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I', spec->>'schema');
    IF spec->>'model' = 't' THEN
        made := citus_internal.apply_reference(spec);
    ELSE
        made := citus_internal.apply_parent(spec);
    END IF;
    IF current_user <> spec->>'owner' THEN
        EXECUTE format('ALTER TABLE %s OWNER TO %I', made, spec->>'owner');
    END IF;
    PERFORM citus_internal.record_table(made, spec);
END $$;

CREATE FUNCTION citus_internal.ensure_distributable(of_table regclass) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    c record;
    node record;
BEGIN
    PERFORM citus_internal.ensure_coordinator();
    SELECT * INTO STRICT c FROM pg_catalog.pg_class WHERE oid = of_table;
    IF NOT pg_has_role(c.relowner, 'USAGE') THEN
        RAISE EXCEPTION 'must be owner of table %', c.relname USING ERRCODE = '42501';
    ELSIF EXISTS (SELECT FROM pg_catalog.pg_dist_partition WHERE logicalrelid = of_table) THEN
        RAISE EXCEPTION 'table "%" is already distributed', c.relname USING ERRCODE = '42P16';
    ELSIF c.relkind <> 'r' OR c.relispartition THEN
        RAISE EXCEPTION 'relation "%" is not an ordinary table: not in the stand-in', c.relname
            USING ERRCODE = '0A000';
    END IF;
    SELECT nodename, nodeport INTO node FROM pg_catalog.pg_dist_node
    WHERE isactive AND hasmetadata AND NOT metadatasynced AND noderole = 'primary'
    ORDER BY 1, 2 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '%:% is a metadata node, but is out of sync', node.nodename, node.nodeport
            USING ERRCODE = '55000',
            HINT = 'If the node is up, wait until metadata gets synced to it and try again.';
    END IF;
    PERFORM citus_internal.register_coordinator();
    PERFORM citus_internal.refresh_servers();
END $$;

-- A cluster without nodes becomes one of the coordinator alone, which then holds the shards.
CREATE FUNCTION citus_internal.register_coordinator() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_dist_node) THEN
        PERFORM citus_set_coordinator_host(current_setting('citus.local_hostname'));
        UPDATE pg_dist_node SET shouldhaveshards = true;
    END IF;
END $$;

-- New numbers, which only the extension's owner may take from the sequences.
CREATE FUNCTION citus_internal.next_id(sequence regclass) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF sequence NOT IN ('pg_dist_shardid_seq', 'pg_dist_colocationid_seq',
            'pg_dist_placement_placementid_seq') THEN
        RAISE EXCEPTION 'permission denied for sequence %', sequence USING ERRCODE = '42501';
    END IF;
    RETURN nextval(sequence);
END $$;

-- The nodes that get the shards of a new table, one group id a shard: those of a table in the
-- same colocation group, or all that take shards in turn.
CREATE FUNCTION citus_internal.plan_placements(colocation int, shards int) RETURNS int[]
LANGUAGE plpgsql AS $$
DECLARE
    groups int[];
BEGIN
    SELECT array_agg(p.groupid ORDER BY s.shardid) INTO groups
    FROM pg_catalog.pg_dist_shard s JOIN pg_catalog.pg_dist_placement p USING (shardid)
    WHERE s.logicalrelid = (SELECT logicalrelid FROM pg_catalog.pg_dist_partition
        WHERE colocationid = colocation LIMIT 1);
    IF groups IS NOT NULL THEN
        RETURN groups;
    END IF;
    SELECT array_agg(groupid ORDER BY nodename, nodeport) INTO groups
    FROM pg_catalog.pg_dist_node WHERE isactive AND shouldhaveshards AND noderole = 'primary';
    IF groups IS NULL THEN
        RAISE EXCEPTION 'replication_factor (1) exceeds number of worker nodes (0)'
            USING ERRCODE = '22023',
            HINT = 'Add more worker nodes or try again with a lower replication factor.';
    END IF;
    RETURN ARRAY(SELECT groups[1 + i % cardinality(groups)] FROM generate_series(0, shards - 1) i);
END $$;

-- The metadata of a table that is about to be distributed.
CREATE FUNCTION citus_internal.plan_table(of_table regclass, key text, colocate_with text,
    shard_count int) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    a record;
    colocation pg_catalog.pg_dist_colocation;
    shards int := COALESCE(shard_count, current_setting('citus.shard_count')::int);
    width bigint;
    groups int[];
    shard jsonb := '[]';
    placement jsonb := '[]';
    id bigint;
BEGIN
    SELECT atttypid, attcollation INTO STRICT a FROM pg_catalog.pg_attribute
    WHERE attrelid = of_table AND attname = key;
    IF colocate_with NOT IN ('default', 'none') THEN
        SELECT g.* INTO STRICT colocation FROM pg_catalog.pg_dist_colocation g
        JOIN pg_catalog.pg_dist_partition USING (colocationid)
        WHERE logicalrelid = colocate_with::regclass;
    ELSIF colocate_with = 'default' THEN
        SELECT * INTO colocation FROM pg_catalog.pg_dist_colocation
        WHERE shardcount = shards AND replicationfactor = 1
            AND distributioncolumntype = a.atttypid ORDER BY colocationid LIMIT 1;
    END IF;
    IF colocation.colocationid IS NULL THEN
        colocation := (citus_internal.next_id('pg_dist_colocationid_seq'), shards, 1,
            a.atttypid, a.attcollation);
    END IF;
    shards := colocation.shardcount;
    width := 4294967296 / shards;
    groups := citus_internal.plan_placements(colocation.colocationid, shards);
    FOR i IN 0 .. shards - 1 LOOP
        id := citus_internal.next_id('pg_dist_shardid_seq');
        shard := shard || jsonb_build_object('shardid', id, 'shardstorage', 't',
            'shardminvalue', (-2147483648 + i * width)::text,
            'shardmaxvalue', CASE WHEN i = shards - 1 THEN 2147483647
                ELSE -2147483648 + (i + 1) * width - 1 END::text);
        placement := placement || jsonb_build_object(
            'placementid', citus_internal.next_id('pg_dist_placement_placementid_seq'),
            'shardid', id, 'shardstate', 1, 'shardlength', 0, 'groupid', groups[i + 1]);
    END LOOP;
    RETURN jsonb_build_object('method', 'h', 'key', key, 'model', 's',
        'colocation', colocation.colocationid, 'group', to_jsonb(colocation), 'shards', shard,
        'placements', placement);
END $$;

-- Makes the shards of a table on one node; committed there at once.
CREATE FUNCTION citus_internal.make_shards(node pg_catalog.pg_dist_node, of_table regclass,
    spec jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    c record;
    shard record;
    relname text;
    commands text[];
    undo text[];
BEGIN
    SELECT t.relname, t.relnamespace::regnamespace::text AS schema INTO STRICT c
    FROM pg_catalog.pg_class t WHERE t.oid = of_table;
    FOR shard IN
        SELECT shardid
        FROM jsonb_populate_recordset(NULL::pg_catalog.pg_dist_placement, spec->'placements') p
        WHERE p.groupid = node.groupid ORDER BY shardid
    LOOP
        relname := citus_internal.shard_relname(c.relname, shard.shardid);
        commands := commands || format('CREATE TABLE %I.%I (%s)', c.schema, relname,
            citus_internal.columns_sql(of_table, false) || citus_internal.checks_sql(of_table))
            || citus_internal.indexes_sql(of_table, c.schema, relname, '_' || shard.shardid);
        undo := undo || format('DROP TABLE IF EXISTS %I.%I CASCADE', c.schema, relname);
    END LOOP;
    IF commands IS NOT NULL THEN
        PERFORM citus_internal.remote_exec_now(node.nodename, node.nodeport,
            format('CREATE SCHEMA IF NOT EXISTS %I; ', c.schema)
            || array_to_string(commands, '; '), array_to_string(undo, '; '));
    END IF;
END $$;

-- Makes the partitioned table that takes the place of a plain one: its columns, defaults and
-- checks, its owner and rights, and its partitions. The plain one has given up its name.
CREATE FUNCTION citus_internal.make_parent(old regclass, schema text, relname text, spec jsonb)
RETURNS regclass LANGUAGE plpgsql AS $$
DECLARE
    c pg_catalog.pg_class;
    parent text := format('%I.%I', schema, relname);
    shards int := jsonb_array_length(spec->'shards');
    entry record;
    shard text;
BEGIN
    SELECT * INTO STRICT c FROM pg_catalog.pg_class WHERE oid = old;
    EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING ALL EXCLUDING INDEXES EXCLUDING STATISTICS)'
        ' PARTITION BY HASH (%I)', parent, old, spec->>'key');
    IF current_user::regrole <> c.relowner::regrole THEN
        EXECUTE format('ALTER TABLE %s OWNER TO %I', parent, pg_get_userbyid(c.relowner));
    END IF;
    FOR entry IN
        SELECT privilege_type, is_grantable, grantee FROM aclexplode(c.relacl)
        WHERE grantee <> c.relowner
    LOOP
        EXECUTE format('GRANT %s ON %s TO %s%s', entry.privilege_type, parent,
            CASE entry.grantee WHEN 0 THEN 'PUBLIC'
                ELSE quote_ident(pg_get_userbyid(entry.grantee)) END,
            CASE WHEN entry.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END);
    END LOOP;
    FOR entry IN
        SELECT shardid, p.groupid, row_number() OVER (ORDER BY shardid) - 1 AS remainder
        FROM jsonb_populate_recordset(NULL::pg_catalog.pg_dist_placement, spec->'placements') p
    LOOP
        shard := citus_internal.shard_relname(relname, entry.shardid);
        IF entry.groupid <> 0 THEN
            PERFORM citus_internal.attach_remote(parent::regclass, schema, shard, entry.groupid,
                shards, entry.remainder::int);
        ELSE
            EXECUTE format('CREATE TABLE %I.%I PARTITION OF %s FOR VALUES WITH (MODULUS %s, '
                'REMAINDER %s)', schema, shard, parent, shards, entry.remainder);
            EXECUTE array_to_string('SELECT'::text || citus_internal.indexes_sql(old, schema,
                shard, '_' || entry.shardid), '; ');
        END IF;
    END LOOP;
    RETURN parent::regclass;
END $$;

-- Moves the rows and the sequences over, and drops the plain table.
CREATE FUNCTION citus_internal.move_contents(old regclass, parent regclass) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    names text := (
        SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum)
        FROM pg_catalog.pg_attribute
        WHERE attrelid = old AND attnum > 0 AND NOT attisdropped AND attgenerated = '');
    entry record;
BEGIN
    EXECUTE format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM %s', parent, names,
        names, old);
    FOR entry IN
        SELECT s.oid::regclass AS sequence, a.attname, d.deptype,
            pg_get_serial_sequence(parent::text, a.attname) AS identity
        FROM pg_catalog.pg_depend d
        JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S'
        JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        WHERE d.refobjid = old AND d.classid = 'pg_catalog.pg_class'::regclass
    LOOP
        IF entry.deptype = 'a' THEN
            EXECUTE format('ALTER SEQUENCE %s OWNED BY %s.%I', entry.sequence, parent,
                entry.attname);
        ELSE
            EXECUTE format('SELECT setval(%L, last_value, is_called) FROM %s', entry.identity,
                entry.sequence);
        END IF;
    END LOOP;
    EXECUTE format('DROP TABLE %s', old);
END $$;

CREATE FUNCTION citus_internal.ensure_key(of_table regclass, key text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    name text := (SELECT relname FROM pg_catalog.pg_class WHERE oid = of_table);
    number int := (SELECT attnum FROM pg_catalog.pg_attribute
        WHERE attrelid = of_table AND attname = key AND attnum > 0 AND NOT attisdropped);
BEGIN
    IF number IS NULL THEN
        RAISE EXCEPTION 'column "%" of relation "%" does not exist', key, name
            USING ERRCODE = '42703';
    ELSIF EXISTS (SELECT FROM pg_catalog.pg_index WHERE indrelid = of_table
            AND (indisunique OR indisexclusion) AND NOT number = ANY (indkey)) THEN
        RAISE EXCEPTION 'cannot create constraint on "%"', name USING ERRCODE = '0A000',
            DETAIL = 'Distributed relations cannot have UNIQUE, EXCLUDE, or PRIMARY KEY '
                'constraints that do not include the partition column (with an equality operator '
                'if EXCLUDE).';
    END IF;
END $$;

-- Makes a new distributed table known on all workers with metadata; committed there at once.
CREATE FUNCTION citus_internal.announce_table(of_table regclass) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    node record;
    spec jsonb := citus_internal.table_spec(of_table);
BEGIN
    FOR node IN
        SELECT * FROM pg_catalog.pg_dist_node
        WHERE hasmetadata AND isactive AND noderole = 'primary' AND groupid <> 0
        ORDER BY nodename, nodeport
    LOOP
        PERFORM citus_internal.remote_exec_now(node.nodename, node.nodeport,
            format('SELECT citus_internal.apply_table(%L)', spec),
            format('SELECT citus_internal.forget_table(%L, %L)', spec->>'schema', spec->>'name'));
    END LOOP;
END $$;

CREATE FUNCTION pg_catalog.create_distributed_table(table_name regclass, distribution_column text,
    distribution_type citus.distribution_type DEFAULT 'hash', colocate_with text DEFAULT 'default',
    shard_count int DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SET citus.enable_ddl_propagation = on AS $$
DECLARE
    spec jsonb;
    parent regclass;
    schema text;
    relname text;
BEGIN
    PERFORM citus_internal.ensure_distributable(table_name);
    IF distribution_column IS NULL OR distribution_type <> 'hash'
        OR current_setting('citus.shard_replication_factor')::int <> 1 THEN
        RAISE EXCEPTION 'only hash distribution with one copy of a shard: not in the stand-in'
            USING ERRCODE = '0A000';
    END IF;
    PERFORM citus_internal.ensure_key(table_name, distribution_column);
    spec := citus_internal.plan_table(table_name, distribution_column, colocate_with,
        shard_count);
    PERFORM citus_internal.copy_reference_tables();
    PERFORM citus_internal.make_shards(n, table_name, spec)
    FROM pg_catalog.pg_dist_node n WHERE groupid <> 0 AND noderole = 'primary';
    SELECT c.relnamespace::regnamespace::text, c.relname INTO schema, relname
    FROM pg_catalog.pg_class c WHERE c.oid = table_name;
    EXECUTE format('ALTER TABLE %s RENAME TO %I', table_name, 'citus_standin_' || table_name::oid);
    parent := citus_internal.make_parent(table_name, schema, relname, spec);
    PERFORM citus_internal.record_table(parent, spec);
    PERFORM citus_internal.announce_table(parent);
    -- Last: rows that postgres_fdw has sent and not committed would lock the shards.
    PERFORM citus_internal.move_contents(table_name, parent);
END $$;

-- The shard that holds a value, NULL stands for the one shard of a reference table.
CREATE FUNCTION citus_internal.shard_of(of_table oid, value text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    t pg_catalog.pg_dist_partition;
    shards bigint[] := ARRAY(SELECT shardid FROM pg_catalog.pg_dist_shard
        WHERE logicalrelid = of_table ORDER BY shardid);
    remainder int;
BEGIN
    PERFORM citus_internal.check_version();
    SELECT * INTO t FROM pg_catalog.pg_dist_partition WHERE logicalrelid = of_table;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'relation is not distributed' USING ERRCODE = '42P16';
    ELSIF t.partmethod = 'n' THEN
        RETURN shards[1];
    ELSIF value IS NULL THEN
        RAISE EXCEPTION 'distribution value cannot be NULL for tables other than reference tables.'
            USING ERRCODE = '22004';
    END IF;
    EXECUTE format('SELECT i FROM generate_series(0, %s) i WHERE '
        'satisfies_hash_partition(%s::oid, %s, i, %L::%s)', cardinality(shards) - 1, of_table,
        cardinality(shards), value, (SELECT format_type(atttypid, atttypmod)
            FROM pg_catalog.pg_attribute WHERE attrelid = of_table AND attname = t.partkey))
    INTO remainder;
    RETURN shards[remainder + 1];
END $$;

CREATE FUNCTION pg_catalog.get_shard_id_for_distribution_column(table_name regclass,
    distribution_value "any" DEFAULT NULL) RETURNS bigint
LANGUAGE c AS 'MODULE_PATHNAME', 'citus_standin_shard_id';

CREATE FUNCTION pg_catalog.column_to_column_name(table_name regclass, column_var_text text)
RETURNS text LANGUAGE sql STRICT AS $$ SELECT column_var_text $$;

-- Forgets a table that was dropped on the coordinator, and drops what is here of it.
CREATE FUNCTION citus_internal.forget_table(schema text, relname text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    name regclass := to_regclass(format('%I.%I', schema, relname));
    shards bigint[] := ARRAY(SELECT shardid FROM pg_catalog.pg_dist_shard
        WHERE logicalrelid = name);
    id bigint;
BEGIN
    PERFORM citus_internal.forget_metadata(name);
    IF name IS NOT NULL THEN
        EXECUTE format('DROP %s %s CASCADE',
            (SELECT CASE relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END
             FROM pg_catalog.pg_class WHERE oid = name), name);
    END IF;
    FOREACH id IN ARRAY shards LOOP
        EXECUTE format('DROP TABLE IF EXISTS %I.%I CASCADE', schema,
            citus_internal.shard_relname(relname, id));
    END LOOP;
END $$;

CREATE FUNCTION citus_internal.forget_metadata(of_table oid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM pg_dist_placement WHERE shardid IN (
        SELECT shardid FROM pg_dist_shard WHERE logicalrelid = of_table);
    DELETE FROM pg_dist_shard WHERE logicalrelid = of_table;
    DELETE FROM pg_dist_partition WHERE logicalrelid = of_table
$$;

-- A distributed table was dropped: its shards and its name go from all nodes too.
CREATE FUNCTION citus_internal.on_drop() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    dropped record;
    node record;
    shards bigint[];
    drops text;
BEGIN
    FOR dropped IN
        SELECT o.objid, o.schema_name, o.object_name FROM pg_event_trigger_dropped_objects() o
        JOIN pg_dist_partition p ON p.logicalrelid = o.objid
        WHERE o.classid = 'pg_class'::regclass AND o.objsubid = 0
    LOOP
        shards := ARRAY(SELECT shardid FROM pg_dist_shard WHERE logicalrelid = dropped.objid);
        PERFORM citus_internal.forget_metadata(dropped.objid);
        SELECT string_agg(format('DROP TABLE IF EXISTS %I.%I CASCADE', dropped.schema_name,
            citus_internal.shard_relname(dropped.object_name, id)), '; ') INTO drops
        FROM unnest(shards) id;
        CONTINUE WHEN citus_internal.local_group() <> 0;
        FOR node IN
            SELECT * FROM pg_dist_node WHERE isactive AND noderole = 'primary' AND groupid <> 0
            ORDER BY nodename, nodeport
        LOOP
            PERFORM citus_internal.remote_exec_direct(node.nodename, node.nodeport,
                CASE WHEN node.hasmetadata THEN format(
                    'SELECT citus_internal.forget_table(%L, %L); ', dropped.schema_name,
                    dropped.object_name) ELSE '' END || drops);
        END LOOP;
    END LOOP;
END $$;

CREATE EVENT TRIGGER citus_standin_drop ON sql_drop EXECUTE FUNCTION citus_internal.on_drop();
