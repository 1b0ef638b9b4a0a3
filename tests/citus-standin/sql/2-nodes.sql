-- Part of the stand-in for Citus that the tests of citus-init use; never for production.
--
-- The nodes: who is a member, how a member gets its copy of the metadata, and how commands reach
-- it. The order of checks, locks and messages follows the real functions, whose traps our
-- program must survive: a known name is never looked at again, a foreign node is wiped, and one
-- dead member stops most of what is done to the others.

CREATE FUNCTION citus_internal.check_version() RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'citus_standin_check_version';

-- Runs in a transaction on the other node that ends with ours; an error there is reported as a
-- warning, and then the essential connection as failed.
CREATE FUNCTION citus_internal.remote_exec(host text, port int, command text) RETURNS text
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'citus_standin_exec';

-- The same, with the error of the other node as our own.
CREATE FUNCTION citus_internal.remote_exec_direct(host text, port int, command text) RETURNS text
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'citus_standin_exec_direct';

-- Commits at once; the last argument takes it back if our transaction aborts.
CREATE FUNCTION citus_internal.remote_exec_now(host text, port int, command text, undo text)
RETURNS text LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'citus_standin_exec_now';

-- Commits at once, and says how it went.
CREATE FUNCTION citus_internal.remote_try(host text, port int, command text,
    OUT success bool, OUT result text)
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'citus_standin_try';

-- One value from a node, NULL if it cannot give it; a node that cannot be reached is an error.
CREATE FUNCTION citus_internal.remote_ask(host text, port int, command text) RETURNS text
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'citus_standin_ask';

CREATE FUNCTION citus_internal.depend_on_extension(class oid, object oid) RETURNS void
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'citus_standin_depend_on_extension';
REVOKE ALL ON FUNCTION citus_internal.depend_on_extension(oid, oid) FROM PUBLIC;

CREATE FUNCTION pg_catalog.citus_version() RETURNS text
LANGUAGE c STRICT STABLE AS 'MODULE_PATHNAME', 'citus_standin_version';

CREATE FUNCTION pg_catalog.assign_distributed_transaction_id(initiator_node_identifier int,
    transaction_number bigint, transaction_stamp timestamptz) RETURNS void
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'citus_standin_assign_transaction_id';

CREATE FUNCTION pg_catalog.citus_check_connection_to_node(nodename text,
    nodeport int DEFAULT 5432) RETURNS bool
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'citus_standin_check_connection';

CREATE FUNCTION pg_catalog.citus_server_id() RETURNS uuid LANGUAGE sql STRICT AS
    $$ SELECT gen_random_uuid() $$;

CREATE FUNCTION citus_internal.local_group() RETURNS int LANGUAGE sql STABLE AS
    $$ SELECT groupid FROM pg_catalog.pg_dist_local_group $$;

CREATE FUNCTION citus_internal.ensure_coordinator() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM citus_internal.check_version();
    IF citus_internal.local_group() <> 0 THEN
        RAISE EXCEPTION 'operation is not allowed on this node'
            USING ERRCODE = 'XX000', HINT = 'Connect to the coordinator and run it again.';
    END IF;
END $$;

CREATE FUNCTION citus_internal.ensure_superuser() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
        RAISE EXCEPTION 'operation is not allowed'
            USING ERRCODE = 'XX000', HINT = 'Run the command with a superuser.';
    END IF;
END $$;

-- Checks, lock and row of the functions that change a node that must exist.
CREATE FUNCTION citus_internal.modifiable_node(name text, port int)
RETURNS pg_catalog.pg_dist_node LANGUAGE plpgsql AS $$
DECLARE
    node pg_catalog.pg_dist_node;
BEGIN
    PERFORM citus_internal.ensure_coordinator();
    LOCK TABLE pg_catalog.pg_dist_node IN EXCLUSIVE MODE;
    SELECT * INTO node FROM pg_catalog.pg_dist_node WHERE nodename = name AND nodeport = port;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'node at "%:%" does not exist', name, port USING ERRCODE = 'XX000';
    END IF;
    RETURN node;
END $$;

-- Sends a command to all workers that hold metadata; the first that fails fails all.
CREATE FUNCTION citus_internal.to_metadata_workers(command text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    node record;
BEGIN
    IF NOT current_setting('citus.enable_metadata_sync')::bool THEN
        RETURN;
    END IF;
    FOR node IN
        SELECT * FROM pg_catalog.pg_dist_node
        WHERE hasmetadata AND isactive AND noderole = 'primary' AND groupid <> 0
        ORDER BY nodename, nodeport
    LOOP
        PERFORM citus_internal.remote_exec(node.nodename, node.nodeport, command);
    END LOOP;
END $$;

CREATE FUNCTION citus_internal.insert_node_sql(node pg_catalog.pg_dist_node) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    r jsonb := to_jsonb(node);
BEGIN
    RETURN format('INSERT INTO pg_catalog.pg_dist_node (nodeid, groupid, nodename, nodeport, '
        'noderack, hasmetadata, metadatasynced, isactive, noderole, nodecluster, '
        'shouldhaveshards, nodeisclone, nodeprimarynodeid) VALUES '
        '(%s, %s, %L, %s, %L, %L, %L, %L, %L, %L, %L, %L, %s)',
        node.nodeid, node.groupid, node.nodename, node.nodeport, node.noderack,
        node.hasmetadata, node.metadatasynced, node.isactive, node.noderole, node.nodecluster,
        node.shouldhaveshards, COALESCE(r->>'nodeisclone', 'false'),
        COALESCE(r->>'nodeprimarynodeid', '0'));
END $$;

CREATE FUNCTION citus_internal.push_node(id int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    node pg_catalog.pg_dist_node;
BEGIN
    SELECT * INTO STRICT node FROM pg_catalog.pg_dist_node WHERE nodeid = id;
    PERFORM citus_internal.to_metadata_workers(
        format('DELETE FROM pg_catalog.pg_dist_node WHERE nodeid = %s; ', id)
        || citus_internal.insert_node_sql(node));
END $$;

-- The part that citus_add_node, citus_add_inactive_node and citus_set_coordinator_host share.
-- A known name is answered without a lock and without a look at the node.
CREATE FUNCTION citus_internal.add_node_row(name text, port int, in_group int, role noderole,
    cluster name, OUT id int, OUT is_new bool)
LANGUAGE plpgsql AS $$
DECLARE
    is_coordinator bool := in_group = 0;
BEGIN
    is_new := false;
    PERFORM citus_internal.ensure_coordinator();
    SELECT nodeid INTO id FROM pg_catalog.pg_dist_node WHERE nodename = name AND nodeport = port;
    IF FOUND THEN
        RETURN;
    END IF;
    LOCK TABLE pg_catalog.pg_dist_node IN EXCLUSIVE MODE;
    SELECT nodeid INTO id FROM pg_catalog.pg_dist_node WHERE nodename = name AND nodeport = port;
    IF FOUND THEN
        RETURN;
    END IF;
    IF NOT is_coordinator AND name <> 'localhost' AND EXISTS (
        SELECT FROM pg_catalog.pg_dist_node
        WHERE groupid = 0 AND noderole = 'primary' AND nodename = 'localhost') THEN
        RAISE EXCEPTION 'cannot add a worker node when the coordinator hostname is set to localhost'
            USING ERRCODE = 'XX000',
            DETAIL = 'Worker nodes need to be able to connect to the coordinator to transfer data.',
            HINT = 'Use SELECT citus_set_coordinator_host(''<hostname>'') to configure the '
                'coordinator hostname';
    END IF;
    IF in_group = -1 THEN
        in_group := nextval('pg_catalog.pg_dist_groupid_seq');
    END IF;
    IF role = 'primary' AND EXISTS (SELECT FROM pg_catalog.pg_dist_node
            WHERE groupid = in_group AND noderole = 'primary') THEN
        RAISE EXCEPTION 'group % already has a primary node', in_group USING ERRCODE = 'XX000';
    END IF;
    IF role = 'primary' AND cluster <> 'default' THEN
        RAISE EXCEPTION 'primaries must be added to the default cluster' USING ERRCODE = 'XX000';
    END IF;
    is_new := true;
    id := nextval('pg_catalog.pg_dist_node_nodeid_seq');
    INSERT INTO pg_catalog.pg_dist_node (nodeid, groupid, nodename, nodeport, hasmetadata,
        metadatasynced, isactive, noderole, nodecluster, shouldhaveshards)
    VALUES (id, in_group, name, port, is_coordinator, is_coordinator, is_coordinator, role, cluster,
        NOT is_coordinator);
END $$;

-- The statements that make, or bring into line, one role as it is here.
CREATE FUNCTION citus_internal.role_sql(role text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    a record;
    options text;
BEGIN
    SELECT * INTO STRICT a FROM pg_catalog.pg_authid WHERE rolname = role;
    options := concat_ws(' ',
        CASE WHEN a.rolsuper THEN 'SUPERUSER' ELSE 'NOSUPERUSER' END,
        CASE WHEN a.rolcreatedb THEN 'CREATEDB' ELSE 'NOCREATEDB' END,
        CASE WHEN a.rolcreaterole THEN 'CREATEROLE' ELSE 'NOCREATEROLE' END,
        CASE WHEN a.rolinherit THEN 'INHERIT' ELSE 'NOINHERIT' END,
        CASE WHEN a.rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END,
        CASE WHEN a.rolreplication THEN 'REPLICATION' ELSE 'NOREPLICATION' END,
        CASE WHEN a.rolbypassrls THEN 'BYPASSRLS' ELSE 'NOBYPASSRLS' END,
        'CONNECTION LIMIT ' || a.rolconnlimit,
        'PASSWORD ' || COALESCE(quote_literal(a.rolpassword), 'NULL'),
        'VALID UNTIL ' || quote_literal(COALESCE(a.rolvaliduntil, 'infinity')));
    RETURN format('SELECT pg_catalog.worker_create_or_alter_role(%L, %L, %L)', role,
        format('CREATE ROLE %I %s', role, options), format('ALTER ROLE %I %s', role, options));
END $$;
REVOKE ALL ON FUNCTION citus_internal.role_sql(text) FROM PUBLIC;

CREATE FUNCTION pg_catalog.worker_create_or_alter_role(role_name text,
    create_role_utility_query text, alter_role_utility_query text) RETURNS bool
LANGUAGE plpgsql SET citus.enable_ddl_propagation = off AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role_name) THEN
        EXECUTE alter_role_utility_query;
    ELSE
        EXECUTE create_role_utility_query;
    END IF;
    RETURN true;
END $$;

-- Roles that go to every member: the owners of the database, the extension and the distributed
-- tables, and those that were made in this database with the extension in place.
CREATE FUNCTION citus_internal.record_roles() RETURNS void LANGUAGE sql AS $$
    INSERT INTO pg_catalog.pg_dist_object (classid, objid, objsubid)
    SELECT 'pg_catalog.pg_authid'::regclass, owner, 0 FROM (
        SELECT datdba AS owner FROM pg_catalog.pg_database WHERE datname = current_database()
        UNION SELECT extowner FROM pg_catalog.pg_extension WHERE extname = 'citus'
        UNION SELECT relowner FROM pg_catalog.pg_dist_partition
            JOIN pg_catalog.pg_class c ON c.oid = logicalrelid) AS owners
    ON CONFLICT DO NOTHING;
    INSERT INTO pg_catalog.pg_dist_object (classid, objid, objsubid)
    SELECT 'pg_catalog.pg_database'::regclass, oid, 0 FROM pg_catalog.pg_database
    WHERE datname = current_database()
    ON CONFLICT DO NOTHING
$$;

-- Forgets the cluster this node belonged to. The tables that stand for the distributed ones go,
-- the shards stay, as plain tables that nobody knows any more.
CREATE FUNCTION citus_internal.wipe_metadata() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    shells jsonb := (
        SELECT jsonb_agg(jsonb_build_object('name', logicalrelid::text, 'kind', relkind, 'shard',
            (SELECT min(pg_catalog.shard_name(logicalrelid, shardid))
             FROM pg_catalog.pg_dist_shard s WHERE s.logicalrelid = p.logicalrelid)))
        FROM pg_catalog.pg_dist_partition p JOIN pg_catalog.pg_class c ON c.oid = logicalrelid);
    shell record;
    shard record;
BEGIN
    FOR shard IN
        SELECT i.inhparent::regclass AS parent, c.oid::regclass AS name
        FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
        WHERE c.relkind = 'r'
            AND i.inhparent IN (SELECT logicalrelid FROM pg_catalog.pg_dist_partition)
    LOOP
        EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', shard.parent, shard.name);
    END LOOP;
    DELETE FROM pg_catalog.pg_dist_placement;
    DELETE FROM pg_catalog.pg_dist_shard;
    DELETE FROM pg_catalog.pg_dist_partition;
    DELETE FROM pg_catalog.pg_dist_colocation;
    DELETE FROM pg_catalog.pg_dist_object;
    DELETE FROM pg_catalog.pg_dist_node;
    UPDATE pg_catalog.pg_dist_local_group SET groupid = 0;
    FOR shell IN
        SELECT * FROM jsonb_to_recordset(COALESCE(shells, '[]'))
            AS s(name text, kind text, shard text)
    LOOP
        IF (SELECT relkind = 'v' FROM pg_catalog.pg_class WHERE oid = to_regclass(shell.shard)) THEN
            -- A reference table of a coordinator: its data become an orphaned shard as well.
            EXECUTE format('DROP VIEW %s CASCADE', shell.shard);
            PERFORM citus_internal.drop_push_triggers(shell.name);
            EXECUTE format('ALTER TABLE %s RENAME TO %I', shell.name,
                (parse_ident(shell.shard))[cardinality(parse_ident(shell.shard))]);
        ELSE
            EXECUTE format('DROP %s %s CASCADE',
                CASE shell.kind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, shell.name);
        END IF;
    END LOOP;
END $$;

-- All that a member must know, sent in one transaction: who it is, the nodes, the roles, the
-- owner of the database, the distributed tables.
CREATE FUNCTION citus_internal.send_metadata(node pg_catalog.pg_dist_node) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    commands text[];
BEGIN
    PERFORM citus_internal.record_roles();
    commands := ARRAY[
        'SELECT citus_internal.wipe_metadata()',
        format('UPDATE pg_catalog.pg_dist_local_group SET groupid = %s', node.groupid)];
    commands := commands || ARRAY(
        SELECT citus_internal.insert_node_sql(n) FROM pg_catalog.pg_dist_node n ORDER BY nodeid);
    commands := commands || ARRAY(
        SELECT citus_internal.role_sql(rolname) FROM pg_catalog.pg_dist_object
        JOIN pg_catalog.pg_roles r ON r.oid = objid
        WHERE classid = 'pg_catalog.pg_authid'::regclass ORDER BY rolname);
    commands := commands || format('ALTER DATABASE %I OWNER TO %I', current_database(),
        (SELECT pg_get_userbyid(datdba) FROM pg_catalog.pg_database
         WHERE datname = current_database()));
    commands := commands || ARRAY(
        SELECT format('SELECT citus_internal.apply_table(%L)',
            citus_internal.table_spec(logicalrelid))
        FROM pg_catalog.pg_dist_partition ORDER BY colocationid, logicalrelid::text);
    commands := commands || 'SELECT citus_internal.record_roles()'::text;
    PERFORM citus_internal.remote_exec(node.nodename, node.nodeport,
        array_to_string(commands, '; '));
END $$;

CREATE FUNCTION citus_internal.activate(id int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    node pg_catalog.pg_dist_node;
    was_active bool;
BEGIN
    PERFORM citus_internal.ensure_superuser();
    LOCK TABLE pg_catalog.pg_dist_node IN EXCLUSIVE MODE;
    SELECT * INTO STRICT node FROM pg_catalog.pg_dist_node WHERE nodeid = id;
    was_active := node.isactive;
    UPDATE pg_catalog.pg_dist_node SET isactive = true, metadatasynced = true, hasmetadata = true
    WHERE nodeid = id RETURNING * INTO node;
    IF NOT was_active THEN
        PERFORM citus_internal.forget_copies(node.groupid);
    END IF;
    IF node.groupid <> 0 AND node.noderole = 'primary'
        AND current_setting('citus.enable_metadata_sync')::bool THEN
        PERFORM citus_internal.send_metadata(node);
    END IF;
    PERFORM citus_internal.push_node(id);
END $$;

CREATE FUNCTION pg_catalog.citus_add_node(nodename text, nodeport int, groupid int DEFAULT -1,
    noderole noderole DEFAULT 'primary', nodecluster name DEFAULT 'default') RETURNS int
LANGUAGE plpgsql STRICT AS $$
DECLARE
    added record;
    theirs text;
BEGIN
    PERFORM citus_internal.check_version();
    PERFORM citus_internal.ensure_superuser();
    added := citus_internal.add_node_row($1, $2, $3, $4, $5);
    IF NOT added.is_new THEN
        RETURN added.id;
    END IF;
    IF $3 <> 0 AND $4 <> 'secondary' THEN
        theirs := citus_internal.remote_ask($1, $2,
            'SELECT metadata->>''server_id'' FROM pg_catalog.pg_dist_node_metadata');
        IF theirs = (SELECT metadata->>'server_id' FROM pg_catalog.pg_dist_node_metadata) THEN
            RAISE EXCEPTION 'Node cannot add itself as a worker.' USING ERRCODE = 'XX000',
                HINT = format('Add the node as a coordinator by using: SELECT '
                    'citus_set_coordinator_host(''%s'', %s);', $1, $2);
        END IF;
    END IF;
    UPDATE pg_catalog.pg_dist_node SET isactive = true WHERE nodeid = added.id;
    PERFORM citus_internal.activate(added.id);
    RETURN added.id;
END $$;

CREATE FUNCTION pg_catalog.citus_add_inactive_node(nodename text, nodeport int,
    groupid int DEFAULT -1, noderole noderole DEFAULT 'primary',
    nodecluster name DEFAULT 'default') RETURNS int
LANGUAGE plpgsql STRICT AS $$
DECLARE
    added record;
BEGIN
    PERFORM citus_internal.check_version();
    IF $3 = 0 THEN
        RAISE EXCEPTION 'coordinator node cannot be added as inactive node'
            USING ERRCODE = 'XX000';
    END IF;
    added := citus_internal.add_node_row($1, $2, $3, $4, $5);
    IF added.is_new THEN
        PERFORM citus_internal.push_node(added.id);
    END IF;
    RETURN added.id;
END $$;

CREATE FUNCTION pg_catalog.citus_add_secondary_node(nodename text, nodeport int,
    primaryname text, primaryport int, nodecluster name DEFAULT 'default') RETURNS int
LANGUAGE plpgsql STRICT AS $$
DECLARE
    added record;
    in_group int;
BEGIN
    PERFORM citus_internal.check_version();
    SELECT n.groupid INTO in_group FROM pg_catalog.pg_dist_node n
    WHERE n.nodename = primaryname AND n.nodeport = primaryport;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'node at "%:%" does not exist', primaryname, primaryport
            USING ERRCODE = 'XX000';
    END IF;
    added := citus_internal.add_node_row($1, $2, in_group, 'secondary', $5);
    IF added.is_new THEN
        UPDATE pg_catalog.pg_dist_node SET isactive = true WHERE nodeid = added.id;
        PERFORM citus_internal.push_node(added.id);
    END IF;
    RETURN added.id;
END $$;

CREATE FUNCTION pg_catalog.citus_set_coordinator_host(host text,
    port int DEFAULT current_setting('port')::int, node_role noderole DEFAULT 'primary',
    node_cluster name DEFAULT 'default') RETURNS void
LANGUAGE plpgsql STRICT AS $$
DECLARE
    id int;
BEGIN
    PERFORM citus_internal.check_version();
    LOCK TABLE pg_catalog.pg_dist_node IN ROW EXCLUSIVE MODE;
    SELECT nodeid INTO id FROM pg_catalog.pg_dist_node WHERE groupid = 0 AND noderole = 'primary';
    IF FOUND THEN
        -- No check that this is the coordinator: a worker renames it too, and waits for itself.
        UPDATE pg_catalog.pg_dist_node SET nodename = host, nodeport = port WHERE nodeid = id;
    ELSE
        SELECT n.id INTO id FROM citus_internal.add_node_row(host, port, 0, node_role,
            node_cluster) AS n;
    END IF;
    PERFORM citus_internal.push_node(id);
END $$;

CREATE FUNCTION pg_catalog.citus_activate_node(nodename text, nodeport int) RETURNS int
LANGUAGE plpgsql STRICT AS $$
DECLARE
    id int := (citus_internal.modifiable_node($1, $2)).nodeid;
BEGIN
    PERFORM citus_internal.activate(id);
    RETURN id;
END $$;

-- Refuses when a shard has its only copy there.
CREATE FUNCTION citus_internal.ensure_removable(node pg_catalog.pg_dist_node) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    lost record;
BEGIN
    SELECT s.shardid, format('%I.%I', c.relnamespace::regnamespace::text, c.relname) AS name
    INTO lost
    FROM pg_catalog.pg_dist_placement p
    JOIN pg_catalog.pg_dist_shard s USING (shardid)
    JOIN pg_catalog.pg_class c ON c.oid = s.logicalrelid
    WHERE p.groupid = node.groupid AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_dist_placement other
        JOIN pg_catalog.pg_dist_node n ON n.groupid = other.groupid AND n.isactive
        WHERE other.shardid = p.shardid AND other.groupid <> p.groupid)
    ORDER BY s.shardid LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'cannot remove or disable the node %:% because because it contains the '
            'only shard placement for shard %', node.nodename, node.nodeport, lost.shardid
            USING ERRCODE = 'XX000',
            DETAIL = 'One of the table(s) that prevents the operation complete successfully is '
                || lost.name,
            HINT = 'To proceed, either drop the tables or use undistribute_table() function to '
                'convert them to local tables';
    END IF;
END $$;

-- Deletes the placements of tables that have other copies, here and on the members.
CREATE FUNCTION citus_internal.forget_copies(of_group int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    ids text := (
        SELECT string_agg(p.placementid::text, ',') FROM pg_catalog.pg_dist_placement p
        JOIN pg_catalog.pg_dist_shard s USING (shardid)
        JOIN pg_catalog.pg_dist_partition t USING (logicalrelid)
        WHERE p.groupid = of_group AND t.repmodel = 't');
    command text := format('DELETE FROM pg_catalog.pg_dist_placement WHERE placementid IN (%s)',
        ids);
BEGIN
    IF ids IS NOT NULL THEN
        EXECUTE command;
        PERFORM citus_internal.to_metadata_workers(command);
    END IF;
END $$;

CREATE FUNCTION pg_catalog.citus_remove_node(nodename text, nodeport int) RETURNS void
LANGUAGE plpgsql STRICT AS $$
DECLARE
    node pg_catalog.pg_dist_node := citus_internal.modifiable_node($1, $2);
BEGIN
    IF node.noderole = 'primary' THEN
        PERFORM citus_internal.ensure_removable(node);
        PERFORM citus_internal.forget_copies(node.groupid);
        DELETE FROM pg_catalog.pg_dist_transaction WHERE groupid = node.groupid;
    END IF;
    -- The node itself is told nothing: it goes on with the metadata it has.
    DELETE FROM pg_catalog.pg_dist_node WHERE nodeid = node.nodeid;
    PERFORM citus_internal.to_metadata_workers(
        format('DELETE FROM pg_catalog.pg_dist_node WHERE nodeid = %s', node.nodeid));
END $$;

CREATE FUNCTION citus_internal.mark_all_unsynced() RETURNS void LANGUAGE sql AS $$
    UPDATE pg_catalog.pg_dist_node SET metadatasynced = false
    WHERE hasmetadata AND groupid <> 0 AND noderole = 'primary'
$$;

CREATE FUNCTION pg_catalog.citus_disable_node(nodename text, nodeport int,
    synchronous bool DEFAULT false) RETURNS void
LANGUAGE plpgsql STRICT AS $$
DECLARE
    node pg_catalog.pg_dist_node := citus_internal.modifiable_node($1, $2);
    first_id int := (
        SELECT n.nodeid FROM pg_catalog.pg_dist_node n
        WHERE n.noderole = 'primary' AND n.isactive AND n.groupid <> 0
        ORDER BY n.nodename, n.nodeport LIMIT 1);
BEGIN
    IF node.groupid = 0 THEN
        RAISE EXCEPTION 'cannot change "isactive" field of the coordinator node'
            USING ERRCODE = 'XX000';
    END IF;
    IF first_id = node.nodeid AND NOT synchronous THEN
        RAISE EXCEPTION 'disabling the first worker node in the metadata is not allowed'
            USING ERRCODE = '55000',
            DETAIL = 'Citus uses the first worker node in the metadata for certain internal '
                'operations when replicated tables are modified. Synchronous mode ensures that '
                'all nodes have the same view of the first worker node, which is used for certain '
                'locking operations.',
            HINT = format('You can force disabling node, SELECT citus_disable_node(''%s'', %s, '
                'synchronous:=true);', $1, $2);
    END IF;
    UPDATE pg_catalog.pg_dist_node SET isactive = false WHERE nodeid = node.nodeid;
    IF node.noderole = 'primary' THEN
        PERFORM citus_internal.ensure_removable(node);
    END IF;
    IF synchronous THEN
        PERFORM citus_internal.sync_nodes(true);
    ELSE
        PERFORM citus_internal.mark_all_unsynced();
    END IF;
END $$;

-- Gives the members the rows of pg_dist_node as they are here; all of them, or those that are
-- known to lag behind, of which one that cannot be reached is left for the next time.
CREATE FUNCTION citus_internal.sync_nodes(all_or_nothing bool) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    node record;
    rows text := (SELECT string_agg('; ' || citus_internal.insert_node_sql(n), '' ORDER BY nodeid)
        FROM pg_catalog.pg_dist_node n);
BEGIN
    FOR node IN
        SELECT * FROM pg_catalog.pg_dist_node
        WHERE hasmetadata AND isactive AND groupid <> 0 AND noderole = 'primary'
            AND (all_or_nothing OR NOT metadatasynced)
        ORDER BY nodename, nodeport
    LOOP
        BEGIN
            PERFORM citus_internal.remote_exec(node.nodename, node.nodeport,
                'DELETE FROM pg_catalog.pg_dist_node' || rows
                || format('; UPDATE pg_catalog.pg_dist_node SET metadatasynced = true '
                    'WHERE nodeid = %s', node.nodeid));
            UPDATE pg_catalog.pg_dist_node SET metadatasynced = true WHERE nodeid = node.nodeid;
        EXCEPTION WHEN OTHERS THEN
            IF all_or_nothing THEN
                RAISE;
            END IF;
            RAISE WARNING '%', SQLERRM;
        END;
    END LOOP;
END $$;

CREATE FUNCTION pg_catalog.citus_set_node_property(nodename text, nodeport int, property text,
    value bool) RETURNS void
LANGUAGE plpgsql STRICT AS $$
DECLARE
    id int := (citus_internal.modifiable_node($1, $2)).nodeid;
BEGIN
    IF property <> 'shouldhaveshards' THEN
        RAISE EXCEPTION 'only the ''shouldhaveshards'' property can be set using this function'
            USING ERRCODE = 'XX000';
    END IF;
    UPDATE pg_catalog.pg_dist_node SET shouldhaveshards = value WHERE nodeid = id;
    PERFORM citus_internal.to_metadata_workers(format(
        'UPDATE pg_catalog.pg_dist_node SET shouldhaveshards = %L WHERE nodeid = %s', value, id));
END $$;

CREATE FUNCTION pg_catalog.citus_update_node(node_id int, new_node_name text, new_node_port int,
    force bool DEFAULT false, lock_cooldown int DEFAULT 10000) RETURNS void
LANGUAGE plpgsql STRICT AS $$
DECLARE
    same int := (SELECT nodeid FROM pg_catalog.pg_dist_node
        WHERE nodename = new_node_name AND nodeport = new_node_port);
BEGIN
    PERFORM citus_internal.check_version();
    IF same = node_id THEN
        RETURN;
    ELSIF same IS NOT NULL THEN
        RAISE EXCEPTION 'there is already another node with the specified hostname and port'
            USING ERRCODE = '55000';
    ELSIF NOT EXISTS (SELECT FROM pg_catalog.pg_dist_node WHERE nodeid = node_id) THEN
        RAISE EXCEPTION 'node % not found', node_id USING ERRCODE = 'P0002';
    END IF;
    LOCK TABLE pg_catalog.pg_dist_node IN EXCLUSIVE MODE;
    UPDATE pg_catalog.pg_dist_node SET nodename = new_node_name, nodeport = new_node_port
    WHERE nodeid = node_id;
    PERFORM citus_internal.mark_all_unsynced();
END $$;

CREATE FUNCTION pg_catalog.start_metadata_sync_to_node(nodename text, nodeport int) RETURNS void
LANGUAGE plpgsql STRICT AS $$
BEGIN
    PERFORM citus_internal.activate((citus_internal.modifiable_node($1, $2)).nodeid);
END $$;

CREATE FUNCTION pg_catalog.start_metadata_sync_to_all_nodes() RETURNS bool
LANGUAGE plpgsql STRICT AS $$
BEGIN
    PERFORM citus_internal.ensure_coordinator();
    PERFORM citus_internal.activate(nodeid) FROM pg_catalog.pg_dist_node
    WHERE isactive AND groupid <> 0 AND noderole = 'primary';
    RETURN true;
END $$;

CREATE FUNCTION pg_catalog.stop_metadata_sync_to_node(nodename text, nodeport int,
    clear_metadata bool DEFAULT true) RETURNS void
LANGUAGE plpgsql STRICT AS $$
DECLARE
    node pg_catalog.pg_dist_node;
    cleared record;
BEGIN
    PERFORM citus_internal.ensure_coordinator();
    PERFORM citus_internal.ensure_superuser();
    LOCK TABLE pg_catalog.pg_dist_node IN EXCLUSIVE MODE;
    SELECT * INTO node FROM pg_catalog.pg_dist_node n WHERE n.nodename = $1 AND n.nodeport = $2;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'node (%,%) does not exist', $1, $2 USING ERRCODE = '55000';
    END IF;
    IF node.groupid = 0 THEN
        RAISE NOTICE 'node (%,%) is the coordinator and should have metadata, skipping stopping '
            'the metadata sync', $1, $2;
        RETURN;
    END IF;
    IF clear_metadata THEN
        RAISE NOTICE 'dropping metadata on the node (%,%)', $1, $2;
        -- A node that is down keeps what it has.
        cleared := citus_internal.remote_try($1, $2, 'SELECT citus_internal.wipe_metadata()');
    END IF;
    UPDATE pg_catalog.pg_dist_node SET hasmetadata = false, metadatasynced = false
    WHERE nodeid = node.nodeid;
    PERFORM citus_internal.to_metadata_workers(format('UPDATE pg_catalog.pg_dist_node '
        'SET hasmetadata = false, metadatasynced = false WHERE nodeid = %s', node.nodeid));
END $$;

CREATE FUNCTION pg_catalog.citus_is_coordinator() RETURNS bool LANGUAGE sql STRICT AS $$
    SELECT citus_internal.local_group() = 0 AND EXISTS (
        SELECT FROM pg_catalog.pg_dist_node WHERE isactive AND noderole = 'primary')
$$;

CREATE FUNCTION pg_catalog.citus_coordinator_nodeid() RETURNS int LANGUAGE sql STABLE STRICT AS $$
    SELECT COALESCE((SELECT nodeid FROM pg_catalog.pg_dist_node
        WHERE groupid = 0 AND noderole = 'primary'), 0)
$$;

CREATE FUNCTION pg_catalog.citus_nodename_for_nodeid(nodeid int) RETURNS text
LANGUAGE sql STABLE STRICT AS
    $$ SELECT n.nodename FROM pg_catalog.pg_dist_node n WHERE n.nodeid = $1 $$;

CREATE FUNCTION pg_catalog.citus_nodeport_for_nodeid(nodeid int) RETURNS int
LANGUAGE sql STABLE STRICT AS
    $$ SELECT n.nodeport FROM pg_catalog.pg_dist_node n WHERE n.nodeid = $1 $$;

CREATE FUNCTION pg_catalog.citus_get_active_worker_nodes(OUT node_name text,
    OUT node_port bigint) RETURNS SETOF record
LANGUAGE sql STRICT AS $$
    SELECT nodename, nodeport::bigint FROM pg_catalog.pg_dist_node
    WHERE isactive AND noderole = 'primary' AND groupid <> 0 ORDER BY nodename, nodeport
$$;

CREATE FUNCTION pg_catalog.master_get_active_worker_nodes(OUT node_name text,
    OUT node_port bigint) RETURNS SETOF record
LANGUAGE sql STRICT AS $$ SELECT * FROM pg_catalog.citus_get_active_worker_nodes() $$;

CREATE FUNCTION citus_internal.create_role(role text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO pg_catalog.pg_dist_object (classid, objid, objsubid)
    SELECT 'pg_catalog.pg_authid'::regclass, oid, 0 FROM pg_catalog.pg_roles WHERE rolname = role;
    PERFORM citus_internal.to_other_nodes(citus_internal.role_sql(role));
END $$;

CREATE FUNCTION citus_internal.alter_role(role text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_dist_object
            WHERE classid = 'pg_catalog.pg_authid'::regclass
                AND objid = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = role)) THEN
        PERFORM citus_internal.to_other_nodes(citus_internal.role_sql(role));
    END IF;
END $$;

CREATE FUNCTION citus_internal.drop_role(role text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    DELETE FROM pg_catalog.pg_dist_object WHERE classid = 'pg_catalog.pg_authid'::regclass
        AND objid = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = role);
    IF FOUND THEN
        EXECUTE (SELECT COALESCE(string_agg(format('DROP USER MAPPING FOR %I SERVER %I', role,
            srvname), '; '), 'SELECT') FROM pg_catalog.pg_user_mappings WHERE usename = role);
        PERFORM citus_internal.to_other_nodes(format('SET LOCAL citus.enable_ddl_propagation = '
            'off; SELECT citus_internal.drop_role(%L); DROP ROLE IF EXISTS %I', role, role));
    END IF;
END $$;

-- Every active node but this one.
CREATE FUNCTION citus_internal.to_other_nodes(command text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    node record;
BEGIN
    FOR node IN
        SELECT * FROM pg_catalog.pg_dist_node
        WHERE isactive AND noderole = 'primary' AND groupid <> citus_internal.local_group()
        ORDER BY nodename, nodeport
    LOOP
        PERFORM citus_internal.remote_exec_direct(node.nodename, node.nodeport, command);
    END LOOP;
END $$;

-- Prepared transactions of this node on the others: committed if a row here says so, rolled back
-- if not, and left alone while the session that made them still works.
CREATE FUNCTION pg_catalog.recover_prepared_transactions() RETURNS int
LANGUAGE plpgsql STRICT AS $$
DECLARE
    node record;
    listed record;
    ended record;
    name text;
    recovered int := 0;
BEGIN
    PERFORM citus_internal.check_version();
    FOR node IN
        SELECT * FROM pg_catalog.pg_dist_node
        WHERE isactive AND noderole = 'primary' AND groupid <> citus_internal.local_group()
        ORDER BY nodename, nodeport
    LOOP
        listed := citus_internal.remote_try(node.nodename, node.nodeport, format(
            'SELECT string_agg(gid, '' '') FROM pg_catalog.pg_prepared_xacts '
            'WHERE database = current_database() AND gid ~ ''^citus_%s_''',
            citus_internal.local_group()));
        IF NOT listed.success THEN
            RAISE WARNING 'could not recover transactions on %:%: %', node.nodename,
                node.nodeport, listed.result;
            CONTINUE;
        END IF;
        FOREACH name IN ARRAY COALESCE(string_to_array(NULLIF(listed.result, ''), ' '), '{}') LOOP
            CONTINUE WHEN citus_internal.is_in_progress(name);
            ended := citus_internal.remote_try(node.nodename, node.nodeport,
                CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_dist_transaction t
                    WHERE t.groupid = node.groupid AND t.gid = name)
                THEN 'COMMIT' ELSE 'ROLLBACK' END || format(' PREPARED %L', name));
            recovered := recovered + ended.success::int;
        END LOOP;
        DELETE FROM pg_catalog.pg_dist_transaction t
        WHERE t.groupid = node.groupid AND NOT citus_internal.is_in_progress(t.gid);
    END LOOP;
    RETURN recovered;
END $$;

CREATE FUNCTION citus_internal.is_in_progress(gid text) RETURNS bool LANGUAGE sql AS $$
    SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity
        WHERE pid = split_part(gid, '_', 3)::int AND xact_start IS NOT NULL
            AND pid <> pg_backend_pid())
$$;

-- What the daemon does besides asking its peers.
CREATE FUNCTION citus_internal.maintain() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF pg_catalog.pg_is_in_recovery() THEN
        RETURN;
    END IF;
    IF citus_internal.local_group() = 0 AND EXISTS (SELECT FROM pg_catalog.pg_dist_node
            WHERE hasmetadata AND isactive AND NOT metadatasynced AND noderole = 'primary') THEN
        LOCK TABLE pg_catalog.pg_dist_node IN EXCLUSIVE MODE;
        PERFORM citus_internal.sync_nodes(false);
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_foreign_server WHERE srvname LIKE 'citus\_group\_%') THEN
        PERFORM citus_internal.refresh_servers();
    END IF;
END $$;

DO $do$
DECLARE
    f regprocedure;
BEGIN
    FOR f IN
        SELECT oid FROM pg_proc WHERE (pronamespace = 'pg_catalog'::regnamespace AND proname IN (
            'citus_add_node', 'citus_add_inactive_node', 'citus_add_secondary_node',
            'citus_activate_node', 'citus_disable_node', 'citus_remove_node',
            'citus_set_coordinator_host', 'citus_set_node_property', 'citus_update_node',
            'start_metadata_sync_to_node', 'start_metadata_sync_to_all_nodes',
            'stop_metadata_sync_to_node', 'recover_prepared_transactions'))
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    END LOOP;
END
$do$;
